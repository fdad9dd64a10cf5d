//! Lenient parsing of dates: Ruby's `Date._parse` without the completion of two-digit years.

mod patterns;
mod zone_offset;

use regex_lite::Captures;

use self::patterns::{
    AMERICAN, CLOCK, DIGITS, DOTS, EUROPEAN, ISO, LONE_MONTH, MONTH_DAY, NOISE, ORDINAL, Pattern,
    QUOTED_YEAR, SLASHES, TIME, VMS, VMS_MONTH_FIRST, WEEKDAY,
};

/// The parts of a date and time that were found in a string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) year: Option<i64>,
    pub(super) month: Option<i64>,
    pub(super) day: Option<i64>,
    pub(super) hour: Option<i64>,
    pub(super) minute: Option<i64>,
    pub(super) second: Option<i64>,
    /// The microseconds; further digits are truncated.
    pub(super) micros: Option<i64>,
    /// The offset in seconds east of UTC.
    pub(super) offset: Option<i64>,
    /// The day of the week, counted from Sunday as 0.
    pub(super) weekday: Option<i64>,
    /// The day of the year, counted from 1.
    pub(super) year_day: Option<i64>,
}

/// The length in bytes above which Ruby rejects a string.
const MAX_LENGTH: usize = 128;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Parses text and returns the parts found, possibly none, or `None` if it is too long.
pub(super) fn parse(text: &str) -> Option<Parts> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let mut parser = Parser {
        text: without_noise(text),
        parts: Parts::default(),
    };
    parser.weekday();
    parser.time();
    // The first format that matches gives the date; the rest of the text is ignored.
    let _ = parser.date_with_month_name(&EUROPEAN, [2, 1, 0])
        || parser.date_with_month_name(&AMERICAN, [2, 0, 1])
        || parser.numeric_date(&ISO)
        || parser.date_with_month_name(&VMS, [2, 1, 0])
        || parser.date_with_month_name(&VMS_MONTH_FIRST, [2, 0, 1])
        || parser.numeric_date(&SLASHES)
        || parser.numeric_date(&DOTS)
        || parser.month_and_day()
        || parser.quoted_year()
        || parser.month()
        || parser.ordinal_day()
        || parser.digits();
    Some(parser.parts)
}

/// The capture groups of a match, counted from 0 without the group of the whole match.
struct Groups(Vec<Option<String>>);

impl Groups {
    fn new(captures: &Captures<'_>) -> Self {
        let groups = captures.iter().skip(1);
        Self(
            groups
                .map(|group| group.map(|group| group.as_str().to_owned()))
                .collect(),
        )
    }

    fn get(&self, index: usize) -> Option<&str> {
        self.0.get(index)?.as_deref()
    }

    fn number(&self, index: usize) -> Option<i64> {
        number(self.get(index))
    }

    /// Returns the number of the month that a group names, counted from 1.
    fn month(&self, index: usize) -> Option<i64> {
        position(&MONTHS, self.get(index)).map(|month| month + 1)
    }
}

struct Parser {
    text: String,
    parts: Parts,
}

impl Parser {
    /// Replaces the first match in the text with a space and returns its groups.
    fn take(&mut self, pattern: &Pattern) -> Option<Groups> {
        let captures = pattern.as_ref()?.captures(&self.text)?;
        let groups = Groups::new(&captures);
        let range = captures.get(0)?.range();
        self.text.replace_range(range, " ");
        Some(groups)
    }

    /// Takes the first match of `pattern`, passes its groups to `read`, and returns whether there
    /// was one.
    fn apply(&mut self, pattern: &Pattern, read: impl FnOnce(&mut Self, &Groups)) -> bool {
        let groups = self.take(pattern);
        if let Some(groups) = &groups {
            read(self, groups);
        }
        groups.is_some()
    }

    fn weekday(&mut self) {
        self.apply(&WEEKDAY, |parser, groups| {
            parser.parts.weekday = position(&DAYS, groups.get(0));
        });
    }

    fn time(&mut self) {
        self.apply(&TIME, |parser, groups| {
            let clock = groups.get(0).unwrap_or_default();
            if let Some(captures) = CLOCK.as_ref().and_then(|pattern| pattern.captures(clock)) {
                parser.clock(&Groups::new(&captures));
            }
            if let Some(zone) = groups.get(1) {
                parser.parts.offset = zone_offset::parse(zone);
            }
        });
    }

    fn clock(&mut self, groups: &Groups) {
        self.parts.hour = groups.number(0);
        if let Some(half) = groups.get(4) {
            let afternoon = if half.eq_ignore_ascii_case("p") {
                12
            } else {
                0
            };
            self.parts.hour = self.parts.hour.map(|hour| hour % 12 + afternoon);
        }
        self.parts.minute = groups.number(1);
        self.parts.second = groups.number(2);
        self.parts.micros = groups.get(3).map(micros);
    }

    /// Parses a date whose year, month name and day are in the given groups.
    fn date_with_month_name(&mut self, pattern: &Pattern, groups: [usize; 3]) -> bool {
        let [year, month, day] = groups;
        self.apply(pattern, |parser, groups| {
            parser.date(groups.get(year), None, groups.get(day));
            parser.parts.month = groups.month(month);
        })
    }

