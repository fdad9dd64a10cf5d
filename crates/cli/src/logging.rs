//! The log of requests on standard error.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The only target that is logged: events of other libraries may contain URLs or headers.
const TARGET: &str = "tokenfleet";

/// Logs requests to standard error: with 1 warnings, with 2 also requests, with 3 everything.
pub(crate) fn init(verbosity: u8) {
    let level = match verbosity {
        0 => return,
        1 => LevelFilter::WARN,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        // If standard error is closed, there is nowhere left to report it.
        .log_internal_errors(false);
    let targets = Targets::new().with_target(TARGET, level);
    // This fails only if a subscriber is installed already, and the program installs no other.
    let _ = tracing_subscriber::registry()
        .with(lines)
        .with(targets)
        .try_init();
}

/// Returns `true` if log lines are written, which would collide with a progress line.
pub(crate) fn is_enabled() -> bool {
    LevelFilter::current() != LevelFilter::OFF
}
