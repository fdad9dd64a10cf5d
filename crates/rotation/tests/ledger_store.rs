//! What is special about rotations in a ledger: what is opened, what a person decides, and records
//! that are not understood.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use tokenfleet_core::journal::OperationId;
use tokenfleet_core::workflow::Marker;
use tokenfleet_core::{Account, CreateToken, ErrorKind, Timestamp, TokenId};
use tokenfleet_ledger::{MemoryLedger, NewTask, Tasks};
use tokenfleet_rotation::machine::{
    Attempt, Change, Overlap, Parked, PlannedSink, Rotation, RotationPlan, RotationState, Strategy,
    Successor,
};
use tokenfleet_rotation::runner::{LedgerRotationStore, RotationRecord, RotationStore};
use tokenfleet_rotation::sink::Readable;

const MINUTE: Duration = Duration::from_secs(60);

fn now() -> Timestamp {
    "2030-01-01T00:00:00Z".parse().unwrap()
}

/// The record of the rotation of a token into these sinks.
fn record(token: &str, sinks: &[&str]) -> RotationRecord {
    let planned = vec![PlannedSink::new(Readable::Secret); sinks.len()];
    let plan = RotationPlan::new(Strategy::Overlap(Overlap::default()), planned).unwrap();
    let subject = Some(TokenId::new(token));
    let rotation = Rotation::new(OperationId::random(), subject, now());
    let account = Account::new("losant", "iot");
    let sinks = sinks.iter().copied();
    RotationRecord::new(account, sinks, plan, CreateToken::new("ci"), rotation)
}

async fn store() -> (MemoryLedger, LedgerRotationStore) {
    let ledger = MemoryLedger::new();
    let store = LedgerRotationStore::open(Arc::new(ledger.clone())).await;
    (ledger, store.unwrap())
}

async fn open(store: &LedgerRotationStore, record: &RotationRecord) -> OperationId {
    let closed = store.closed_rotations().await.unwrap();
    let previous = closed.last_of(&record.subject());
    let other = store.open_rotation(record, "iot", previous).await.unwrap();
    assert_eq!(other, None);
    record.rotation.id
}

async fn rotation(store: &LedgerRotationStore, id: OperationId) -> Rotation {
    store.rotation(id).await.unwrap().unwrap().record.rotation
}

/// Records a change as a worker does that claims the rotation and gives it back.
async fn apply(store: &LedgerRotationStore, id: OperationId, change: Change) {
    let claim = store.claim(id).await.unwrap().unwrap();
    assert!(store.record(id, claim.epoch, &change).await.unwrap());
    store.release(id, claim.epoch, None).await.unwrap();
}

fn attempting(number: u32) -> Change {
    Change::Attempting {
        attempt: Attempt::new(number, Marker::random(), now()),
        replaced: 0,
    }
}

fn delivered(attempt: u32) -> Change {
    let token = TokenId::new(format!("new {attempt}"));
    Change::Delivered(Successor::new(attempt, token, 1, now()))
}

#[tokio::test]
async fn a_rotation_that_was_planned_before_another_one_of_its_token_is_not_opened() {
    let (_, store) = store().await;
    let mut previous = None;
    for attempt in 1..3 {
        let (planned, meanwhile) = (record("1", &["file:/a"]), record("1", &["file:/a"]));
        let id = open(&store, &meanwhile).await;
        apply(&store, id, attempting(attempt)).await;
        apply(&store, id, delivered(attempt)).await;
        apply(&store, id, Change::Done).await;
        let opened = store.open_rotation(&planned, "iot", previous).await;
        assert_eq!(opened.unwrap(), Some(id));
        assert!(store.rotation(planned.rotation.id).await.unwrap().is_none());
        previous = Some(id);
    }
    // One that was planned afterwards is, and so is that of another token.
    open(&store, &record("2", &["file:/b"])).await;
    open(&store, &record("1", &["file:/a"])).await;
}

