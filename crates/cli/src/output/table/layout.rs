//! The widths of the columns of a table.

use std::fmt::Write;

use anstyle::Style;

use super::text_width::{ELLIPSIS, cut, width};
use crate::output::color::{HEADING, PLAIN};

/// The columns between two columns of a table.
pub(super) const GAP: usize = 2;

const SPACES: &str = "                                ";

/// The properties that the width of a column depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// The width of the heading, which is never cut.
    pub(super) heading: usize,
    /// The width of the widest cell.
    pub(super) content: usize,
    /// The width of the widest word that no line breaks.
    pub(super) unbroken: usize,
    /// `true` if a cell may be narrower than its text.
    pub(super) is_flexible: bool,
}

impl Extent {
    fn full(self) -> usize {
        self.heading.max(self.content)
    }

    fn least(self, flexible: usize) -> usize {
        if self.is_flexible {
            let least = self.heading.max(flexible).max(self.unbroken);
            self.full().min(least)
        } else {
            self.full()
        }
    }
}

/// Returns widths that fit into a line, or `None` if there are none. Flexible columns give way, the
/// widest first, down to `least` columns.
pub(super) fn fit(columns: &[Extent], least: usize, line: Option<usize>) -> Option<Vec<usize>> {
    let mut widths: Vec<_> = columns.iter().map(|column| column.full()).collect();
    let Some(line) = line else {
        return Some(widths);
    };
    let mut total = line_width(&widths);
    while total > line {
        let shrinkable = columns.iter().zip(&mut widths);
        let shrinkable = shrinkable.filter(|(column, width)| **width > column.least(least));
        let (_, widest) = shrinkable.max_by_key(|(_, width)| **width)?;
        *widest -= 1;
        total -= 1;
    }
    Some(widths)
}

/// Returns the width of a line of columns.
pub(super) fn line_width(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// A line of a table that grows by one cell after the other.
#[derive(Debug)]
pub(super) struct Line {
    text: String,
    /// The columns between the text and the next cell.
    padding: usize,
    is_colored: bool,
}

impl Line {
    pub(super) fn new(is_colored: bool) -> Self {
        Self {
            text: String::new(),
            padding: 0,
            is_colored,
        }
    }

    /// Adds a cell. What is wider than its column moves the cells after it, unless it is cut.
    pub(super) fn cell(&mut self, text: &str, columns: usize, cuts: bool, style: Style) {
        let part = if cuts { cut(text, columns) } else { None };
        let shown = part.unwrap_or(text);
        let used = width(shown) + usize::from(part.is_some());
        self.start();
        let style = if self.is_colored && used > 0 {
            style
        } else {
            PLAIN
        };
        // Most cells are plain. Writing into a string does not fail.
        if style != PLAIN {
            let _ = write!(self.text, "{style}");
        }
        self.text.push_str(shown);
        if part.is_some() {
            self.text.push(ELLIPSIS);
        }
        if style != PLAIN {
            let _ = write!(self.text, "{style:#}");
        }
        self.padding += columns.saturating_sub(used) + GAP;
    }

    /// Adds the spaces before the next cell: none follow the last one.
    fn start(&mut self) {
        while self.padding > 0 {
            let part = self.padding.min(SPACES.len());
            self.text.push_str(&SPACES[..part]);
            self.padding -= part;
        }
    }

    /// Ends the line, and returns it. The next one begins with an empty text.
    pub(super) fn end<T>(&mut self, write: impl FnOnce(&str) -> T) -> T {
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
        let written = write(&self.text);
        self.text.clear();
        self.padding = 0;
        written
    }

    /// Adds the headings.
    pub(super) fn headings<'a>(&mut self, columns: impl Iterator<Item = (&'a str, usize)>) {
        for (heading, columns) in columns {
            self.cell(heading, columns, false, HEADING);
        }
    }

    /// Adds the rule under the headings.
    pub(super) fn rule(&mut self, columns: usize) {
        self.text.extend(std::iter::repeat_n('─', columns));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn extents() -> impl Strategy<Value = Vec<Extent>> {
        let extent = (1_usize..12, 0_usize..120, any::<bool>());
        let extent = extent.prop_map(|(heading, content, is_flexible)| Extent {
            heading,
            content,
            unbroken: content / 2,
            is_flexible,
        });
        proptest::collection::vec(extent, 1..10)
    }

    proptest! {
        #[test]
        fn widths_fit_and_only_flexible_columns_give_way(
            columns in extents(),
            line in 20_usize..250,
        ) {
            let Some(widths) = fit(&columns, 8, Some(line)) else {
                let least: Vec<_> = columns.iter().map(|column| column.least(8)).collect();
                prop_assert!(line_width(&least) > line);
                return Ok(());
            };
            prop_assert!(line_width(&widths) <= line);
            for (column, width) in columns.iter().zip(&widths) {
                prop_assert!(*width >= column.heading && *width >= column.unbroken);
                prop_assert!(column.is_flexible || *width == column.full());
            }
            prop_assert_eq!(
                fit(&columns, 8, None).unwrap(),
                columns.iter().map(|column| column.full()).collect::<Vec<_>>()
            );
        }
    }
}
