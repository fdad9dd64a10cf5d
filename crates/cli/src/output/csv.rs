//! Comma-separated values: one row per token, quoted as RFC 4180 requires.
//!
//! A program that reads the rows gets every text unchanged. On a terminal, control characters are
//! escaped, because the terminal would interpret them.

use std::borrow::Cow;
use std::io::{self, Write};

use tokenfleet::{Account, Token};

use super::columns::Column;
use super::text::write_escaped;

/// The rows of tokens, under a header.
pub(crate) struct Rows<W> {
    writer: W,
    to_terminal: bool,
    columns: Vec<Column>,
    is_for_spreadsheets: bool,
    has_header: bool,
}

impl<W: Write> Rows<W> {
    pub(crate) fn new(writer: W, to_terminal: bool, columns: Vec<Column>) -> Self {
        Self {
            writer,
            to_terminal,
            columns,
            is_for_spreadsheets: false,
            has_header: false,
        }
    }

    /// Marks texts that a spreadsheet would take for formulas.
    pub(crate) fn for_spreadsheets(mut self) -> Self {
        self.is_for_spreadsheets = true;
        self
    }

    fn write_header(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.has_header, true) {
            return Ok(());
        }
        let keys = self.columns.iter().map(Column::key);
        record(&mut self.writer, self.to_terminal, keys)
    }

    pub(crate) fn token(&mut self, account: &Account, token: &Token) -> io::Result<()> {
        self.write_header()?;
        let fields = self.columns.iter().map(|column| {
            let mut field = column.field(account, token);
            if self.is_for_spreadsheets && is_formula(&field) {
                field.to_mut().insert(0, '\'');
            }
            field
        });
        record(&mut self.writer, self.to_terminal, fields)
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    pub(crate) fn finish(self) -> io::Result<()> {
        self.into_writer()?.flush()
    }

    /// Returns the writer, which has at least the header.
    pub(crate) fn into_writer(mut self) -> io::Result<W> {
        self.write_header()?;
        Ok(self.writer)
    }
}

/// Writes one token under a header, and another column, such as its secret if it was just issued.
pub(crate) fn token(
    writer: &mut impl Write,
    to_terminal: bool,
    columns: &[Column],
    account: &Account,
    token: &Token,
    added: Option<(&'static str, &str)>,
) -> io::Result<()> {
    let (name, value) = added.unzip();
    let keys = columns.iter().map(Column::key);
    record(writer, to_terminal, keys.chain(name.map(Cow::from)))?;
    let fields = columns.iter().map(|column| column.field(account, token));
    record(writer, to_terminal, fields.chain(value.map(Cow::from)))
}

/// Returns `true` if a spreadsheet would calculate the text instead of showing it.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// Writes one row, without a copy of its fields: one of them may be a secret.
pub(crate) fn record(
    writer: &mut impl Write,
    to_terminal: bool,
    fields: impl Iterator<Item = impl AsRef<str>>,
) -> io::Result<()> {
    for (index, field) in fields.enumerate() {
        let field = field.as_ref();
        if index > 0 {
            writer.write_all(b",")?;
        }
        if !(field.is_empty() && index == 0 || needs_quotes(field)) {
            write_part(writer, to_terminal, field)?;
            continue;
        }
        writer.write_all(b"\"")?;
        for (index, part) in field.split('"').enumerate() {
            if index > 0 {
                writer.write_all(b"\"\"")?;
            }
            write_part(writer, to_terminal, part)?;
        }
        writer.write_all(b"\"")?;
    }
    writer.write_all(b"\n")
}

/// Returns `true` if the field would not be read back as it is.
///
/// All bytes are looked at, because the compiler looks at many at once then.
fn needs_quotes(field: &str) -> bool {
    let is_special = |byte| matches!(byte, b'"' | b',' | b'\r' | b'\n');
    field
        .bytes()
        .fold(false, |any, byte| any | is_special(byte))
}

fn write_part(writer: &mut impl Write, to_terminal: bool, part: &str) -> io::Result<()> {
    if to_terminal {
        write_escaped(writer, part)
    } else {
        writer.write_all(part.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::super::escape;
    use super::*;

    #[test]
    fn a_closed_pipe_is_recognized_in_the_middle_of_the_output() {
        struct ClosedPipe;

        impl Write for ClosedPipe {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        // More than the writer buffers.
        let large = "x".repeat(100_000);
        let error = record(&mut ClosedPipe, false, [&*large].into_iter()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn an_unreadable_field_is_marked_and_not_only_left_empty() {
        let mut odd = Token::new(
            tokenfleet::TokenId::new("1"),
            tokenfleet::TokenState::Active,
        );
        odd.attributes.mark_unreadable("expiry");
        odd.attributes.mark_unreadable("name");
        let mut written = Vec::new();
        token(
            &mut written,
            false,
            &Column::for_csv(false),
            &Account::new("losant", "iot"),
            &odd,
            None,
        )
        .unwrap();
        let mut reader = ::csv::Reader::from_reader(&*written);
        let column = reader
            .headers()
            .unwrap()
            .iter()
            .position(|name| name == "unreadable");
        let row = reader.records().next().unwrap().unwrap();
        assert_eq!(&row[column.unwrap()], "expiry name");
    }

    #[test]
    fn a_program_gets_texts_unchanged_and_a_terminal_gets_them_escaped() {
        let name = "a\u{1b}]0;owned\u{7}\n=1+1";
        for (to_terminal, expected) in [(false, name), (true, &*escape(name))] {
            let mut written = Vec::new();
            record(&mut written, to_terminal, ["1", name].into_iter()).unwrap();
            let mut reader = ::csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(&*written);
            let row = reader.records().next().unwrap().unwrap();
            assert_eq!(row.iter().collect::<Vec<_>>(), ["1", expected]);
        }
    }
}
