//! The silence of the ledger and of workers, which whoever watches a plan is told of.

use std::time::Duration;

use tokenfleet::{Error, Timestamp};
use tokio::time::Instant;

use super::stored::{StoredAccount, StoredPlan};
use crate::program_name::command_line;

/// The time without an answer, or without any sign of a worker, after which the watcher says so.
const LONGEST: Duration = Duration::from_secs(15);

/// The signs of life of the ledger, and through it of the workers.
#[derive(Debug)]
pub(super) struct Silence {
    answered: Since,
    worked: Since,
    signs: Option<Signs>,
}

/// The state that changes while a worker is working on a plan. It is compared with itself alone,
/// because the clock of this machine may be wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signs {
    times: Vec<Option<Timestamp>>,
    verdicts: usize,
}

impl Signs {
    pub(super) fn of(plan: &StoredPlan, accounts: &[StoredAccount]) -> Self {
        let tasks = accounts.iter().map(|account| &account.task);
        let tasks = tasks.chain([&plan.task]);
        let verdicts = accounts.iter().map(|account| account.record.verdicts.len());
        Self {
            times: tasks
                .flat_map(|task| [task.due, task.claimed_until])
                .collect(),
            verdicts: verdicts.sum(),
        }
    }
}

impl Silence {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            answered: Since::new(now),
            worked: Since::new(now),
            signs: None,
        }
    }

    /// Notes an answer of the ledger. Returns a warning once no worker has done anything for long.
    pub(super) fn answered(&mut self, signs: Signs, now: Instant) -> Option<String> {
        self.answered = Since::new(now);
        if self.signs.as_ref() != Some(&signs) {
            self.signs = Some(signs);
            self.worked = Since::new(now);
        }
        self.worked.is_too_long(now).then(|| {
            let worker = command_line("worker");
            format!("no worker is working on it: start `{worker}` where the ledger is reached")
        })
    }

    /// Notes that the ledger did not answer. Returns a warning once that has been so for long.
    pub(super) fn failed(&mut self, error: &Error, now: Instant) -> Option<String> {
        // Nobody can tell what the workers do meanwhile.
        self.worked = Since::new(now);
        let is_too_long = self.answered.is_too_long(now);
        is_too_long.then(|| format!("the ledger does not answer: {error}"))
    }
}

/// The beginning of a silence, and whether it was told.
#[derive(Debug)]
struct Since {
    at: Instant,
    is_told: bool,
}

impl Since {
    fn new(at: Instant) -> Self {
        let is_told = false;
        Self { at, is_told }
    }

    /// Returns `true` the first time that the silence has been too long.
    fn is_too_long(&mut self, now: Instant) -> bool {
        let is_too_long = now.saturating_duration_since(self.at) > LONGEST;
        let is_new = is_too_long && !self.is_told;
        self.is_told |= is_too_long;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(verdicts: usize) -> Signs {
        let times = Vec::new();
        Signs { times, verdicts }
    }

    #[test]
    fn a_ledger_that_does_not_answer_is_not_taken_for_workers_that_do_nothing() {
        let started = Instant::now();
        let after = |seconds| started + Duration::from_secs(seconds);
        let away = Error::configuration("it is away");
        let mut silence = Silence::new(started);
        assert_eq!(silence.answered(signs(1), after(1)), None);
        assert_eq!(silence.failed(&away, after(10)), None);
        let warning = silence.failed(&away, after(20)).unwrap();
        assert!(warning.contains("the ledger does not answer: it is away"));
        assert_eq!(silence.failed(&away, after(40)), None, "it is said once");
        // Nothing is known of the workers for as long.
        assert_eq!(silence.answered(signs(1), after(41)), None);
        assert!(silence.failed(&away, after(60)).is_some(), "another outage");
    }

    #[test]
    fn workers_that_do_nothing_for_long_are_told_once_until_one_does_something() {
        let started = Instant::now();
        let after = |seconds| started + Duration::from_secs(seconds);
        let mut silence = Silence::new(started);
        for (seconds, verdicts, is_told) in [
            (1, 0, false),
            (14, 1, false),
            (28, 1, false),
            (30, 1, true),
            (50, 1, false),
            (51, 2, false),
            (65, 2, false),
            (67, 2, true),
        ] {
            let warning = silence.answered(signs(verdicts), after(seconds));
            assert_eq!(warning.is_some(), is_told, "{seconds}");
            assert!(warning.is_none_or(|warning| warning.starts_with("no worker is working")));
        }
    }
}
