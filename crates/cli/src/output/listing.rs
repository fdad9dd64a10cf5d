//! Output of a listing: many tokens, and the completeness of each account.

use std::io::{self, Write};

use tokenfleet::{Account, AccountReport, Token};

use super::columns::Column;
use super::csv::Rows;
use super::escaped_json;
use super::format::Format;
use super::json::{TokenObject, Typed};
use super::screen::Screen;
use super::table::TokenTable;
use super::token_json::Line;
use super::verdicts::Verdicts;

/// A writer for a listing: the tokens as they arrive, then the accounts.
pub(crate) trait ListingWriter {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()>;

    /// Shows what can be shown already, because the next token may take long to arrive.
    fn flush(&mut self) -> io::Result<()>;

    fn finish(self: Box<Self>, accounts: &[AccountReport]) -> io::Result<()>;
}

/// The form in which tokens are shown.
pub(super) struct Style {
    pub(super) format: Format,
    pub(super) columns: Vec<Column>,
    /// `true` if the user chose the columns.
    pub(super) is_chosen: bool,
    pub(super) to_terminal: bool,
    pub(super) screen: Screen,
}

/// Returns the writer for a format. A table groups tokens by account unless they come in order.
pub(super) fn writer<'a, W: Write + 'a>(
    style: Style,
    in_order: bool,
    verdicts: Verdicts,
    writer: W,
) -> Box<dyn ListingWriter + 'a> {
    let Style {
        format,
        columns,
        is_chosen,
        to_terminal,
        screen,
    } = style;
    match format {
        Format::Json => Box::new(JsonListing {
            writer,
            line: Line::default(),
            has_tokens: false,
        }),
        Format::Ndjson => Box::new(NdjsonListing {
            writer,
            line: Line::default(),
        }),
        Format::Csv => Box::new(CsvListing {
            rows: Rows::new(writer, to_terminal, columns),
        }),
        Format::Table => Box::new(TableListing {
            table: TokenTable::new(columns, is_chosen, in_order, screen),
            writer,
            verdicts,
        }),
    }
}

/// A listing as `{"tokens": […], "accounts": […]}`, with one token per line.
struct JsonListing<W> {
    writer: W,
    line: Line,
    has_tokens: bool,
}

impl<W: Write> ListingWriter for JsonListing<W> {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()> {
        let start: &[u8] = if std::mem::replace(&mut self.has_tokens, true) {
            b",\n{"
        } else {
            b"{\"tokens\": [\n{"
        };
        let object = TokenObject::new(&account, &token, None);
        object.write_between(start, b"}", &mut self.line, &mut self.writer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    fn finish(self: Box<Self>, accounts: &[AccountReport]) -> io::Result<()> {
        let Self {
            mut writer,
            has_tokens,
            ..
        } = *self;
        writer.write_all(if has_tokens {
            b"\n], \"accounts\": ["
        } else {
            b"{\"tokens\": [], \"accounts\": ["
        })?;
        for (index, report) in accounts.iter().enumerate() {
            writer.write_all(if index == 0 { b"\n" } else { b",\n" })?;
            escaped_json::object(&mut writer, &report)?;
        }
        writer.write_all(b"\n]}\n")
    }
}

/// A listing with one token per line, then one account per line.
struct NdjsonListing<W> {
    writer: W,
    line: Line,
}

impl<W: Write> ListingWriter for NdjsonListing<W> {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()> {
        TokenObject::new(&account, &token, None).write_typed_line(&mut self.line, &mut self.writer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    fn finish(mut self: Box<Self>, accounts: &[AccountReport]) -> io::Result<()> {
        accounts
            .iter()
            .try_for_each(|report| escaped_json::line(&mut self.writer, &Typed::account(report)))
    }
}

/// A listing of tokens only. The accounts are reported on standard error.
struct CsvListing<W> {
    rows: Rows<W>,
}

impl<W: Write> ListingWriter for CsvListing<W> {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()> {
        self.rows.token(&account, &token)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.rows.flush()
    }

    fn finish(self: Box<Self>, _: &[AccountReport]) -> io::Result<()> {
        self.rows.finish()
    }
}

/// A listing as one table, followed by a line for each account.
struct TableListing<W> {
    writer: W,
    table: TokenTable,
    verdicts: Verdicts,
}

impl<W: Write> ListingWriter for TableListing<W> {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()> {
        self.table.add(&account, &token)
    }

    /// Does nothing: the widths of the columns are known only when all rows are.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn finish(self: Box<Self>, accounts: &[AccountReport]) -> io::Result<()> {
        let Self {
            mut writer,
            table,
            verdicts,
        } = *self;
        let has_tokens = !table.is_empty();
        if has_tokens {
            table.write(&mut writer, accounts.iter().map(|report| &report.account))?;
        }
        verdicts.write(&mut writer, accounts, has_tokens)
    }
}
