//! Colours: when they are used, and what they mean.
//!
//! A colour only repeats what the text beside it says.

use std::ffi::OsString;
use std::io::{stderr, stdout};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use tokenfleet::Timestamp;

const DAY: u64 = 86_400;
/// The time before an expiry that leaves no time to plan.
const URGENT: Duration = Duration::from_secs(7 * DAY);
/// The time before an expiry in which it should be dealt with.
const SOON: Duration = Duration::from_secs(30 * DAY);

pub(super) const PLAIN: Style = Style::new();
pub(super) const HEADING: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const RED: Style = AnsiColor::Red.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const MAGENTA: Style = AnsiColor::Magenta.on_default();
pub(super) const ERROR: Style = RED.bold();
pub(super) const WARNING: Style = YELLOW.bold();

/// The choice of `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR, CLICOLOR=0 or TERM=dumb is set
    #[default]
    Auto,
    /// Always, whatever the environment says
    Always,
    /// Never
    Never,
}

impl Color {
    /// Makes this the choice for everything that is written from now on.
    pub(crate) fn set(self) {
        match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        }
        .write_global();
    }

    /// Returns the choice on a command line that may be wrong elsewhere: its help and its errors
    /// follow the choice too.
    pub(crate) fn find(words: impl IntoIterator<Item = OsString>) -> Self {
        let mut words = words.into_iter();
        let mut found = Self::default();
        while let Some(word) = words.next() {
            let value = match word.to_str() {
                Some("--color") => words.next(),
                Some("--") => break,
                Some(word) => word.strip_prefix("--color=").map(OsString::from),
                None => None,
            };
            let value = value.as_ref().and_then(|value| value.to_str());
            if let Some(choice) = value.and_then(|value| Self::from_str(value, false).ok()) {
                found = choice;
            }
        }
        found
    }
}

/// Returns `true` if standard output is written in colour.
pub(crate) fn colors_stdout() -> bool {
    AutoStream::auto(stdout()).current_choice() != ColorChoice::Never
}

/// Returns `true` if standard error is written in colour.
pub(crate) fn colors_stderr() -> bool {
    AutoStream::auto(stderr()).current_choice() != ColorChoice::Never
}

/// Returns the style for the state of a token.
pub(super) fn of_state(state: &str) -> Style {
    match state {
        "expired" => RED,
        "unknown" => YELLOW,
        "suspended" | "revoked" => DIM,
        _ => PLAIN,
    }
}

/// Returns the style for an expiry, by its nearness; `None` if the token never expires.
pub(super) fn of_expiry(expiry: Option<Timestamp>, now: Timestamp) -> Style {
    let Some(at) = expiry else { return MAGENTA };
    let left = now.duration_until(at);
    if at <= now || left <= URGENT {
        RED
    } else if left <= SOON {
        YELLOW
    } else {
        PLAIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_is_found_before_the_command_line_is_parsed() {
        let find = |words: &str| Color::find(words.split(' ').map(OsString::from));
        assert_eq!(find("list --color never --help"), Color::Never);
        assert_eq!(find("--color=always lst"), Color::Always);
        assert_eq!(find("--color=always --color never"), Color::Never);
        assert_eq!(find("list"), Color::Auto);
        assert_eq!(find("list --color"), Color::Auto);
        assert_eq!(find("show -- --color=never"), Color::Auto);
    }

    #[test]
    fn the_nearer_an_expiry_the_more_it_stands_out() {
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        for (expiry, style) in [
            ("2029-06-01T00:00:00Z", RED),
            ("2030-01-01T00:00:00Z", RED),
            ("2030-01-08T00:00:00Z", RED),
            ("2030-01-08T00:00:01Z", YELLOW),
            ("2030-01-31T00:00:00Z", YELLOW),
            ("2030-01-31T00:00:01Z", PLAIN),
        ] {
            assert_eq!(of_expiry(expiry.parse().ok(), now), style, "{expiry}");
        }
        assert_eq!(of_expiry(None, now), MAGENTA);
    }
}
