//! The status of a worker, for whoever watches it.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokenfleet_core::{Error, Result};
use tokenfleet_ledger::DueQueues;
use tokio::time::Instant;

use crate::Advanced;

/// The time without an answer of the ledger after which a worker is not well.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// The status of a worker. Clones are the same one.
///
/// It names no queue: a name is the text of others, and whoever watches may be a stranger.
#[derive(Debug, Clone)]
pub struct WorkerStatus(Arc<Mutex<Numbers>>);

#[derive(Debug)]
struct Numbers {
    /// The time of the last answer of the ledger, or else of the start.
    answered_at: Instant,
    running: usize,
    due: usize,
    /// The time for which the first of the due queues has been due.
    longest_due: Duration,
    advanced: u64,
    nothing_done: u64,
    failed: u64,
    answered: u64,
    unanswered: u64,
}

impl WorkerStatus {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Numbers {
            answered_at: Instant::now(),
            running: 0,
            due: 0,
            longest_due: Duration::ZERO,
            advanced: 0,
            nothing_done: 0,
            failed: 0,
            answered: 0,
            unanswered: 0,
        })))
    }

    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what the ledger answered.
    pub(crate) fn asked(&self, answer: &Result<DueQueues>) {
        let mut numbers = self.numbers();
        let Ok(found) = answer else {
            numbers.unanswered += 1;
            return;
        };
        numbers.answered += 1;
        numbers.answered_at = Instant::now();
        numbers.due = found.queues.len();
        let first = found.queues.first();
        numbers.longest_due =
            first.map_or(Duration::ZERO, |queue| queue.due.duration_until(found.at));
    }

    pub(crate) fn begun(&self) {
        self.numbers().running += 1;
    }

    pub(crate) fn ended(&self, advanced: &Result<Advanced, Error>) {
        let mut numbers = self.numbers();
        numbers.running -= 1;
        match advanced {
            Ok(Advanced::Something) => numbers.advanced += 1,
            Ok(Advanced::Nothing) => numbers.nothing_done += 1,
            Ok(Advanced::Failed { .. }) | Err(_) => numbers.failed += 1,
        }
    }

    /// Returns the reason for which the worker is not well, or `None` if it is: the ledger has not
    /// answered for a minute.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.problem_at(Instant::now())
    }

    fn problem_at(&self, now: Instant) -> Option<String> {
        let silence = now.saturating_duration_since(self.numbers().answered_at);
        (silence > LONGEST_SILENCE).then(|| {
            let seconds = silence.as_secs();
            format!("the ledger has not answered for {seconds} seconds")
        })
    }

    /// Returns the numbers in the exposition format of Prometheus.
    #[must_use]
    pub fn exposition(&self) -> String {
        let numbers = self.numbers();
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, samples: &[(&str, f64)]| {
            let name = format!("tokenfleet_worker_{name}");
            // Writing to a string does not fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (label, value) in samples {
                let _ = writeln!(text, "{name}{label} {value}");
            }
        };
        family(
            "queues_running",
            "gauge",
            "Queues that this worker carries on.",
            &[("", numbers.running as f64)],
        );
        family(
            "queues_due",
            "gauge",
            "Queues that were due and that nobody held.",
            &[("", numbers.due as f64)],
        );
        family(
            "longest_due_seconds",
            "gauge",
            "Time for which the first of these queues had been due.",
            &[("", numbers.longest_due.as_secs_f64())],
        );
        family(
            "advances_total",
            "counter",
            "Calls for a queue, by their result.",
            &[
                ("{result=\"something\"}", numbers.advanced as f64),
                ("{result=\"nothing\"}", numbers.nothing_done as f64),
                ("{result=\"error\"}", numbers.failed as f64),
            ],
        );
        family(
            "ledger_requests_total",
            "counter",
            "Requests for the queues that are due, by their result.",
            &[
                ("{result=\"answer\"}", numbers.answered as f64),
                ("{result=\"error\"}", numbers.unanswered as f64),
            ],
        );
        family(
            "seconds_since_ledger_answered",
            "gauge",
            "Time since the ledger has answered.",
            &[("", numbers.answered_at.elapsed().as_secs_f64())],
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use tokenfleet_core::{Error, Timestamp};

    use super::*;

    #[test]
    fn a_worker_is_not_well_once_the_ledger_has_been_silent_for_a_minute() {
        let status = WorkerStatus::new();
        let started = Instant::now();
        let minute = Duration::from_secs(60);
        assert_eq!(status.problem_at(started + minute / 2), None);
        status.asked(&Err(Error::configuration("it is away")));
        let problem = status.problem_at(started + minute * 2).unwrap();
        assert!(problem.contains("has not answered for 1"), "{problem}");
        std::thread::sleep(Duration::from_millis(5));
        status.asked(&Ok(DueQueues::new(Timestamp::now())));
        assert_eq!(
            status.problem_at(started + minute + Duration::from_millis(4)),
            None
        );
    }
}