    /// Parses a date of three numbers.
    fn numeric_date(&mut self, pattern: &Pattern) -> bool {
        self.apply(pattern, |parser, groups| {
            parser.date(groups.get(0), groups.get(1), groups.get(2));
        })
    }

    fn month_and_day(&mut self) -> bool {
        self.apply(&MONTH_DAY, |parser, groups| {
            parser.parts.month = groups.number(0);
            parser.parts.day = groups.number(1);
        })
    }

    fn quoted_year(&mut self) -> bool {
        self.apply(&QUOTED_YEAR, |parser, groups| {
            parser.parts.year = groups.number(0);
        })
    }

    fn month(&mut self) -> bool {
        self.apply(&LONE_MONTH, |parser, groups| {
            parser.parts.month = groups.month(0);
        })
    }

    fn ordinal_day(&mut self) -> bool {
        self.apply(&ORDINAL, |parser, groups| {
            parser.parts.day = groups.number(0);
        })
    }

    /// Parses a run of digits, whose length determines its meaning.
    fn digits(&mut self) -> bool {
        self.apply(&DIGITS, |parser, groups| {
            parser.date_digits(groups.get(1).unwrap_or_default());
            if let Some(clock) = groups.get(2) {
                parser.clock_digits(clock);
                parser.parts.micros = groups.get(3).map(micros).or(parser.parts.micros);
            }
            if let Some(zone) = groups.get(4) {
                parser.parts.offset = zone_offset::parse(zone);
            }
        })
    }

    fn date_digits(&mut self, digits: &str) {
        let part = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse().ok());
        match digits.len() {
            2 => self.parts.day = part(0, 2),
            3 => self.parts.year_day = part(0, 3),
            4 => {
                self.parts.month = part(0, 2);
                self.parts.day = part(2, 4);
            }
            5 => {
                self.parts.year = part(0, 2);
                self.parts.year_day = part(2, 5);
            }
            6 => {
                self.parts.year = part(0, 2);
                self.parts.month = part(2, 4);
                self.parts.day = part(4, 6);
            }
            7 => {
                self.parts.year = part(0, 4);
                self.parts.year_day = part(4, 7);
            }
            8 | 10 | 12 | 14 => {
                self.parts.year = part(0, 4);
                self.parts.month = part(4, 6);
                self.parts.day = part(6, 8);
                self.clock_digits(digits.get(8..).unwrap_or_default());
            }
            _ => {}
        }
    }

    /// Parses as much of `hhmmss` as is present.
    fn clock_digits(&mut self, digits: &str) {
        let part = |from: usize| {
            digits
                .get(from..from + 2)
                .and_then(|part| part.parse().ok())
        };
        self.parts.hour = part(0).or(self.parts.hour);
        self.parts.minute = part(2).or(self.parts.minute);
        self.parts.second = part(4).or(self.parts.second);
    }

    /// Sets the date from up to three numbers, whose lengths and apostrophes tell which is the
    /// year.
    fn date(&mut self, year: Option<&str>, month: Option<&str>, day: Option<&str>) {
        let (mut year, mut month, mut day) = (year, month, day);
        if year.is_some() && month.is_some() && day.is_none() {
            (year, month, day) = (day, year, month);
        }
        if year.is_none() && day.is_some_and(looks_like_a_year) {
            (year, day) = (day, None);
        }
        if month.is_some_and(looks_like_a_year) {
            (year, month, day) = (month, day, year);
        }
        if day.is_some_and(looks_like_a_year) {
            (year, day) = (day, year);
        }
        if year.is_some_and(|year| year.ends_with(|letter: char| letter.is_ascii_alphabetic())) {
            (year, day) = (day, year);
        }
        self.parts.year = number(year).or(self.parts.year);
        self.parts.month = number(month).or(self.parts.month);
        self.parts.day = number(day).or(self.parts.day);
    }
}

fn without_noise(text: &str) -> String {
    match NOISE.as_ref() {
        Some(noise) => noise.replace_all(text, " ").into_owned(),
        None => text.to_owned(),
    }
}

fn looks_like_a_year(text: &str) -> bool {
    text.starts_with('\'') || text.chars().filter(char::is_ascii_digit).count() > 2
}

fn position(names: &[&str], text: Option<&str>) -> Option<i64> {
    let text = text?.to_ascii_lowercase();
    let index = names.iter().position(|name| *name == text)?;
    i64::try_from(index).ok()
}

/// Parses a number that may have an apostrophe before it and letters after it.
fn number(text: Option<&str>) -> Option<i64> {
    let text = text?.trim_start_matches('\'');
    let end = text.rfind(|letter: char| letter.is_ascii_digit())? + 1;
    let digits = text.get(..end)?.trim_start_matches('+');
    // A number too large for `i64` is out of range in every calendar, and stays so when clamped.
    Some(digits.parse().unwrap_or(i64::MAX))
}

fn micros(fraction: &str) -> i64 {
    let padded: String = fraction.chars().chain("000000".chars()).take(6).collect();
    padded.parse().unwrap_or(0)
}
