//! Being asked to stop.

use std::io;

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
