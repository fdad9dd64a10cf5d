//! Being asked to stop.

use std::io::{self, IsTerminal};
use std::time::Duration;

use crate::output::remark;

/// How long an answer is waited for that is on its way when the program is asked to stop. Supervisors wait ten seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Comes when the program is asked to stop, by Ctrl-C or by a request to terminate.
///
/// From the first time this is waited for, such a request no longer ends the program by itself.
pub(crate) async fn asked_to_stop() -> io::Result<()> {
    tokio::select! {
        asked = tokio::signal::ctrl_c() => asked,
        asked = terminated() => asked,
    }
}

/// As [`asked_to_stop`], for as long as something else is waited for: where no request can be heard it never comes.
pub(crate) async fn stopped() {
    if asked_to_stop().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Comes when a write is no longer waited for: after [`stopped`] and a while, or when it is asked for once more.
///
/// The answer may hold a secret that the platform shows once.
pub(crate) async fn stopped_for_good() {
    stopped().await;
    out_of_patience().await;
}

/// The second half of [`stopped_for_good`].
pub(crate) async fn out_of_patience() {
    if io::stderr().is_terminal() {
        remark(&format!(
            "waiting at most {} s more for what is under way; ask again to end at once",
            PATIENCE.as_secs()
        ));
    }
    tokio::select! {
        () = tokio::time::sleep(PATIENCE) => {}
        () = stopped() => {}
    }
}

#[cfg(unix)]
async fn terminated() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::terminate())?.recv().await;
    Ok(())
}

#[cfg(not(unix))]
async fn terminated() -> io::Result<()> {
    std::future::pending().await
}
