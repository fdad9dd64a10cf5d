//! Output in the requested format, and messages on standard error.

mod csv;
mod json;
mod listing;
mod results;
mod table;
mod text;
mod wiped;

use std::io::{self, IsTerminal, Stdout, Write};

use clap::ValueEnum;
use serde::Serialize;
use tokenfleet::{Account, Error, Secret, Token};

pub(crate) use self::json::TokenObject;
pub(crate) use self::listing::ListingWriter;
pub(crate) use self::results::Results;
pub(crate) use self::text::{displayed_id, escape, redact};

use self::json::Typed;
use self::wiped::WipingWriter;
use crate::progress::clear;

/// An output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Human-readable table
    Table,
    /// One JSON object; revoke prints one per line
    Json,
    /// One JSON object per line
    Ndjson,
    /// One row per token
    Csv,
}

impl Format {
    /// Returns the requested format, or else a table for a terminal and JSON for anything else.
    pub(crate) fn for_stdout(requested: Option<Self>) -> Self {
        requested.unwrap_or_else(|| {
            if io::stdout().is_terminal() {
                Self::Table
            } else {
                Self::Json
            }
        })
    }
}

/// Returns `true` if nobody can read what is written to standard output.
///
/// The standard library opens the null device in the place of a closed standard output, so both
/// look the same: a secret would be lost without an error.
pub(crate) fn is_discarded() -> bool {
    #[cfg(unix)]
    {
        use std::fs::{File, metadata};
        use std::os::fd::AsFd;
        use std::os::unix::fs::{FileTypeExt, MetadataExt};

        let Ok(stdout) = io::stdout().as_fd().try_clone_to_owned() else {
            return true;
        };
        match (File::from(stdout).metadata(), metadata("/dev/null")) {
            (Ok(stdout), Ok(null)) => {
                stdout.file_type().is_char_device() && stdout.rdev() == null.rdev()
            }
            _ => false,
        }
    }
    #[cfg(not(unix))]
    {
        false
    }
}

/// Buffered standard output. What was not [flushed](Self::flush) is lost when the program ends.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
    to_terminal: bool,
    writer: WipingWriter<Stdout>,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            to_terminal: io::stdout().is_terminal(),
            writer: WipingWriter::new(io::stdout()),
        }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Returns `true` if a person reads the output, who needs no repetition on standard error.
    pub(crate) fn is_table_on_terminal(&self) -> bool {
        self.format == Format::Table && self.to_terminal
    }

    /// Returns a writer for a listing, whose tokens come in a requested order or in any.
    pub(crate) fn listing(&mut self, in_order: bool) -> Box<dyn ListingWriter + '_> {
        listing::writer(self.format, in_order, self.to_terminal, &mut self.writer)
    }

    /// Prints one token, with its secret if it was just issued.
    pub(crate) fn token(
        &mut self,
        account: &Account,
        token: &Token,
        secret: Option<&Secret>,
    ) -> io::Result<()> {
        match self.format {
            Format::Json => json::line(&mut self.writer, &TokenObject::new(account, token, secret)),
            Format::Ndjson => {
                let object = TokenObject::new(account, token, secret);
                json::line(&mut self.writer, &Typed::token(object))
            }
            Format::Csv => csv::token(&mut self.writer, self.to_terminal, account, token, secret),
            Format::Table => table::record(&mut self.writer, account, token, secret),
        }
    }

    /// Prints one value that is not a token: as an object, or as a row under its columns.
    pub(crate) fn value(
        &mut self,
        value: &impl Serialize,
        columns: &[&'static str],
        row: Vec<String>,
    ) -> io::Result<()> {
        let mut results = Results::with_columns(columns);
        results.add(self, value, row)?;
        results.finish(self)
    }

    /// Prints a JSON object on a line.
    pub(crate) fn object(&mut self, value: &impl Serialize) -> io::Result<()> {
        json::line(&mut self.writer, value)
    }

    /// Prints blocks of lines, separated by empty lines.
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

    /// Prints lines, with control characters escaped.
    pub(crate) fn lines(&mut self, lines: impl IntoIterator<Item = String>) -> io::Result<()> {
        for line in lines {
            writeln!(self.writer, "{}", escape(&line))?;
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Prints an error on standard error: one line, or an object if JSON was requested.
pub(crate) fn print_error(requested_format: Option<Format>, error: &Error) {
    let mut line = Vec::new();
    let written = match requested_format {
        Some(Format::Json | Format::Ndjson) => json::error(error)
            .map_err(io::Error::from)
            .and_then(|object| json::line(&mut line, &object)),
        _ => writeln!(line, "error: {}", escape(&text::error_line(error))),
    };
    clear();
    // If standard error is closed, there is nowhere left to report it.
    let _ = written.and_then(|()| io::stderr().write_all(&line));
}

/// Prints a warning on standard error: nothing failed, but something should be fixed.
pub(crate) fn print_warning(text: &str) {
    clear();
    let _ = writeln!(io::stderr(), "warning: {}", escape(text));
}

/// Prints a note on standard error, for information that does not belong into the output.
pub(crate) fn print_note(text: &str) {
    clear();
    let _ = writeln!(io::stderr(), "note: {}", escape(text));
}
