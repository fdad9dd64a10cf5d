//! The laws of claims: who carries a task on, and what becomes of a worker that is lost.

use std::time::{Duration, Instant};

use tokenfleet_core::{ErrorKind, Timestamp};

use super::observe::{ensure_eq, ensure_refused, works};
use super::tasks::{HOUR, claimed, ensure_changes_nothing, ensure_not_claimed, found, opened};
use crate::Ledger;

pub(super) async fn two_tasks_of_one_queue_are_never_claimed_at_once(
    ledger: &dyn Ledger,
) -> Result<(), String> {
    let first = opened(ledger, "iot", "1").await?;
    let second = opened(ledger, "iot", "2").await?;
    let elsewhere = opened(ledger, "ci", "3").await?;
    let claim = claimed(ledger, first, HOUR).await?;
    ensure_not_claimed("a second claim of a task", ledger, first).await?;
    ensure_not_claimed("a claim of another task", ledger, second).await?;
    claimed(ledger, elsewhere, HOUR).await?;

    // Closing a task does not give its queue back.
    let closed = ledger.record_task(first, claim.epoch, "{}", true).await;
    works("closing", closed)?;
    ensure_not_claimed("a claim after the first is closed", ledger, second).await?;
    let released = ledger.release_claim(first, claim.epoch, None).await;
    works("releasing", released)?;
    claimed(ledger, second, HOUR).await.map(drop)
}

pub(super) async fn epochs_rise_over_all_queues(ledger: &dyn Ledger) -> Result<(), String> {
    let mut last = 0;
    let mut tasks = Vec::new();
    for subject in ["1", "2", "3"] {
        tasks.push(opened(ledger, subject, subject).await?);
    }
    for _ in 0..3 {
        for id in &tasks {
            let epoch = claimed(ledger, *id, Duration::ZERO).await?.epoch;
            if epoch <= last {
                return Err(format!("the epoch {epoch} was given out after {last}"));
            }
            last = epoch;
        }
    }
    Ok(())
}

pub(super) async fn a_raised_epoch_is_lower_than_the_next_claim(
    ledger: &dyn Ledger,
) -> Result<(), String> {
    let id = opened(ledger, "iot", "1").await?;
    let held = claimed(ledger, id, Duration::ZERO).await?.epoch;
    works("raising", ledger.raise_epoch(1_000).await)?;
    // Whoever is at work stays so.
    let extended = works(
        "extending",
        ledger.extend_claim(id, held, Duration::ZERO).await,
    )?;
    ensure_eq("an extension", &extended, &true)?;
    let claim = claimed(ledger, id, Duration::ZERO).await?;
    ensure_eq("the epoch after it was raised", &claim.epoch, &1_001)?;
    for lower in [1_001, 1_000, 7, 0] {
        works("raising", ledger.raise_epoch(lower).await)?;
    }
    let claim = claimed(ledger, id, Duration::ZERO).await?;
    ensure_eq("the epoch after it was not lowered", &claim.epoch, &1_002)?;
    for wrong in [(1 << 53) + 1, u64::MAX] {
        let refused = ledger.raise_epoch(wrong).await;
        ensure_refused("an epoch of no ledger", refused, ErrorKind::InvalidInput)?;
    }
    works("raising", ledger.raise_epoch(1 << 53).await)?;
    claimed(ledger, id, HOUR).await?;
    let findings = works("the check", ledger.check().await)?;
    ensure_eq("the findings of the check", &findings, &Vec::new())
}

pub(super) async fn a_claim_that_ran_out_is_taken_and_records_nothing_any_more(
    ledger: &dyn Ledger,
) -> Result<(), String> {
    let id = opened(ledger, "iot", "1").await?;
    let other = opened(ledger, "iot", "2").await?;
    for taken_by in [id, other] {
        let lost = claimed(ledger, id, Duration::ZERO).await?;
        let claim = claimed(ledger, taken_by, HOUR).await?;
        let before = [found(ledger, id).await?, found(ledger, other).await?];
        ensure_changes_nothing(ledger, id, lost.epoch).await?;
        // Nor with the epoch of the other one, or for the other task.
        if taken_by != id {
            ensure_changes_nothing(ledger, id, claim.epoch).await?;
        }
        ensure_changes_nothing(ledger, taken_by, lost.epoch).await?;
        let after = [found(ledger, id).await?, found(ledger, other).await?];
        ensure_eq("the tasks", &after, &before)?;
        let released = ledger.release_claim(taken_by, claim.epoch, None).await;
        works("releasing", released)?;
    }
    Ok(())
}

