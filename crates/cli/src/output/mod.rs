//! What the program prints, in the form that was asked for.

mod comma;
mod json;
mod listing;
mod results;
mod table;
mod text;

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use clap::ValueEnum;
use serde::Serialize;
use tokenfleet::{Account, Error, Secret, Token};

pub(crate) use self::json::TokenObject;
pub(crate) use self::listing::Report;
pub(crate) use self::results::Results;
pub(crate) use self::text::{masked, of_id, visible};

use crate::progress::clear;

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// One object
    Json,
    /// One object a line
    Ndjson,
    /// One row a token
    Csv,
}

impl Format {
    /// What was asked for, or else what suits the reader.
    pub(crate) fn choose(asked_for: Option<Self>) -> Self {
        asked_for.unwrap_or_else(|| match io::stdout().is_terminal() {
            true => Self::Table,
            false => Self::Json,
        })
    }
}

/// Standard output. What it holds back until [`flush`](Self::flush) is lost if the program ends before.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
    to_terminal: bool,
    writer: BufWriter<Stdout>,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            to_terminal: io::stdout().is_terminal(),
            writer: BufWriter::new(io::stdout()),
        }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Whether what was printed reached a person, so that it need not be said again on standard error.
    pub(crate) fn is_read_by_people(&self) -> bool {
        self.format == Format::Table && self.to_terminal
    }

    /// A report of a listing, to be filled token by token, be it in an order that was asked for or as they come.
    pub(crate) fn report(&mut self, in_order: bool) -> Box<dyn Report + '_> {
        listing::report(self.format, in_order, self.to_terminal, &mut self.writer)
    }

    /// One token, with its secret where that is shown this once.
    pub(crate) fn token(
        &mut self,
        account: &Account,
        token: &Token,
        secret: Option<&Secret>,
    ) -> io::Result<()> {
        match self.format {
            Format::Json | Format::Ndjson => {
                json::line(&mut self.writer, &TokenObject::new(account, token, secret))
            }
            Format::Csv => {
                let mut rows =
                    comma::Rows::new(&mut self.writer, secret.is_some(), self.to_terminal);
                rows.token(account, token, secret)?;
                rows.finish()
            }
            Format::Table => table::record(&mut self.writer, account, token, secret),
        }
    }

    /// A value that is no token: as an object, or as a row under its names.
    pub(crate) fn value(
        &mut self,
        value: &impl Serialize,
        names: &[&'static str],
        row: Vec<String>,
    ) -> io::Result<()> {
        let mut results = Results::under(names);
        results.add(self, value, row)?;
        results.finish(self)
    }

    /// One object for all there is to say, where JSON is written.
    pub(crate) fn object(&mut self, value: &impl Serialize) -> io::Result<()> {
        json::line(&mut self.writer, value)
    }

    /// Lines for people, in blocks with an empty line between two.
    pub(crate) fn paragraphs(
        &mut self,
        blocks: impl IntoIterator<Item = Vec<String>>,
    ) -> io::Result<()> {
        for (index, block) in blocks.into_iter().enumerate() {
            if index > 0 {
                writeln!(self.writer)?;
            }
            self.lines(block)?;
        }
        Ok(())
    }

    /// Lines as they are, but for what a terminal would obey.
    pub(crate) fn lines(&mut self, lines: impl IntoIterator<Item = String>) -> io::Result<()> {
        for line in lines {
            writeln!(self.writer, "{}", visible(&line))?;
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Says on standard error what failed: one line, or an object where JSON was asked for.
pub(crate) fn complain(asked_for: Option<Format>, error: &Error) {
    let mut line = Vec::new();
    let written = match asked_for {
        Some(Format::Json | Format::Ndjson) => json::line(&mut line, &json::Failure::of(error)),
        _ => writeln!(line, "error: {}", visible(&text::of(error))),
    };
    clear();
    // There is nowhere left to say that standard error is closed.
    let _ = written.and_then(|()| io::stderr().write_all(&line));
}

/// Says on standard error what is no failure, but should be mended.
pub(crate) fn warn(text: &str) {
    clear();
    let _ = writeln!(io::stderr(), "warning: {}", visible(text));
}

/// Says on standard error what is no failure, but has no place in the output.
pub(crate) fn remark(text: &str) {
    clear();
    let _ = writeln!(io::stderr(), "note: {}", visible(text));
}
