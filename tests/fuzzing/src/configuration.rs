//! Documents that configure accounts and queries.

use std::fmt::Write;
use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use tokenfleet::{Configuration, Registry};

use crate::answers::Answers;
use crate::witness::{PLANTED, assert_silent};

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
    "bare_authorization",
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
    "last-used < now-90d",
    "state, expiry:desc",
    "application",
    "TOKEN",
    "",
];

#[derive(Debug, Arbitrary)]
struct Document<'a> {
    tables: Vec<Table<'a>>,
    /// A slip of the pen: where, and what stands there instead.
    slip: Option<(u16, Option<char>)>,
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
    /// A credential in clear, with these before and after it.
    Planted(&'a str, &'a str),
    PlantedLiterally,
    PlantedBare,
    PlantedInArray,
    PlantedIn(u8),
    PlantedInUrl,
    Reference(u8),
    Known(u8),
    Number(i64),
    Truth(bool),
    Bare(&'a str),
}

/// What has no meaning to TOML, so that what is planted stays a value.
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
        if let Some((at, instead)) = self.slip
            && !text.is_empty()
        {
            let slipped = usize::from(at) % text.chars().count();
            text = text
                .chars()
                .enumerate()
                .filter_map(|(at, c)| if at == slipped { instead } else { Some(c) })
                .collect();
        }
        text
    }
}

impl Value<'_> {
    fn text(&self) -> String {
        match self {
            Self::Planted(before, after) => {
                format!("\"{}{PLANTED}{}\"", plain(before), plain(after))
            }
            Self::PlantedLiterally => format!("'{PLANTED}'"),
            Self::PlantedBare => PLANTED.to_owned(),
            Self::PlantedInArray => format!("[\"{PLANTED}\"]"),
            Self::PlantedIn(index) => {
                let key = ["env", "file", "value"][usize::from(index % 3)];
                format!("{{ {key} = \"{PLANTED}\" }}")
            }
            Self::PlantedInUrl => format!("\"https://admin:{PLANTED}@example.com/\""),
            Self::Reference(index) => {
                let key = ["env", "file"][usize::from(index % 2)];
                format!("{{ {key} = \"TOKEN\" }}")
            }
            Self::Known(index) => format!("\"{}\"", TEXTS[usize::from(*index) % TEXTS.len()]),
            Self::Number(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
            Self::Bare(text) => plain(text),
        }
    }
}

/// A document is read or refused in one line, and its providers are opened or refused; a credential written into it shows in
/// no error, no warning and no `Debug`.
pub fn configuration(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && !text.contains(PLANTED)
    {
        read(text);
    }
    let unstructured = Unstructured::new(data);
    if let Ok(document) = Document::arbitrary_take_rest(unstructured) {
        read(&document.text());
    }
}

fn read(text: &str) {
    let configuration = match Configuration::parse(text) {
        Ok(configuration) => configuration,
        Err(error) => return assert_silent(&error),
    };
    let shown = format!("{configuration:?}");
    // The name of a provider is shown, and nobody mistakes a credential for one.
    let named = configuration.accounts().iter();
    let misplaced = named
        .clone()
        .any(|account| account.provider().contains(PLANTED));
    assert!(misplaced || !shown.contains(PLANTED), "{shown}");
    let registry = Registry::with_builtin();
    for account in configuration.accounts() {
        let transport = Arc::new(Answers::read(b""));
        match registry.open(account, transport) {
            Ok(provider) => assert!(!format!("{provider:?}").contains(PLANTED) || misplaced),
            Err(error) => assert_silent(&error),
        }
        for warning in account.warnings() {
            assert!(!warning.contains(PLANTED), "{warning}");
        }
        let found = configuration.account(account.name()).expect("it is there");
        assert_eq!(found.account(), account.account());
    }
    for name in ["n0", "n1", "n2", "n3", "all"] {
        if let Err(error) = configuration.query(name) {
            assert_silent(&error);
        }
    }
}
