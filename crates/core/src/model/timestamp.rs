//! Points in time.

mod digits;
mod text;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::{DateTime, date};
use jiff::tz::Offset;
use serde::{Serialize, Serializer};

use crate::error::{Error, Result};
use crate::model::parse_duration;

use self::digits::Digits;
pub use self::text::TimestampText;

const DATE_LENGTH: usize = "2030-01-31".len();
/// The first year that `jiff` supports.
const FIRST_YEAR: &str = "-009999";
const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);

/// A point in time, in UTC, to the nanosecond.
///
/// It parses RFC 3339 with any offset, in the years -9999 to 9999, and displays RFC 3339 in UTC,
/// with a fraction only if that is not zero. A leap second counts as the second before it.
///
/// ```
/// use tokenfleet_core::Timestamp;
///
/// let at: Timestamp = "2030-07-01T02:00:00.000+02:00".parse()?;
/// assert_eq!(at.to_string(), "2030-07-01T00:00:00Z");
/// # Ok::<(), tokenfleet_core::model::ParseTimestampError>(())
/// ```
// Not `jiff::Timestamp`, which ends a day before the end of the year 9999 (decision 0016).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(DateTime);

/// The error for a string that is not an RFC 3339 time. It does not repeat the string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseTimestampError;

impl fmt::Display for ParseTimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a valid time, such as 2030-01-31T12:00:00Z")
    }
}

impl std::error::Error for ParseTimestampError {}

impl Timestamp {
    /// Returns the current time.
    #[must_use]
    pub fn now() -> Self {
        Self::from_jiff(jiff::Timestamp::now())
    }

    /// Parses a time as people write it, relative to `now`.
    ///
    /// It accepts RFC 3339 with any offset, a date (midnight, UTC), `now`, and `now` plus or minus
    /// a duration (see [`parse_duration`]), such as `now+30d` or `now-12h`.
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
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for anything else, and for a time outside
    /// the years -9999 to 9999.
    pub fn parse_at(text: &str, now: Self) -> Result<Self> {
        let out_of_range = || Error::invalid_input("the time is out of range");
        if let Some(offset) = text.strip_prefix("now") {
            match offset.split_at_checked(1) {
                None if offset.is_empty() => return Ok(now),
                Some(("+", duration)) => {
                    let duration = parse_duration(duration)?;
                    return now.checked_add(duration).ok_or_else(out_of_range);
                }
                Some(("-", duration)) => {
                    let duration = parse_duration(duration)?;
                    return now.checked_sub(duration).ok_or_else(out_of_range);
                }
                _ => {}
            }
        }
        let parsed = if text.len() == DATE_LENGTH {
            format!("{text}T00:00:00Z").parse()
        } else {
            text.parse()
        };
        parsed.map_err(|_| {
            Error::invalid_input("not a valid time").with_advice(
                "write a time such as 2030-01-31T12:00:00Z, 2030-01-31, now, now+30d or now-12h",
            )
        })
    }

    /// Parses a date and a time of day without an offset, such as `2030-01-31 12:00:00` or
    /// `2030-01-31T12:00:00.250`, given the offset from UTC in seconds.
    ///
    /// Returns `None` for anything else, and outside the years 0 to 9999.
    ///
    /// ```
    /// use tokenfleet_core::Timestamp;
    ///
    /// let at = Timestamp::from_date_and_time("2030-07-01 02:00:00", 2 * 3600);
    /// assert_eq!(at, "2030-07-01T00:00:00Z".parse().ok());
    /// assert_eq!(Timestamp::from_date_and_time("2030-07-01", 0), None);
    /// ```
    #[must_use]
    pub fn from_date_and_time(text: &str, offset_seconds: i32) -> Option<Self> {
        // By words of eight bytes, because this runs for every date of every token.
        let (date, rest) = text.as_bytes().split_first_chunk()?;
        let ([d1, d2, separator], rest) = rest.split_first_chunk()?;
        let (time, fraction) = rest.split_first_chunk()?;
        let [century, _, year, _, _, month, _, _] = Digits::DATE.read_pairs(*date)?;
        let [day, ..] = Digits::DAY.read_pairs([*d1, *d2, 0, 0, 0, 0, 0, 0])?;
        let [hour, _, _, minute, _, _, second, _] = Digits::TIME.read_pairs(*time)?;
        if !matches!(separator, b'T' | b' ') || second > 60 {
            return None;
        }
        let year = i16::from(century) * 100 + i16::from(year);
        let nanosecond = parse_fraction(fraction)?;
        let [month, day] = [month as i8, day as i8];
        let [hour, minute, second] = [hour as i8, minute as i8, second.min(59) as i8];
        let at = DateTime::new(year, month, day, hour, minute, second, nanosecond).ok()?;
        match offset_seconds {
            0 => Some(Self(at)),
            offset => Self(at).shifted_by(SignedDuration::from_secs(-i64::from(offset))),
        }
    }

