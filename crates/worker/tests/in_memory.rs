//! Workers on a ledger in memory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use support::{Close, block_on, due};
use tokenfleet_core::{Error, Result, Timestamp};
use tokenfleet_ledger::{MemoryLedger, Tasks};
use tokenfleet_worker::{Advance, Advanced, Worker};

const HOUR: Duration = Duration::from_secs(3_600);

fn ledger() -> Arc<dyn Tasks> {
    Arc::new(MemoryLedger::new())
}

#[test]
fn any_number_of_workers_carries_on_each_queue_one_at_a_time() {
    block_on(async {
        let ledger = ledger();
        for number in 0..120 {
            let task = due(&format!("queue {}", number % 40), &number.to_string());
            ledger.open_task(&task).await.unwrap();
        }
        let close = Close::new(&ledger);
        let workers: Vec<_> = (0..4).map(|_| Worker::new(Arc::clone(&ledger))).collect();
        close.run(&workers).await;
        let seen = close.seen.lock().unwrap();
        assert_eq!(seen.closed.len(), 120);
        assert!(seen.closed.values().all(|times| *times == 1), "{seen:?}");
        assert_eq!(seen.errors, Vec::<String>::new());
    });
}

/// Takes a while to read the tasks of a queue before it claims one.
struct ReadsFirst(Close);

#[async_trait]
impl Advance for ReadsFirst {
    async fn advance(&self, queue: &str) -> Result<Advanced> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.0.advance(queue).await
    }

    fn report(&self, queue: Option<&str>, error: &Error) {
        self.0.report(queue, error);
    }
}

#[test]
fn workers_that_ask_at_the_same_moment_seldom_take_the_same_queue() {
    block_on(async {
        let ledger = ledger();
        for number in 0..400 {
            let name = number.to_string();
            ledger.open_task(&due(&name, &name)).await.unwrap();
        }
        let reads = ReadsFirst(Close::new(&ledger));
        let workers: Vec<_> = (0..4).map(|_| Worker::new(Arc::clone(&ledger))).collect();
        let runs = workers
            .iter()
            .map(|worker| worker.run(&reads, reads.0.all_closed()));
        futures_util::future::join_all(runs).await;
        let seen = reads.0.seen.lock().unwrap();
        assert_eq!(seen.closed.len(), 400);
        let calls: u32 = seen.calls.values().sum();
        assert!(calls < 800, "{} calls for 400 queues", calls);
    });
}

#[test]
fn a_worker_carries_on_no_more_queues_at_a_time_than_it_may() {
    block_on(async {
        let ledger = ledger();
        for number in 0..20 {
            let name = number.to_string();
            ledger.open_task(&due(&name, &name)).await.unwrap();
        }
        let close = Close::new(&ledger);
        let worker = Worker::new(Arc::clone(&ledger));
        let worker = worker.with_max_queues(NonZeroUsize::new(3).unwrap());
        close.run(&[worker]).await;
        assert_eq!(close.seen.lock().unwrap().most_at_a_time, 3);
    });
}

#[test]
fn what_is_due_later_or_was_left_by_a_lost_worker_needs_no_request_in_between() {
    block_on(async {
        let ledger = ledger();
        let soon = Timestamp::now().saturating_add(Duration::from_millis(300));
        ledger
            .open_task(&due("later", "1").with_due(soon))
            .await
            .unwrap();
        let lost = due("lost", "2");
        ledger.open_task(&lost).await.unwrap();
        let lease = Duration::from_millis(600);
        ledger.claim_task(lost.id, lease).await.unwrap().unwrap();
        let started = Instant::now();
        let close = Close::new(&ledger);
        let worker = Worker::new(Arc::clone(&ledger)).with_interval(HOUR);
        close.run(&[worker]).await;
        assert!(started.elapsed() >= lease);
        let seen = close.seen.lock().unwrap();
        assert_eq!((seen.calls["later"], seen.calls["lost"]), (1, 1));
    });
}

/// Has a task that always fails in one queue, beside which something is done or not.
struct FailsInPart(Close, bool);

