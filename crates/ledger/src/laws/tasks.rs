//! The laws of tasks: when one is opened and closed, and what becomes of it.

use std::time::Duration;

use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{ErrorKind, Timestamp};

use super::observe::{ensure_eq, ensure_refused, works};
use crate::{Ledger, NewTask, Task, TaskClaim};

pub(super) const HOUR: Duration = Duration::from_secs(3_600);

/// Returns a new task of a queue.
pub(super) fn task(queue: &str, subject: &str) -> NewTask {
    NewTask::new(OperationId::random(), "rotation", queue, subject, "{}")
}

/// Opens a task of a queue and returns its id.
pub(super) async fn opened(
    ledger: &dyn Ledger,
    queue: &str,
    subject: &str,
) -> Result<OperationId, String> {
    let task = task(queue, subject);
    let open = works("opening", ledger.open_task(&task).await)?;
    ensure_eq("the task that is open already", &open, &None)?;
    Ok(task.id)
}

/// Returns a task that the ledger must know.
pub(super) async fn found(ledger: &dyn Ledger, id: OperationId) -> Result<Task, String> {
    let found = works("a task", ledger.task(id).await)?;
    found.ok_or_else(|| format!("the ledger does not know the task {id}"))
}

/// Claims a task of which nobody has the queue.
pub(super) async fn claimed(
    ledger: &dyn Ledger,
    id: OperationId,
    lease: Duration,
) -> Result<TaskClaim, String> {
    let claim = works("claiming", ledger.claim_task(id, lease).await)?;
    claim.ok_or_else(|| format!("the task {id} cannot be claimed"))
}

pub(super) async fn ensure_not_claimed(
    what: &str,
    ledger: &dyn Ledger,
    id: OperationId,
) -> Result<(), String> {
    let claim = works("claiming", ledger.claim_task(id, HOUR).await)?;
    ensure_eq(what, &claim, &None)
}

/// Checks that a claim that is over is refused whatever it asks for.
pub(super) async fn ensure_changes_nothing(
    ledger: &dyn Ledger,
    id: OperationId,
    epoch: u64,
) -> Result<(), String> {
    let extended = works("extending", ledger.extend_claim(id, epoch, HOUR).await)?;
    ensure_eq("an extension of a claim that is over", &extended, &false)?;
    for closes in [false, true] {
        let recorded = ledger.record_task(id, epoch, "[]", closes).await;
        let recorded = works("recording", recorded)?;
        ensure_eq("a record of a claim that is over", &recorded, &false)?;
    }
    let due = Some(Timestamp::now());
    works("releasing", ledger.release_claim(id, epoch, due).await)
}

pub(super) async fn one_task_of_a_subject_is_open_at_a_time(
    ledger: &dyn Ledger,
) -> Result<(), String> {
    let first = task("iot", "1").with_due(Timestamp::now());
    works("opening", ledger.open_task(&first).await)?;
    let mut second = task("other", "1");
    second.state = "[]".to_owned();
    for again in [&first, &second] {
        let open = works("opening it again", ledger.open_task(again).await)?;
        let expected = found(ledger, first.id).await?;
        ensure_eq("the task that is open", &open, &Some(expected))?;
    }
    let unopened = works("a task", ledger.task(second.id).await)?;
    ensure_eq("a task that was not opened", &unopened, &None)?;
    let mut other_kind = task("iot", "1");
    other_kind.kind = "revocation".to_owned();
    let open = works("opening another kind", ledger.open_task(&other_kind).await)?;
    ensure_eq("the open task of another kind", &open, &None)?;

    let epoch = claimed(ledger, first.id, HOUR).await?.epoch;
    let closed = ledger.record_task(first.id, epoch, "{}", true).await;
    ensure_eq("closing", &works("closing", closed)?, &true)?;
    let found = ledger.open_task(&first).await;
    ensure_refused("opening a closed task", found, ErrorKind::Conflict)?;
    let open = works("opening the next", ledger.open_task(&second).await)?;
    ensure_eq("the open task after the first", &open, &None)
}

