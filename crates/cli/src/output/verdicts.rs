//! The lines below a listing: the completeness of each account, and a total.

use std::io::{self, Write};
use std::iter;

use tokenfleet::{AccountReport, Verdict};

use super::prose;
use crate::numbers::{counted, grouped};

/// The number of accounts up to which each has its line on a terminal.
const MAX_LINES: usize = 20;

/// The columns by which a line that goes on below is indented.
const INDENT: usize = 2;

/// The lines that are due below the listing of a query.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verdicts {
    limit: Option<u64>,
    is_quiet: bool,
    to_terminal: bool,
    width: Option<usize>,
}

impl Verdicts {
    /// Creates the lines of a query with this limit. With `is_quiet` only problems have lines.
    pub(crate) fn new(limit: Option<u64>, is_quiet: bool, to_terminal: bool) -> Self {
        Self {
            limit,
            is_quiet,
            to_terminal,
            width: None,
        }
    }

    /// Lets a line that is wider than this go on below.
    pub(crate) fn wrapped(mut self, width: Option<usize>) -> Self {
        self.width = width;
        self
    }

    /// Writes the lines, after an empty one if tokens come before them.
    pub(crate) fn write(
        self,
        writer: &mut impl Write,
        reports: &[AccountReport],
        has_tokens: bool,
    ) -> io::Result<()> {
        let lines = self.lines(reports, &[]);
        if has_tokens && !lines.is_empty() {
            writeln!(writer)?;
        }
        let mut lines = lines.iter();
        lines.try_for_each(|line| prose::write(writer, self.width, INDENT, line))
    }

    /// Writes the lines, each with the note of its account.
    pub(crate) fn write_with_notes(
        self,
        writer: &mut impl Write,
        reports: &[AccountReport],
        notes: &[Option<String>],
    ) -> io::Result<()> {
        let mut lines = self.lines(reports, notes).into_iter();
        lines.try_for_each(|line| prose::write(writer, self.width, INDENT, &line))
    }

    fn lines(self, reports: &[AccountReport], notes: &[Option<String>]) -> Vec<String> {
        let is_unlistable = |report: &AccountReport| matches!(report.verdict, Verdict::NotListable);
        let none_listable = reports.iter().all(is_unlistable);
        let is_summarized = self.to_terminal && reports.len() > MAX_LINES;
        let is_shown = |report: &AccountReport| match report.verdict {
            Verdict::Complete => !self.is_quiet && !is_summarized,
            Verdict::CompleteAsShown(_) => !self.is_quiet,
            Verdict::NotListable => !self.is_quiet || none_listable,
            _ => true,
        };
        let found = reports.iter().map(|report| report.tokens).sum();
        let is_limited = self.limit.is_some_and(|limit| found >= limit);
        let limit = self.limit.filter(|_| is_limited);
        let notes = notes.iter().map(Option::as_ref).chain(iter::repeat(None));
        let shown = reports.iter().zip(notes);
        let shown = shown.filter(|(report, _)| is_shown(report));
        let mut lines: Vec<_> = shown
            .map(|(report, note)| {
                let line = line(report, limit, reports.len());
                match note {
                    Some(note) => format!("{line}; {note}"),
                    None => line,
                }
            })
            .collect();
        if reports.len() > 1 && !self.is_quiet {
            lines.push(total(reports, found, is_limited));
        }
        lines
    }
}

/// Returns the line of one of so many accounts. `limit` is given if it ended the listing.
fn line(report: &AccountReport, limit: Option<u64>, accounts: usize) -> String {
    let account = &report.account;
    let tokens = match limit {
        _ if !report.cut_off => return report.to_string(),
        Some(limit) if accounts > 1 => {
            format!(
                "{} of the {} asked for",
                grouped(report.tokens),
                grouped(limit)
            )
        }
        Some(_) => format!("{}, stopped at the limit", counted(report.tokens, "token")),
        None => format!("{} after those skipped", counted(report.tokens, "token")),
    };
    match &report.verdict {
        Verdict::Complete => format!("{account}: {tokens}"),
        Verdict::CompleteAsShown(unlisted) => {
            format!("{account}: {tokens}; the platform never lists {unlisted}")
        }
        Verdict::Partial(reason) => format!("{account}: partial, {tokens}: {reason}"),
        _ => report.to_string(),
    }
}

/// Returns the total, such as "60 accounts, 30,240 tokens: 58 complete, 1 partial, 1 failed".
fn total(reports: &[AccountReport], found: u64, is_limited: bool) -> String {
    let mut counts = [
        ("complete", 0_u64),
        ("complete as far as shown", 0),
        (
            if is_limited {
                "cut off by the limit"
            } else {
                "cut off by the offset"
            },
            0,
        ),
        ("partial", 0),
        ("failed", 0),
        ("not listable", 0),
    ];
    for report in reports {
        let index = match &report.verdict {
            Verdict::Complete | Verdict::CompleteAsShown(_) if report.cut_off => 2,
            Verdict::Complete => 0,
            Verdict::CompleteAsShown(_) => 1,
            Verdict::Partial(_) => 3,
            Verdict::NotListable => 5,
            _ => 4,
        };
        counts[index].1 += 1;
    }
    let counts: Vec<_> = counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!("{} {word}", grouped(count)))
        .collect();
    format!(
        "{}, {}: {}",
        counted(reports.len() as u64, "account"),
        counted(found, "token"),
        counts.join(", ")
    )
}
