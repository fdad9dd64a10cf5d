//! Parsing of the `expires_at` parameter: a string in almost any form, in the caller's zone.

use super::{
    date_parse::{self, Parts},
    instant::{Civil, Instant, Zone},
    parameters::Parameter,
};

/// The expiry that a caller requests for a new token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RequestedExpiry {
    /// The parameter is absent, or has a value that Foreman silently drops.
    Never,
    At(Instant),
    /// The parameter is not a time; this is its text in the error message.
    Invalid(String),
}

/// Parses the parameter.
pub(super) fn parse(parameter: Option<&Parameter>, now: Instant, zone: &Zone) -> RequestedExpiry {
    match parameter {
        None | Some(Parameter::Null | Parameter::Bool(false)) => RequestedExpiry::Never,
        // Rails permits only scalars here and drops lists and objects.
        Some(Parameter::List(_) | Parameter::Map(_)) => RequestedExpiry::Never,
        Some(Parameter::Text(text)) => match parse_time(text, now, zone) {
            Some(at) => RequestedExpiry::At(at),
            None => RequestedExpiry::Invalid(text.clone()),
        },
        Some(other) => RequestedExpiry::Invalid(other.to_text()),
    }
}

/// Parses a time like Ruby's `Time.zone.parse`.
///
/// A missing year or month is today's. A missing day is today's too, or the first of the month if
/// the text has a year or a month.
fn parse_time(text: &str, now: Instant, zone: &Zone) -> Option<Instant> {
    let parts = date_parse::parse(text)?;
    if parts == Parts::default() {
        return None;
    }
    let today = now.civil(zone.offset_at(now));
    let default_day = if parts.year.is_some() || parts.month.is_some() {
        1
    } else {
        today.day
    };
    let civil = Civil {
        year: parts.year.unwrap_or(today.year),
        month: parts.month.unwrap_or(today.month),
        day: parts.day.unwrap_or(default_day),
        hour: parts.hour.unwrap_or(0),
        minute: parts.minute.unwrap_or(0),
        second: parts.second.unwrap_or(0),
        micros: parts.micros.unwrap_or(0),
    };
    let day_seconds = 24 * 3600;
    let valid_offset = parts.offset.is_none_or(|offset| offset.abs() < day_seconds);
    if !is_accepted(civil) || !valid_offset {
        return None;
    }
    match parts.offset {
        Some(offset) => civil.instant(offset),
        None => zone.instant_of(civil),
    }
}

/// Returns whether Ruby's `Time.new` accepts a time; it allows day 31 in every month, and 24:00.
fn is_accepted(civil: Civil) -> bool {
    let midnight = civil.minute == 0 && civil.second == 0 && civil.micros == 0;
    (0..=9999).contains(&civil.year)
        && (1..=12).contains(&civil.month)
        && (1..=31).contains(&civil.day)
        && (0..=if midnight { 24 } else { 23 }).contains(&civil.hour)
        && (0..=59).contains(&civil.minute)
        && (0..=60).contains(&civil.second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, zone: &Zone) -> Option<String> {
        let now = "2026-11-22T13:13:25Z"
            .parse::<jiff::Timestamp>()
            .unwrap()
            .into();
        match parse(Some(&Parameter::Text(text.to_owned())), now, zone) {
            RequestedExpiry::At(at) => Some(at.plain(&Zone::UTC)),
            _ => None,
        }
    }

    #[test]
    fn times_are_parsed_in_almost_any_form() {
        for (text, expected) in [
            ("2030-01-01T00:00:00Z", "2030-01-01 00:00:00 UTC"),
            ("2030-01-01", "2030-01-01 00:00:00 UTC"),
            ("2030-01-01T12:00:00+05:30", "2030-01-01 06:30:00 UTC"),
            ("2030-01-01T12:00:00.123456Z", "2030-01-01 12:00:00 UTC"),
            ("2030-01-01 12:00:00 -0500", "2030-01-01 17:00:00 UTC"),
            ("2030-01-01T24:00:00Z", "2030-01-02 00:00:00 UTC"),
            ("2030-02-30", "2030-03-02 00:00:00 UTC"),
            ("May 5 2031", "2031-05-05 00:00:00 UTC"),
            ("5 May 2031 3pm", "2031-05-05 15:00:00 UTC"),
            ("Fri, 05 Dec 2031 10:00:00 GMT", "2031-12-05 10:00:00 UTC"),
            ("2031/12/05", "2031-12-05 00:00:00 UTC"),
            ("5.12.2031", "2031-12-05 00:00:00 UTC"),
            ("20311205", "2031-12-05 00:00:00 UTC"),
            ("20311205T101112Z", "2031-12-05 10:11:12 UTC"),
            ("23:59:59", "2026-11-22 23:59:59 UTC"),
            ("1231", "2026-12-31 00:00:00 UTC"),
            ("9999-12-31T23:59:59Z", "9999-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(
                parsed(text, &Zone::UTC).as_deref(),
                Some(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn a_text_that_is_not_a_time_is_invalid() {
        for text in [
            "",
            "garbage",
            "tomorrow",
            "2030",
            "2030-13-01",
            "2030-08-34T12:00:00.000Z",
            "1893456000",
        ] {
            assert_eq!(parsed(text, &Zone::UTC), None, "{text}");
        }
    }

    #[test]
    fn a_time_without_a_zone_is_in_the_callers_zone() {
        let prague = Zone::named("Europe/Prague").unwrap();
        assert_eq!(
            parsed("2030-07-01 12:00:00", &prague).unwrap(),
            "2030-07-01 10:00:00 UTC"
        );
        assert_eq!(
            parsed("2030-01-01", &prague).unwrap(),
            "2029-12-31 23:00:00 UTC"
        );
    }
}
