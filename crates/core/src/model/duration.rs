//! Parsing of durations as people write them: `30d`, `12h`.

use std::time::Duration;

use crate::error::{Error, Result};

/// Parses a duration: a whole number and a unit, `s`, `m` (minutes), `h`, `d` (24 hours) or `w`
/// (7 days).
///
/// ```
/// use std::time::Duration;
///
/// let month = tokenfleet_core::config::parse_duration("30d")?;
/// assert_eq!(month, Duration::from_secs(30 * 24 * 60 * 60));
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
///
/// # Errors
///
/// [`InvalidInput`](crate::ErrorKind::InvalidInput) for anything else: a sign, a fraction, months
/// and years are not accepted.
pub fn parse_duration(text: &str) -> Result<Duration> {
    let invalid =
        || Error::invalid_input("expected a number and a unit, such as 90s, 30m, 12h, 30d or 4w");
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(invalid()),
    };
    let number: u64 = number.parse().map_err(|_| invalid())?;
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_and_a_unit_are_accepted() {
        for (text, seconds) in [("30d", 2_592_000), ("4w", 2_419_200), ("0s", 0)] {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_secs(seconds));
        }
        for invalid in [
            "",
            "30",
            "d",
            "-1d",
            "1.5h",
            "1 d",
            "1mo",
            "99999999999999999w",
            "é",
        ] {
            assert!(parse_duration(invalid).is_err(), "{invalid}");
        }
    }
}
