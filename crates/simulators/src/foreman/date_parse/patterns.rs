//! The regular expressions of `Date._parse`.
//!
//! The names `EUROPEAN`, `AMERICAN` and `VMS` are those of Ruby's own source.

use std::sync::LazyLock;

use regex_lite::Regex;

/// A compiled constant pattern, or `None` if it is invalid.
///
/// The test below checks that every pattern compiles.
pub(super) type Pattern = LazyLock<Option<Regex>>;

macro_rules! patterns {
    ($($(#[$meta:meta])* $name:ident = $text:expr;)*) => {
        $(
            $(#[$meta])*
            pub(super) static $name: Pattern = LazyLock::new(|| Regex::new($text).ok());
        )*

        #[cfg(test)]
        const ALL: &[&Pattern] = &[$(&$name),*];
    };
}

const MONTH: &str = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec";
const ERA: &str = r"(?:c(?:e|\.e\.)|b(?:ce|\.c\.e\.)|a(?:d|\.d\.)|b(?:c|\.c\.))";

patterns! {
    /// Characters that no date format uses.
    NOISE = r##"[\s\x00-\x1f!"#$%&()*;<=>?\\^_`{|}~\x7f]+"##;
    /// The name of a weekday.
    WEEKDAY = r"(?i)\b(sun|mon|tue|wed|thu|fri|sat)[^-/\d\s]*";
    /// A time of day (group 1) and its zone (group 2).
    TIME = r"(?ix)
    (
      (?: \d+\s*:\s*\d+ (?:\s*:\s*\d+(?:[,.]\d*)?)? | \d+\s*h(?:\s*\d+m?(?:\s*\d+s?)?)? )
      (?: \s* [ap](?:m\b|\.m\.) )?
      | \d+\s*[ap](?:m\b|\.m\.)
    )
    (?: \s*
      ( (?:gmt|utc?)?[-+]\d+(?:[,.:]\d+(?::\d+)?)?
      | [a-z.\s]+(?:standard|daylight)\stime\b
      | [a-z]+(?:\sdst)?\b )
    )?";
    /// The fields of a time of day: hour, minute, second, fraction, and `a` or `p`.
    CLOCK = r"(?ix)
    ^ (\d+) h?
    (?: \s*:?\s* (\d+) m? (?: \s*:?\s* (\d+) (?:[,.](\d*))? s? )? )?
    (?: \s* ([ap])(?:m\b|\.m\.) )?";
    /// `5 May 2031`.
    EUROPEAN = &format!(
        r"(?ix) ('?\d+) [^-\d\s]* \s* ({MONTH}) [^-\d\s']*
        (?: \s* {ERA}? \s* ('?-?\d+(?:(?:st|nd|rd|th)\b)?) )?"
    );
    /// `May 5, 2031`.
    AMERICAN = &format!(
        r"(?ix) \b({MONTH}) [^-\d\s']* \s* ('?\d+) [^-\d\s']*
        (?: \s*,?\s* {ERA}? \s* ('?-?\d+) )?"
    );
    /// `2031-05-05`.
    ISO = r"('?[-+]?\d+)-(\d+)-('?-?\d+)";
    /// `5-May-2031`.
    VMS = &format!(r"(?i)('?-?\d+)-({MONTH})[^-/.]*-('?-?\d+)");
    /// `May-5-2031`.
    VMS_MONTH_FIRST = &format!(r"(?i)\b({MONTH})[^-/.]*-('?-?\d+)(?:-('?-?\d+))?");
    /// `2031/5/5`.
    SLASHES = r"('?-?\d+)/\s*('?\d+)(?:[^\d]\s*('?-?\d+))?";
    /// `2031.5.5`.
    DOTS = r"('?-?\d+)\.\s*('?\d+)\.\s*('?-?\d+)";
    /// `--05-05`, a month and a day, or `---05`, a day.
    MONTH_DAY = r"--(\d{2})?-(\d{2})\b";
    /// `'31`, a year.
    QUOTED_YEAR = r"'(\d+)\b";
    /// The name of a month on its own.
    LONE_MONTH = &format!(r"(?i)\b({MONTH})\S*");
    /// `5th`, a day of the month.
    ORDINAL = r"(?i)(\d+)(?:st|nd|rd|th)\b";
    /// A run of digits: sign, date, time, fraction and zone.
    DIGITS = r"(?i)([-+]?)(\d{2,14})(?:\s*t?\s*(\d{2,6})?(?:[,.](\d*))?)?(z\b|[-+]\d{1,4}\b)?";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(ALL.len(), 16);
        assert!(ALL.iter().all(|pattern| pattern.is_some()));
    }
}
