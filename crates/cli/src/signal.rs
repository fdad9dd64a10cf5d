//! Requests to stop the program: Ctrl-C, `SIGTERM`, `SIGHUP` and `SIGQUIT`.

use std::io::{self, IsTerminal};
use std::time::Duration;

use crate::output::print_note;

/// The time that a response in flight gets after a request to stop. Supervisors wait ten seconds.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// Completes when the program is asked to stop: by Ctrl-C, by `SIGTERM`, by `SIGHUP` when the
/// terminal or the connection to it is gone, or by `SIGQUIT`.
///
/// After the first poll, such a signal no longer ends the program by itself.
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

/// Completes when a write in flight is abandoned: after a request to stop and the grace period.
///
/// The grace period is for the response, which may contain a secret that the platform shows once.
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
    use tokio::signal::unix::SignalKind;
    // Read first: listening for a signal makes the program stop ignoring it.
    let ignored = *unix::IGNORED;
    tokio::select! {
        received = unix::received(SignalKind::terminate(), 0) => received,
        received = unix::received(SignalKind::hangup(), ignored) => received,
        received = unix::received(SignalKind::quit(), ignored) => received,
    }
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::sync::LazyLock;

    use tokio::signal::unix::{SignalKind, signal};

    /// The signals that the program was started to ignore, as `nohup` does, one bit each: bit 0 is
    /// signal 1. Empty except on Linux, which alone reports them.
    pub(super) static IGNORED: LazyLock<u64> = LazyLock::new(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        ignored.map_or(0, |mask| {
            u64::from_str_radix(mask.trim(), 16).unwrap_or_default()
        })
    });

    /// Completes when the program receives a signal, and never if it is among the ignored ones.
    pub(super) async fn received(kind: SignalKind, ignored: u64) -> io::Result<()> {
        let bit = u32::try_from(kind.as_raw_value() - 1).unwrap_or_default();
        if ignored.checked_shr(bit).unwrap_or_default() & 1 == 1 {
            return std::future::pending().await;
        }
        signal(kind)?.recv().await;
        Ok(())
    }
}

#[cfg(not(unix))]
async fn terminated() -> io::Result<()> {
    std::future::pending().await
}
