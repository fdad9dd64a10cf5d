//! Kills of the real program while it rotates a token: no secret is lost, no token is left behind,
//! nobody else's is touched, and whoever uses the secret in the file is never refused.
//!
//! `TOKENFLEET_KILLS` sets the number of kills a platform, and `TOKENFLEET_WAITS_DIVIDED_BY` how
//! much shorter than in production the waits are. With 1, and for a program without the feature
//! `scaled-waits`, they are those of production, and so many accounts are worked on at a time as
//! there are to be kills.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../support/consumer.rs"]
mod consumer;
mod moment;
#[path = "../support/random.rs"]
mod random;
#[path = "../support/scaled_waits.rs"]
mod scaled_waits;
#[path = "../support/mod.rs"]
mod support;
mod trial;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use consumer::Seen;
use rustix::process::Signal;
use trial::{Trial, Tried};

/// The number of accounts of one platform that are worked on at a time: most of the time, they wait
/// for claims to run out.
const TRIALS: u64 = 4;

const PROVIDERS: [&str; 4] = ["losant", "foreman", "cloudsmith", "mindbody"];

/// Returns the number of kills a platform.
fn kills() -> u64 {
    let number = std::env::var("TOKENFLEET_KILLS").ok();
    number.map_or(10, |number| number.parse().unwrap())
}

/// The experience with one platform.
#[derive(Debug, Default)]
struct Experience {
    tried: Tried,
    uses: u64,
    gaps: Vec<Duration>,
}

impl Experience {
    fn add(&mut self, tried: Tried, seen: Seen) {
        self.tried.rotations += tried.rotations;
        self.tried.kills += tried.kills;
        self.tried.stops += tried.stops;
        self.tried.late += tried.late;
        self.tried.longest = self.tried.longest.max(tried.longest);
        self.uses += seen.uses;
        self.gaps.extend(seen.gaps);
    }

    /// Says what was tried, for whoever runs the long form.
    #[allow(clippy::print_stdout)]
    fn report(mut self, provider: &str) {
        let tried = self.tried;
        println!(
            "{provider}: {} kills and {} stops in {} rotations; 0 lost, 0 left behind, 0 foreign \
             touched, {} late and reported; {} refusals of {} uses; waits divided by {}, the \
             longest rotation took {:.1?}",
            tried.kills,
            tried.stops,
            tried.rotations,
            tried.late,
            self.gaps.len(),
            self.uses,
            trial::divisor(),
            tried.longest,
        );
        self.gaps.sort_unstable();
        if let Some(longest) = self.gaps.last() {
            let at = |percent: usize| self.gaps[(self.gaps.len() * percent).div_ceil(100) - 1];
            println!(
                "{provider}: gaps of the consumer: p50 {:?}, p99 {:?}, longest {longest:?}",
                at(50),
                at(99)
            );
        }
    }
}

/// Works in several accounts of a platform at a time.
fn in_trials(provider: &'static str, trials: u64, work: impl Fn(&mut Trial) + Sync) {
    let mut all = Experience::default();
    std::thread::scope(|scope| {
        let work = &work;
        let trials: Vec<_> = (0..trials)
            .map(|number| {
                scope.spawn(move || {
                    // Not all at once, so that they are not all at the same step.
                    std::thread::sleep(Duration::from_secs(2 * number) / trial::divisor());
                    let mut trial = Trial::new(provider, number);
                    work(&mut trial);
                    (trial.tried, trial.consumer.seen())
                })
            })
            .collect();
        for trial in trials {
            // A panic of a trial is one of the test.
            match trial.join() {
                Ok((tried, seen)) => all.add(tried, seen),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    all.report(provider);
}

/// Strikes the processes of a platform's rotations with these signals until that was done so often.
fn strike_on(provider: &'static str, signals: &[Signal], strikes: u64) {
    let done = AtomicU64::new(0);
    let trials = if trial::divisor() == 1 {
        strikes
    } else {
        TRIALS
    };
    in_trials(provider, trials, |trial| {
        while done.load(Ordering::SeqCst) < strikes {
            let struck = trial.rotate(signals);
            done.fetch_add(struck, Ordering::SeqCst);
        }
    });
}

fn kill_on(provider: &'static str) {
    strike_on(provider, &[Signal::KILL], kills());
}

#[test]
#[cfg_attr(
    not(feature = "scaled-waits"),
    ignore = "takes an hour; .ci/long runs it"
)]
fn killed_workers_lose_and_leave_nothing_on_losant() {
    kill_on("losant");
}

#[test]
#[cfg_attr(
    not(feature = "scaled-waits"),
    ignore = "takes an hour; .ci/long runs it"
)]
fn killed_workers_lose_and_leave_nothing_on_foreman() {
    kill_on("foreman");
}

/// In place, the old secret is dead before the new one is in the file: the gap is measured.
#[test]
#[cfg_attr(
    not(feature = "scaled-waits"),
    ignore = "takes an hour; .ci/long runs it"
)]
fn killed_workers_lose_and_leave_nothing_on_cloudsmith() {
    kill_on("cloudsmith");
}

/// The secrets left behind are counted in the ledger: nothing can list them.
#[test]
#[cfg_attr(
    not(feature = "scaled-waits"),
    ignore = "takes an hour; .ci/long runs it"
)]
fn killed_workers_lose_and_leave_nothing_uncounted_on_mindbody() {
    kill_on("mindbody");
}

/// Takes minutes: a process that is stopped while it holds the ledger keeps others out until the
/// time for which they wait for it is over.
#[test]
#[ignore = "takes minutes; .ci/long runs it"]
fn a_worker_that_was_stopped_for_longer_than_its_claim_changes_nothing_any_more() {
    for provider in PROVIDERS {
        let interleaved = AtomicU64::new(0);
        let enough = kills().div_ceil(10);
        in_trials(provider, TRIALS, |trial| {
            while interleaved.load(Ordering::SeqCst) < enough {
                let is_interleaved = trial.rotate_by_two();
                interleaved.fetch_add(u64::from(is_interleaved), Ordering::SeqCst);
            }
        });
    }
}

/// A worker that loses its claim between the last check of it and the request may leave what it
/// sends behind, and nothing else may; the next snapshot reports it.
#[test]
#[ignore = "takes minutes; .ci/long runs it"]
fn workers_that_are_stopped_and_killed_at_random_leave_nothing_that_is_not_reported() {
    for provider in PROVIDERS {
        strike_on(provider, &[Signal::STOP, Signal::KILL], kills().div_ceil(4));
    }
}
