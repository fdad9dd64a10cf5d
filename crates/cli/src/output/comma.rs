//! Comma-separated values: one row a token, quoted as RFC 4180 says.

use std::io::{self, Write};

use tokenfleet::{Account, Fact, Principal, Secret, Timestamp, Token};

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
    begun: bool,
}

impl<W: Write> Rows<W> {
    pub(crate) fn new(writer: W, with_secrets: bool) -> Self {
        Self {
            writer: csv::Writer::from_writer(writer),
            with_secrets,
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
            self.writer.write_field(field)?;
        }
        if let Some(secret) = secret {
            self.writer.write_field(secret.expose())?;
        }
        self.writer.write_record(None::<&[u8]>)?;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.begin()?;
        self.writer.flush()
    }
}

/// Rows of anything else, under their names.
pub(crate) fn columns(
    writer: &mut impl Write,
    names: &[&str],
    rows: &[Vec<String>],
) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(writer);
    writer.write_record(names)?;
    for row in rows {
        writer.write_record(row)?;
    }
    writer.flush()
}

fn known(fact: &Fact<impl ToString>) -> String {
    fact.known().map(ToString::to_string).unwrap_or_default()
}

fn moment(fact: &Fact<Timestamp>) -> String {
    match fact {
        Fact::Known(at) => at.to_string(),
        Fact::None => "never".to_owned(),
        Fact::NotReported => "not_reported".to_owned(),
    }
}

/// A principal in one word, such as `user:575ec7417ae143cd83dc4a95`.
pub(crate) fn principal(fact: &Fact<Principal>) -> String {
    let word = |principal: &Principal| {
        format!(
            "{}:{}",
            principal.kind.as_deref().unwrap_or_default(),
            principal.id
        )
    };
    fact.known().map(word).unwrap_or_default()
}
