//! The number of tokens that expire in each of the coming months.

use tokenfleet::Timestamp;

/// The number of months that are shown one by one.
pub(super) const MONTHS: usize = 12;

/// A calendar month, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month {
    year: i64,
    month: i64,
}

/// The expiries of usable tokens, by month from the present one on.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    first: Month,
    pub(super) by_month: [u64; MONTHS],
    pub(super) later: u64,
    pub(super) never: u64,
    pub(super) not_reported: u64,
}

impl Month {
    /// Returns the month of a time.
    fn of_time(at: Timestamp) -> Self {
        // Years before the first or after 9999 have more digits than four.
        let text = at.to_string();
        let date = text.split_once('T').map_or(&*text, |(date, _)| date);
        let mut parts = date.rsplit('-');
        let month = parts.nth(1).and_then(|month| month.parse().ok());
        let year = date.get(..date.len().saturating_sub("-01-31".len()));
        Self {
            year: year.and_then(|year| year.parse().ok()).unwrap_or_default(),
            month: month.unwrap_or(1),
        }
    }

    /// Returns the number of months from the first of the year 0.
    fn number(self) -> i64 {
        self.year * 12 + self.month - 1
    }

    /// Returns the month that is this many months later.
    fn later_by(self, months: usize) -> Self {
        let number = self.number() + i64::try_from(months).unwrap_or_default();
        Self {
            year: number.div_euclid(12),
            month: number.rem_euclid(12) + 1,
        }
    }

    /// Returns a label such as `2030-01`.
    fn label(self) -> String {
        format!("{:04}-{:02}", self.year, self.month)
    }
}

impl Timeline {
    /// Creates an empty timeline that starts with the month of a time.
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            first: Month::of_time(now),
            by_month: [0; MONTHS],
            later: 0,
            never: 0,
            not_reported: 0,
        }
    }

    /// Counts a token that expires at that time, which is not past.
    pub(super) fn add(&mut self, expiry: Timestamp) {
        let distance = Month::of_time(expiry).number() - self.first.number();
        let slot = usize::try_from(distance.max(0)).unwrap_or(usize::MAX);
        match self.by_month.get_mut(slot) {
            Some(count) => *count += 1,
            None => self.later += 1,
        }
    }

    /// Returns every bar with its label.
    pub(super) fn bars(&self) -> Vec<(String, u64)> {
        let months = self.by_month.iter().enumerate();
        let mut bars: Vec<_> = months
            .map(|(index, count)| (self.first.later_by(index).label(), *count))
            .collect();
        bars.push(("later".to_owned(), self.later));
        bars.push(("never".to_owned(), self.never));
        if self.not_reported > 0 {
            bars.push(("unknown".to_owned(), self.not_reported));
        }
        bars
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_expiry_is_counted_once_and_in_its_month() {
        let mut timeline = Timeline::new("2030-11-15T00:00:00Z".parse().unwrap());
        for at in [
            "2030-11-15T00:00:00Z",
            "2030-11-30T23:59:59Z",
            "2030-12-01T00:00:00Z",
            "2031-10-31T00:00:00Z",
            "2031-11-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ] {
            timeline.add(at.parse().unwrap());
        }
        let bars = timeline.bars();
        assert_eq!(bars.len(), MONTHS + 2);
        assert_eq!(bars[0], ("2030-11".to_owned(), 2));
        assert_eq!(bars[1], ("2030-12".to_owned(), 1));
        assert_eq!(bars[2], ("2031-01".to_owned(), 0));
        assert_eq!(bars[11], ("2031-10".to_owned(), 1));
        assert_eq!(bars[12], ("later".to_owned(), 2));
        let counted: u64 = bars.iter().map(|(_, count)| count).sum();
        assert_eq!(counted, 6);
    }
}
