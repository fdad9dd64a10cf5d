//! Points in time with the database's precision, one microsecond, and their text forms.
//!
//! The calendar is implemented here because Foreman accepts the last second of the year 9999 in
//! every zone, which is beyond the range of [`Timestamp`].

use jiff::{Timestamp, tz::TimeZone};

/// A point in time in microseconds since 1970 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instant(pub(super) i64);

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400;

/// A date and time of day without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) micros: i64,
}

impl From<Timestamp> for Instant {
    fn from(timestamp: Timestamp) -> Self {
        Self(timestamp.as_microsecond())
    }
}

impl Instant {
    /// Returns the instant this many seconds later.
    pub(super) fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(SECOND)))
    }

    /// Returns the nearest instant that a [`Timestamp`] can represent.
    pub(super) fn timestamp(self) -> Timestamp {
        let clamped = self.0.clamp(
            Timestamp::MIN.as_microsecond(),
            Timestamp::MAX.as_microsecond(),
        );
        Timestamp::from_microsecond(clamped).unwrap_or(Timestamp::MAX)
    }

    /// Returns the local time at an offset in seconds east of UTC.
    pub(super) fn civil(self, offset: i64) -> Civil {
        let micros = self.0.rem_euclid(SECOND);
        let seconds = self.0.div_euclid(SECOND) + offset;
        let (year, month, day) = date_of(seconds.div_euclid(DAY));
        let rest = seconds.rem_euclid(DAY);
        Civil {
            year,
            month,
            day,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            micros,
        }
    }

    /// Formats as `2019-11-07 08:45:43 UTC`, or with the zone's offset as `+0200`.
    pub(super) fn plain(self, zone: &Zone) -> String {
        let offset = zone.offset_at(self);
        let local = self.civil(offset);
        let suffix = zone.suffix("UTC", offset, "");
        format!("{} {} {suffix}", local.date_text(), local.time_text())
    }

    /// Formats as `2019-11-07T08:45:43.434Z`, or with the zone's offset as `+02:00`.
    pub(super) fn iso(self, zone: &Zone) -> String {
        let offset = zone.offset_at(self);
        let local = self.civil(offset);
        let suffix = zone.suffix("Z", offset, ":");
        let (date, time) = (local.date_text(), local.time_text());
        format!("{date}T{time}.{:03}{suffix}", local.micros / 1000)
    }
}

impl Civil {
    fn date_text(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    fn time_text(&self) -> String {
        format!("{:02}:{:02}:{:02}", self.hour, self.minute, self.second)
    }

    /// Returns the instant of this local time at an offset in seconds east of UTC.
    ///
    /// Days beyond the end of the month continue into the next one.
    pub(super) fn instant(self, offset: i64) -> Option<Instant> {
        let days = days_of(self.year, self.month, 1).checked_add(self.day - 1)?;
        let seconds = self.hour * 3600 + self.minute * 60 + self.second - offset;
        let seconds = days.checked_mul(DAY)?.checked_add(seconds)?;
        Some(Instant(
            seconds.checked_mul(SECOND)?.checked_add(self.micros)?,
        ))
    }
}

/// Converts days since 1970 to year, month and day (Howard Hinnant's `civil_from_days`).
fn date_of(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Converts a date to days since 1970.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// A time zone, or `None` for UTC.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Zone(Option<TimeZone>);

impl Zone {
    pub(super) const UTC: Self = Self(None);

    /// Returns the zone with an IANA name or one of Rails' own names, or `None` if it is unknown.
    pub(super) fn named(name: &str) -> Option<Self> {
        let iana = match name {
            "UTC" | "Etc/UTC" => return Some(Self::UTC),
            "Prague" => "Europe/Prague",
            "London" => "Europe/London",
            "Berlin" => "Europe/Berlin",
            "Paris" => "Europe/Paris",
            "Tokyo" => "Asia/Tokyo",
            "Sydney" => "Australia/Sydney",
            "New Delhi" | "Mumbai" | "Kolkata" => "Asia/Kolkata",
            "Eastern Time (US & Canada)" => "America/New_York",
            "Central Time (US & Canada)" => "America/Chicago",
            "Mountain Time (US & Canada)" => "America/Denver",
            "Pacific Time (US & Canada)" => "America/Los_Angeles",
            other => other,
        };
        TimeZone::get(iana).ok().map(|zone| Self(Some(zone)))
    }

    /// Returns `utc` in UTC, and otherwise the offset as hours and minutes.
    fn suffix(&self, utc: &str, offset: i64, separator: &str) -> String {
        if self.0.is_none() {
            return utc.to_owned();
        }
        let sign = if offset < 0 { '-' } else { '+' };
        let minutes = offset.abs() / 60;
        format!("{sign}{:02}{separator}{:02}", minutes / 60, minutes % 60)
    }

    /// Returns the offset at an instant in seconds east of UTC.
    pub(super) fn offset_at(&self, instant: Instant) -> i64 {
        self.0.as_ref().map_or(0, |zone| {
            i64::from(zone.to_offset(instant.timestamp()).seconds())
        })
    }

    /// Returns the instant of a local time in this zone.
    pub(super) fn instant_of(&self, civil: Civil) -> Option<Instant> {
        let as_if_utc = civil.instant(0)?;
        // Two lookups give the right offset except in the hour that a clock change skips or
        // repeats.
        let approximate = as_if_utc.plus_seconds(-self.offset_at(as_if_utc));
        civil.instant(self.offset_at(approximate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Instant {
        text.parse::<Timestamp>().unwrap().into()
    }

    #[test]
    fn both_forms_truncate_fractions_and_show_the_zone() {
        let at = instant("2030-07-01T00:00:00.999999Z");
        let prague = Zone::named("Prague").unwrap();
        assert_eq!(at.plain(&Zone::UTC), "2030-07-01 00:00:00 UTC");
        assert_eq!(at.iso(&Zone::UTC), "2030-07-01T00:00:00.999Z");
        assert_eq!(at.plain(&prague), "2030-07-01 02:00:00 +0200");
        assert_eq!(at.iso(&prague), "2030-07-01T02:00:00.999+02:00");
        let new_york = Zone::named("America/New_York").unwrap();
        assert_eq!(at.plain(&new_york), "2030-06-30 20:00:00 -0400");
        assert!(Zone::named("Nowhere").is_none());
    }

    #[test]
    fn days_and_dates_convert_back_and_forth_over_centuries() {
        for days in (-800_000..3_000_000).step_by(997) {
            let (year, month, day) = date_of(days);
            assert_eq!(days_of(year, month, day), days);
        }
        assert_eq!(date_of(0), (1970, 1, 1));
    }

    #[test]
    fn the_last_second_of_9999_is_in_range() {
        let civil = Civil {
            year: 9999,
            month: 12,
            day: 31,
            hour: 23,
            minute: 59,
            second: 59,
            micros: 0,
        };
        assert_eq!(
            civil.instant(0).unwrap().plain(&Zone::UTC),
            "9999-12-31 23:59:59 UTC"
        );
    }
}
