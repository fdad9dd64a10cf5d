//! Many rotations at a time, one of each queue.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
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
            let advancing = queue.into_iter().map(|rotation| {
                let stop = stop.clone();
                // One that is asked to stop claims nothing, and is reported as it is.
                async move { rotation.advance(Duration::ZERO, &stop).await }
            });
            in_turn(advancing, |progressed| {
                let _ = sender.send(progressed);
                ControlFlow::Continue(())
            })
            .await;
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
    while tasks.join_next().await.is_some() {}
}

/// Does works one after the other, each in a task of its own, and hands each result to `ended`
/// until that breaks. One that fails, or panics, keeps no other one waiting.
pub(crate) async fn in_turn<T: Send + 'static>(
    works: impl Iterator<Item: Future<Output = Result<T>> + Send + 'static>,
    mut ended: impl FnMut(Result<T>) -> ControlFlow<()>,
) {
    for work in works {
        let result = tokio::spawn(work).await.unwrap_or_else(|_| {
            let message = "a rotation was not finished: this is a mistake of the program";
            Err(Error::new(ErrorKind::Other, Fate::MaybeApplied, message))
        });
        if ended(result).is_break() {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_rotation_that_fails_or_panics_keeps_no_other_one_of_its_queue_waiting() {
        let works = ["fails", "panics", "works", "is not reached"].map(|what| async move {
            match what {
                "fails" => Err(Error::configuration("the ledger does not answer")),
                "panics" => panic!("on purpose"),
                what => Ok(what),
            }
        });
        let mut results = Vec::new();
        in_turn(works.into_iter(), |result| {
            results.push(result.ok());
            match results.last() {
                Some(Some(_)) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        })
        .await;
        assert_eq!(results, [None, None, Some("works")]);
    }
}
