//! Output of a listing: many tokens, and the completeness of each account.

use std::collections::HashMap;
use std::io::{self, Write};

use tokenfleet::{Account, AccountReport, Token};

use super::csv::Rows;
use super::json::{self, TokenObject, Typed};
use super::{Format, escape, table};

/// A writer for a listing: the tokens as they arrive, then the accounts.
pub(crate) trait ListingWriter {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()>;

    /// Shows what can be shown already, because the next token may take long to arrive.
    fn flush(&mut self) -> io::Result<()>;

    fn finish(self: Box<Self>, accounts: &[AccountReport]) -> io::Result<()>;
}

/// Returns the writer for a format. A table groups tokens by account unless they come in order.
pub(crate) fn writer<'a, W: Write>(
    format: Format,
    in_order: bool,
    to_terminal: bool,
    writer: &'a mut W,
) -> Box<dyn ListingWriter + 'a> {
    match format {
        Format::Json => Box::new(JsonListing {
            writer,
            has_tokens: false,
        }),
        Format::Ndjson => Box::new(NdjsonListing { writer }),
        Format::Csv => Box::new(CsvListing {
            rows: Rows::new(writer, to_terminal),
        }),
        Format::Table => Box::new(TableListing {
            writer,
            in_order,
            tokens: Vec::new(),
        }),
    }
}

/// A listing as `{"tokens": […], "accounts": […]}`, with one token per line.
struct JsonListing<'a, W> {
    writer: &'a mut W,
    has_tokens: bool,
}

impl<W: Write> ListingWriter for JsonListing<'_, W> {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()> {
        let separator: &[u8] = if std::mem::replace(&mut self.has_tokens, true) {
            b",\n"
        } else {
            b"{\"tokens\": [\n"
        };
        self.writer.write_all(separator)?;
        json::object(self.writer, &TokenObject::new(&account, &token, None))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    fn finish(self: Box<Self>, accounts: &[AccountReport]) -> io::Result<()> {
        let Self { writer, has_tokens } = *self;
        writer.write_all(if has_tokens {
            b"\n], \"accounts\": ["
        } else {
            b"{\"tokens\": [], \"accounts\": ["
        })?;
        for (index, report) in accounts.iter().enumerate() {
            writer.write_all(if index == 0 { b"\n" } else { b",\n" })?;
            json::object(writer, &report)?;
        }
        writer.write_all(b"\n]}\n")
    }
}

/// A listing with one token per line, then one account per line.
struct NdjsonListing<'a, W> {
    writer: &'a mut W,
}

impl<W: Write> ListingWriter for NdjsonListing<'_, W> {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()> {
        let object = TokenObject::new(&account, &token, None);
        json::line(self.writer, &Typed::token(object))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    fn finish(self: Box<Self>, accounts: &[AccountReport]) -> io::Result<()> {
        accounts
            .iter()
            .try_for_each(|report| json::line(self.writer, &Typed::account(report)))
    }
}

/// A listing of tokens only. The accounts are reported on standard error.
struct CsvListing<'a, W: Write> {
    rows: Rows<&'a mut W>,
}

impl<W: Write> ListingWriter for CsvListing<'_, W> {
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
struct TableListing<'a, W> {
    writer: &'a mut W,
    in_order: bool,
    tokens: Vec<(Account, Token)>,
}

impl<W: Write> ListingWriter for TableListing<'_, W> {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()> {
        self.tokens.push((account, token));
        Ok(())
    }

    /// Does nothing: the widths of the columns are known only when all rows are.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn finish(self: Box<Self>, accounts: &[AccountReport]) -> io::Result<()> {
        let Self {
            writer,
            in_order,
            mut tokens,
        } = *self;
        if !in_order {
            let accounts = accounts.iter().map(|report| &report.account);
            let positions: HashMap<_, _> = accounts.zip(0..).collect();
            tokens.sort_by_cached_key(|(account, _)| positions.get(account).copied().unwrap_or(0));
        }
        if !tokens.is_empty() {
            table::tokens(writer, &tokens)?;
            writeln!(writer)?;
        }
        for report in accounts {
            writeln!(writer, "{}", escape(&report.to_string()))?;
        }
        Ok(())
    }
}
