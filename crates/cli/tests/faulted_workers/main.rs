//! Faults of all kinds while workers that share a ledger in Postgres rotate the tokens of several
//! accounts by policies: workers are killed or stopped, Postgres is restarted, connections are cut,
//! the clocks of the workers differ by an hour, and some are of another version.
//!
//! Afterwards no secret is lost, no token is left behind without a mark, none was rotated twice or
//! is said to be dead and lives, nobody else's was touched, and everything has ended without a
//! person. Whoever uses the secrets in the files was never refused where tokens overlap.
//!
//! * `TOKENFLEET_RUNS` sets the number of runs a platform, of a fleet each, and `TOKENFLEET_FLEETS`
//!   how many of them there are at a time.
//! * `TOKENFLEET_SEED` is the seed of the first run: it decides the faults, and the machine when
//!   they strike.
//! * `TOKENFLEET_WAITS_DIVIDED_BY` says how much shorter than in production the waits are. Without
//!   the feature `scaled-waits` they are those of production.
//! * `TOKENFLEET_OTHER_PROGRAM` is the path of another version of the program, built with the same
//!   features, which half of the workers run.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod account;
#[path = "../support/consumer.rs"]
mod consumer;
#[path = "../../../ledger/tests/support/cutting_proxy.rs"]
#[allow(dead_code)]
mod cutting_proxy;
mod experience;
mod fault;
mod fleet;
mod judged;
mod lane;
#[path = "../../../ledger/tests/support/postgres_server.rs"]
#[allow(dead_code)]
mod postgres_server;
#[path = "../support/random.rs"]
mod random;
mod run;
#[path = "../support/scaled_waits.rs"]
mod scaled_waits;
#[path = "../support/mod.rs"]
mod support;
mod worker;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use experience::Experience;
use fleet::Fleet;
use lane::Lane;
use tokio::runtime::Runtime;

/// The servers, the proxies and the ledgers of the tests run in it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// The number by which the waits are divided, unless the environment sets it: a claim ends after a
/// second in place of 25.
const DIVISOR: u32 = 25;

/// Returns the number by which the waits of the processes are divided.
fn divisor() -> u32 {
    scaled_waits::divisor(DIVISOR)
}

/// Returns a number of the environment.
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok();
    text.map(|text| text.parse().unwrap())
}

/// Returns the seed of the first run of a platform.
fn first_seed() -> u64 {
    number("TOKENFLEET_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        now.as_secs() * 1_000
    })
}

/// Runs fleets of a platform, several at a time, and reports what they have gone through.
fn run_on(provider: &'static str) {
    let runs = number("TOKENFLEET_RUNS").unwrap_or(1);
    // With the waits of production, most of the time is waiting.
    let at_a_time = if divisor() == 1 { runs } else { runs.min(2) };
    let lanes = number("TOKENFLEET_FLEETS").unwrap_or(at_a_time);
    // It says so where Postgres is not installed.
    let Some(lane) = Lane::start() else { return };
    worker::say_what_is_not_tried();
    let (first, begun) = (first_seed(), AtomicU64::new(0));
    let mut all = Experience::default();
    std::thread::scope(|scope| {
        let mut lane = Some(lane);
        let lanes: Vec<_> = (0..lanes)
            .map(|_| {
                let (lane, begun) = (lane.take(), &begun);
                let next = move || {
                    let number = begun.fetch_add(1, Ordering::SeqCst);
                    (number < runs).then_some(first + number)
                };
                scope.spawn(move || run_one_after_the_other(provider, lane, next))
            })
            .collect();
        for lane in lanes {
            all.add(lane.join().unwrap());
        }
    });
    all.report(provider);
    assert!(
        all.failed.is_empty(),
        "{provider}: the runs {:?}",
        all.failed
    );
}

/// Runs a fleet for each seed.
fn run_one_after_the_other(
    provider: &'static str,
    mut lane: Option<Lane>,
    next: impl Fn() -> Option<u64>,
) -> Experience {
    let mut all = Experience::default();
    while let Some(seed) = next() {
        let run = AssertUnwindSafe(|| {
            let lane = lane.get_or_insert_with(|| Lane::start().unwrap());
            Fleet::new(lane, provider, seed).run()
        });
        match catch_unwind(run) {
            Ok(experience) => all.add(experience),
            // The failure is printed by now, and the others go on.
            Err(_) => {
                all.failed.push(seed);
                lane = None;
            }
        }
    }
    all
}

#[test]
#[cfg_attr(
    not(feature = "scaled-waits"),
    ignore = "takes an hour; .ci/long runs it"
)]
fn faulted_workers_lose_and_leave_nothing_on_losant() {
    run_on("losant");
}

#[test]
#[cfg_attr(
    not(feature = "scaled-waits"),
    ignore = "takes an hour; .ci/long runs it"
)]
fn faulted_workers_lose_and_leave_nothing_on_foreman() {
    run_on("foreman");
}

/// In place, the old secret is dead before the new one is in the file: the gap is measured.
#[test]
#[cfg_attr(
    not(feature = "scaled-waits"),
    ignore = "takes an hour; .ci/long runs it"
)]
fn faulted_workers_lose_and_leave_nothing_on_cloudsmith() {
    run_on("cloudsmith");
}

/// The secrets left behind are counted in the ledger: nothing can list them.
#[test]
#[cfg_attr(
    not(feature = "scaled-waits"),
    ignore = "takes an hour; .ci/long runs it"
)]
fn faulted_workers_lose_and_leave_nothing_uncounted_on_mindbody() {
    run_on("mindbody");
}
