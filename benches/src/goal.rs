//! The goals of tokenfleet relative to the best official client.

use crate::{Contest, Measure, Median, Platform, Table};

/// A goal, and the value that was measured.
#[derive(Debug)]
pub struct Goal {
    what: &'static str,
    platform: Platform,
    times: f64,
    reached: Median,
}

/// Returns the goals at a platform, measured in the contests of a long list on large pages and of a
/// list of small, slow pages.
#[must_use]
pub fn goals(platform: Platform, long: &Contest, slow: &Contest) -> [Goal; 4] {
    let goal = |what, times, contest: &Contest, measure| Goal {
        what,
        platform,
        times,
        reached: contest.best_official(measure),
    };
    [
        goal(
            "processor time of a long list",
            10.0,
            long,
            Measure::Processor,
        ),
        goal(
            "the same beyond the start",
            10.0,
            long,
            Measure::BeyondStart,
        ),
        goal("peak memory of a long list", 5.0, long, Measure::PeakMemory),
        goal("wall time of slow responses", 8.0, slow, Measure::Wall),
    ]
}

impl Goal {
    /// Returns the goals as a table.
    #[must_use]
    pub fn table(goals: &[Self]) -> Table {
        let mut table = Table::new([
            "times less than the best official client",
            "platform",
            "goal",
            "in this run",
            "met",
        ]);
        for goal in goals {
            table.add([
                goal.what.to_owned(),
                goal.platform.name().to_owned(),
                goal.times.to_string(),
                goal.reached.to_string(),
                if goal.reached.middle >= goal.times {
                    "yes"
                } else {
                    "no"
                }
                .to_owned(),
            ]);
        }
        table
    }
}
