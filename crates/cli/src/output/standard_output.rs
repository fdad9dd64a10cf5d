//! Standard output in the requested format.

use std::io::{self, IsTerminal, Stdout, Write};

use serde::Serialize;
use tokenfleet::{Account, AccountReport, Error, Query, Secret, Token};

use super::columns::Column;
use super::csv::{self, Rows as CsvRows};
use super::format::Format;
use super::json::TokenObject;
use super::listing::{self, ListingWriter};
use super::screen::Screen;
use super::streams::is_beside_errors;
use super::token_json::Line;
use super::verdicts::Verdicts;
use super::wiped::WipingWriter;
use super::{escaped_json, prose, table, text};

/// Buffered standard output. What was not [flushed](Self::flush) is lost when the program ends.
#[derive(Debug)]
pub(crate) struct Output {
    pub(super) format: Format,
    pub(super) to_terminal: bool,
    /// `true` if only tokens and problems are to be printed.
    pub(super) is_quiet: bool,
    pub(super) screen: Screen,
    columns: Option<Vec<Column>>,
    /// `true` to add the columns of annotations to CSV.
    has_annotations: bool,
    pub(super) writer: WipingWriter<Stdout>,
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
        let object = TokenObject::new(account, token, secret);
        let added = secret.map(|secret| ("secret", secret.expose()));
        self.write_token(&object, (account, token, secret), added)
    }

    /// Prints one token whose secret was written to another place.
    pub(crate) fn stored_token(
        &mut self,
        account: &Account,
        token: &Token,
        place: &str,
    ) -> io::Result<()> {
        let object = TokenObject::new(account, token, None).with_secret_to(place);
        self.write_token(&object, (account, token, None), Some(("secret_to", place)))?;
        if self.format != Format::Table {
            return Ok(());
        }
        writeln!(self.writer)?;
        self.sentences(2, [format!("The secret was written to {place}.")])
    }

    /// Writes a token, with a column more in CSV.
    fn write_token(
        &mut self,
        object: &TokenObject<'_>,
        (account, token, secret): (&Account, &Token, Option<&Secret>),
        added: Option<(&'static str, &str)>,
    ) -> io::Result<()> {
        match self.format {
            Format::Json => {
                object.write(&mut self.writer)?;
                writeln!(self.writer)
            }
            Format::Ndjson => object.write_typed_line(&mut Line::default(), &mut self.writer),
            Format::Csv => {
                let columns = Column::for_csv(self.has_annotations);
                let writer = &mut self.writer;
                csv::token(writer, self.to_terminal, &columns, account, token, added)
            }
            Format::Table => table::token(&mut self.writer, self.screen, account, token, secret),
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
