//! What the tests of workers share.

#![allow(
    dead_code,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "each test binary uses a part of it, and it fails and speaks as tests do"
)]

#[cfg(unix)]
#[path = "../../../ledger/tests/support/postgres_server.rs"]
pub(crate) mod postgres_server;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{Error, Result, Timestamp};
use tokenfleet_ledger::{NewTask, Task, Tasks};
use tokenfleet_worker::{Advance, Advanced, Worker};

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

/// Returns a task that is due since the first second of 2023.
pub(crate) fn due(queue: &str, subject: &str) -> NewTask {
    let due = Timestamp::from_unix_seconds(1_672_531_201).unwrap();
    NewTask::new(OperationId::random(), "rotation", queue, subject, "{}").with_due(due)
}

/// Closes each task after a while, and sees who is at work.
#[derive(Clone)]
pub(crate) struct Close {
    pub(crate) tasks: Arc<dyn Tasks>,
    /// The lease of a claim.
    pub(crate) lease: Duration,
    /// The time that a task takes.
    pub(crate) work: Duration,
    pub(crate) seen: Arc<Mutex<Seen>>,
}

/// The work of the workers of a process.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The queues that somebody has.
    held: BTreeSet<String>,
    /// The number of times that each task was closed, by its subject.
    pub(crate) closed: BTreeMap<String, u32>,
    /// The calls for each queue.
    pub(crate) calls: BTreeMap<String, u32>,
    pub(crate) errors: Vec<String>,
    pub(crate) most_at_a_time: usize,
}

impl Close {
    pub(crate) fn new(tasks: &Arc<dyn Tasks>) -> Self {
        Self {
            tasks: Arc::clone(tasks),
            lease: Duration::from_secs(60),
            work: Duration::from_millis(5),
            seen: Arc::default(),
        }
    }

    async fn close(&self, task: &Task) -> Result<bool> {
        let Some(claim) = self.tasks.claim_task(task.id, self.lease).await? else {
            return Ok(false);
        };
        let held = Held::new(self, &task.queue);
        tokio::time::sleep(self.work).await;
        drop(held);
        let closed = self.tasks.record_task(task.id, claim.epoch, "{}", true);
        if closed.await? {
            let mut seen = self.seen.lock().unwrap();
            *seen.closed.entry(task.subject.clone()).or_default() += 1;
        }
        let released = self.tasks.release_claim(task.id, claim.epoch, None);
        released.await?;
        Ok(true)
    }

    /// Waits until no task is open.
    pub(crate) async fn all_closed(&self) {
        while !matches!(self.tasks.open_tasks().await, Ok(open) if open.is_empty()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs workers until no task is open, and fails if that takes too long.
    pub(crate) async fn run(&self, workers: &[Worker]) {
        let stops = workers.iter().map(|worker| {
            let (worker, close) = (worker.clone(), self.clone());
            tokio::spawn(async move { worker.run(&close, close.all_closed()).await })
        });
        for stopped in stops.collect::<Vec<_>>() {
            let stopped = tokio::time::timeout(Duration::from_secs(120), stopped).await;
            stopped.unwrap().unwrap();
        }
    }
}

/// A queue in the hands of a worker of this process.
struct Held<'a>(&'a Close, String);

impl<'a> Held<'a> {
    fn new(close: &'a Close, queue: &str) -> Self {
        let mut seen = close.seen.lock().unwrap();
        assert!(seen.held.insert(queue.to_owned()), "two have {queue}");
        seen.most_at_a_time = seen.most_at_a_time.max(seen.held.len());
        Self(close, queue.to_owned())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.seen.lock().unwrap().held.remove(&self.1);
    }
}

#[async_trait]
impl Advance for Close {
    async fn advance(&self, queue: &str) -> Result<Advanced> {
        let calls = |seen: &mut Seen| *seen.calls.entry(queue.to_owned()).or_default() += 1;
        calls(&mut self.seen.lock().unwrap());
        let mut open = self.tasks.open_tasks().await?;
        let now = Timestamp::now();
        open.retain(|task| task.queue == queue && task.due.is_some_and(|due| due <= now));
        let mut advanced = Advanced::Nothing;
        for task in open {
            if !self.close(&task).await? {
                break;
            }
            advanced = Advanced::Something;
        }
        Ok(advanced)
    }

    fn report(&self, _: Option<&str>, error: &Error) {
        self.seen.lock().unwrap().errors.push(error.to_string());
    }
}
