//! Times as people say them, relative to now.

use tokenfleet::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const MONTH: u64 = 30 * DAY;
const YEAR: u64 = 365 * DAY;

/// Returns the distance between two times, such as `in 25 days` or `3 hours ago`.
///
/// It is rounded down, so an expiry is never farther away than it seems.
pub(super) fn relative_time(at: Timestamp, now: Timestamp) -> String {
    let is_past = at <= now;
    let distance = if is_past {
        at.duration_until(now)
    } else {
        now.duration_until(at)
    };
    let seconds = distance.as_secs();
    let (count, unit) = match seconds {
        ..MINUTE if is_past => return "just now".to_owned(),
        ..MINUTE => return "in less than a minute".to_owned(),
        MINUTE..HOUR => (seconds / MINUTE, "minute"),
        // A number of the smaller unit says more than "1 day" or "1 year".
        _ if seconds < 2 * DAY => (seconds / HOUR, "hour"),
        _ if seconds < 3 * MONTH => (seconds / DAY, "day"),
        _ if seconds < 2 * YEAR => (seconds / MONTH, "month"),
        _ => (seconds / YEAR, "year"),
    };
    let plural = if count == 1 { "" } else { "s" };
    if is_past {
        format!("{count} {unit}{plural} ago")
    } else {
        format!("in {count} {unit}{plural}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_is_said_in_the_unit_that_fits_it_and_rounded_down() {
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        for (at, expected) in [
            ("2030-01-01T00:00:00Z", "just now"),
            ("2030-01-01T00:00:01Z", "in less than a minute"),
            ("2029-12-31T23:59:00Z", "1 minute ago"),
            ("2030-01-01T23:59:59Z", "in 23 hours"),
            ("2030-01-02T12:00:00Z", "in 36 hours"),
            ("2030-01-26T23:59:59Z", "in 25 days"),
            ("2029-12-02T00:00:00Z", "30 days ago"),
            ("2030-07-01T00:00:00Z", "in 6 months"),
            ("2016-06-13T04:00:00Z", "13 years ago"),
        ] {
            assert_eq!(relative_time(at.parse().unwrap(), now), expected, "{at}");
        }
    }
}
