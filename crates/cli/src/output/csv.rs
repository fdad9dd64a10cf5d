//! Comma-separated values: one row per token, quoted as RFC 4180 requires.
//!
//! A program that reads the rows gets every text unchanged. On a terminal, control characters are
//! escaped, because the terminal would interpret them.

use std::borrow::Cow;
use std::io::{self, Write};

use ::csv::Writer;
use tokenfleet::model::Principal;
use tokenfleet::{Account, Fact, Secret, Timestamp, Token};

use super::text::escape;

const COLUMNS: [&str; 13] = [
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
];

/// The rows of tokens, under a header.
pub(crate) struct Rows<W: Write> {
    writer: Writer<W>,
    with_secrets: bool,
    to_terminal: bool,
    has_header: bool,
}

impl<W: Write> Rows<W> {
    pub(crate) fn new(writer: W, with_secrets: bool, to_terminal: bool) -> Self {
        Self {
            writer: Writer::from_writer(writer),
            with_secrets,
            to_terminal,
            has_header: false,
        }
    }

    fn write_header(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.has_header, true) {
            let secret = self.with_secrets.then_some("secret");
            self.writer
                .write_record(COLUMNS.into_iter().chain(secret))
                .map_err(io_error)?;
        }
        Ok(())
    }

    pub(crate) fn token(
        &mut self,
        account: &Account,
        token: &Token,
        secret: Option<&Secret>,
    ) -> io::Result<()> {
        self.write_header()?;
        let row = [
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
            token
                .scopes
                .known()
                .map(|scopes| scopes.join(" "))
                .unwrap_or_default(),
        ];
        for field in &row {
            self.writer
                .write_field(&*escape_for(self.to_terminal, field))
                .map_err(io_error)?;
        }
        if let Some(secret) = secret {
            self.writer
                .write_field(&*escape_for(self.to_terminal, secret.expose()))
                .map_err(io_error)?;
        }
        self.writer.write_record(None::<&[u8]>).map_err(io_error)
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.write_header()?;
        self.writer.flush()
    }
}

/// Writes one row of anything else.
pub(crate) fn record<'a>(
    writer: &mut impl Write,
    to_terminal: bool,
    fields: impl Iterator<Item = &'a str>,
) -> io::Result<()> {
    let mut writer = Writer::from_writer(writer);
    for field in fields {
        writer
            .write_field(&*escape_for(to_terminal, field))
            .map_err(io_error)?;
    }
    writer.write_record(None::<&[u8]>).map_err(io_error)?;
    writer.flush()
}

/// Returns the IO error inside, whose kind tells a closed pipe from a real failure.
fn io_error(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

fn escape_for(terminal: bool, text: &str) -> Cow<'_, str> {
    if terminal {
        escape(text).into()
    } else {
        text.into()
    }
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
