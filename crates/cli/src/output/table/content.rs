//! The contents of a column of a table, as far as its width depends on them.

/// The maximum width of a column. One long name must not widen all rows.
pub(super) const MAX_WIDTH: usize = 100;

/// The maximum width of the column of ids. A longer id stands on a line of its own.
pub(super) const MAX_ID_WIDTH: usize = 40;

/// The width of a date and a time of day, to the minute.
pub(super) const MINUTE_WIDTH: usize = "2030-01-31 12:00Z".len();

/// The width of a date.
pub(super) const DAY_WIDTH: usize = "2030-01-31".len();

/// The properties that the cells of a column share.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Content {
    /// The width of the widest text.
    pub(super) text: usize,
    /// `true` if there is a time.
    pub(super) has_times: bool,
    /// The columns that the longest year takes beyond four.
    pub(super) long_year: usize,
    /// `true` if the platform reports something in at least one row.
    pub(super) is_reported: bool,
}
