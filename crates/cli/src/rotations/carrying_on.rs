//! Many rotations at a time, one of each queue.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokenfleet::{Error, ErrorKind, Fate, Result};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::prepared::{Prepared, Progressed};
use super::stop::Stop;
use crate::progress::with_progress;

/// The number of queues that are worked on at a time.
const MAX_QUEUES: usize = 16;

/// Advances rotations as far as they go without waiting, up to 16 queues at a time and one rotation
/// of each queue, and hands each to `report` as soon as it stands still.
pub(crate) async fn carry_on(
    rotations: Vec<Prepared>,
    stop: &Stop,
    mut report: impl FnMut(Result<Progressed>),
) {
    let count = rotations.len();
    let mut queues = BTreeMap::<String, Vec<Prepared>>::new();
    for rotation in rotations {
        let queue = queues.entry(rotation.queue.clone()).or_default();
        queue.push(rotation);
    }
    let permits = Arc::new(Semaphore::new(MAX_QUEUES));
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for (_, queue) in queues {
        let (permits, sender, stop) = (Arc::clone(&permits), sender.clone(), stop.clone());
        tasks.spawn(async move {
            let _permit = permits.acquire_owned().await;
            for rotation in queue {
                // One that is asked to stop claims nothing, and is reported as it is.
                let _ = sender.send(rotation.advance(Duration::ZERO, &stop).await);
            }
        });
    }
    drop(sender);
    let done = std::cell::Cell::new(0);
    let progress = || format!("{} of {count} rotations", done.get());
    with_progress(progress, async {
        while let Some(progressed) = receiver.recv().await {
            done.set(done.get() + 1);
            report(progressed);
        }
    })
    .await;
    while let Some(ended) = tasks.join_next().await {
        if ended.is_err() {
            let message = "a rotation was not finished";
            report(Err(Error::new(ErrorKind::Other, Fate::NotSent, message)));
        }
    }
}
