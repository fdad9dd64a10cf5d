//! Checks of the ledger.

use std::sync::Arc;

use tokenfleet::{Configuration, Result};
use tokenfleet_rotation::runner::LedgerRotationStore;

use super::finding::{Check, Finding, Status};
use crate::commands::ledger::{megabytes, size};
use crate::commands::lost_accounts::LostAccounts;
use crate::commands::rotation_report::needs_a_person;
use crate::ledger::{Place, open_existing};
use crate::program_name::command_line;

/// Checks that the ledger can be used and is sound. It need not exist yet.
pub(super) async fn check(configuration: &Configuration) -> Finding {
    let ok = |message: String| Finding::new(Check::Ledger, Status::Ok, message);
    let place = match Place::read(configuration) {
        Ok(Some(place)) => place,
        Ok(None) => return ok("turned off".to_owned()),
        Err(error) => return Finding::failed(Check::Ledger, &error),
    };
    let described = match place.path() {
        Some(path) if !place.exists() => {
            return ok(format!("{}, not created yet", path.display()));
        }
        Some(path) => format!("{}, {}", path.display(), megabytes(size(path))),
        None => "a Postgres database".to_owned(),
    };
    match examine(&place).await {
        Ok(Ok(last)) => ok(format!("{described}, {last}")),
        Ok(Err(damage)) => {
            let message = format!("{described} is damaged: {damage}");
            let finding = Finding::new(Check::Ledger, Status::Failed, message);
            finding.with_advice("keep a copy of its readable parts, and restore a backup")
        }
        Err(error) => Finding::failed(Check::Ledger, &error),
    }
}

/// Returns what the last snapshot is, or else what is damaged.
async fn examine(place: &Place) -> Result<std::result::Result<String, String>> {
    let ledger = place.open().await?;
    let damage = ledger.check().await?;
    if !damage.is_empty() {
        return Ok(Err(damage.join(", ")));
    }
    let mut last = None;
    for source in ledger.accounts().await? {
        let snapshots = ledger.snapshots(&source).await?;
        last = last.max(snapshots.last().map(|snapshot| snapshot.at));
    }
    Ok(Ok(match last {
        Some(at) => format!("last snapshot {}", at.truncated_to_seconds()),
        None => "no snapshot".to_owned(),
    }))
}

/// Says how many operations wait, or `None` if none does. A ledger that cannot be read is another
/// finding.
pub(super) async fn check_operations(configuration: &Configuration) -> Option<Finding> {
    let Waiting { all, for_a_person } = Waiting::read(configuration).await.ok()??;
    if all == 0 {
        return None;
    }
    let status = if for_a_person > 0 {
        Status::Warning
    } else {
        Status::Ok
    };
    let wait = if all == 1 {
        "operation waits"
    } else {
        "operations wait"
    };
    let message = format!("{all} {wait}, {for_a_person} of them for a person");
    let advice = format!("`{}` says for what", command_line("operations"));
    Some(Finding::new(Check::Ledger, status, message).with_advice(advice))
}

/// Names the accounts that the configuration does not have although operations of theirs are open.
/// A ledger that cannot be read is another finding.
pub(super) async fn check_accounts(configuration: &Configuration) -> Vec<Finding> {
    let lost = async {
        let Some(ledger) = open_existing(configuration).await? else {
            return Ok(LostAccounts::default());
        };
        LostAccounts::read(&*ledger, configuration).await
    };
    let lost: Result<_> = lost.await;
    let lost = lost.unwrap_or_default();
    let warn = |(_, error)| Finding::failed(Check::Ledger, &error).with_status(Status::Warning);
    lost.errors().map(warn).collect()
}

/// The numbers of the operations that are open.
struct Waiting {
    all: usize,
    for_a_person: usize,
}

impl Waiting {
    /// Counts the open operations of the ledger, if there is one. A write of unknown outcome waits
    /// for a person, unless a rotation finds out itself what became of it.
    async fn read(configuration: &Configuration) -> Result<Option<Self>> {
        let Some(ledger) = open_existing(configuration).await? else {
            return Ok(None);
        };
        let tasks = Arc::clone(&ledger);
        let store = LedgerRotationStore::open(tasks).await?;
        let rotations = store.open_rotations().await?;
        let readable = rotations.rotations.iter().map(|stored| stored.task.id);
        let unreadable = rotations.unreadable.iter().map(|stored| stored.task.id);
        let ids: Vec<_> = readable.chain(unreadable).collect();
        let parked = rotations.rotations.iter();
        let parked = parked.filter(|stored| needs_a_person(stored)).count();
        let open = ledger.open_operations().await?.into_iter();
        let writes = open.filter(|operation| !ids.contains(&operation.id));
        let writes = writes.count();
        Ok(Some(Self {
            all: ids.len() + writes,
            for_a_person: parked + rotations.unreadable.len() + writes,
        }))
    }
}