#[async_trait]
impl Advance for FailsInPart {
    async fn advance(&self, queue: &str) -> Result<Advanced> {
        let mut seen = self.0.seen.lock().unwrap();
        *seen.calls.entry(queue.to_owned()).or_default() += 1;
        let others = if self.1 {
            Advanced::Something
        } else {
            Advanced::Nothing
        };
        let failed = Advanced::Failed {
            is_anything_done: false,
        };
        Ok(failed.and(others))
    }

    fn report(&self, queue: Option<&str>, error: &Error) {
        self.0.report(queue, error);
    }
}

#[test]
fn a_queue_in_which_a_task_fails_is_counted_and_rests_only_if_nothing_else_was_done() {
    for (is_anything_done, calls) in [(true, 5..=100), (false, 1..=2)] {
        block_on(async {
            let ledger = ledger();
            ledger.open_task(&due("queue", "task")).await.unwrap();
            let advance = FailsInPart(Close::new(&ledger), is_anything_done);
            let worker = Worker::new(Arc::clone(&ledger)).with_interval(Duration::from_millis(50));
            let stop = tokio::time::sleep(Duration::from_millis(1_500));
            worker.run(&advance, stop).await;
            let seen = advance.0.seen.lock().unwrap();
            assert!(calls.contains(&seen.calls["queue"]), "{seen:?}");
            let counted = format!("result=\"error\"}} {}\n", seen.calls["queue"]);
            assert!(worker.status().exposition().contains(&counted));
            assert_eq!(
                seen.errors,
                Vec::<String>::new(),
                "reported by whoever carries on"
            );
        });
    }
}

/// Fails for one queue.
struct FailsFor(&'static str, Close);

#[async_trait]
impl Advance for FailsFor {
    async fn advance(&self, queue: &str) -> Result<Advanced> {
        if queue == self.0 {
            let mut seen = self.1.seen.lock().unwrap();
            *seen.calls.entry(queue.to_owned()).or_default() += 1;
            return Err(Error::configuration("the account has no credential"));
        }
        self.1.advance(queue).await
    }

    fn report(&self, queue: Option<&str>, error: &Error) {
        self.1.report(queue, error);
    }
}

#[test]
fn a_queue_that_fails_rests_and_holds_up_no_other() {
    block_on(async {
        let ledger = ledger();
        ledger.open_task(&due("broken", "broken")).await.unwrap();
        let close = Close::new(&ledger);
        let fails = FailsFor("broken", close.clone());
        let worker = Worker::new(Arc::clone(&ledger)).with_interval(Duration::from_millis(50));
        let worker = worker.with_max_queues(NonZeroUsize::MIN);
        let others = async {
            for number in 0..10 {
                let name = number.to_string();
                ledger.open_task(&due(&name, &name)).await.unwrap();
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            while ledger.open_tasks().await.unwrap().len() > 1 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        worker.run(&fails, others).await;
        let seen = close.seen.lock().unwrap();
        assert_eq!(seen.closed.len(), 10);
        assert!((1..=3).contains(&seen.calls["broken"]), "{seen:?}");
        assert_eq!(seen.errors.len(), seen.calls["broken"] as usize);
        let counted = format!("result=\"error\"}} {}\n", seen.calls["broken"]);
        assert!(worker.status().exposition().contains(&counted));
    });
}

#[test]
fn a_worker_that_is_asked_to_stop_ends_what_it_has_begun_and_begins_nothing() {
    block_on(async {
        let ledger = ledger();
        for number in 0..4 {
            let name = number.to_string();
            ledger.open_task(&due(&name, &name)).await.unwrap();
        }
        let mut close = Close::new(&ledger);
        close.work = Duration::from_millis(400);
        let worker = Worker::new(Arc::clone(&ledger));
        let worker = worker.with_max_queues(NonZeroUsize::new(2).unwrap());
        let stop = tokio::time::sleep(Duration::from_millis(150));
        worker.run(&close, stop).await;
        let open = ledger.open_tasks().await.unwrap();
        assert_eq!(open.len(), 2);
        assert!(open.iter().all(|task| task.claimed_until.is_none()));
        assert_eq!(close.seen.lock().unwrap().closed.len(), 2);
    });
}
