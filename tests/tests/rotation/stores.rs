//! The laws that every store keeps, and those of a store with leases.

use std::sync::Arc;
use std::time::Duration;

use tokenfleet_core::journal::OperationId;
use tokenfleet_core::workflow::Marker;
use tokenfleet_core::{Account, CreateToken, Timestamp, TokenId};
use tokenfleet_ledger::MemoryLedger;
use tokenfleet_rotation::machine::{
    Attempt, Change, Overlap, Parked, PlannedSink, Rotation, RotationPlan, Strategy, Successor,
};
use tokenfleet_rotation::runner::{LedgerRotationStore, RotationRecord, RotationStore};
use tokenfleet_rotation::sink::Readable;

use crate::kept::Kept;

fn now() -> Timestamp {
    "2030-01-01T00:00:00Z".parse().unwrap()
}

fn record() -> RotationRecord {
    let id = OperationId::random();
    let rotation = Rotation::new(id, Some(TokenId::new(id.to_string())), now());
    let sinks = [PlannedSink::new(Readable::Secret)];
    let plan = RotationPlan::new(Strategy::Overlap(Overlap::default()), sinks).unwrap();
    let account = Account::new("losant", "iot");
    let place = [format!("file:/{id}")];
    RotationRecord::new(account, place, plan, CreateToken::new("ci"), rotation)
}

/// Every kind of store, empty.
fn all() -> [Kept; 3] {
    let ledger = Kept::Ledger(MemoryLedger::new());
    [Kept::default(), ledger, Kept::in_a_file()]
}

async fn opened(kept: &Kept) -> OperationId {
    let record = record();
    let id = record.rotation.id;
    kept.open(record).await;
    id
}

fn attempting(number: u32) -> Change {
    Change::Attempting {
        attempt: Attempt::new(number, Marker::random(), now()),
        replaced: 1,
    }
}

