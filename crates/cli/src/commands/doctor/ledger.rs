//! Checks of the ledger.

use tokenfleet::{Configuration, Result};

use super::finding::{Check, Finding, Status};
use crate::commands::ledger::{megabytes, size};
use crate::ledger::Place;

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