pub(super) async fn a_claim_lasts_as_long_as_its_lease(ledger: &dyn Ledger) -> Result<(), String> {
    let id = opened(ledger, "iot", "1").await?;
    let lease = Duration::from_millis(40);
    let began_at = Instant::now();
    let claim = claimed(ledger, id, lease).await?;
    let until = found(ledger, id).await?.claimed_until;
    ensure_eq("the end of the claim", &claim.task.claimed_until, &until)?;
    let second = works("claiming", ledger.claim_task(id, HOUR).await)?;
    // A machine may be too slow to look before the end.
    if second.is_some() && began_at.elapsed() < lease {
        return Err("a claim was taken before it ran out".to_owned());
    }
    let second = match second {
        Some(second) => second,
        None => {
            // No timer: the runtime may have none.
            std::thread::sleep(lease + Duration::from_millis(10));
            claimed(ledger, id, HOUR).await?
        }
    };
    ensure_eq("the starts", &second.task.starts, &2)
}

pub(super) async fn an_extension_never_makes_a_claim_shorter(
    ledger: &dyn Ledger,
) -> Result<(), String> {
    let id = opened(ledger, "iot", "1").await?;
    let other = opened(ledger, "iot", "2").await?;
    let claim = claimed(ledger, id, Duration::ZERO).await?;
    // It has run out, and nobody else has claimed the queue.
    for by in [HOUR, Duration::ZERO, Duration::MAX, HOUR] {
        let extended = works("extending", ledger.extend_claim(id, claim.epoch, by).await)?;
        ensure_eq("an extension", &extended, &true)?;
        ensure_not_claimed("a claim of the extended queue", ledger, other).await?;
    }
    let recorded = ledger.record_task(id, claim.epoch, "[1]", false).await;
    ensure_eq("a record", &works("recording", recorded)?, &true)
}

pub(super) async fn a_lost_worker_leaves_its_starts_and_progress_or_a_release_clears_them(
    ledger: &dyn Ledger,
) -> Result<(), String> {
    let id = opened(ledger, "iot", "1").await?;
    ensure_eq("the starts", &found(ledger, id).await?.starts, &0)?;
    for starts in 1..4 {
        let claim = claimed(ledger, id, Duration::ZERO).await?;
        ensure_eq("the starts of a claim", &claim.task.starts, &starts)?;
    }
    let claim = claimed(ledger, id, HOUR).await?;
    ensure_not_claimed("a second claim", ledger, id).await?;
    ensure_eq("the starts", &found(ledger, id).await?.starts, &4)?;
    let due = Timestamp::from_unix_seconds(1_900_000_000);
    let released = ledger.release_claim(id, claim.epoch, due).await;
    works("releasing", released)?;
    let released = found(ledger, id).await?;
    ensure_eq("the starts after a release", &released.starts, &0)?;
    ensure_eq("the due time", &released.due, &due)?;
    ensure_eq("the end of the claim", &released.claimed_until, &None)?;
    ensure_changes_nothing(ledger, id, claim.epoch).await?;
    ensure_eq("the task", &found(ledger, id).await?, &released)?;

    claimed(ledger, id, Duration::ZERO).await?;
    let claim = claimed(ledger, id, HOUR).await?;
    ensure_eq("the starts of a claim", &claim.task.starts, &2)?;
    let recorded = ledger.record_task(id, claim.epoch, "[2]", false).await;
    works("recording", recorded)?;
    let recorded = found(ledger, id).await?;
    ensure_eq("the starts after progress", &recorded.starts, &0)?;
    ensure_eq("the due time after progress", &recorded.due, &due)?;
    ensure_eq("the state", &recorded.state.as_str(), &"[2]")
}
