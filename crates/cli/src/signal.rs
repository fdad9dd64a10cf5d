//! Requests to stop the program: Ctrl-C and `SIGTERM`.

use std::io::{self, IsTerminal};
use std::time::Duration;

use crate::output::print_note;

/// The time that a response in flight gets after a request to stop. Supervisors wait ten seconds.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// Completes when the program is asked to stop, by Ctrl-C or by `SIGTERM`.
///
/// Once this was polled, such a request no longer ends the program by itself.
pub(crate) async fn stop_requested() -> io::Result<()> {
    tokio::select! {
        requested = tokio::signal::ctrl_c() => requested,
        requested = terminated() => requested,
    }
}

/// Completes when the program is asked to stop, and never if signals cannot be received.
pub(crate) async fn stopped() {
    if stop_requested().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Completes when a write in flight is given up: after a request to stop and the grace period.
///
/// The response is waited for because it may contain a secret that the platform shows only once.
pub(crate) async fn stopped_after_grace_period() {
    stopped().await;
    grace_period_over().await;
}

/// Completes when the grace period is over, or upon a second request to stop.
pub(crate) async fn grace_period_over() {
    if io::stderr().is_terminal() {
        print_note(&format!(
            "waiting up to {} s for responses in flight; press Ctrl-C again to stop now",
            GRACE_PERIOD.as_secs()
        ));
    }
    tokio::select! {
        () = tokio::time::sleep(GRACE_PERIOD) => {}
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
