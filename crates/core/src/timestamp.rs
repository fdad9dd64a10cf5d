//! Points in time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::{Error, Result, parse_duration};

const DATE_LENGTH: usize = "2030-01-31".len();

/// A point in time, in UTC, to the nanosecond.
///
/// It reads RFC 3339 with any offset and writes RFC 3339 in UTC, with a fraction only when that is not zero.
///
/// ```
/// use tokenfleet_core::Timestamp;
///
/// let at: Timestamp = "2030-07-01T02:00:00.000+02:00".parse()?;
/// assert_eq!(at.to_string(), "2030-07-01T00:00:00Z");
/// # Ok::<(), tokenfleet_core::ParseTimestampError>(())
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
    pub fn whole_seconds(self) -> Self {
        Self::from_unix_seconds(self.0.as_nanosecond().div_euclid(1_000_000_000) as i64)
            .unwrap_or(self)
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
        text.parse().map(Self).map_err(|_| ParseTimestampError)
    }
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
        assert_eq!(at.whole_seconds().to_string(), "1969-12-31T23:59:58Z");
        assert_eq!(at.millisecond(), 250);
    }

    #[test]
    fn adding_beyond_the_last_year_saturates() {
        let now = Timestamp::now();
        assert!(now.saturating_add(Duration::MAX) > now);
        assert_eq!(now.duration_until(now), Duration::ZERO);
    }
}
