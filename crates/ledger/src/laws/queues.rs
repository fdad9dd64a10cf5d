//! The law of queues: in which of them there is something to do.

use std::time::Duration;

use tokenfleet_core::Timestamp;

use super::observe::{ensure_eq, works};
use super::tasks::task;
use crate::{DueQueues, Ledger};

const HOUR: Duration = Duration::from_secs(3_600);

/// Returns the names of the queues that are due, and the seconds until the next one.
async fn due(ledger: &dyn Ledger) -> Result<(Vec<String>, Option<u64>), String> {
    let DueQueues {
        at, queues, next, ..
    } = works("the queues that are due", ledger.due_queues().await)?;
    let names = queues.into_iter().map(|queue| queue.name).collect();
    // A whole number for a time that lies a little before it.
    let seconds = |next| at.duration_until(next).as_millis().div_ceil(1_000);
    let seconds = next.map(|next| u64::try_from(seconds(next)).unwrap_or(u64::MAX));
    Ok((names, seconds))
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub(super) async fn a_queue_is_due_with_its_earliest_task_unless_it_is_held(
    ledger: &dyn Ledger,
) -> Result<(), String> {
    ensure_eq("an empty ledger", &due(ledger).await?, &(Vec::new(), None))?;
    let now = Timestamp::now();
    let before = |hours: u32| now.checked_sub(HOUR * hours).unwrap_or(now);
    let waiting = task("parked", "1");
    let later = task("later", "2").with_due(now.saturating_add(HOUR * 2));
    let second = task("newer", "3").with_due(before(1));
    let first = task("oldest", "4").with_due(before(2));
    let also_first = task("oldest", "5").with_due(now.saturating_add(HOUR));
    for task in [&waiting, &later, &second, &first, &also_first] {
        works("opening", ledger.open_task(task).await)?;
    }
    for (queue, expected) in [
        ("parked", &[][..]),
        ("later", &[]),
        ("newer", &[second.id]),
        ("oldest", &[first.id]),
        ("unknown", &[]),
    ] {
        let found = works("the tasks of a queue", ledger.due_tasks(queue).await)?;
        ensure_eq(queue, &found.as_slice(), &expected)?;
    }
    let (queues, next) = due(ledger).await?;
    ensure_eq("the queues", &queues, &names(&["oldest", "newer"]))?;
    ensure_eq("the hours until the next", &next.map(hours), &Some(2))?;

    // Whichever of its tasks is claimed, the queue is held.
    let claim = works("claiming", ledger.claim_task(also_first.id, HOUR).await)?;
    let claim = claim.ok_or("the task cannot be claimed")?;
    let (queues, next) = due(ledger).await?;
    ensure_eq("the queues of nobody", &queues, &names(&["newer"]))?;
    ensure_eq("the hours until it is free", &next.map(hours), &Some(1))?;
    let due_again = Some(now.saturating_add(HOUR * 3));
    let released = ledger.release_claim(also_first.id, claim.epoch, due_again);
    works("releasing", released.await)?;
    let (queues, _) = due(ledger).await?;
    ensure_eq("the released queue", &queues, &names(&["oldest", "newer"]))?;

    // A lost worker holds nothing.
    for id in [first.id, second.id] {
        works("claiming", ledger.claim_task(id, Duration::ZERO).await)?;
    }
    let (queues, _) = due(ledger).await?;
    ensure_eq("the lost queues", &queues, &names(&["oldest", "newer"]))?;

    let claim = works("claiming", ledger.claim_task(second.id, HOUR).await)?;
    let claim = claim.ok_or("the task cannot be claimed")?;
    let closed = ledger.record_task(second.id, claim.epoch, "{}", true).await;
    works("closing", closed)?;
    let released = ledger
        .release_claim(second.id, claim.epoch, Some(now))
        .await;
    works("releasing", released)?;
    let (queues, _) = due(ledger).await?;
    ensure_eq("the queues of open tasks", &queues, &names(&["oldest"]))
}

/// Rounds seconds to hours.
fn hours(seconds: u64) -> u64 {
    (seconds + 1_800) / 3_600
}
