//! The text of a time: RFC 3339 in UTC.

use std::fmt;

use jiff::civil::DateTime;

use super::digits::Digits;

/// Every place of the longest text. A sign and two zeros stand before a year below 0 only.
const PLACES: [u8; 38] = *b"     -000000-00-00T00:00:00.000000000Z";
const SIGN: usize = 5;
/// The year begins a word, so that words are enough to look at the text.
const YEAR: usize = 8;
const DAY: usize = YEAR + "2030-01-".len();
const TIME: usize = DAY + "31T".len();
const POINT: usize = TIME + "12:00:00".len();

/// The text of a [`Timestamp`](crate::Timestamp), without an allocation: RFC 3339 in UTC, with a
/// fraction only if that is not zero.
///
/// ```
/// use tokenfleet_core::Timestamp;
///
/// let at: Timestamp = "2030-07-01T02:00:00.500+02:00".parse()?;
/// assert_eq!(at.to_text().as_str(), "2030-07-01T00:00:00.5Z");
/// # Ok::<(), tokenfleet_core::model::ParseTimestampError>(())
/// ```
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct TimestampText {
    places: [u8; PLACES.len()],
    start: u8,
    end: u8,
}

impl TimestampText {
    /// Writes by words of eight bytes, because a listing writes several times of each token.
    pub(super) fn new(at: DateTime) -> Self {
        let mut places = PLACES;
        let year = at.year().unsigned_abs();
        let (century, year) = ((year / 100) as u8, (year % 100) as u8);
        let [month, day] = [at.month(), at.day()].map(i8::unsigned_abs);
        let [hour, minute, second] = [at.hour(), at.minute(), at.second()].map(i8::unsigned_abs);
        let date = Digits::DATE.write_pairs([century, 0, year, 0, 0, month, 0, 0]);
        let [day_1, day_2, ..] = Digits::DAY.write_pairs([day, 0, 0, 0, 0, 0, 0, 0]);
        let time = Digits::TIME.write_pairs([hour, 0, 0, minute, 0, 0, second, 0]);
        places[YEAR..DAY].copy_from_slice(&date);
        places[DAY..TIME].copy_from_slice(&[day_1, day_2, b'T']);
        places[TIME..POINT].copy_from_slice(&time);
        let fraction = at.subsec_nanosecond().unsigned_abs();
        let mut last = POINT;
        if fraction != 0 {
            let thousands = [
                fraction / 1_000_000,
                fraction / 1_000 % 1_000,
                fraction % 1_000,
            ];
            for (index, number) in thousands.into_iter().enumerate() {
                if number != 0 {
                    let place = POINT + 1 + 3 * index;
                    places[place] = b'0' + (number / 100) as u8;
                    places[place + 1] = b'0' + (number / 10 % 10) as u8;
                    places[place + 2] = b'0' + (number % 10) as u8;
                    last = place + 3;
                }
            }
            while places[last - 1] == b'0' {
                last -= 1;
            }
        }
        places[last] = b'Z';
        Self {
            places,
            start: if at.year() < 0 { SIGN } else { YEAR } as u8,
            end: last as u8 + 1,
        }
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Returns the text as bytes, all of them ASCII.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let places = usize::from(self.start)..usize::from(self.end);
        self.places.get(places).unwrap_or_default()
    }
}

impl fmt::Debug for TimestampText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TimestampText")
            .field(&self.as_str())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, civil::date};

    use super::*;

    proptest::proptest! {
        #[test]
        fn every_time_is_written_as_jiff_writes_it(
            any in -377_705_116_800_i64..=253_402_300_799,
            near in -100_000_000_i64..100_000_000,
            fraction in 0_i32..1_000_000_000,
            zeros in 0_u32..=9,
        ) {
            // With each number of zeros at the end, and about the year 0.
            let fraction = fraction / 10_i32.pow(zeros) * 10_i32.pow(zeros);
            for seconds in [any, near, near - 62_167_219_200] {
                let since = SignedDuration::new(seconds, fraction);
                let at = date(1970, 1, 1).at(0, 0, 0, 0).saturating_add(since);
                let text = TimestampText::new(at);
                proptest::prop_assert_eq!(text.as_str(), format!("{at}Z"));
            }
        }
    }

    #[test]
    fn the_first_and_the_last_time_are_written_as_jiff_writes_them() {
        for at in [DateTime::MIN, DateTime::MAX, DateTime::ZERO] {
            assert_eq!(TimestampText::new(at).as_str(), format!("{at}Z"));
        }
    }
}
