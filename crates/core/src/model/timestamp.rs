//! Points in time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::error::{Error, Result};
use crate::model::parse_duration;

const DATE_LENGTH: usize = "2030-01-31".len();
const FIRST_YEAR: &str = "-009999";
/// A date and a time of day in whole seconds.
const WHOLE: usize = "2030-01-31T12:00:00".len();

/// A point in time, in UTC, to the nanosecond.
///
/// It reads RFC 3339 with any offset, of the years -9998 to 9999, and writes RFC 3339 in UTC, with a fraction only when that is not zero.
///
/// ```
/// use tokenfleet_core::Timestamp;
///
/// let at: Timestamp = "2030-07-01T02:00:00.000+02:00".parse()?;
/// assert_eq!(at.to_string(), "2030-07-01T00:00:00Z");
/// # Ok::<(), tokenfleet_core::model::ParseTimestampError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(jiff::Timestamp);

/// A text that is no RFC 3339 time. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseTimestampError;

impl Timestamp {
    /// The time on this machine's clock.
    #[must_use]
    pub fn now() -> Self {
        Self(jiff::Timestamp::now())
    }

    /// Reads a time as people write it: RFC 3339 with any offset, a date (midnight, UTC), `now`, or a span from now, such
    /// as `now+30d` or `now-12h` (see [`parse_duration`]).
    ///
    /// ```
    /// use tokenfleet_core::Timestamp;
    ///
    /// let now: Timestamp = "2030-07-01T12:00:00Z".parse()?;
    /// let start = Timestamp::parse_at("2030-07-01", now)?;
    /// assert_eq!(Timestamp::parse_at("now-12h", now)?, start);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for anything else, and beyond the years -9999 to 9999.
    pub fn parse_at(text: &str, now: Self) -> Result<Self> {
        let beyond = || Error::invalid_input("there is no such date");
        if let Some(span) = text.strip_prefix("now") {
            match span.split_at_checked(1) {
                None if span.is_empty() => return Ok(now),
                Some(("+", span)) => {
                    return now.checked_add(parse_duration(span)?).ok_or_else(beyond);
                }
                Some(("-", span)) => {
                    return now.checked_sub(parse_duration(span)?).ok_or_else(beyond);
                }
                _ => {}
            }
        }
        let parsed = match text.len() {
            DATE_LENGTH => format!("{text}T00:00:00Z").parse(),
            _ => text.parse(),
        };
        parsed.map_err(|_| {
            Error::invalid_input("this is no time").with_advice(
                "write one such as 2030-01-31T12:00:00Z, 2030-01-31, now, now+30d or now-12h",
            )
        })
    }

    /// Reads a date and a time of day, such as `2030-01-31 12:00:00` or `2030-01-31T12:00:00.250`, which is so many seconds
    /// ahead of UTC. Nothing else is read, and nothing beyond the years 0 to 9999.
    ///
    /// ```
    /// use tokenfleet_core::Timestamp;
    ///
    /// let at = Timestamp::from_date_and_time("2030-07-01 02:00:00", 2 * 3600);
    /// assert_eq!(at, "2030-07-01T00:00:00Z".parse().ok());
    /// assert_eq!(Timestamp::from_date_and_time("2030-07-01", 0), None);
    /// ```
    #[must_use]
    pub fn from_date_and_time(text: &str, ahead: i32) -> Option<Self> {
        let (whole, fraction) = text.as_bytes().split_first_chunk::<WHOLE>()?;
        let separators = (whole[4], whole[7], whole[10], whole[13], whole[16]);
        if !matches!(separators, (b'-', b'-', b'T' | b' ', b':', b':')) {
            return None;
        }
        // Judged together, for this is done for every date of every token.
        let mut all_digits = true;
        let mut two_digits = |at: usize| {
            let (tens, ones) = (
                whole[at].wrapping_sub(b'0'),
                whole[at + 1].wrapping_sub(b'0'),
            );
            all_digits &= tens <= 9 && ones <= 9;
            tens.wrapping_mul(10).wrapping_add(ones) as i8
        };
        let year = i16::from(two_digits(0)) * 100 + i16::from(two_digits(2));
        let (month, day) = (two_digits(5), two_digits(8));
        let (hour, minute, second) = (two_digits(11), two_digits(14), two_digits(17));
        if !all_digits {
            return None;
        }
        let nanosecond = nanoseconds(fraction)?;
        let date_and_time =
            jiff::civil::DateTime::new(year, month, day, hour, minute, second, nanosecond);
        let offset = jiff::tz::Offset::from_seconds(ahead).ok()?;
        offset.to_timestamp(date_and_time.ok()?).ok().map(Self)
    }

