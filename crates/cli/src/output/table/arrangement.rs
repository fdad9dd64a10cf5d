//! The choice of what a table of tokens shows in the width that it has.
//!
//! As the terminal narrows, what matters least goes first; an id is never cut.

use super::content::{Content, DAY_WIDTH, MAX_ID_WIDTH, MAX_WIDTH, MINUTE_WIDTH};
use super::layout::{Extent, fit};
use super::text_width::width;
use crate::output::columns::Column;
use crate::output::text::escape;

/// The width to which a name is cut before anything is left out for it.
const LONG: usize = 40;

/// The width of a name that still tells most names apart.
const READABLE: usize = 16;

/// The width of a name that tells some apart.
const LEAST: usize = 8;

/// The columns that are shown, and how.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Arrangement {
    /// The width of each column; `None` if it is left out.
    pub(super) widths: Vec<Option<usize>>,
    /// `true` if times are shown to the day.
    pub(super) shortens_dates: bool,
    /// `true` if a text is cut to the width of its column.
    pub(super) cuts: bool,
    /// The position of the ids, of which one that does not fit stands above its row.
    pub(super) id: Option<usize>,
}

/// One way of saving width.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Leaves out the columns of times in which no platform reports anything.
    OmitUnreported,
    Omit(fn(&Column) -> bool),
    /// Leaves out the account, if all tokens are of the same one: its line below names it.
    OmitOnlyAccount,
    ShortenDates,
    /// Cuts texts, but to no less than this width.
    Cut(usize),
    /// Puts every id above its row, which leaves room for what was left out before it.
    StackIds,
}

const STEPS: [Step; 11] = [
    Step::OmitUnreported,
    Step::Omit(|column| *column == Column::Provider),
    Step::ShortenDates,
    Step::Omit(|column| *column == Column::CreatedAt),
    Step::Cut(READABLE),
    Step::Omit(|column| *column == Column::Annotation),
    Step::OmitOnlyAccount,
    Step::Omit(|column| *column == Column::LastUsed),
    Step::Cut(LEAST),
    Step::StackIds,
    Step::Omit(|column| *column == Column::LastUsed),
];

/// The steps for columns that the user chose: none of them is left out.
const STEPS_FOR_CHOSEN: [Step; 4] = [
    Step::ShortenDates,
    Step::Cut(READABLE),
    Step::Cut(LEAST),
    Step::StackIds,
];

impl Arrangement {
    /// Returns the arrangement that loses least in this width, or `None` if there is none.
    pub(super) fn new(
        columns: &[Column],
        contents: &[Content],
        is_chosen: bool,
        has_one_account: bool,
        line: Option<usize>,
    ) -> Option<Self> {
        let steps: &[Step] = if is_chosen { &STEPS_FOR_CHOSEN } else { &STEPS };
        let id = columns.iter().position(|column| *column == Column::Id);
        let mut shown = vec![true; columns.len()];
        let mut least = LONG;
        let mut shortens_dates = false;
        let mut steps = steps.iter();
        loop {
            let extents = columns.iter().zip(contents).zip(&shown);
            let extents: Vec<_> = extents
                .filter(|(_, is_shown)| **is_shown)
                .map(|((column, content), _)| extent(column, content, shortens_dates))
                .collect();
            if let Some(widths) = fit(&extents, least, line) {
                let mut widths = widths.into_iter();
                return Some(Self {
                    widths: shown
                        .iter()
                        .map(|is_shown| if *is_shown { widths.next() } else { None })
                        .collect(),
                    shortens_dates,
                    cuts: line.is_some(),
                    id: id.filter(|_| line.is_some()),
                });
            }
            let omit = |shown: &mut [bool], omitted: &dyn Fn(&Column, &Content) -> bool| {
                let all = columns.iter().zip(contents).zip(shown);
                for ((column, content), is_shown) in all {
                    *is_shown &= !omitted(column, content);
                }
            };
            match *steps.next()? {
                Step::OmitUnreported => omit(&mut shown, &|column, content| {
                    matches!(column, Column::CreatedAt | Column::LastUsed) && !content.is_reported
                }),
                Step::Omit(omitted) => omit(&mut shown, &|column, _| omitted(column)),
                Step::OmitOnlyAccount if has_one_account => {
                    omit(&mut shown, &|column, _| *column == Column::Account);
                }
                Step::OmitOnlyAccount => {}
                Step::ShortenDates => shortens_dates = true,
                Step::Cut(to) => least = to,
                Step::StackIds => {
                    for (column, is_shown) in columns.iter().zip(&mut shown) {
                        let returns = matches!(column, Column::Account | Column::LastUsed);
                        *is_shown = (*is_shown || returns) && *column != Column::Id;
                    }
                }
            }
        }
    }
}

fn extent(column: &Column, content: &Content, shortens_dates: bool) -> Extent {
    let time = match (content.has_times, shortens_dates) {
        (false, _) => 0,
        (true, false) => MINUTE_WIDTH + content.long_year,
        (true, true) => DAY_WIDTH + content.long_year,
    };
    let bound = if *column == Column::Id {
        MAX_ID_WIDTH
    } else {
        MAX_WIDTH
    };
    Extent {
        heading: width(&escape(&column.heading())),
        content: content.text.min(bound).max(time),
        // A cell has one line here, which is cut.
        unbroken: 0,
        is_flexible: !matches!(
            column,
            Column::Id
                | Column::State
                | Column::CreatedAt
                | Column::UpdatedAt
                | Column::Expiry
                | Column::LastUsed
        ),
    }
}
