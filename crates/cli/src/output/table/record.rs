//! One record: a fact per line, with its name before it.

use std::io::{self, Write};

use anstyle::Style;
use tokenfleet::{Account, Fact, Secret, Timestamp, Token};

use super::layout::GAP;
use super::text_width::{lines, width};
use crate::output::color::{DIM, PLAIN, of_expiry, of_state};
use crate::output::columns::{NEVER, NONE, NOT_REPORTED, attribute, name, principal, text};
use crate::output::relative_time::relative_time;
use crate::output::screen::Screen;
use crate::output::text::{escape, write_escaped};

/// The maximum width of a value. A longer one continues on the next line.
const MAX_VALUE_WIDTH: usize = 120;

/// The minimum width of a value, even if the terminal is narrower.
const MIN_VALUE_WIDTH: usize = 10;

/// The maximum width of the names. The value of a longer one begins on the next line.
const MAX_LABEL_WIDTH: usize = 30;

/// A fact of a record.
#[derive(Debug)]
pub(super) struct Field {
    label: String,
    value: String,
    style: Style,
    /// `true` for an id, which is not broken into lines: people copy it.
    is_whole: bool,
}

impl Field {
    /// Creates a field of text that is not yet escaped.
    pub(super) fn new(label: &str, value: &str) -> Self {
        Self::new_escaped(label, &escape(value))
    }

    /// Creates a field whose value is escaped already.
    pub(super) fn new_escaped(label: &str, value: &str) -> Self {
        Self {
            label: escape(label),
            value: value.to_owned(),
            style: PLAIN,
            is_whole: label == "id",
        }
    }

    pub(super) fn with_style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}

/// Writes the facts of a record, one below the other.
pub(super) fn fields(writer: &mut impl Write, screen: Screen, fields: &[Field]) -> io::Result<()> {
    let labels = fields.iter().map(|field| width(&field.label));
    let indent = labels.max().unwrap_or(0).min(MAX_LABEL_WIDTH) + GAP;
    let line = screen.width.unwrap_or(usize::MAX);
    let columns = line
        .saturating_sub(indent)
        .clamp(MIN_VALUE_WIDTH, MAX_VALUE_WIDTH);
    for field in fields {
        let style = if screen.is_colored {
            field.style
        } else {
            PLAIN
        };
        let mut labels = lines(&field.label, line.max(MIN_VALUE_WIDTH));
        let last = labels.pop().unwrap_or_default();
        for part in labels {
            writeln!(writer, "{part}")?;
        }
        write!(writer, "{last}")?;
        let mut at = width(last);
        if at + GAP > indent {
            writeln!(writer)?;
            at = 0;
        }
        let values = if field.is_whole {
            vec![&*field.value]
        } else {
            lines(&field.value, columns)
        };
        for value in values {
            if value.is_empty() {
                writeln!(writer)?;
            } else {
                let padding = indent - at;
                writeln!(writer, "{:padding$}{style}{value}{style:#}", "")?;
            }
            at = 0;
        }
    }
    Ok(())
}

/// Writes one token, and its secret if it was just issued.
///
/// What the platform does not report is left out, except when the token expires and when it was
/// last used: whoever looks for these must know that nobody says.
pub(crate) fn token(
    writer: &mut impl Write,
    screen: Screen,
    account: &Account,
    token: &Token,
    secret: Option<&Secret>,
) -> io::Result<()> {
    fields(writer, screen, &facts(account, token, Timestamp::now()))?;
    let Some(secret) = secret else { return Ok(()) };
    writeln!(writer)?;
    writeln!(writer, "The secret is shown only once. Store it now:")?;
    write_escaped(writer, secret.expose())?;
    writeln!(writer)
}

fn facts(account: &Account, token: &Token, now: Timestamp) -> Vec<Field> {
    let mut facts = vec![
        Field::new("provider", account.provider()),
        Field::new("account", account.name()),
        Field::new("id", token.id.as_str()),
    ];
    if token.name.is_reported() || token.attributes.is_unreadable("name") {
        facts.push(Field::new("name", &name(token)));
    }
    if token.description.is_reported() {
        facts.push(Field::new("description", &text(&token.description)));
    }
    let state = token.state.as_str();
    facts.push(Field::new("state", state).with_style(of_state(state)));
    for (label, at, absent) in [
        ("created", &token.created_at, NONE),
        ("updated", &token.updated_at, NEVER),
    ] {
        if at.is_reported() {
            facts.push(Field::new(label, &time(at, absent, now)));
        }
    }
    let expiry = match &token.expiry {
        Fact::NotReported => PLAIN,
        other => of_expiry(other.known().copied(), now),
    };
    facts.push(Field::new("expiry", &time(&token.expiry, NEVER, now)).with_style(expiry));
    facts.push(Field::new("last used", &time(&token.last_used, NEVER, now)));
    for (label, fact) in [("owner", &token.owner), ("creator", &token.creator)] {
        if fact.is_reported() {
            facts.push(Field::new(label, &principal(fact)));
        }
    }
    if token.scopes.is_reported() {
        let scopes = token.scopes.as_ref().map(|scopes| scopes.join(" "));
        facts.push(Field::new("scopes", &text(&scopes)));
    }
    let attributes = token.attributes.iter();
    facts.extend(attributes.map(|(name, value)| Field::new(name, &attribute(value))));
    for fact in &mut facts {
        if fact.value == NOT_REPORTED {
            fact.style = DIM;
        }
    }
    facts
}

/// Returns a time, and how far from now it is.
fn time(fact: &Fact<Timestamp>, absent: &str, now: Timestamp) -> String {
    match fact {
        Fact::Known(at) => format!("{at} ({})", relative_time(*at, now)),
        Fact::Absent => absent.to_owned(),
        Fact::NotReported => NOT_REPORTED.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use tokenfleet::{TokenId, TokenState};

    use super::*;

    const NARROW: Screen = Screen {
        width: Some(60),
        is_colored: false,
    };

    fn shown(token: &Token) -> String {
        let now = "2026-11-29T12:00:00Z".parse().unwrap();
        let mut written = Vec::new();
        let facts = facts(&Account::new("losant", "iot"), token, now);
        fields(&mut written, NARROW, &facts).unwrap();
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn times_are_shown_with_their_distance_and_unreported_facts_are_left_out() {
        let mut token = Token::new(TokenId::new("1"), TokenState::Active);
        token.expiry = Fact::Known("2026-12-24T12:00:00Z".parse().unwrap());
        token.description = Fact::Absent;
        let expected = "\
provider     losant
account      iot
id           1
description  none
state        active
expiry       2026-12-24T12:00:00Z (in 25 days)
last used    not reported
";
        assert_eq!(shown(&token), expected);
    }

    #[test]
    fn a_long_value_continues_below_and_an_id_stays_whole() {
        let id = "i".repeat(100);
        let mut token = Token::new(TokenId::new(&*id), TokenState::Active);
        token.name = Fact::Known(format!("{} {}", "word".repeat(4), "日本".repeat(1_000)));
        let name_of_attribute = "a".repeat(70);
        token
            .attributes
            .insert(name_of_attribute.clone(), "value".into());
        let shown = shown(&token);
        for line in shown.lines() {
            assert!(width(line) <= 60 || line.ends_with(&id), "{line}");
        }
        assert_eq!(shown.matches('本').count(), 1_000);
        assert!(shown.replace('\n', "").contains(&name_of_attribute));
    }
}