    /// The time `seconds` after 1970-01-01T00:00:00Z, if it lies within the years -9999 to 9999.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        jiff::Timestamp::from_second(seconds).ok().map(Self)
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// This time, `duration` later; the last representable time if that lies beyond.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        self.checked_add(duration)
            .unwrap_or(Self(jiff::Timestamp::MAX))
    }

    /// This time, `duration` later; nothing if that lies beyond the year 9999.
    #[must_use]
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        let duration = jiff::SignedDuration::try_from(duration).ok()?;
        self.0.checked_add(duration).ok().map(Self)
    }

    /// This time, `duration` earlier; nothing if that lies before the year -9999.
    #[must_use]
    pub fn checked_sub(self, duration: Duration) -> Option<Self> {
        let duration = jiff::SignedDuration::try_from(duration).ok()?;
        self.0.checked_sub(duration).ok().map(Self)
    }

    /// How long it is from this time until `later`; zero if that is not later.
    #[must_use]
    pub fn duration_until(self, later: Self) -> Duration {
        Duration::try_from(later.0.duration_since(self.0)).unwrap_or_default()
    }

    /// This time without its fraction of a second.
    #[must_use]
    pub fn truncated_to_seconds(self) -> Self {
        let before = i64::from(self.0.subsec_nanosecond() < 0);
        Self::from_unix_seconds(self.0.as_second() - before).unwrap_or(self)
    }

    /// Milliseconds within the second, from 0 to 999.
    #[must_use]
    pub fn millisecond(self) -> u16 {
        (self.0.as_nanosecond().rem_euclid(1_000_000_000) / 1_000_000) as u16
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // As almost every platform writes it, and many times over.
        let plain = text.strip_suffix('Z');
        let plain = plain.and_then(|text| Self::from_date_and_time(text, 0));
        if let Some(plain) = plain {
            return Ok(plain);
        }
        // A fraction of its first second panics in jiff, see its issue 645.
        if text.starts_with(FIRST_YEAR) {
            return Err(ParseTimestampError);
        }
        text.parse().map(Self).map_err(|_| ParseTimestampError)
    }
}

/// Of nothing, or of a point and up to nine digits.
fn nanoseconds(fraction: &[u8]) -> Option<i32> {
    let digits = match fraction {
        [] => return Some(0),
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => digits,
        _ => return None,
    };
    let read = digits.iter().try_fold(0, |read, digit| {
        digit
            .is_ascii_digit()
            .then(|| read * 10 + i32::from(digit - b'0'))
    })?;
    Some(read * 10_i32.pow(9 - digits.len() as u32))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for ParseTimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a time such as 2030-01-31T12:00:00Z")
    }
}

impl std::error::Error for ParseTimestampError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_cut_towards_the_past_also_before_1970() {
        let at: Timestamp = "1969-12-31T23:59:58.250Z".parse().unwrap();
        assert_eq!(
            at.truncated_to_seconds().to_string(),
            "1969-12-31T23:59:58Z"
        );
        assert_eq!(at.millisecond(), 250);
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_the_short_way_is_what_the_long_way_reads(
            text in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{0,10})?",
            near in "20[0-9]{2}-(0[1-9]|1[0-2])-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]([.][0-9]{1,9})?",
        ) {
            for text in [text, near] {
                let long = format!("{text}Z").parse::<jiff::Timestamp>();
                if let Some(short) = Timestamp::from_date_and_time(&text, 0) {
                    proptest::prop_assert_eq!(Some(short.0), long.ok(), "{}", text);
                }
            }
        }
    }

    #[test]
    fn no_time_at_the_end_of_all_years_panics() {
        for year in ["-009999", "-009998", "9999", "+009999", "10000"] {
            for rest in [
                "-01-02T01:59:58.251Z",
                "-01-01T00:00:00.9+23:00",
                "-12-31T23:59:59.9-23:00",
            ] {
                let _ = format!("{year}{rest}").parse::<Timestamp>();
            }
        }
    }

    #[test]
    fn the_short_way_is_taken_for_what_platforms_write() {
        for text in ["2030-07-01T00:00:00.000", "1999-12-31 23:59:59"] {
            assert!(Timestamp::from_date_and_time(text, 0).is_some(), "{text}");
        }
    }

    #[test]
    fn adding_beyond_the_last_year_saturates() {
        let now = Timestamp::now();
        assert!(now.saturating_add(Duration::MAX) > now);
        assert_eq!(now.duration_until(now), Duration::ZERO);
    }
}
