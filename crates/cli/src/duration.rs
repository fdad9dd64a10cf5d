//! Spans of time as people write them: `30d`, `12h`.

use std::time::Duration;

use tokenfleet::{Error, Result as Outcome, Timestamp};

/// The time so much later, unless no calendar reaches so far.
pub(crate) fn after(now: Timestamp, span: Duration) -> Outcome<Timestamp> {
    let later = now.saturating_add(span);
    // What was cut off at the end of the calendar is less than was asked for.
    if now.duration_until(later) == span {
        return Ok(later);
    }
    let days = span.as_secs() / 86_400;
    Err(Error::invalid_input(format!(
        "{days} days from now is later than any date"
    )))
}

/// Reads a whole number and a unit: `s`, `m`, `h`, `d` or `w`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number and a unit, such as 90s, 30m, 12h, 30d or 4w".to_owned();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_are_read_and_nothing_else() {
        assert_eq!(parse("30d"), Ok(Duration::from_secs(2_592_000)));
        assert_eq!(parse("0s"), Ok(Duration::ZERO));
        for wrong in [
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
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
