//! A plan in words.

use std::fmt;

use crate::{Direction, Plan, Shortcut, SortBy, Walk};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.explain_shortcut(f)?;
        self.explain_walk(f)?;
        self.explain_filter(f)?;
        if self.sorts_here {
            let most = self.bounds.scan_limit;
            write!(
                f,
                "\nall matches are held in memory and sorted here, at most {most} of them"
            )?;
        }
        if self.bounds.offset > 0 {
            write!(f, "\nthe first {} are left out", self.bounds.offset)?;
        }
        if let Some(limit) = self.bounds.limit {
            write!(f, "\nat most {limit} are handed out")?;
        }
        f.write_str(match self.protected {
            true => "\nthe list is complete, whatever is created or deleted meanwhile",
            false => "\none page is complete; more than one cannot be promised to be",
        })
    }
}

impl Plan {
    fn explain_shortcut(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shortcut {
            Some(Shortcut::Window(window, order)) => {
                let first = window.first_page + 1;
                write!(f, "read only ")?;
                match window.pages {
                    Some(1) => write!(f, "page {first}")?,
                    Some(pages) => write!(f, "{pages} pages from page {first} on")?,
                    None => write!(f, "the pages from page {first} on")?,
                }
                write!(f, " of {} tokens", window.page_size)?;
                explain_order(f, order)?;
                f.write_str("; should the platform cut its pages otherwise, all is read:\n")
            }
            Some(Shortcut::Filtered) => {
                f.write_str("try one page of what matches; should more match, all is read:\n")
            }
            None => Ok(()),
        }
    }

    fn explain_walk(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.walk {
            Walk::Forward => "read from the first page to the last",
            Walk::Backward => "read from the last page to the first",
        })?;
        explain_order(f, self.pushed_order)?;
        if let Some(size) = self.page_size {
            write!(f, ", {size} tokens a page")?;
        }
        match self.pages_at_a_time {
            1 => f.write_str(", one page after another"),
            pages => write!(f, ", up to {pages} pages at a time"),
        }
    }

    fn explain_filter(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.pushed_filter, self.bounds.unfiltered) {
            (_, true) => Ok(()),
            (None, false) => f.write_str("\nfilters are applied here"),
            (Some(_), false) => {
                f.write_str("\nthe platform filters, and every token is checked again here")
            }
        }
    }
}

fn explain_order(f: &mut fmt::Formatter<'_>, order: Option<SortBy>) -> fmt::Result {
    let Some(order) = order else { return Ok(()) };
    let direction = match order.direction {
        Direction::Ascending => "ascending",
        Direction::Descending => "descending",
    };
    write!(
        f,
        ", ordered by {direction} {} by the platform",
        order.key.as_str()
    )
}
