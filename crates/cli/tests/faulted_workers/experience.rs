//! What fleets have gone through.

use std::time::Duration;

use crate::consumer::Seen;
use crate::divisor;

/// The experience of the fleets of one platform.
#[derive(Debug, Default)]
pub(crate) struct Experience {
    pub(crate) runs: u64,
    /// The seeds of the runs that failed.
    pub(crate) failed: Vec<u64>,
    pub(crate) rotations: u64,
    pub(crate) kills: u64,
    /// The number of times that a worker was stopped, and of those for longer than a claim.
    pub(crate) stops: u64,
    pub(crate) long_stops: u64,
    pub(crate) restarts: u64,
    pub(crate) cuts: u64,
    /// The number of workers, of those whose clock was wrong by an hour, and of those of another
    /// version.
    pub(crate) workers: u64,
    pub(crate) skewed: u64,
    pub(crate) others: u64,
    /// The number of workers that ended because the ledger was away when they started.
    pub(crate) locked_out: u64,
    /// The number of tokens that arrived after their rotation, and that a snapshot reports.
    pub(crate) late: u64,
    /// The number of secrets that the ledger counts where nothing can be listed.
    pub(crate) counted: u64,
    pub(crate) uses: u64,
    pub(crate) gaps: Vec<Duration>,
    /// The time that the longest run took.
    pub(crate) longest: Duration,
}

impl Experience {
    pub(crate) fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.failed.extend(other.failed);
        self.rotations += other.rotations;
        self.kills += other.kills;
        self.stops += other.stops;
        self.long_stops += other.long_stops;
        self.restarts += other.restarts;
        self.cuts += other.cuts;
        self.workers += other.workers;
        self.skewed += other.skewed;
        self.others += other.others;
        self.locked_out += other.locked_out;
        self.late += other.late;
        self.counted += other.counted;
        self.uses += other.uses;
        self.gaps.extend(other.gaps);
        self.longest = self.longest.max(other.longest);
    }

    pub(crate) fn add_seen(&mut self, seen: Seen) {
        self.uses += seen.uses;
        self.gaps.extend(seen.gaps);
    }

    /// Says what was tried, for whoever runs the long form.
    pub(crate) fn report(&mut self, provider: &str) {
        println!(
            "{provider}: {} runs, {} failed; {} rotations by {} workers, {} of them with another \
             clock and {} of another version; {} kills, {} stops ({} beyond a claim), {} restarts \
             and {} cuts of Postgres; {} late and reported, {} counted, none parked; {} refusals \
             of {} uses; waits divided by {}, the longest run took {:.1?}; {} workers found no ledger",
            self.runs,
            self.failed.len(),
            self.rotations,
            self.workers,
            self.skewed,
            self.others,
            self.kills,
            self.stops,
            self.long_stops,
            self.restarts,
            self.cuts,
            self.late,
            self.counted,
            self.gaps.len(),
            self.uses,
            divisor(),
            self.longest,
            self.locked_out,
        );
        self.gaps.sort_unstable();
        if let Some(longest) = self.gaps.last() {
            let at = |percent: usize| self.gaps[(self.gaps.len() * percent).div_ceil(100) - 1];
            println!(
                "{provider}: gaps of the consumer: p50 {:.1?}, p99 {:.1?}, longest {longest:.1?}",
                at(50),
                at(99)
            );
        }
    }
}
