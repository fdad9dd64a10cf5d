//! Parsing of the time zone after a time of day.

use crate::foreman::ruby;

/// Parses a zone and returns its offset in seconds east of UTC, or `None` for an unknown name.
pub(super) fn parse(zone: &str) -> Option<i64> {
    let lower = zone.trim().to_ascii_lowercase();
    let daylight_name = lower
        .strip_suffix(" dst")
        .or_else(|| lower.strip_suffix(" daylight time"));
    let (name, daylight_hours) = match daylight_name {
        Some(name) => (name, 1),
        None => (lower.strip_suffix(" standard time").unwrap_or(&lower), 0),
    };
    if let Some((_, hours)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some((hours + daylight_hours) * 3600);
    }
    let numeric = name
        .strip_prefix("gmt")
        .or_else(|| name.strip_prefix("utc"))
        .unwrap_or(name);
    numeric_offset(numeric)
}

/// The known zone names with their offsets in hours.
const NAMES: &[(&str, i64)] = &[
    ("z", 0),
    ("utc", 0),
    ("ut", 0),
    ("gmt", 0),
    ("wet", 0),
    ("bst", 1),
    ("cet", 1),
    ("met", 1),
    ("cest", 2),
    ("eet", 2),
    ("eest", 3),
    ("msk", 3),
    ("jst", 9),
    ("est", -5),
    ("edt", -4),
    ("cst", -6),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
    ("pdt", -7),
];

/// Parses an offset such as `+5`, `+0530`, `+05:30`, `+05:30:15` or `+5.5`.
///
/// The result is not checked: an impossible offset is returned as more than a day.
fn numeric_offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => return None,
    };
    let seconds = if let Some((hours, rest)) = digits.split_once(':') {
        let (minutes, seconds) = rest.split_once(':').unwrap_or((rest, "0"));
        number(hours)? * 3600 + number(minutes)? * 60 + number(seconds)?
    } else if let Some((hours, fraction)) = digits.split_once(['.', ',']) {
        let fraction = fraction.get(..fraction.len().min(4))?;
        let unit = 10_i64.pow(fraction.len() as u32);
        number(hours)? * 3600 + number(fraction)? * 3600 / unit
    } else {
        // With an odd number of digits, the leading zero was omitted.
        let padded = if digits.len() % 2 == 1 {
            format!("0{digits}")
        } else {
            digits.to_owned()
        };
        let part = |at: usize| padded.get(at..at + 2).map_or(Some(0), number);
        part(0)? * 3600 + part(2)? * 60 + part(4)?
    };
    Some(sign * seconds)
}

/// Parses a number and clamps it, so that the arithmetic on offsets cannot overflow.
fn number(text: &str) -> Option<i64> {
    ruby::is_all_digits(text).then(|| text.parse().unwrap_or(i64::MAX).min(100_000))
}
