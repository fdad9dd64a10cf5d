//! What the program says of its calls, when it is asked to.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Ours. What the libraries beneath say may name what is nobody's business.
const TARGET: &str = "tokenfleet";

/// Writes what calls tell to standard error, the more of it the greater the number.
pub(crate) fn listen(verbosity: u8) {
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
        // There is nowhere left to say that standard error is closed.
        .log_internal_errors(false);
    let ours = Targets::new().with_target(TARGET, level);
    // It fails where another listener was installed before: there is none.
    let _ = tracing_subscriber::registry()
        .with(lines)
        .with(ours)
        .try_init();
}

/// Whether lines go to standard error that a line which moves would mix with.
pub(crate) fn is_on() -> bool {
    LevelFilter::current() != LevelFilter::OFF
}
