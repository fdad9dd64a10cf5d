//! `create --exactly-once`: a creation that leaves no orphaned token behind.
//!
//! Decision 0009 says why it needs a marker.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet::config::cause_text;
use tokenfleet::transport::TokioTimer;
use tokenfleet::workflow::{Marker, Timer};
use tokenfleet::{
    Account, CreateToken, Error, ErrorKind, ExactlyOnce, Fate, IssuedToken, Operation, Result,
    RevocationOutcome, RevokeOptions,
};
use tokio::time::Instant;

use super::secret::lost_secret;
use super::subject::Subject;
use super::write::{Write, WriteError};
use crate::output::print_note;
use crate::program_name;

/// Creates a token, and prints beforehand the marker by which it can be found.
pub(super) async fn create(
    write: Write<'_>,
    request: CreateToken,
    look_again_after: Option<Duration>,
) -> Result<IssuedToken, WriteError> {
    let account = write.provider.account();
    let timer = ProgressTimer::default();
    let last_marker = Mutex::new(None);
    let creation = ExactlyOnce::new(write.provider, &timer).with_marker_callback(|marker| {
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

/// Revokes a token whose secret cannot be written, and returns the error to report.
///
/// The token is not read first, because a read that fails must not keep it alive.
pub(super) async fn take_back(write: Write<'_>, issued: &IssuedToken, error: io::Error) -> Error {
    let Write { provider, .. } = write;
    let id = &issued.token.id;
    let revocation = Write {
        operation: Operation::Revoke,
        subject: Subject::Id(id),
        ..write
    };
    let options = RevokeOptions::default().with_existed();
    let response = provider.revoke(id.into(), options);
    match revocation.await_response(response).await {
        Ok(revocation) if revocation.outcome == RevocationOutcome::Revoked => {
            let message = format!(
                "cannot write the secret of token {id} ({})",
                cause_text(&error)
            );
            Error::new(ErrorKind::Other, Fate::Rejected, message)
                .with_account(provider.account())
                .with_operation(Operation::Create)
                .with_advice("the token was revoked, so none is left behind")
        }
        _ => lost_secret(error, provider, Operation::Create, issued),
    }
}

fn how_to_find(account: &Account, marker: &Marker) -> String {
    let (program, name) = (program_name::get(), account.name());
    format!(
        "find it with `{program} reconcile --account {name} --marker {marker}` and revoke it, \
         because nobody has its secret"
    )
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
