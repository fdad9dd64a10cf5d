//! Documents that configure accounts and queries.

use std::fmt::Write;
use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use tokenfleet::{Configuration, Registry};

use crate::responses::ScriptedResponses;
use crate::secrets::{ISSUED, assert_no_secret};

const KEYS: [&str; 21] = [
    "provider",
    "token",
    "api_key",
    "password",
    "username",
    "login",
    "user_id",
    "site_id",
    "base_url",
    "allow_plain_http",
    "resource",
    "version",
    "token_login",
    "email",
    "accept_lockout",
    "no_bearer_prefix",
    "where",
    "sort",
    "limit",
    "offset",
    "tokn",
];

const TEXTS: [&str; 12] = [
    "losant",
    "foreman",
    "cloudsmith",
    "mindbody",
    "https://foreman.example.com",
    "-99",
    "3.9",
    "last_used < now-90d",
    "state, expiry:desc",
    "application",
    "TOKEN",
    "",
];

#[derive(Debug, Arbitrary)]
struct Document<'a> {
    tables: Vec<Table<'a>>,
    /// A typo: its position and the character there instead.
    typo: Option<(u16, Option<char>)>,
}

#[derive(Debug, Arbitrary)]
struct Table<'a> {
    kind: u8,
    name: u8,
    entries: Vec<(Key<'a>, Value<'a>)>,
}

#[derive(Debug, Arbitrary)]
enum Key<'a> {
    Known(u8),
    Any(&'a str),
}

#[derive(Debug, Arbitrary)]
enum Value<'a> {
    /// A clear-text credential, with text before and after it.
    Secret(&'a str, &'a str),
    SecretLiteral,
    BareSecret,
    SecretInArray,
    SecretIn(u8),
    SecretInUrl,
    Reference(u8),
    Known(u8),
    Number(i64),
    Boolean(bool),
    Bare(&'a str),
}

/// Returns the text without characters that have a meaning in TOML, so that a value stays a value.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() && !matches!(c, '"' | '\'' | '\\'))
        .collect()
}

impl Document<'_> {
    fn text(&self) -> String {
        let mut text = String::new();
        for table in &self.tables {
            let kind = ["accounts", "queries", "acounts"][usize::from(table.kind % 3)];
            let _ = writeln!(text, "[{kind}.n{}]", table.name % 4);
            for (key, value) in &table.entries {
                let key = match key {
                    Key::Known(index) => KEYS[usize::from(*index) % KEYS.len()].to_owned(),
                    Key::Any(text) => format!("\"{}\"", plain(text)),
                };
                let _ = writeln!(text, "{key} = {}", value.text());
            }
        }
        if let Some((position, replacement)) = self.typo
            && !text.is_empty()
        {
            let wrong = usize::from(position) % text.chars().count();
            text = text
                .chars()
                .enumerate()
                .filter_map(|(at, c)| if at == wrong { replacement } else { Some(c) })
                .collect();
        }
        text
    }
}

impl Value<'_> {
    fn text(&self) -> String {
        match self {
            Self::Secret(before, after) => {
                format!("\"{}{ISSUED}{}\"", plain(before), plain(after))
            }
            Self::SecretLiteral => format!("'{ISSUED}'"),
            Self::BareSecret => ISSUED.to_owned(),
            Self::SecretInArray => format!("[\"{ISSUED}\"]"),
            Self::SecretIn(index) => {
                let key = ["env", "file", "value"][usize::from(index % 3)];
                format!("{{ {key} = \"{ISSUED}\" }}")
            }
            Self::SecretInUrl => format!("\"https://admin:{ISSUED}@example.com/\""),
            Self::Reference(index) => {
                let key = ["env", "file"][usize::from(index % 2)];
                format!("{{ {key} = \"TOKEN\" }}")
            }
            Self::Known(index) => format!("\"{}\"", TEXTS[usize::from(*index) % TEXTS.len()]),
            Self::Number(number) => number.to_string(),
            Self::Boolean(value) => value.to_string(),
            Self::Bare(text) => plain(text),
        }
    }
}

/// Checks that a document is parsed or refused in one line, that its providers are opened or
/// refused, and that no error, warning or `Debug` shows a credential in it.
pub fn configuration(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && !text.contains(ISSUED)
    {
        open_all(text);
    }
    let unstructured = Unstructured::new(data);
    if let Ok(document) = Document::arbitrary_take_rest(unstructured) {
        open_all(&document.text());
    }
}

fn open_all(text: &str) {
    let configuration = match Configuration::parse(text) {
        Ok(configuration) => configuration,
        Err(error) => return assert_no_secret(&error),
    };
    let printed = format!("{configuration:?}");
    // `Debug` shows the name of the provider, which nobody mistakes for a credential.
    let named = configuration.accounts().iter();
    let misplaced = named
        .clone()
        .any(|account| account.provider().contains(ISSUED));
    assert!(misplaced || !printed.contains(ISSUED), "{printed}");
    let registry = Registry::with_builtin();
    for account in configuration.accounts() {
        let transport = Arc::new(ScriptedResponses::parse(b""));
        match registry.open(account, transport) {
            Ok(provider) => assert!(!format!("{provider:?}").contains(ISSUED) || misplaced),
            Err(error) => assert_no_secret(&error),
        }
        for warning in account.warnings() {
            assert!(!warning.contains(ISSUED), "{warning}");
        }
        let found = configuration
            .account(account.name())
            .expect("the account exists");
        assert_eq!(found.account(), account.account());
    }
    for name in ["n0", "n1", "n2", "n3", "all"] {
        if let Err(error) = configuration.query(name) {
            assert_no_secret(&error);
        }
    }
}
