//! Output in the requested format, and messages on standard error.

mod annotation;
mod author;
mod changes;
mod color;
mod columns;
mod compared;
mod csv;
mod escaped_json;
mod findings;
mod json;
mod junit;
mod listing;
mod prose;
mod relative_time;
mod results;
mod screen;
mod table;
mod text;
mod token_json;
mod verdicts;
mod wiped;

use std::io::{self, IsTerminal, Stdout, Write};

use clap::ValueEnum;
use serde::Serialize;
use tokenfleet::{Account, AccountReport, Error, Query, Secret, Token};

pub(crate) use self::annotation::without_annotations;
pub(crate) use self::author::Author;
pub(crate) use self::changes::{
    ChangeCounts, Changes, ComparedAccount, FieldChange, UnknownTokens, change_word,
    describe_author, describe_beginning, describe_change, describe_end, had_expired,
};
pub(crate) use self::color::{Color, colors_stderr, colors_stdout};
pub(crate) use self::columns::Column;
pub(crate) use self::compared::Compared;
pub(crate) use self::csv::Rows as CsvRows;
pub(crate) use self::findings::{CheckSummary, FindingsReport, NotJudged, Total, WaivedFinding};
pub(crate) use self::json::TokenObject;
pub(crate) use self::junit::junit;
pub(crate) use self::listing::ListingWriter;
pub(crate) use self::results::Results;
pub(crate) use self::text::{displayed_id, escape, needs_escape, redact};

use self::screen::Screen;
use self::token_json::Line;
use self::verdicts::Verdicts;
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

/// Returns `true` if standard output and standard error go to one place, as with `2>&1`.
fn is_beside_errors() -> bool {
    #[cfg(unix)]
    {
        use std::fs::File;
        use std::os::fd::{AsFd, BorrowedFd};
        use std::os::unix::fs::MetadataExt;

        let place = |stream: BorrowedFd<'_>| {
            let file = File::from(stream.try_clone_to_owned().ok()?);
            let found = file.metadata().ok()?;
            Some((found.dev(), found.ino(), found.rdev()))
        };
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let places = place(stdout.as_fd()).zip(place(stderr.as_fd()));
        places.is_some_and(|(stdout, stderr)| stdout == stderr)
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
    /// `true` if only tokens and problems are to be printed.
    is_quiet: bool,
    screen: Screen,
    columns: Option<Vec<Column>>,
    /// `true` to add the columns of annotations to CSV.
    has_annotations: bool,
    writer: WipingWriter<Stdout>,
}

