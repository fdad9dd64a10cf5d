//! Many tokens and what became of each account.

use std::collections::HashMap;
use std::io::{self, Write};

use tokenfleet::{Account, AccountReport, Token};

use super::comma::Rows;
use super::json::{self, AccountObject, TokenObject};
use super::{Format, table, visible};

/// A listing being printed: its tokens as they come, then the accounts.
pub(crate) trait Report {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()>;

    /// Shows what can be shown already: more may take long to come.
    fn flush(&mut self) -> io::Result<()>;

    fn finish(self: Box<Self>, accounts: &[AccountReport]) -> io::Result<()>;
}

/// What people read is put together account by account, unless the tokens come in an order that was asked for.
pub(crate) fn report<'a, W: Write>(
    format: Format,
    in_order: bool,
    to_terminal: bool,
    writer: &'a mut W,
) -> Box<dyn Report + 'a> {
    match format {
        Format::Json => Box::new(OneObject {
            writer,
            begun: false,
        }),
        Format::Ndjson => Box::new(Lines { writer }),
        Format::Csv => Box::new(CommaSeparated {
            rows: Rows::new(writer, false, to_terminal),
        }),
        Format::Table => Box::new(ForPeople {
            writer,
            in_order,
            tokens: Vec::new(),
        }),
    }
}

/// `{"tokens": […], "accounts": […]}`, a token a line.
struct OneObject<'a, W> {
    writer: &'a mut W,
    begun: bool,
}

impl<W: Write> Report for OneObject<'_, W> {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()> {
        let begun = std::mem::replace(&mut self.begun, true);
        self.writer
            .write_all(if begun { b",\n" } else { b"{\"tokens\": [\n" })?;
        json::object(self.writer, &TokenObject::new(&account, &token, None))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    fn finish(self: Box<Self>, accounts: &[AccountReport]) -> io::Result<()> {
        let Self { writer, begun } = *self;
        writer.write_all(if begun {
            b"\n], \"accounts\": ["
        } else {
            b"{\"tokens\": [], \"accounts\": ["
        })?;
        for (index, report) in accounts.iter().enumerate() {
            writer.write_all(if index == 0 { b"\n" } else { b",\n" })?;
            json::object(writer, &AccountObject::new(report))?;
        }
        writer.write_all(b"\n]}\n")
    }
}

/// A token a line, then an account a line.
struct Lines<'a, W> {
    writer: &'a mut W,
}

impl<W: Write> Report for Lines<'_, W> {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()> {
        json::line(self.writer, &TokenObject::new(&account, &token, None))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    fn finish(self: Box<Self>, accounts: &[AccountReport]) -> io::Result<()> {
        accounts
            .iter()
            .try_for_each(|report| json::line(self.writer, &AccountObject::new(report)))
    }
}

/// Tokens only: what became of the accounts is said on standard error.
struct CommaSeparated<'a, W: Write> {
    rows: Rows<&'a mut W>,
}

impl<W: Write> Report for CommaSeparated<'_, W> {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()> {
        self.rows.token(&account, &token, None)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.rows.flush()
    }

    fn finish(self: Box<Self>, _: &[AccountReport]) -> io::Result<()> {
        self.rows.finish()
    }
}

/// One table, and a line for each account.
struct ForPeople<'a, W> {
    writer: &'a mut W,
    in_order: bool,
    tokens: Vec<(Account, Token)>,
}

impl<W: Write> Report for ForPeople<'_, W> {
    fn token(&mut self, account: Account, token: Token) -> io::Result<()> {
        self.tokens.push((account, token));
        Ok(())
    }

    /// The width of a column is known when all rows are.
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
            let place: HashMap<_, _> = accounts.iter().map(|one| &one.account).zip(0..).collect();
            tokens.sort_by_cached_key(|(account, _)| place.get(account).copied().unwrap_or(0));
        }
        if !tokens.is_empty() {
            table::tokens(writer, &tokens)?;
            writeln!(writer)?;
        }
        for report in accounts {
            writeln!(writer, "{}", visible(&report.to_string()))?;
        }
        Ok(())
    }
}
