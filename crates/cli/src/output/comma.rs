//! Comma-separated values: one row a token, quoted as RFC 4180 says.
//!
//! A program that reads them gets every text exactly as it is. A terminal would obey some: there they are escaped.

use std::borrow::Cow;
use std::io::{self, Write};

use tokenfleet::model::Principal;
use tokenfleet::{Account, Fact, Secret, Timestamp, Token};

use super::text::visible;

const NAMES: [&str; 13] = [
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

/// The rows of tokens, under a row of names.
pub(crate) struct Rows<W: Write> {
    writer: csv::Writer<W>,
    with_secrets: bool,
    to_terminal: bool,
    begun: bool,
}

impl<W: Write> Rows<W> {
    pub(crate) fn new(writer: W, with_secrets: bool, to_terminal: bool) -> Self {
        Self {
            writer: csv::Writer::from_writer(writer),
            with_secrets,
            to_terminal,
            begun: false,
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            let secret = self.with_secrets.then_some("secret");
            self.writer.write_record(NAMES.into_iter().chain(secret))?;
        }
        Ok(())
    }

    pub(crate) fn token(
        &mut self,
        account: &Account,
        token: &Token,
        secret: Option<&Secret>,
    ) -> io::Result<()> {
        self.begin()?;
        let row = [
            account.name().to_owned(),
            account.provider().to_owned(),
            token.id.to_string(),
            known(&token.name),
            known(&token.description),
            token.state.as_str().to_owned(),
            known(&token.created_at),
            known(&token.updated_at),
            moment(&token.expiry),
            moment(&token.last_used),
            principal(&token.owner),
            principal(&token.creator),
            token
                .scopes
                .known()
                .map(|scopes| scopes.join(" "))
                .unwrap_or_default(),
        ];
        for field in &row {
            self.writer.write_field(&*shown(field, self.to_terminal))?;
        }
        if let Some(secret) = secret {
            self.writer
                .write_field(&*shown(secret.expose(), self.to_terminal))?;
        }
        self.writer.write_record(None::<&[u8]>)?;
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.begin()?;
        self.writer.flush()
    }
}

/// One row of anything else.
pub(crate) fn record<'a>(
    writer: &mut impl Write,
    to_terminal: bool,
    fields: impl Iterator<Item = &'a str>,
) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(writer);
    for field in fields {
        writer.write_field(&*shown(field, to_terminal))?;
    }
    writer.write_record(None::<&[u8]>)?;
    writer.flush()
}

fn shown(text: &str, to_terminal: bool) -> Cow<'_, str> {
    match to_terminal {
        true => visible(text).into(),
        false => text.into(),
    }
}

fn known(fact: &Fact<impl ToString>) -> String {
    fact.known().map(ToString::to_string).unwrap_or_default()
}

fn moment(fact: &Fact<Timestamp>) -> String {
    match fact {
        Fact::Known(at) => at.to_string(),
        Fact::Absent => "never".to_owned(),
        Fact::NotReported => "not_reported".to_owned(),
    }
}

/// A principal in one word, such as `user:575ec7417ae143cd83dc4a95`.
pub(crate) fn principal(fact: &Fact<Principal>) -> String {
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
    fn a_program_gets_texts_as_they_are_and_a_terminal_harmless_ones() {
        let name = "a\u{1b}]0;owned\u{7}\n=1+1";
        for (to_terminal, expected) in [(false, name), (true, &*visible(name))] {
            let mut written = Vec::new();
            record(&mut written, to_terminal, ["1", name].into_iter()).unwrap();
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(&*written);
            let row = reader.records().next().unwrap().unwrap();
            assert_eq!(row.iter().collect::<Vec<_>>(), ["1", expected]);
        }
    }
}