pub(super) async fn a_task_is_not_opened_after_one_that_its_opener_has_not_read(
    ledger: &dyn Ledger,
) -> Result<(), String> {
    let [first, second, third] = ["1", "2", "3"].map(|subject| task("iot", subject));
    let opened = ledger.open_task_after(&first, None, None).await;
    ensure_eq("the first", &works("opening", opened)?, &None)?;
    let overtaken = ledger.open_task_after(&second, None, None).await;
    ensure_refused(
        "a task beside one that was not read",
        overtaken,
        ErrorKind::Conflict,
    )?;
    let opened = ledger.open_task_after(&second, Some(first.id), None).await;
    ensure_eq("the second", &works("opening", opened)?, &None)?;
    for latest in [
        None,
        Some(first.id),
        Some(third.id),
        Some(OperationId::random()),
    ] {
        let overtaken = ledger.open_task_after(&third, latest, None).await;
        ensure_refused("a third", overtaken, ErrorKind::Conflict)?;
        let open = works("a task", ledger.task(third.id).await)?;
        ensure_eq("a task that was not opened", &open, &None)?;
        // One of its own subject is returned, whatever was read.
        let open = works(
            "opening",
            ledger.open_task_after(&first, latest, None).await,
        )?;
        ensure_eq("the open one", &open.map(|open| open.id), &Some(first.id))?;
    }
    let mut other_kind = task("iot", "1");
    other_kind.kind = "revocation".to_owned();
    let opened = ledger.open_task_after(&other_kind, None, None).await;
    ensure_eq("one of another kind", &works("opening", opened)?, &None)?;

    // Whatever is closed is in nobody's way.
    for id in [first.id, second.id] {
        let epoch = claimed(ledger, id, Duration::ZERO).await?.epoch;
        works("closing", ledger.record_task(id, epoch, "{}", true).await)?;
    }
    let opened = ledger.open_task_after(&third, Some(first.id), None).await;
    ensure_eq("the third", &works("opening", opened)?, &None)?;
    let overtaken = ledger
        .open_task_after(&task("iot", "4"), Some(second.id), None)
        .await;
    ensure_refused("a fourth", overtaken, ErrorKind::Conflict)
}

pub(super) async fn a_task_is_not_opened_after_one_of_its_subject_that_its_opener_has_not_read(
    ledger: &dyn Ledger,
) -> Result<(), String> {
    let mut previous = None;
    for _ in 0..3 {
        let (next, again) = (task("iot", "1"), task("iot", "1"));
        let opened = ledger.open_task_after(&next, None, previous).await;
        ensure_eq("the next", &works("opening", opened)?, &None)?;
        let epoch = claimed(ledger, next.id, Duration::ZERO).await?.epoch;
        works(
            "closing",
            ledger.record_task(next.id, epoch, "{}", true).await,
        )?;
        // It was opened and closed since.
        for read in [previous, Some(again.id)] {
            let overtaken = ledger.open_task_after(&again, None, read).await;
            ensure_refused(
                "a task that was done meanwhile",
                overtaken,
                ErrorKind::Conflict,
            )?;
        }
        previous = Some(next.id);
    }
    let other = ledger.open_task_after(&task("iot", "2"), None, None).await;
    ensure_eq("one of another subject", &works("opening", other)?, &None)
}

pub(super) async fn a_closed_task_stays_closed(ledger: &dyn Ledger) -> Result<(), String> {
    let due = Timestamp::from_unix_seconds(1_900_000_000).unwrap_or_else(Timestamp::now);
    let task = task("iot", "1").with_due(due);
    works("opening", ledger.open_task(&task).await)?;
    let id = task.id;
    let open = found(ledger, id).await?;
    ensure_eq("the due time", &open.due, &Some(due))?;
    let listed = works("the open tasks", ledger.open_tasks().await)?;
    ensure_eq("the open tasks", &listed, &vec![open])?;

    let claim = claimed(ledger, id, HOUR).await?;
    let recorded = ledger.record_task(id, claim.epoch, "\"done\"", true).await;
    ensure_eq("closing", &works("closing", recorded)?, &true)?;
    let again = ledger.record_task(id, claim.epoch, "\"more\"", true).await;
    ensure_eq("closing again", &works("closing again", again)?, &false)?;
    let released = ledger.release_claim(id, claim.epoch, Some(due)).await;
    works("releasing", released)?;
    ensure_not_claimed("a claim of a closed task", ledger, id).await?;
    let closed = found(ledger, id).await?;
    ensure_eq("it is open", &closed.is_open(), &false)?;
    ensure_eq("the due time of a closed task", &closed.due, &None)?;
    ensure_eq("the state", &closed.state.as_str(), &"\"done\"")?;
    let listed = works("the open tasks", ledger.open_tasks().await)?;
    ensure_eq("the open tasks", &listed, &Vec::new())?;
    let listed = works("the closed tasks", ledger.closed_tasks("rotation").await)?;
    ensure_eq("the closed tasks", &listed, &vec![closed])?;
    let listed = works("the closed tasks", ledger.closed_tasks("other").await)?;
    ensure_eq("the closed tasks of another kind", &listed, &Vec::new())
}

