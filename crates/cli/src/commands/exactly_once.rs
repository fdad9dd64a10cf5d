//! `create --exactly-once`: a creation that leaves no orphaned token behind.
//!
//! Decision 0009 says why it needs a marker.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet::transport::TokioTimer;
use tokenfleet::workflow::{Marker, Timer};
use tokenfleet::{Account, CreateToken, ExactlyOnce, IssuedToken, Result};
use tokio::time::Instant;

use super::write::{Write, WriteError};
use crate::journals::Journals;
use crate::output::print_note;
use crate::program_name::{command_line, shell_quoted};

/// Creates a token, and prints beforehand the marker by which it can be found.
pub(super) async fn create(
    write: Write<'_>,
    request: CreateToken,
    look_again_after: Option<Duration>,
    journals: &Journals,
) -> Result<IssuedToken, WriteError> {
    let account = write.provider.account();
    let timer = ProgressTimer::default();
    let last_marker = Mutex::new(None);
    let ledger = match journals.ledger().await {
        Ok(Some(ledger)) => ledger.ledger_id().await.unwrap_or_default(),
        // If it cannot be opened, the creation fails when it is recorded.
        _ => String::new(),
    };
    let creation = ExactlyOnce::new(write.provider, &timer).with_journal(journals);
    let creation = creation.with_ledger(&ledger);
    let creation = creation.with_marker_callback(|marker| {
        print_note(&format!(
            "{account}: creating a token with the marker {marker}; if this is interrupted, {}",
            how_to_find(account, marker)
        ));
        *locked(&last_marker) = Some(marker.clone());
    });
    let creation = match look_again_after {
        Some(delay) => creation.with_recheck_delay(delay),
        None => creation,
    };
    let response = creation.create(request);
    let result = write.await_with_progress(|| timer.status(), response).await;
    match (result, &*locked(&last_marker)) {
        (Err(WriteError::Interrupted(error)), Some(marker)) => Err(WriteError::Interrupted(
            error.with_advice(how_to_find(account, marker)),
        )),
        (result, _) => result,
    }
}

fn how_to_find(account: &Account, marker: &Marker) -> String {
    let name = shell_quoted(account.name());
    let reconcile = command_line(&format!("reconcile --account {name} --marker {marker}"));
    format!("find it with `{reconcile}` and revoke it, because nobody has its secret")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A timer over tokio's clock that knows its deadline, for the progress line.
#[derive(Debug, Default)]
struct ProgressTimer(Mutex<Option<Instant>>);

impl ProgressTimer {
    fn status(&self) -> String {
        match *locked(&self.0) {
            None => "waiting for the platform".to_owned(),
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                format!(
                    "the response was lost; looking again in {} s",
                    left.as_secs()
                )
            }
        }
    }
}

#[async_trait]
impl Timer for ProgressTimer {
    async fn wait(&self, time: Duration) {
        *locked(&self.0) = Instant::now().checked_add(time);
        TokioTimer.wait(time).await;
        *locked(&self.0) = None;
    }
}
