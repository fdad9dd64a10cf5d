//! Ruby's lenient reading of dates (`Date._parse` without completing short years).

use std::sync::LazyLock;

use regex_lite::{Captures, Regex};

use super::zone_names;

/// What a text says about a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) year: Option<i64>,
    pub(super) month: Option<i64>,
    pub(super) day: Option<i64>,
    pub(super) hour: Option<i64>,
    pub(super) minute: Option<i64>,
    pub(super) second: Option<i64>,
    /// Microseconds; further digits are cut.
    pub(super) micros: Option<i64>,
    /// Seconds ahead of UTC.
    pub(super) offset: Option<i64>,
    pub(super) weekday: Option<i64>,
    pub(super) year_day: Option<i64>,
}

/// Longer texts are refused.
const LONGEST: usize = 128;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// `None` when the text is too long; otherwise what was found, perhaps nothing.
pub(super) fn parse(text: &str) -> Option<Parts> {
    if text.len() > LONGEST {
        return None;
    }
    let mut reader = Reader {
        text: quiet(text),
        parts: Parts::default(),
    };
    reader.weekday();
    reader.time();
    // The first form that fits is the date; what follows it is not looked at.
    let _ = reader.european()
        || reader.american()
        || reader.iso()
        || reader.vms()
        || reader.vms_month_first()
        || reader.slashes()
        || reader.dots()
        || reader.day_of_month_iso()
        || reader.quoted_year()
        || reader.month()
        || reader.ordinal()
        || reader.digits();
    Some(reader.parts)
}

struct Reader {
    text: String,
    parts: Parts,
}

/// A constant pattern. One that did not compile would match nothing; a test sees that all do.
type Pattern = LazyLock<Option<Regex>>;

macro_rules! pattern {
    ($name:ident, $text:expr) => {
        static $name: Pattern = LazyLock::new(|| Regex::new($text).ok());
    };
}

const MONTH: &str = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec";
const ERA: &str = r"(?:c(?:e|\.e\.)|b(?:ce|\.c\.e\.)|a(?:d|\.d\.)|b(?:c|\.c\.))";