    fn from_jiff(at: jiff::Timestamp) -> Self {
        Self(Offset::UTC.to_datetime(at))
    }

    fn shifted_by(self, duration: SignedDuration) -> Option<Self> {
        self.0.checked_add(duration).ok().map(Self)
    }

    /// Creates a time from the seconds since 1970-01-01T00:00:00Z.
    ///
    /// Returns `None` outside the years -9999 to 9999.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        Self(EPOCH).shifted_by(SignedDuration::from_secs(seconds))
    }

    /// Returns the whole seconds since 1970-01-01T00:00:00Z, rounded towards the past.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        let since = self.truncated_to_seconds().0.duration_since(EPOCH);
        since.as_secs()
    }

    /// Adds a duration. Returns the last representable time if the result lies beyond it.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        self.checked_add(duration).unwrap_or(Self(DateTime::MAX))
    }

    /// Adds a duration. Returns `None` if the result lies beyond the year 9999.
    #[must_use]
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        self.shifted_by(SignedDuration::try_from(duration).ok()?)
    }

    /// Subtracts a duration. Returns `None` if the result lies before the year -9999.
    #[must_use]
    pub fn checked_sub(self, duration: Duration) -> Option<Self> {
        self.shifted_by(-SignedDuration::try_from(duration).ok()?)
    }

    /// Returns the duration from this time until `later`, or zero if that is not later.
    #[must_use]
    pub fn duration_until(self, later: Self) -> Duration {
        Duration::try_from(later.0.duration_since(self.0)).unwrap_or_default()
    }

    /// Returns this time without its fraction of a second, rounded towards the past.
    #[must_use]
    pub fn truncated_to_seconds(self) -> Self {
        let at = self.0;
        Self(at.date().at(at.hour(), at.minute(), at.second(), 0))
    }

    /// Returns the text that `Display` writes, without a formatter.
    #[must_use]
    pub fn to_text(self) -> TimestampText {
        TimestampText::new(self.0)
    }

    /// Returns `true` at midnight UTC: a platform may know only the day.
    pub(crate) fn is_whole_day(self) -> bool {
        self.unix_seconds() % 86_400 == 0 && self.millisecond() == 0
    }

    /// Returns the milliseconds within the second, from 0 to 999.
    #[must_use]
    pub fn millisecond(self) -> u16 {
        self.0.millisecond().unsigned_abs()
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The fast path: almost every platform writes times in UTC, and a listing parses many.
        let utc = text.strip_suffix('Z');
        if let Some(at) = utc.and_then(|text| Self::from_date_and_time(text, 0)) {
            return Ok(at);
        }
        if let Some(at) = parse_with_offset(text) {
            return Ok(at);
        }
        // What `Display` writes of the years before 0 is read as it was written.
        let before_0 = utc.filter(|text| text.starts_with('-') && text.contains('T'));
        if let Some(at) = before_0.and_then(|text| text.parse().ok()) {
            return Ok(Self(at));
        }
        // jiff panics on a fraction of its first second (its issue 645).
        if text.starts_with(FIRST_YEAR) {
            return Err(ParseTimestampError);
        }
        let parsed = text.parse().map(Self::from_jiff);
        parsed.map_err(|_| ParseTimestampError)
    }
}

/// Parses a time with an offset such as `+02:00`.
fn parse_with_offset(text: &str) -> Option<Timestamp> {
    let (date_and_time, offset) = text.split_at_checked(text.len().checked_sub("+02:00".len())?)?;
    let (sign, hours_and_minutes) = match offset.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = hours_and_minutes.split_once(':')?;
    let number = |digits: &str, max| {
        let is_number = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
        let number = digits.parse::<i32>().ok().filter(|_| is_number)?;
        (number <= max).then_some(number)
    };
    let seconds = (number(hours, 23)? * 60 + number(minutes, 59)?) * 60;
    Timestamp::from_date_and_time(date_and_time, sign * seconds)
}

