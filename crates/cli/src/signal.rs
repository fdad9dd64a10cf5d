//! Requests to stop the program: Ctrl-C, `SIGTERM`, `SIGHUP` and `SIGQUIT`.

use std::io::{self, IsTerminal};
use std::pin::Pin;
use std::task::Poll;
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

/// A request to stop that comes while the program does something that it must finish.
pub(crate) struct StopRequest(Pin<Box<dyn Future<Output = ()> + Send>>);

impl StopRequest {
    /// Starts listening.
    pub(crate) async fn listen() -> Self {
        let mut request = Self(Box::pin(stopped()));
        request.is_made().await;
        request
    }

    /// Completes when the program is asked to stop.
    pub(crate) async fn made(&mut self) {
        self.0.as_mut().await;
    }

    /// Returns `true` if the program was asked to stop. Ask no more after that.
    pub(crate) async fn is_made(&mut self) -> bool {
        std::future::poll_fn(|context| Poll::Ready(self.0.as_mut().poll(context).is_ready())).await
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

/// The signals that a command gets that runs in the place of this program.
///
/// Nobody passes on what the terminal sends to the command itself: Ctrl-C and Ctrl-\\.
#[derive(Debug)]
pub(crate) struct PassedOn {
    received: tokio::sync::mpsc::UnboundedReceiver<i32>,
}

impl PassedOn {
    /// Starts listening. From now on, none of these signals ends the program by itself.
    #[cfg(unix)]
    pub(crate) fn listen() -> io::Result<Self> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
        use signal_hook::iterator::SignalsInfo;
        use signal_hook::iterator::exfiltrator::WithOrigin;

        // Read first: listening for a signal makes the program stop ignoring it.
        let ignored = *unix::IGNORED;
        let signals = [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2].into_iter();
        let listened = signals.filter(|signal| !unix::is_ignored(*signal, ignored));
        let mut signals = SignalsInfo::<WithOrigin>::new(listened)?;
        let (sender, received) = tokio::sync::mpsc::unbounded_channel();
        std::thread::Builder::new().spawn(move || {
            for origin in signals.forever() {
                if !unix::is_sent_by_terminal(&origin) && sender.send(origin.signal).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { received })
    }

    /// Starts listening. From now on, Ctrl-C does not end the program by itself.
    #[cfg(not(unix))]
    pub(crate) fn listen() -> io::Result<Self> {
        let (sender, received) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            // The command gets it from the console.
            while tokio::signal::ctrl_c().await.is_ok() {}
            drop(sender);
        });
        Ok(Self { received })
    }

    /// Waits for the number of the next signal.
    pub(crate) async fn next(&mut self) -> i32 {
        match self.received.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
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
    use std::io::{self, IsTerminal};
    use std::sync::LazyLock;

    use signal_hook::consts::{SIGINT, SIGQUIT};
    use signal_hook::low_level::siginfo::{Cause, Origin};
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

    /// Returns `true` for a signal that is among the ignored ones.
    pub(super) fn is_ignored(signal: i32, ignored: u64) -> bool {
        let bit = u32::try_from(signal - 1).unwrap_or_default();
        ignored.checked_shr(bit).unwrap_or_default() & 1 == 1
    }

    /// Returns `true` for a key that somebody has pressed: every process there gets its signal. One
    /// that another process sends goes to this program alone.
    pub(super) fn is_sent_by_terminal(origin: &Origin) -> bool {
        let has_key = matches!(origin.signal, SIGINT | SIGQUIT);
        has_key
            && match origin.cause {
                Cause::Kernel => true,
                Cause::Sent(_) => false,
                // Not every operating system tells.
                _ => {
                    io::stdin().is_terminal()
                        || io::stdout().is_terminal()
                        || io::stderr().is_terminal()
                }
            }
    }

    /// Completes when the program receives a signal, and never if it is among the ignored ones.
    pub(super) async fn received(kind: SignalKind, ignored: u64) -> io::Result<()> {
        if is_ignored(kind.as_raw_value(), ignored) {
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