pattern!(NOISE, r##"[\s\x00-\x1f!"#$%&()*;<=>?\\^_`{|}~\x7f]+"##);
pattern!(WEEKDAY, r"(?i)\b(sun|mon|tue|wed|thu|fri|sat)[^-/\d\s]*");
pattern!(
    TIME,
    r"(?ix)
    (
      (?: \d+\s*:\s*\d+ (?:\s*:\s*\d+(?:[,.]\d*)?)? | \d+\s*h(?:\s*\d+m?(?:\s*\d+s?)?)? )
      (?: \s* [ap](?:m\b|\.m\.) )?
      | \d+\s*[ap](?:m\b|\.m\.)
    )
    (?: \s*
      ( (?:gmt|utc?)?[-+]\d+(?:[,.:]\d+(?::\d+)?)?
      | [a-z.\s]+(?:standard|daylight)\stime\b
      | [a-z]+(?:\sdst)?\b )
    )?"
);
pattern!(
    CLOCK,
    r"(?i)^(\d+)h?(?:\s*:?\s*(\d+)m?(?:\s*:?\s*(\d+)(?:[,.](\d*))?s?)?)?(?:\s*([ap])(?:m\b|\.m\.))?"
);
pattern!(
    EUROPEAN,
    &format!(
        r"(?i)('?\d+)[^-\d\s]*\s*({MONTH})[^-\d\s']*(?:\s*{ERA}?\s*('?-?\d+(?:(?:st|nd|rd|th)\b)?))?"
    )
);
pattern!(
    AMERICAN,
    &format!(r"(?i)\b({MONTH})[^-\d\s']*\s*('?\d+)[^-\d\s']*(?:\s*,?\s*{ERA}?\s*('?-?\d+))?")
);
pattern!(ISO, r"('?[-+]?\d+)-(\d+)-('?-?\d+)");
pattern!(VMS, &format!(r"(?i)('?-?\d+)-({MONTH})[^-/.]*-('?-?\d+)"));
pattern!(
    VMS_MONTH,
    &format!(r"(?i)\b({MONTH})[^-/.]*-('?-?\d+)(?:-('?-?\d+))?")
);
pattern!(SLASHES, r"('?-?\d+)/\s*('?\d+)(?:[^\d]\s*('?-?\d+))?");
pattern!(DOTS, r"('?-?\d+)\.\s*('?\d+)\.\s*('?-?\d+)");
pattern!(MONTH_DAY, r"--(\d{2})?-(\d{2})\b");
pattern!(QUOTED_YEAR, r"'(\d+)\b");
pattern!(LONE_MONTH, &format!(r"(?i)\b({MONTH})\S*"));
pattern!(ORDINAL, r"(?i)(\d+)(?:st|nd|rd|th)\b");
pattern!(
    DIGITS,
    r"(?i)([-+]?)(\d{2,14})(?:\s*t?\s*(\d{2,6})?(?:[,.](\d*))?)?(z\b|[-+]\d{1,4}\b)?"
);

impl Reader {
    /// Takes a match out of the text, leaving a space, and returns its groups.
    fn take(&mut self, pattern: &Pattern) -> Option<Vec<Option<String>>> {
        let captures = pattern.as_ref()?.captures(&self.text)?;
        let groups = groups(&captures);
        let range = captures.get(0)?.range();
        self.text.replace_range(range, " ");
        Some(groups)
    }

    fn weekday(&mut self) {
        if let Some(groups) = self.take(&WEEKDAY) {
            self.parts.weekday = index(&DAYS, groups.first());
        }
    }

    fn time(&mut self) {
        let Some(groups) = self.take(&TIME) else {
            return;
        };
        let Some(Some(clock)) = groups.first().cloned() else {
            return;
        };
        if let Some(captures) = CLOCK.as_ref().and_then(|pattern| pattern.captures(&clock)) {
            let number = |at: usize| captures.get(at).map(|group| saturating(group.as_str()));
            let mut hour: Option<i64> = number(1);
            if let Some(half) = captures.get(5) {
                let afternoon = half.as_str().eq_ignore_ascii_case("p");
                hour = hour.map(|hour| hour % 12 + if afternoon { 12 } else { 0 });
            }
            self.parts.hour = hour;
            self.parts.minute = number(2);
            self.parts.second = number(3);
            self.parts.micros = captures.get(4).map(|fraction| micros(fraction.as_str()));
        }
        if let Some(Some(zone)) = groups.get(1) {
            self.parts.offset = zone_names::offset(zone);
        }
    }

    fn european(&mut self) -> bool {
        self.take(&EUROPEAN).is_some_and(|groups| {
            let month = index(&MONTHS, groups.get(1));
            self.date(group(&groups, 2), None, group(&groups, 0));
            self.parts.month = month;
            true
        })
    }

    fn american(&mut self) -> bool {
        self.take(&AMERICAN).is_some_and(|groups| {
            let month = index(&MONTHS, groups.first());
            self.date(group(&groups, 2), None, group(&groups, 1));
            self.parts.month = month;
            true
        })
    }

    fn iso(&mut self) -> bool {
        self.take(&ISO).is_some_and(|groups| {
            self.date(group(&groups, 0), group(&groups, 1), group(&groups, 2));
            true
        })
    }

    fn vms(&mut self) -> bool {
        self.take(&VMS).is_some_and(|groups| {
            let month = index(&MONTHS, groups.get(1));
            self.date(group(&groups, 2), None, group(&groups, 0));
            self.parts.month = month;
            true
        })
    }

    fn vms_month_first(&mut self) -> bool {
        self.take(&VMS_MONTH).is_some_and(|groups| {
            let month = index(&MONTHS, groups.first());
            self.date(group(&groups, 2), None, group(&groups, 1));
            self.parts.month = month;
            true
        })
    }

    fn slashes(&mut self) -> bool {
        self.take(&SLASHES).is_some_and(|groups| {
            self.date(group(&groups, 0), group(&groups, 1), group(&groups, 2));
            true
        })
    }

    fn dots(&mut self) -> bool {
        self.take(&DOTS).is_some_and(|groups| {
            self.date(group(&groups, 0), group(&groups, 1), group(&groups, 2));
            true
        })
    }

    fn day_of_month_iso(&mut self) -> bool {
        self.take(&MONTH_DAY).is_some_and(|groups| {
            self.parts.month = number(group(&groups, 0));
            self.parts.day = number(group(&groups, 1));
            true
        })
    }

    fn quoted_year(&mut self) -> bool {
        self.take(&QUOTED_YEAR).is_some_and(|groups| {
            self.parts.year = number(group(&groups, 0));
            true
        })
    }

    fn month(&mut self) -> bool {
        self.take(&LONE_MONTH).is_some_and(|groups| {
            self.parts.month = index(&MONTHS, groups.first());
            true
        })
    }

    fn ordinal(&mut self) -> bool {
        self.take(&ORDINAL).is_some_and(|groups| {
            self.parts.day = number(group(&groups, 0));
            true
        })
    }

    /// A run of digits: its length says what it is.
    fn digits(&mut self) -> bool {
        let Some(groups) = self.take(&DIGITS) else {
            return false;
        };
        let digits = group(&groups, 1).unwrap_or_default();
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
        if let Some(clock) = group(&groups, 2) {
            self.clock_digits(clock);
            self.parts.micros = group(&groups, 3).map(micros).or(self.parts.micros);
        }
        if let Some(zone) = group(&groups, 4) {
            self.parts.offset = zone_names::offset(zone);
        }
        true
    }

    /// `hhmmss`, as much of it as there is.
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

    /// Three numbers whose lengths and apostrophes tell which is the year.
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

/// Without the characters that no form uses.
fn quiet(text: &str) -> String {
    match NOISE.as_ref() {
        Some(noise) => noise.replace_all(text, " ").into_owned(),
        None => text.to_owned(),
    }
}

fn looks_like_a_year(text: &str) -> bool {
    text.starts_with('\'') || text.chars().filter(char::is_ascii_digit).count() > 2
}

fn groups(captures: &Captures<'_>) -> Vec<Option<String>> {
    captures
        .iter()
        .skip(1)
        .map(|group| group.map(|group| group.as_str().to_owned()))
        .collect()
}

fn group(groups: &[Option<String>], at: usize) -> Option<&str> {
    groups.get(at).and_then(Option::as_deref)
}

fn index(names: &[&str], text: Option<&Option<String>>) -> Option<i64> {
    let text = text?.as_deref()?.to_ascii_lowercase();
    names.iter().position(|name| *name == text).map(|at| {
        // Months count from 1, weekdays from 0.
        at as i64 + i64::from(names.len() == 12)
    })
}

fn number(text: Option<&str>) -> Option<i64> {
    let text = text?.trim_start_matches('\'');
    let end = text.rfind(|letter: char| letter.is_ascii_digit())? + 1;
    Some(saturating(text.get(..end)?.trim_start_matches('+')))
}

/// A number, or one that no calendar has.
fn saturating(digits: &str) -> i64 {
    digits.parse().unwrap_or(i64::MAX)
}

fn micros(fraction: &str) -> i64 {
    let padded: String = fraction.chars().chain("000000".chars()).take(6).collect();
    padded.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        let all = [
            &NOISE,
            &WEEKDAY,
            &TIME,
            &CLOCK,
            &EUROPEAN,
            &AMERICAN,
            &ISO,
            &VMS,
            &VMS_MONTH,
            &SLASHES,
            &DOTS,
            &MONTH_DAY,
            &QUOTED_YEAR,
            &LONE_MONTH,
            &ORDINAL,
            &DIGITS,
        ];
        assert!(all.iter().all(|pattern| pattern.is_some()));
    }
}