/// Parses an optional fraction, a point and up to nine digits, to nanoseconds.
fn parse_fraction(fraction: &[u8]) -> Option<i32> {
    let digits = match fraction {
        [] => return Some(0),
        // Almost every platform that writes a fraction writes milliseconds.
        [
            b'.',
            tenths @ b'0'..=b'9',
            hundredths @ b'0'..=b'9',
            thousandths @ b'0'..=b'9',
        ] => {
            let number = |digit: &u8| i32::from(digit - b'0');
            let (tenths, hundredths) = (number(tenths), number(hundredths));
            return Some((tenths * 100 + hundredths * 10 + number(thousandths)) * 1_000_000);
        }
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => digits,
        _ => return None,
    };
    let number = digits.iter().try_fold(0, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + i32::from(digit - b'0'))
    })?;
    Some(number * 10_i32.pow(9 - digits.len() as u32))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_text().as_str())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.to_text().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_truncated_towards_the_past_even_before_1970() {
        let at: Timestamp = "1969-12-31T23:59:58.250Z".parse().unwrap();
        assert_eq!(
            at.truncated_to_seconds().to_string(),
            "1969-12-31T23:59:58Z"
        );
        assert_eq!(at.millisecond(), 250);
    }

    proptest::proptest! {
        #[test]
        fn the_fast_path_agrees_with_jiff(
            text in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{0,10})?",
            date in "20[0-9]{2}-(0[1-9]|1[0-2])-[0-3][0-9]",
            time in "[0-2][0-9]:[0-5][0-9]:[0-6][0-9]([.][0-9]{1,9})?",
        ) {
            for text in [text, format!("{date}T{time}")] {
                let expected = format!("{text}Z").parse::<jiff::Timestamp>();
                if let Some(parsed) = Timestamp::from_date_and_time(&text, 0) {
                    let expected = expected.map(Timestamp::from_jiff);
                    // jiff ends a day before the end of the year 9999.
                    if !text.starts_with("9999-12-3") {
                        proptest::prop_assert_eq!(Some(parsed), expected.ok(), "{}", text);
                    }
                }
            }
        }
    }

    #[test]
    fn every_digit_and_every_separator_is_checked() {
        let text = "2038-07-19T12:34:56";
        assert!(Timestamp::from_date_and_time(text, 0).is_some());
        for index in 0..text.len() {
            for byte in 0..=u8::MAX {
                let mut changed = text.as_bytes().to_vec();
                changed[index] = byte;
                let Ok(changed) = String::from_utf8(changed) else {
                    continue;
                };
                // By jiff, which takes small letters and other separators too.
                let expected: Option<DateTime> = changed.parse().ok();
                let is_plain = match text.as_bytes()[index] {
                    b'T' => matches!(byte, b'T' | b' '),
                    b'-' | b':' => byte == text.as_bytes()[index],
                    _ => byte.is_ascii_digit(),
                };
                let expected = expected.filter(|_| is_plain).map(Timestamp);
                assert_eq!(
                    Timestamp::from_date_and_time(&changed, 0),
                    expected,
                    "{changed}"
                );
            }
        }
        // Next to a byte that carries.
        for odd in [
            "20\u{7fa}-07-19T12:34:56",
            "2038-07-19T12:34:\u{7fa}",
            "2038-07-19T\u{7fa}:34:56",
        ] {
            assert_eq!(Timestamp::from_date_and_time(odd, 0), None, "{odd}");
        }
    }

    #[test]
    fn a_time_at_either_end_of_the_range_does_not_panic() {
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
    fn every_time_of_the_year_9999_is_a_time() {
        for text in [
            "9999-01-01T00:00:00Z",
            "9999-12-30T22:00:01Z",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.999999999Z",
        ] {
            let at: Timestamp = text.parse().unwrap();
            assert_eq!(at.to_string(), text);
            assert!(at > Timestamp::now());
            let now = Timestamp::now();
            assert_eq!(now.saturating_add(now.duration_until(at)), at);
        }
        let last: Timestamp = "9999-12-31T23:59:59.999999999Z".parse().unwrap();
        assert_eq!(Timestamp::now().saturating_add(Duration::MAX), last);
        assert_eq!(last.checked_add(Duration::from_nanos(1)), None);
        assert_eq!(
            "9999-12-31T23:30:00+00:30".parse(),
            "9999-12-31T23:00:00Z".parse::<Timestamp>()
        );
        let now = Timestamp::now();
        assert_eq!(
            Timestamp::parse_at("9999-12-31", now).unwrap().to_string(),
            "9999-12-31T00:00:00Z"
        );
        for beyond in ["9999-12-31T23:59:59-00:01", "10000-01-01T00:00:00Z"] {
            assert!(beyond.parse::<Timestamp>().is_err(), "{beyond}");
        }
    }

    #[test]
    fn a_leap_second_is_a_time() {
        for text in ["2016-12-31T23:59:60Z", "2017-01-01T01:59:60+02:00"] {
            let at: Timestamp = text.parse().unwrap();
            assert_eq!(at.to_string(), "2016-12-31T23:59:59Z", "{text}");
        }
    }

    #[test]
    fn durations_are_exact_on_both_sides_of_1970() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (before, after) = (at("1969-12-31T23:59:59.75Z"), at("1970-01-01T00:00:01.5Z"));
        let between = Duration::from_millis(1750);
        assert_eq!(before.duration_until(after), between);
        assert_eq!(after.duration_until(before), Duration::ZERO);
        assert_eq!(before.checked_add(between), Some(after));
        assert_eq!(after.checked_sub(between), Some(before));
        assert_eq!(before.unix_seconds(), -1);
    }

    #[test]
    fn the_fast_path_accepts_what_platforms_write() {
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