#[tokio::test]
async fn every_claim_has_a_higher_epoch_than_those_before_of_whatever_rotation() {
    for kept in all() {
        let rotations = [opened(&kept).await, opened(&kept).await];
        let mut last = 0;
        for turn in 0..6 {
            // As if each was another process.
            let store = kept.store().await;
            let id = rotations[turn % 2];
            let epoch = store.claim(id).await.unwrap().unwrap().epoch;
            assert!(epoch > last, "{kept:?}: {epoch} after {last}");
            last = epoch;
            store.release(id, epoch, None).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_was_recorded_is_what_the_next_worker_finds() {
    for kept in all() {
        let id = opened(&kept).await;
        let mut expected = kept.rotation(id).await;
        let successor = Successor::new(2, TokenId::new("new"), 7, now());
        let changes = [
            attempting(1),
            Change::NotApplied { attempt: 1 },
            attempting(2),
            Change::Parked(Parked::Unverified {
                reason: "\u{0} 'no' \\ answer".to_owned(),
            }),
            Change::Resumed,
            Change::Delivered(successor),
            Change::Suspended { at: now() },
        ];
        for change in &changes {
            let store = kept.store().await;
            let epoch = store.claim(id).await.unwrap().unwrap().epoch;
            assert!(store.record(id, epoch, change).await.unwrap());
            store.release(id, epoch, Some(now())).await.unwrap();
            expected.apply(change);
            assert_eq!(kept.rotation(id).await, expected, "{kept:?}");
        }
    }
}

#[tokio::test]
async fn a_start_counts_until_there_is_progress_or_the_claim_is_given_back() {
    for kept in all() {
        let id = opened(&kept).await;
        let store = kept.store().await;
        let mut epoch = 0;
        for starts in 1..=3 {
            let claim = store.claim(id).await.unwrap().unwrap();
            assert_eq!(claim.rotation.starts, starts, "{kept:?}");
            epoch = claim.epoch;
        }
        assert!(store.record(id, epoch, &attempting(1)).await.unwrap());
        assert_eq!(kept.rotation(id).await.starts, 0);
        for starts in 1..=2 {
            let claim = store.claim(id).await.unwrap().unwrap();
            assert_eq!(claim.rotation.starts, starts, "{kept:?}");
            epoch = claim.epoch;
        }
        store.release(id, epoch, None).await.unwrap();
        assert_eq!(store.claim(id).await.unwrap().unwrap().rotation.starts, 1);
    }
}

#[tokio::test]
async fn a_worker_that_was_superseded_changes_nothing() {
    for kept in all() {
        let id = opened(&kept).await;
        let [paused, current] = [kept.store().await, kept.store().await];
        let epoch = paused.claim(id).await.unwrap().unwrap().epoch;
        let second = Duration::from_secs(1);
        assert!(paused.extend(id, epoch, second).await.unwrap());
        let claim = current.claim(id).await.unwrap().unwrap();
        let before = kept.rotation(id).await;
        assert!(!paused.extend(id, epoch, second).await.unwrap());
        assert!(!paused.record(id, epoch, &attempting(1)).await.unwrap());
        paused.release(id, epoch, None).await.unwrap();
        assert_eq!(kept.rotation(id).await, before, "{kept:?}");
        // Nor does one of an epoch that was never given.
        let later = claim.epoch + 1;
        assert!(!paused.record(id, later, &attempting(1)).await.unwrap());
        assert!(
            current
                .record(id, claim.epoch, &attempting(1))
                .await
                .unwrap()
        );
    }
}

#[tokio::test]
async fn a_rotation_that_nobody_opened_is_not_claimed() {
    for kept in all() {
        let (id, store) = (OperationId::random(), kept.store().await);
        assert_eq!(store.claim(id).await.unwrap(), None);
        assert!(!store.record(id, 1, &attempting(1)).await.unwrap());
        assert!(!store.is_open(&id.to_string()).await.unwrap());
        store.release(id, 1, None).await.unwrap();
    }
}

#[tokio::test]
async fn a_rotation_is_open_until_it_is_done() {
    for kept in all() {
        let id = opened(&kept).await;
        let store = kept.store().await;
        let epoch = store.claim(id).await.unwrap().unwrap().epoch;
        for change in [
            attempting(1),
            Change::Delivered(Successor::new(1, TokenId::new("new"), epoch, now())),
            Change::Parked(Parked::NotOurs { sink: 0 }),
            Change::Resumed,
        ] {
            assert!(store.record(id, epoch, &change).await.unwrap());
            assert!(store.is_open(&id.to_string()).await.unwrap(), "{change:?}");
        }
        assert!(store.record(id, epoch, &Change::Done).await.unwrap());
        assert!(!store.is_open(&id.to_string()).await.unwrap());
        store.release(id, epoch, None).await.unwrap();
        assert!(!store.is_open("an id of another form").await.unwrap());
    }
}

#[tokio::test]
async fn a_store_tells_its_ledger_and_another_one_has_another_id() {
    let mut ids = Vec::new();
    for kept in all() {
        let id = kept.store().await.ledger().to_owned();
        assert_eq!(kept.store().await.ledger(), id, "the same to every process");
        assert!(Marker::random_in(&id).is_of_ledger(&id));
        ids.push(id);
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

/// Claims that last as long as those of workers do.
#[tokio::test]
async fn a_claim_keeps_others_from_the_queue_until_it_is_given_back() {
    for kept in [Kept::Ledger(MemoryLedger::new()), Kept::in_a_file()] {
        let (id, neighbour) = (opened(&kept).await, opened(&kept).await);
        let mut workers = Vec::new();
        for _ in 0..2 {
            let store = LedgerRotationStore::open(kept.tasks().await.unwrap()).await;
            workers.push(Arc::new(store.unwrap()));
        }
        let claim = workers[0].claim(id).await.unwrap().unwrap();
        for other in [id, neighbour] {
            assert_eq!(workers[1].claim(other).await.unwrap(), None, "{kept:?}");
        }
        let ends = kept.tasks().await.unwrap().task(id).await.unwrap().unwrap();
        let lease = Timestamp::now().duration_until(ends.claimed_until.unwrap());
        assert!((15..=25).contains(&lease.as_secs()), "{lease:?}");
        let long = Duration::from_secs(305);
        assert!(workers[0].extend(id, claim.epoch, long).await.unwrap());
        let ends = kept.tasks().await.unwrap().task(id).await.unwrap().unwrap();
        let lease = Timestamp::now().duration_until(ends.claimed_until.unwrap());
        assert!((295..=305).contains(&lease.as_secs()), "{lease:?}");

        workers[0].release(id, claim.epoch, None).await.unwrap();
        let next = workers[1].claim(neighbour).await.unwrap().unwrap();
        assert_eq!(next.rotation.starts, 1);
        assert!(next.epoch > claim.epoch);
    }
}

/// A ledger in memory answers at once, so nothing comes between.
#[tokio::test]
async fn of_rotations_of_one_sink_that_are_opened_at_once_one_is() {
    let kept = Kept::in_a_file();
    for round in 0..8 {
        let mut opening = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let store = LedgerRotationStore::open(kept.tasks().await.unwrap()).await;
            let store = store.unwrap();
            opening.spawn(async move {
                let mut record = record();
                record.sinks = vec![format!("file:/{round}")];
                store.open_rotation(&record, &record.sinks[0]).await
            });
        }
        let opened = opening.join_all().await;
        let count = opened.iter().filter(|opened| opened.is_ok()).count();
        assert_eq!(count, 1, "{opened:?}");
        let mut refused = opened.into_iter().filter_map(Result::err);
        assert!(refused.all(|error| error.to_string().contains("writes the sink")));
    }
    // Those of other sinks are not in each other's way.
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = LedgerRotationStore::open(kept.tasks().await.unwrap()).await;
        let store = store.unwrap();
        opening.spawn(async move { store.open_rotation(&record(), "queue").await });
    }
    for opened in opening.join_all().await {
        assert_eq!(opened.unwrap(), None);
    }
}
