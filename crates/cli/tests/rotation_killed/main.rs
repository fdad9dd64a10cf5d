//! Kills of the real program while it rotates a token: no secret is lost, no token is left behind,
//! nobody else's is touched, and whoever uses the secret in the file is never refused.
//!
//! `TOKENFLEET_KILLS` sets the number of kills a platform, and `TOKENFLEET_WAITS_DIVIDED_BY` how
//! much shorter than in production the waits are: with 1, they are those of production.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod consumer;
mod moment;
#[path = "../support/mod.rs"]
mod support;
mod trial;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use trial::Trial;

/// The number of accounts of one platform that are worked on at a time: most of the time, they wait
/// for claims to run out.
const TRIALS: u64 = 8;

/// The maximum number of kills of one rotation. Each costs an attempt at most, and there are five.
const MOST_KILLS: u64 = 3;

/// Returns the number of kills a platform.
fn kills() -> u64 {
    let number = std::env::var("TOKENFLEET_KILLS").ok();
    number.map_or(25, |number| number.parse().unwrap())
}

/// The experience with one platform.
#[derive(Debug, Default)]
struct Experience {
    rotations: u64,
    kills: u64,
    uses: u64,
    gaps: Vec<Duration>,
}

impl Experience {
    fn add(&mut self, other: Self) {
        self.rotations += other.rotations;
        self.kills += other.kills;
        self.uses += other.uses;
        self.gaps.extend(other.gaps);
    }

    /// Says what was tried, for whoever runs the long form.
    #[allow(clippy::print_stdout)]
    fn report(mut self, provider: &str) {
        println!(
            "{provider}: {} kills in {} rotations; 0 lost, 0 left behind, 0 foreign touched; \
             {} refusals of {} uses, waits divided by {}",
            self.kills,
            self.rotations,
            self.gaps.len(),
            self.uses,
            trial::divisor(),
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
fn in_trials(provider: &'static str, trials: u64, work: impl Fn(&mut Trial) -> (u64, u64) + Sync) {
    let mut all = Experience::default();
    std::thread::scope(|scope| {
        let work = &work;
        let trials: Vec<_> = (0..trials)
            .map(|number| {
                scope.spawn(move || {
                    let mut trial = Trial::new(provider, number);
                    let (rotations, kills) = work(&mut trial);
                    let seen = trial.consumer.seen();
                    Experience {
                        rotations,
                        kills,
                        uses: seen.uses,
                        gaps: seen.gaps,
                    }
                })
            })
            .collect();
        for trial in trials {
            // A panic of a trial is one of the test.
            match trial.join() {
                Ok(experience) => all.add(experience),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    all.report(provider);
}

fn kill_on(provider: &'static str) {
    let done = AtomicU64::new(0);
    in_trials(provider, TRIALS, |trial| {
        let (mut rotations, mut own) = (0, 0);
        while done.load(Ordering::SeqCst) < kills() {
            let kills = trial.rotate(MOST_KILLS);
            done.fetch_add(kills, Ordering::SeqCst);
            rotations += 1;
            own += kills;
        }
        (rotations, own)
    });
}

#[test]
fn killed_workers_lose_and_leave_nothing_on_losant() {
    kill_on("losant");
}

#[test]
fn killed_workers_lose_and_leave_nothing_on_foreman() {
    kill_on("foreman");
}

/// In place, the old secret is dead before the new one is in the file: the gap is measured.
#[test]
fn killed_workers_lose_and_leave_nothing_on_cloudsmith() {
    kill_on("cloudsmith");
}

/// The secrets left behind are counted in the ledger: nothing can list them.
#[test]
fn killed_workers_lose_and_leave_nothing_uncounted_on_mindbody() {
    kill_on("mindbody");
}

/// Takes minutes: a process that is stopped while it holds the ledger keeps others out until the
/// time for which they wait for it is over.
#[test]
#[ignore = "takes minutes; .ci/long runs it"]
fn a_worker_that_was_stopped_for_longer_than_its_claim_changes_nothing_any_more() {
    for provider in ["losant", "foreman", "cloudsmith", "mindbody"] {
        let interleaved = AtomicU64::new(0);
        let enough = kills().div_ceil(10);
        in_trials(provider, TRIALS / 2, |trial| {
            let mut rotations = 0;
            while interleaved.load(Ordering::SeqCst) < enough {
                let is_interleaved = trial.rotate_by_two();
                interleaved.fetch_add(u64::from(is_interleaved), Ordering::SeqCst);
                rotations += 1;
            }
            (rotations, 0)
        });
    }
}