pub(super) async fn a_task_that_is_not_known_is_none(ledger: &dyn Ledger) -> Result<(), String> {
    let id = OperationId::random();
    let task = works("a task", ledger.task(id).await)?;
    ensure_eq("a task that is not known", &task, &None)?;
    ensure_not_claimed("a claim of it", ledger, id).await?;
    for epoch in [0, 1, u64::MAX] {
        ensure_changes_nothing(ledger, id, epoch).await?;
    }
    // No claim has the epoch 0, not even of a task that nobody has claimed.
    let id = opened(ledger, "iot", "1").await?;
    for epoch in [0, 1, u64::MAX] {
        ensure_changes_nothing(ledger, id, epoch).await?;
    }
    Ok(())
}

pub(super) async fn texts_of_tasks_are_data(ledger: &dyn Ledger) -> Result<(), String> {
    let longest = "9".repeat(1_024);
    let texts = [
        "",
        "'; drop table task; --",
        "$1",
        "a\0b\n",
        "\\u{0}",
        "\u{202e}\"\u{10ffff}",
        "%_",
        longest.as_str(),
    ];
    for text in texts {
        let state = serde_json::to_string(text).map_err(|error| error.to_string())?;
        let task = NewTask::new(OperationId::random(), text, text, text, &state);
        let open = works("opening", ledger.open_task(&task).await)?;
        ensure_eq("the task that is open already", &open, &None)?;
        let kept = found(ledger, task.id).await?;
        let expected = Task::new(&task, kept.opened_at);
        ensure_eq("the task", &kept, &expected)?;
        let open = works("opening", ledger.open_task(&task).await)?;
        ensure_eq("the task that is open", &open, &Some(expected))?;
        let claim = claimed(ledger, task.id, HOUR).await?;
        let recorded = ledger.record_task(task.id, claim.epoch, &state, true).await;
        ensure_eq("a record", &works("recording", recorded)?, &true)?;
        let closed = works("the closed tasks", ledger.closed_tasks(text).await)?;
        ensure_eq("the number of closed tasks", &closed.len(), &1)?;
    }
    let findings = works("the check", ledger.check().await)?;
    ensure_eq("the findings of the check", &findings, &Vec::new())
}

pub(super) async fn what_a_ledger_does_not_take_is_refused(
    ledger: &dyn Ledger,
) -> Result<(), String> {
    let long = "9".repeat(1_025);
    let id = OperationId::random;
    for task in [
        NewTask::new(id(), &long, "iot", "1", "{}"),
        NewTask::new(id(), "rotation", &long, "1", "{}"),
        NewTask::new(id(), "rotation", "iot", &long, "{}"),
        NewTask::new(id(), "rotation", "iot", "1", ""),
        NewTask::new(id(), "rotation", "iot", "1", "{} {}"),
        NewTask::new(id(), "rotation", "iot", "1", "\"a\0b\""),
    ] {
        let refused = ledger.open_task(&task).await;
        ensure_refused("such a task", refused, ErrorKind::InvalidInput)?;
    }
    let open = works("the open tasks", ledger.open_tasks().await)?;
    ensure_eq("the open tasks", &open, &Vec::new())?;
    let id = opened(ledger, "iot", "1").await?;
    let epoch = claimed(ledger, id, HOUR).await?.epoch;
    let refused = ledger.record_task(id, epoch, "{", true).await;
    ensure_refused("such a state", refused, ErrorKind::InvalidInput)?;
    ensure_eq("it is open", &found(ledger, id).await?.is_open(), &true)
}

pub(super) async fn a_ledger_has_one_id(ledger: &dyn Ledger) -> Result<(), String> {
    let id = works("the id", ledger.ledger_id().await)?;
    let is_hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    if id.len() != 16 || !id.chars().all(is_hexadecimal) {
        return Err(format!("{id:?} is not 16 hexadecimal digits"));
    }
    let again = works("the id", ledger.ledger_id().await)?;
    ensure_eq("the id", &again, &id)
}