impl Output {
    pub(crate) fn new(format: Format, is_quiet: bool) -> Self {
        Self {
            format,
            to_terminal: io::stdout().is_terminal(),
            is_quiet,
            screen: Screen::of_stdout(),
            columns: None,
            has_annotations: false,
            writer: WipingWriter::new(io::stdout()),
        }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Adds the columns of annotations to CSV, or leaves them out.
    pub(crate) fn show_annotations(&mut self, has_annotations: bool) {
        self.has_annotations = has_annotations;
    }

    /// Returns `true` if whoever reads the errors reads the table, too, and needs no repetition: at
    /// a terminal, or where both go to one file or pipe.
    pub(crate) fn is_table_beside_errors(&self) -> bool {
        self.format == Format::Table && (self.to_terminal || is_beside_errors())
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// Chooses the columns of a listing; all of them are shown whole if `is_wide`.
    ///
    /// # Errors
    ///
    /// If columns are chosen for a format that has none.
    pub(crate) fn choose_columns(
        &mut self,
        columns: &[Column],
        is_wide: bool,
    ) -> tokenfleet::Result<()> {
        self.prepare_columns(!columns.is_empty(), is_wide)?;
        if !columns.is_empty() {
            self.columns = Some(columns.to_vec());
        }
        Ok(())
    }

    /// Lets a table be as wide as it is if `is_wide`.
    ///
    /// # Errors
    ///
    /// If columns are chosen for a format that has none.
    pub(crate) fn prepare_columns(
        &mut self,
        are_chosen: bool,
        is_wide: bool,
    ) -> tokenfleet::Result<()> {
        if is_wide {
            self.screen.width = None;
        }
        if are_chosen && matches!(self.format, Format::Json | Format::Ndjson) {
            let message = "--columns: JSON has no columns, and every field";
            return Err(
                Error::invalid_input(message).with_advice("choose --output table or --output csv")
            );
        }
        Ok(())
    }

    /// Returns a writer for the listing of a query, whose tokens come in a requested order or in
    /// any.
    pub(crate) fn listing(&mut self, in_order: bool, query: &Query) -> Box<dyn ListingWriter + '_> {
        let default = match self.format {
            Format::Csv => Column::for_csv(self.has_annotations),
            _ => Column::for_table(self.has_annotations),
        };
        let is_chosen = self.columns.is_some();
        let style = listing::Style {
            format: self.format,
            columns: self.columns.clone().unwrap_or(default),
            is_chosen,
            to_terminal: self.to_terminal,
            screen: self.screen,
        };
        let verdicts = Verdicts::new(query.limit, self.is_quiet, self.to_terminal);
        let verdicts = verdicts.wrapped(self.screen.width);
        listing::writer(style, in_order, verdicts, self.writer.public())
    }

    /// Returns the rows of tokens in a file for people.
    pub(crate) fn csv_rows<W: Write>(&self, writer: W) -> CsvRows<W> {
        CsvRows::new(writer, false, Column::for_csv(self.has_annotations)).for_spreadsheets()
    }

    /// Prints one token, with its secret if it was just issued.
    pub(crate) fn token(
        &mut self,
        account: &Account,
        token: &Token,
        secret: Option<&Secret>,
    ) -> io::Result<()> {
        match self.format {
            Format::Json => {
                TokenObject::new(account, token, secret).write(&mut self.writer)?;
                writeln!(self.writer)
            }
            Format::Ndjson => TokenObject::new(account, token, secret)
                .write_typed_line(&mut Line::default(), &mut self.writer),
            Format::Csv => {
                let added = secret.map(|secret| ("secret", secret.expose()));
                let columns = Column::for_csv(self.has_annotations);
                csv::token(
                    &mut self.writer,
                    self.to_terminal,
                    &columns,
                    account,
                    token,
                    added,
                )
            }
            Format::Table => table::token(&mut self.writer, self.screen, account, token, secret),
        }
    }

    /// Prints one token whose secret was written to another place.
    pub(crate) fn stored_token(
        &mut self,
        account: &Account,
        token: &Token,
        place: &str,
    ) -> io::Result<()> {
        let object = TokenObject::new(account, token, None).with_secret_to(place);
        match self.format {
            Format::Json => {
                object.write(&mut self.writer)?;
                writeln!(self.writer)
            }
            Format::Ndjson => object.write_typed_line(&mut Line::default(), &mut self.writer),
            Format::Csv => {
                let added = Some(("secret_to", place));
                let columns = Column::for_csv(self.has_annotations);
                csv::token(
                    &mut self.writer,
                    self.to_terminal,
                    &columns,
                    account,
                    token,
                    added,
                )
            }
            Format::Table => {
                table::token(&mut self.writer, self.screen, account, token, None)?;
                writeln!(self.writer)?;
                self.sentences(2, [format!("The secret was written to {place}.")])
            }
        }
    }

    /// Prints a secret alone, on a line.
    pub(crate) fn secret(&mut self, secret: &Secret) -> io::Result<()> {
        if self.to_terminal {
            text::write_escaped(&mut self.writer, secret.expose())?;
        } else {
            self.writer.write_all(secret.expose().as_bytes())?;
        }
        writeln!(self.writer)
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

    /// Prints an object and a row for each account; JSON is `{"accounts": […]}`.
    pub(crate) fn accounts<T: Serialize>(
        &mut self,
        mut results: Results,
        accounts: Vec<(T, Vec<String>)>,
    ) -> io::Result<()> {
        #[derive(Serialize)]
        struct Accounts<T> {
            accounts: Vec<T>,
        }
        if self.format == Format::Json {
            let accounts = accounts.into_iter().map(|(object, _)| object).collect();
            return self.object(&Accounts { accounts });
        }
        for (object, row) in accounts {
            results.add(self, &object, row)?;
        }
        results.finish(self)
    }

    /// Prints a line for each account, as below a listing, each with its note.
    pub(crate) fn account_lines(
        &mut self,
        reports: &[AccountReport],
        notes: &[Option<String>],
    ) -> io::Result<()> {
        let verdicts = Verdicts::new(None, self.is_quiet, self.to_terminal);
        let verdicts = verdicts.wrapped(self.screen.width);
        verdicts.write_with_notes(&mut self.writer, reports, notes)
    }

    /// Prints a JSON object on a line.
    pub(crate) fn object(&mut self, value: &impl Serialize) -> io::Result<()> {
        escaped_json::line(&mut self.writer, value)
    }

    /// Prints blocks of sentences, separated by empty lines.
    pub(crate) fn paragraphs(
        &mut self,
        indent: usize,
        blocks: impl IntoIterator<Item = Vec<String>>,
    ) -> io::Result<()> {
        for (index, block) in blocks.into_iter().enumerate() {
            if index > 0 {
                writeln!(self.writer)?;
            }
            self.sentences(indent, block)?;
        }
        Ok(())
    }

    /// Prints a text of the program itself as it is.
    pub(crate) fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.writer.write_all(text)
    }

    /// Prints what a function writes.
    pub(crate) fn write_with(
        &mut self,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        content(&mut self.writer)
    }

    /// Prints lines of a plan, with control characters escaped. On a terminal, a comment that does
    /// not fit goes on below in comments of its own, so that the plan can be copied.
    pub(crate) fn plan_lines(&mut self, lines: impl IntoIterator<Item = String>) -> io::Result<()> {
        let width = self.screen.width.filter(|_| self.to_terminal);
        for line in lines {
            prose::write_plan_line(&mut self.writer, width, &line)?;
        }
        Ok(())
    }

    /// Prints sentences. On a terminal, one that does not fit goes on below, indented.
    pub(crate) fn sentences(
        &mut self,
        indent: usize,
        sentences: impl IntoIterator<Item = String>,
    ) -> io::Result<()> {
        for text in sentences {
            prose::write(&mut self.writer, self.screen.width, indent, &text)?;
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
            .and_then(|object| escaped_json::line(&mut line, &object)),
        _ => writeln!(
            line,
            "{}",
            labelled("error:", color::ERROR, &text::error_line(error))
        ),
    };
    clear();
    // If standard error is closed, there is nowhere left to report it.
    let _ = written.and_then(|()| io::stderr().write_all(&line));
}

/// Prints a JSON object on standard error, on a line.
pub(crate) fn print_object(value: &impl Serialize) {
    let mut line = Vec::new();
    let written = escaped_json::line(&mut line, value);
    clear();
    let _ = written.and_then(|()| io::stderr().write_all(&line));
}

/// Prints a warning on standard error: nothing failed, but something should be fixed.
pub(crate) fn print_warning(text: &str) {
    clear();
    let _ = writeln!(
        io::stderr(),
        "{}",
        labelled("warning:", color::WARNING, text)
    );
}

/// Prints a note on standard error, for information that does not belong into the output.
pub(crate) fn print_note(text: &str) {
    clear();
    let _ = writeln!(io::stderr(), "{}", labelled("note:", color::PLAIN, text));
}

/// Returns a sentence for standard error: escaped, and in lines that fit its terminal if it is one.
pub(crate) fn for_stderr(indent: usize, text: &str) -> String {
    prose::wrapped(screen::width_of_stderr(), indent, &escape(text))
}

/// Returns a sentence for standard error after a label, in this style if that is coloured.
fn labelled(label: &str, style: anstyle::Style, text: &str) -> String {
    let text = for_stderr(2, &format!("{label} {text}"));
    match text.strip_prefix(label) {
        Some(rest) if colors_stderr() => format!("{style}{label}{style:#}{rest}"),
        _ => text,
    }
}