#[tokio::test]
async fn a_token_is_rotated_once_at_a_time_and_again_when_that_is_done() {
    let (_, store) = store().await;
    let first = record("1", &["file:/a"]);
    let id = open(&store, &first).await;
    let second = record("1", &["file:/a", "file:/b"]);
    let other = store.open_rotation(&second, "iot", None).await.unwrap();
    assert_eq!(other, Some(id));
    assert!(store.rotation(second.rotation.id).await.unwrap().is_none());

    apply(&store, id, attempting(1)).await;
    apply(&store, id, delivered(1)).await;
    apply(&store, id, Change::Done).await;
    open(&store, &second).await;
    let closed = store.closed_rotations().await.unwrap().rotations;
    assert_eq!(closed.len(), 1);
    assert!(closed[0].is_closed() && !closed[0].is_abandoned());
    assert_eq!(closed[0].task.id, id);
    let opened = store.open_rotations().await.unwrap().rotations;
    assert_eq!(opened[0].record, second);
    assert_eq!(store.claim(id).await.unwrap(), None, "it is done");
}

/// The machine that plans a rotation may be years ahead, as these records are.
#[tokio::test]
async fn a_rotation_is_due_and_claimed_by_the_clock_of_the_ledger() {
    let (ledger, store) = store().await;
    let id = open(&store, &record("1", &["file:/a"])).await;
    let due = ledger.due_queues().await.unwrap();
    assert_eq!(due.queues.len(), 1, "{due:?}");
    let claimed_at = store.claim(id).await.unwrap().unwrap().claimed_at.unwrap();
    assert!(due.at.duration_until(claimed_at) < MINUTE, "{claimed_at}");
    assert!(claimed_at.duration_until(due.at) < MINUTE, "{claimed_at}");
}

#[tokio::test]
async fn two_open_rotations_never_write_one_sink() {
    let (_, store) = store().await;
    let first = open(&store, &record("1", &["file:/a/b", "vault"])).await;
    for sinks in [vec!["vault"], vec!["file:/c", "file:/a/./b"]] {
        let error = store
            .open_rotation(&record("2", &sinks), "other", None)
            .await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains(&first.to_string()), "{error}");
        assert!(error.advice().is_some());
    }
    open(&store, &record("2", &["file:/c"])).await;
    assert!(store.abandon(first).await.unwrap());
    open(&store, &record("3", &["vault"])).await;
}

