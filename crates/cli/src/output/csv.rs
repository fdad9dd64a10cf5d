//! Comma-separated values: one row per token, quoted as RFC 4180 requires.
//!
//! A program that reads the rows gets every text unchanged. On a terminal, control characters are
//! escaped, because the terminal would interpret them.

use std::io::{self, Write};

use tokenfleet::model::Principal;
use tokenfleet::{Account, Fact, Secret, Timestamp, Token};

use super::text::write_escaped;

const COLUMNS: [&str; 14] = [
    "account",
    "provider",
    "id",
    "name",
    "description",
    "state",
    "created_at",
    "updated_at",
    "expiry",
    "last_used",
    "owner",
    "creator",
    "scopes",
    "unreadable",
];

/// The rows of tokens, under a header.
pub(crate) struct Rows<W> {
    writer: W,
    to_terminal: bool,
    has_header: bool,
}

impl<W: Write> Rows<W> {
    pub(crate) fn new(writer: W, to_terminal: bool) -> Self {
        Self {
            writer,
            to_terminal,
            has_header: false,
        }
    }

    fn write_header(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.has_header, true) {
            return Ok(());
        }
        record(&mut self.writer, self.to_terminal, COLUMNS.into_iter())
    }

    pub(crate) fn token(&mut self, account: &Account, token: &Token) -> io::Result<()> {
        self.write_header()?;
        let fields = fields(account, token);
        let fields = fields.iter().map(String::as_str);
        record(&mut self.writer, self.to_terminal, fields)
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.write_header()?;
        self.writer.flush()
    }
}

/// Writes one token under a header, and its secret if it was just issued.
pub(crate) fn token(
    writer: &mut impl Write,
    to_terminal: bool,
    account: &Account,
    token: &Token,
    secret: Option<&Secret>,
) -> io::Result<()> {
    let column = secret.map(|_| "secret");
    record(writer, to_terminal, COLUMNS.into_iter().chain(column))?;
    let fields = fields(account, token);
    let fields = fields.iter().map(String::as_str);
    record(
        writer,
        to_terminal,
        fields.chain(secret.map(Secret::expose)),
    )
}

fn fields(account: &Account, token: &Token) -> [String; COLUMNS.len()] {
    let scopes = token.scopes.known().map(|scopes| scopes.join(" "));
    let unreadable: Vec<_> = token.attributes.unreadable().collect();
    [
        account.name().to_owned(),
        account.provider().to_owned(),
        token.id.to_string(),
        text(&token.name),
        text(&token.description),
        token.state.as_str().to_owned(),
        text(&token.created_at),
        text(&token.updated_at),
        time(&token.expiry),
        time(&token.last_used),
        principal(&token.owner),
        principal(&token.creator),
        scopes.unwrap_or_default(),
        unreadable.join(" "),
    ]
}

/// Writes one row, without a copy of its fields: one of them may be a secret.
pub(crate) fn record<'a>(
    writer: &mut impl Write,
    to_terminal: bool,
    fields: impl Iterator<Item = &'a str>,
) -> io::Result<()> {
    for (index, field) in fields.enumerate() {
        if index > 0 {
            writer.write_all(b",")?;
        }
        let needs_quotes = field.is_empty() && index == 0 || field.contains(['"', ',', '\r', '\n']);
        let quote: &[u8] = if needs_quotes { b"\"" } else { b"" };
        writer.write_all(quote)?;
        for (index, part) in field.split('"').enumerate() {
            if index > 0 {
                writer.write_all(b"\"\"")?;
            }
            if to_terminal {
                write_escaped(writer, part)?;
            } else {
                writer.write_all(part.as_bytes())?;
            }
        }
        writer.write_all(quote)?;
    }
    writer.write_all(b"\n")
}

fn text(fact: &Fact<impl ToString>) -> String {
    fact.known().map(ToString::to_string).unwrap_or_default()
}

fn time(fact: &Fact<Timestamp>) -> String {
    match fact {
        Fact::Known(at) => at.to_string(),
        Fact::Absent => "never".to_owned(),
        Fact::NotReported => "not_reported".to_owned(),
    }
}

/// Returns the kind and the id of a principal, such as `user:575ec7417ae143cd83dc4a95`.
fn principal(fact: &Fact<Principal>) -> String {
    let word = |principal: &Principal| {
        format!(
            "{}:{}",
            principal.kind().unwrap_or_default(),
            principal.id()
        )
    };
    fact.known().map(word).unwrap_or_default()
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
