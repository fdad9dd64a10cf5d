//! `create --exactly-once`: no token is left behind.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet::transport::TokioTimer;
use tokenfleet::workflow::{Marker, Timer};
use tokenfleet::{
    Account, CreateToken, ExactlyOnce, IssuedToken, Operation, Result, TokenProvider,
};
use tokio::time::Instant;

use super::write::{Subject, Unfinished, finish_saying};
use crate::output::remark;

/// Creates a token, and says beforehand by which marker it can be found.
pub(super) async fn create(
    provider: &dyn TokenProvider,
    request: CreateToken,
    subject: Subject<'_>,
    look_again_after: Option<Duration>,
) -> Result<IssuedToken, Unfinished> {
    let account = provider.account();
    let waiting = Waiting::default();
    let marker = Mutex::new(None);
    let creating = ExactlyOnce::new(provider, &waiting).with_marker_callback(|new| {
        remark(&format!(
            "{account}: the token bears the marker {new}; should this end halfway, {}",
            to_find(account, new)
        ));
        *locked(&marker) = Some(new.clone());
    });
    let creating = match look_again_after {
        Some(time) => creating.with_recheck_delay(time),
        None => creating,
    };
    let say = || waiting.say();
    let done = finish_saying(
        provider,
        Operation::Create,
        subject,
        say,
        creating.create(request),
    );
    match (done.await, &*locked(&marker)) {
        (Err(Unfinished::Stopped(error)), Some(marker)) => Err(Unfinished::Stopped(
            error.with_advice(to_find(account, marker)),
        )),
        (done, _) => done,
    }
}

fn to_find(account: &Account, marker: &Marker) -> String {
    let name = account.name();
    format!(
        "find it with \"reconcile --account {name} --marker {marker}\" and revoke it, for nobody has its secret"
    )
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits by tokio's clock, and knows until when.
#[derive(Debug, Default)]
struct Waiting(Mutex<Option<Instant>>);

impl Waiting {
    fn say(&self) -> String {
        match *locked(&self.0) {
            None => "waiting for the platform".to_owned(),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                format!("the answer was lost: looking again in {} s", left.as_secs())
            }
        }
    }
}

#[async_trait]
impl Timer for Waiting {
    async fn wait(&self, time: Duration) {
        *locked(&self.0) = Instant::now().checked_add(time);
        TokioTimer.wait(time).await;
        *locked(&self.0) = None;
    }
}
