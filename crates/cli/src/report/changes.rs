//! The changes that a report shows: what became of the tokens since an earlier snapshot.

use std::io::{self, Write};

use tokenfleet::Timestamp;

use super::escaped::{Cell, Text};
use super::row::shown;
use crate::numbers::counted;
use crate::output::{
    Compared, ComparedAccount, change_word, describe_author, describe_change, escape,
};

/// The largest number of changes that are shown one by one.
const MAX_ROWS: usize = 500;

const COLUMNS: [&str; 6] = ["change", "account", "id", "name", "details", "by"];

/// The changes since a time.
#[derive(Debug)]
pub(crate) struct Changes {
    since: Timestamp,
    accounts: Vec<ComparedAccount>,
    /// The first changes, each with its cells. They are safe to show, and still to be escaped for
    /// the format.
    rows: Vec<[String; COLUMNS.len()]>,
    more: u64,
}

impl Changes {
    pub(crate) fn since(since: Timestamp) -> Self {
        Self {
            since,
            accounts: Vec::new(),
            rows: Vec::new(),
            more: 0,
        }
    }

    pub(crate) fn add(&mut self, compared: &Compared<'_>) {
        if self.rows.len() >= MAX_ROWS {
            self.more += 1;
            return;
        }
        let Compared {
            account,
            change,
            author,
            at,
        } = compared;
        let token = change.token();
        self.rows.push([
            change_word(change).to_owned(),
            shown(account.name()),
            shown(token.id.as_str()),
            token
                .name
                .known()
                .map_or("–".to_owned(), |name| shown(name)),
            shown(&describe_change(change, *at)),
            shown(&describe_author(author)),
        ]);
    }

    /// Sets the accounts that were compared.
    pub(crate) fn set_accounts(&mut self, accounts: Vec<ComparedAccount>) {
        self.accounts = accounts;
    }

    /// Returns a line for each account, in the words of `diff`.
    fn lines(&self) -> impl Iterator<Item = String> {
        self.accounts.iter().map(|account| escape(&account.line()))
    }

    fn more(&self) -> Option<String> {
        let more = counted(self.more, "more change");
        (self.more > 0).then(|| format!("{more}: the command diff shows every one."))
    }

    pub(super) fn write_html(&self, writer: &mut impl Write) -> io::Result<()> {
        writeln!(
            writer,
            "<section aria-labelledby=\"changes\">\n<h2 id=\"changes\">Changes since {}</h2>\n<ul>",
            self.since.truncated_to_seconds()
        )?;
        for line in self.lines() {
            writeln!(writer, "<li><bdi>{}</bdi></li>", Text(&line))?;
        }
        writeln!(writer, "</ul>")?;
        if !self.rows.is_empty() {
            write!(
                writer,
                "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Table of changes\">\n\
                 <table>\n<thead><tr>"
            )?;
            for column in COLUMNS {
                write!(writer, "<th scope=\"col\">{column}</th>")?;
            }
            writeln!(writer, "</tr></thead>\n<tbody>")?;
            for row in &self.rows {
                write!(writer, "<tr>")?;
                for cell in row {
                    write!(writer, "<td><bdi>{}</bdi></td>", Text(cell))?;
                }
                writeln!(writer, "</tr>")?;
            }
            writeln!(writer, "</tbody>\n</table>\n</div>")?;
        }
        if let Some(more) = self.more() {
            writeln!(writer, "<p>{more}</p>")?;
        }
        writeln!(writer, "</section>")
    }

    pub(super) fn write_markdown(&self, writer: &mut impl Write) -> io::Result<()> {
        writeln!(
            writer,
            "\n## Changes since {}\n",
            self.since.truncated_to_seconds()
        )?;
        for line in self.lines() {
            writeln!(writer, "* {}", Cell(&line))?;
        }
        if !self.rows.is_empty() {
            writeln!(writer, "\n| {} |", COLUMNS.join(" | "))?;
            writeln!(writer, "|{}", " --- |".repeat(COLUMNS.len()))?;
            for row in &self.rows {
                let cells: Vec<_> = row.iter().map(|cell| Cell(cell).to_string()).collect();
                writeln!(writer, "| {} |", cells.join(" | "))?;
            }
        }
        match self.more() {
            Some(more) => writeln!(writer, "\n{more}"),
            None => Ok(()),
        }
    }
}