#[tokio::test]
async fn sinks_that_are_not_those_of_the_plan_open_nothing() {
    let (ledger, store) = store().await;
    let mut record = record("1", &["file:/a", "file:/b"]);
    record.sinks.pop();
    let error = store.open_rotation(&record, "iot", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(ledger.open_tasks().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_record_that_is_not_understood_is_an_error_and_nothing_is_done() {
    let (ledger, store) = store().await;
    let record = record("1", &["file:/a"]);
    let state = serde_json::to_string(&record).unwrap();
    let later = state.replace(r#""version":1"#, r#""version":2"#);
    let (id, kind) = (record.rotation.id, LedgerRotationStore::KIND);
    let task = NewTask::new(id, kind, "iot", record.subject(), later).with_due(now());
    ledger.open_task(&task).await.unwrap();
    // A worker that understood it was lost.
    ledger.claim_task(id, Duration::ZERO).await.unwrap();
    let before = ledger.task(id).await.unwrap();

    for error in [
        store.rotation(id).await.unwrap_err(),
        store.claim(id).await.unwrap_err(),
        store.resume(id).await.unwrap_err(),
        store
            .open_rotations()
            .await
            .unwrap()
            .unreadable
            .remove(0)
            .error,
    ] {
        let text = error.to_string();
        assert!(
            text.contains(&id.to_string()) && text.contains("version 2"),
            "{text}"
        );
        assert!(
            error
                .advice()
                .is_some_and(|advice| advice.contains("nothing was done"))
        );
    }
    assert_eq!(ledger.task(id).await.unwrap(), before);
    // Whoever understands it may claim the queue.
    assert!(ledger.claim_task(id, MINUTE).await.unwrap().is_some());
}

#[tokio::test]
async fn a_record_that_is_not_understood_hides_no_other_rotation() {
    let (ledger, store) = store().await;
    let unread = record("1", &["file:/a"]);
    let (id, kind) = (unread.rotation.id, LedgerRotationStore::KIND);
    let task = NewTask::new(id, kind, "iot", unread.subject(), "{}").with_due(now());
    ledger.open_task(&task).await.unwrap();

    let other = record("2", &["file:/b"]);
    store
        .open_rotation(&other, "elsewhere", None)
        .await
        .unwrap();
    let all = store.open_rotations().await.unwrap();
    assert_eq!(all.rotations[0].record, other);
    assert_eq!(all.unreadable[0].task.id, id);
    // It is the rotation of its token, and whichever place it writes is written by nobody else.
    let again = record("1", &["file:/c"]);
    let opened = store.open_rotation(&again, "iot", None).await.unwrap();
    assert_eq!(opened, Some(id));
    let error = store
        .open_rotation(&record("3", &["file:/d"]), "iot", None)
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Conflict);

    assert!(store.abandon(id).await.unwrap(), "a person may give it up");
    open(&store, &record("3", &["file:/d"])).await;
    assert_eq!(store.closed_rotations().await.unwrap().unreadable.len(), 1);
}

/// Whatever the keys of the newer version are, a place is a text in its record.
#[tokio::test]
async fn a_place_that_a_record_of_another_queue_names_is_left_to_it_although_it_is_not_understood()
{
    let (ledger, store) = store().await;
    let (id, kind) = (OperationId::random(), LedgerRotationStore::KIND);
    let state = r#"{"version":2,"writes":[{"to":"file:/a/b"}]}"#;
    let task = NewTask::new(id, kind, "iot", "of another kind", state).with_due(now());
    ledger.open_task(&task).await.unwrap();

    let shared = record("1", &["file:/c", "file:/a/./b"]);
    let error = store.open_rotation(&shared, "other", None).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let text = error.to_string();
    assert!(
        text.contains(&id.to_string()) && text.contains("file:/a/./b"),
        "{text}"
    );
    let other = record("1", &["file:/c"]);
    let opened = store.open_rotation(&other, "other", None).await;
    assert_eq!(opened.unwrap(), None);
    assert!(store.abandon(id).await.unwrap());
    let shared = record("2", &["file:/a/b"]);
    let opened = store.open_rotation(&shared, "another", None).await;
    assert_eq!(opened.unwrap(), None);
}

#[tokio::test]
async fn a_record_about_another_token_than_its_task_is_not_carried_out() {
    for changed in ["token", "rotation"] {
        let (ledger, store) = store().await;
        let mut record = record("1", &["file:/a"]);
        let (id, subject) = (record.rotation.id, record.subject());
        match changed {
            "token" => record.rotation.subject = Some(TokenId::new("2")),
            _ => record.rotation.id = OperationId::random(),
        }
        let state = serde_json::to_string(&record).unwrap();
        let task = NewTask::new(id, LedgerRotationStore::KIND, "iot", subject, state);
        ledger.open_task(&task).await.unwrap();
        let error = store.claim(id).await.unwrap_err();
        assert!(error.to_string().contains("another token"), "{error}");
        assert_eq!(ledger.task(id).await.unwrap().unwrap().claimed_until, None);
    }
}

#[tokio::test]
async fn the_tasks_of_others_are_no_rotations() {
    let (ledger, store) = store().await;
    let id = OperationId::random();
    let task = NewTask::new(id, "snapshot", "iot", "iot", "{}");
    ledger.open_task(&task).await.unwrap();
    assert!(store.rotation(id).await.unwrap().is_none());
    let open = store.open_rotations().await.unwrap();
    assert!(open.rotations.is_empty() && open.unreadable.is_empty());
    assert_eq!(store.claim(id).await.unwrap(), None);
    assert_eq!(
        store.resume(id).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert!(!store.is_open("not an id").await.unwrap());
}

#[tokio::test]
async fn a_rotation_is_due_at_once_and_then_when_its_worker_says() {
    let (ledger, store) = store().await;
    let record = record("1", &["file:/a"]);
    let id = open(&store, &record).await;
    let due = async || ledger.task(id).await.unwrap().unwrap().due;
    let at_once = due().await.unwrap();
    assert!(at_once <= Timestamp::now(), "{at_once}");
    let claim = store.claim(id).await.unwrap().unwrap();
    let later = now().saturating_add(MINUTE);
    store.release(id, claim.epoch, Some(later)).await.unwrap();
    assert_eq!(due().await, Some(later));
    apply(&store, id, Change::Parked(Parked::NotOurs { sink: 0 })).await;
    assert_eq!(due().await, None);
    let parked = store.rotation(id).await.unwrap().unwrap().record;
    assert_eq!(parked.next(), Parked::NotOurs { sink: 0 }.advice());
}

#[tokio::test]
async fn a_person_lets_a_parked_rotation_go_on() {
    let (ledger, store) = store().await;
    let id = open(&store, &record("1", &["file:/a"])).await;
    apply(&store, id, attempting(1)).await;
    apply(&store, id, Change::Parked(Parked::NotOurs { sink: 0 })).await;
    let before = Timestamp::now().truncated_to_seconds();
    assert!(store.resume(id).await.unwrap());
    let resumed = rotation(&store, id).await;
    assert_eq!((resumed.parked, resumed.resumed_after), (None, 1));
    let task = ledger.task(id).await.unwrap().unwrap();
    assert!(task.due.is_some_and(|due| due >= before));
    assert_eq!(task.starts, 0);
    // One that is not parked is made due, and loses none of its attempts.
    apply(&store, id, attempting(2)).await;
    assert!(store.resume(id).await.unwrap());
    assert_eq!(rotation(&store, id).await.resumed_after, 1);
}

#[tokio::test]
async fn a_person_decides_nothing_while_somebody_is_at_work() {
    let (_, store) = store().await;
    let id = open(&store, &record("1", &["file:/a"])).await;
    let neighbour = open(&store, &record("2", &["file:/b"])).await;
    let claim = store.claim(neighbour).await.unwrap().unwrap();
    let before = rotation(&store, id).await;
    assert!(!store.resume(id).await.unwrap());
    assert!(!store.abandon(id).await.unwrap());
    assert_eq!(rotation(&store, id).await, before);
    store.release(neighbour, claim.epoch, None).await.unwrap();
    assert!(store.abandon(id).await.unwrap());
}

#[tokio::test]
async fn what_is_given_up_is_closed_and_tells_what_is_left() {
    let (_, store) = store().await;
    let id = open(&store, &record("1", &["file:/a"])).await;
    for number in 1..=3 {
        apply(&store, id, attempting(number)).await;
    }
    apply(&store, id, Change::NotApplied { attempt: 2 }).await;
    assert!(store.abandon(id).await.unwrap());
    let given_up = store.rotation(id).await.unwrap().unwrap();
    assert!(given_up.is_abandoned());
    let left = |rotation: &Rotation| {
        let left = rotation.left_behind().into_iter();
        left.map(|attempt| attempt.number).collect::<Vec<_>>()
    };
    // A sink may hold any of those that may exist.
    assert_eq!(left(&given_up.record.rotation), [1, 3]);
    assert_eq!(store.claim(id).await.unwrap(), None);
    for error in [store.resume(id).await, store.abandon(id).await] {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    let id = open(&store, &record("1", &["file:/a"])).await;
    apply(&store, id, attempting(1)).await;
    apply(&store, id, attempting(2)).await;
    apply(&store, id, delivered(2)).await;
    assert!(store.abandon(id).await.unwrap());
    let given_up = rotation(&store, id).await;
    assert_eq!(given_up.state, RotationState::Retiring);
    assert_eq!(left(&given_up), [1], "the sinks hold the successor");

    let id = open(&store, &record("1", &["file:/a"])).await;
    apply(&store, id, attempting(1)).await;
    apply(&store, id, delivered(1)).await;
    apply(&store, id, Change::Reissue).await;
    assert!(store.abandon(id).await.unwrap());
    let given_up = rotation(&store, id).await;
    assert_eq!(left(&given_up), [1], "no longer all of them do");
}

#[tokio::test]
async fn a_claim_that_ran_out_keeps_a_person_from_nothing() {
    let (ledger, store) = store().await;
    let id = open(&store, &record("1", &["file:/a"])).await;
    // A worker that was lost.
    let lost = ledger
        .claim_task(id, Duration::ZERO)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(rotation(&store, id).await.starts, 1);
    assert!(store.resume(id).await.unwrap());
    assert!(
        !store
            .record(id, lost.epoch, &Change::Resumed)
            .await
            .unwrap()
    );
    assert_eq!(rotation(&store, id).await.starts, 0);
}

#[tokio::test]
async fn a_rotation_whose_sink_is_ahead_goes_on_after_a_restore_if_a_person_says_so() {
    let (ledger, store) = store().await;
    let id = open(&store, &record("1", &["file:/a"])).await;
    for parked in [None, Some(Parked::NotOurs { sink: 0 })] {
        if let Some(parked) = parked {
            apply(&store, id, Change::Parked(parked)).await;
        }
        let before = rotation(&store, id).await;
        let error = store.resume_after_restore(id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(rotation(&store, id).await, before);
    }
    let ahead = Parked::SinkAhead {
        sink: 0,
        epoch: 5_000,
    };
    apply(&store, id, Change::Parked(ahead.clone())).await;
    // Without that nothing is raised.
    assert!(store.resume(id).await.unwrap());
    let epoch = store.claim(id).await.unwrap().unwrap().epoch;
    assert!(epoch < 5_000, "{epoch}");
    store.release(id, epoch, None).await.unwrap();
    apply(&store, id, Change::Parked(ahead)).await;
    assert!(store.resume_after_restore(id).await.unwrap());
    assert_eq!(rotation(&store, id).await.parked, None);
    let task = ledger.task(id).await.unwrap().unwrap();
    assert!(task.due.is_some());
    let epoch = store.claim(id).await.unwrap().unwrap().epoch;
    assert!(epoch > 5_000, "{epoch}");
}

#[tokio::test]
async fn a_rotation_adopts_what_its_sinks_hold_if_a_person_says_so() {
    let (ledger, store) = store().await;
    let id = open(&store, &record("1", &["file:/a", "file:/b"])).await;
    apply(&store, id, Change::Parked(Parked::NotOurs { sink: 0 })).await;
    let neighbour = open(&store, &record("2", &["file:/c"])).await;
    let claim = store.claim(neighbour).await.unwrap().unwrap();
    assert!(!store.adopt(id).await.unwrap(), "somebody is at work");
    store.release(neighbour, claim.epoch, None).await.unwrap();

    let before = store.rotation(id).await.unwrap().unwrap();
    assert!(store.adopt(id).await.unwrap());
    let mut expected = before.record;
    for sink in &mut expected.plan.sinks {
        assert!(!sink.adopt);
        sink.adopt = true;
    }
    let after = store.rotation(id).await.unwrap().unwrap();
    assert_eq!(after.record, expected, "it still waits");
    assert_eq!(after.task.due, before.task.due);
    let task = ledger.task(id).await.unwrap().unwrap();
    assert_eq!((task.claimed_until, task.starts), (None, 0));
    assert!(store.abandon(id).await.unwrap());
    let error = store.adopt(id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_token_is_rotated_once_at_a_time_under_whatever_name_its_account_has() {
    let (_, store) = store().await;
    let of = |name: &str, place: Option<&str>, token: &str, sink: &str| {
        let mut record = record(token, &[sink]);
        record.account = Account::new("losant", name);
        if let Some(place) = place {
            record.account = record.account.with_place(place);
        }
        record
    };
    open(&store, &of("iot", Some("/me"), "old", "file:/a")).await;
    let again = of("again", Some("/me"), "old", "file:/b");
    let error = store
        .open_rotation(&again, "again", None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let text = error.to_string();
    assert!(text.contains("iot") && text.contains("again"), "{text}");
    for other in [
        of("again", Some("/me"), "another", "file:/c"),
        of("again", Some("/other"), "old", "file:/d"),
        of("again", None, "old", "file:/e"),
        of("third", None, "old", "file:/f"),
    ] {
        open(&store, &other).await;
    }
}
