//! The laws of pruning: which tasks a ledger forgets.

use std::time::Duration;

use tokenfleet_core::capability::{Capabilities, OperationCall};
use tokenfleet_core::journal::{Intent, Outcome, Run};
use tokenfleet_core::{Account, CreateToken, Error, ErrorKind, Fate, Timestamp};

use super::observe::{ensure_eq, works};
use super::tasks::{HOUR, claimed, found, opened};
use crate::Ledger;

pub(super) async fn pruning_keeps_open_tasks_and_their_writes(
    ledger: &dyn Ledger,
) -> Result<(), String> {
    let ids = [
        opened(ledger, "iot", "1").await?,
        opened(ledger, "iot", "2").await?,
    ];
    for id in ids {
        let request = CreateToken::new("ci").with_operation_id(id);
        let account = Account::new("losant", "iot");
        let call = OperationCall::Create(&request);
        let intent = Intent::for_call(&Run::new(), &account, &Capabilities::none(), call);
        works("an intent", ledger.record_intent(&intent).await)?;
        let refused = Error::new(ErrorKind::Conflict, Fate::Rejected, "no");
        let outcome = Outcome::new(&intent, Err(refused));
        ledger.record_outcome(&intent, &outcome).await;
    }
    let [open, closed] = ids;
    let epoch = claimed(ledger, closed, HOUR).await?.epoch;
    let recorded = ledger.record_task(closed, epoch, "{}", true).await;
    works("closing", recorded)?;

    let moment = Duration::from_millis(1);
    let closed_at = found(ledger, closed).await?.closed_at;
    let closed_at = closed_at.ok_or("a closed task does not say when it was closed")?;
    let before = closed_at.checked_sub(moment).unwrap_or(closed_at);
    // The writes of the closed one may go already.
    let earlier = works("pruning", ledger.prune(before).await)?;
    ensure_eq("the forgotten tasks", &earlier.tasks, &0)?;
    let after = Timestamp::now().max(closed_at).saturating_add(HOUR);
    let pruned = works("pruning", ledger.prune(after).await)?;
    ensure_eq("the forgotten tasks", &pruned.tasks, &1)?;
    let writes = earlier.writes + pruned.writes;
    ensure_eq("the forgotten writes", &writes, &1)?;
    let task = works("a task", ledger.task(closed).await)?;
    ensure_eq("a forgotten task", &task, &None)?;
    ensure_eq("it is open", &found(ledger, open).await?.is_open(), &true)?;
    let writes = works("the writes", ledger.writes(open).await)?;
    ensure_eq("the writes of an open task", &writes.len(), &1)?;
    // The worker of a task that was forgotten under it gives its queue back all the same.
    works("releasing", ledger.release_claim(closed, epoch, None).await)?;
    claimed(ledger, open, HOUR).await?;
    let findings = works("the check", ledger.check().await)?;
    ensure_eq("the findings of the check", &findings, &Vec::new())
}

pub(super) async fn pruning_keeps_a_closed_task_with_an_open_write(
    ledger: &dyn Ledger,
) -> Result<(), String> {
    let id = opened(ledger, "iot", "1").await?;
    let request = CreateToken::new("ci").with_operation_id(id);
    let account = Account::new("losant", "iot");
    let call = OperationCall::Create(&request);
    let intent = Intent::for_call(&Run::new(), &account, &Capabilities::none(), call);
    works("an intent", ledger.record_intent(&intent).await)?;
    let epoch = claimed(ledger, id, HOUR).await?.epoch;
    let recorded = ledger.record_task(id, epoch, "{}", true).await;
    works("closing", recorded)?;

    let closed_at = found(ledger, id).await?.closed_at;
    let after = Timestamp::now().max(closed_at.unwrap_or(Timestamp::now()));
    let after = after.saturating_add(HOUR);
    let pruned = works("pruning", ledger.prune(after).await)?;
    ensure_eq("the forgotten tasks", &pruned.tasks, &0)?;
    // It says what the write was for.
    ensure_eq("it is open", &found(ledger, id).await?.is_open(), &false)?;

    let refused = Error::new(ErrorKind::Conflict, Fate::Rejected, "no");
    let outcome = Outcome::new(&intent, Err(refused));
    ledger.record_outcome(&intent, &outcome).await;
    let pruned = works("pruning", ledger.prune(after).await)?;
    ensure_eq("the forgotten tasks", &pruned.tasks, &1)
}
