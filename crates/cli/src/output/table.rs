//! Tables for people.

use std::io::{self, Write};

use comfy_table::{ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width};
use tokenfleet::model::Attribute;
use tokenfleet::{Account, Fact, Secret, Timestamp, Token};

use super::text::{escape, write_escaped};

/// The minimum width to fit a table to. Narrower columns would break words into letters.
const MIN_WIDTH: u16 = 100;

/// The maximum number of characters of an id or a name in a row. One token must not widen all rows.
const MAX_CELL: usize = 100;

/// The maximum width of a value in the table of a single token. A longer one is wrapped.
const MAX_VALUE_WIDTH: u16 = 120;

/// The width of a date and the space around it.
const DATE_WIDTH: u16 = 12;

const COLUMNS: [&str; 8] = [
    "provider",
    "account",
    "id",
    "name",
    "state",
    "created",
    "expiry",
    "last used",
];

/// Writes many tokens, one per row.
pub(crate) fn tokens<'a>(
    writer: &mut impl Write,
    tokens: impl IntoIterator<Item = &'a (Account, Token)>,
) -> io::Result<()> {
    let row = |(account, token): &(Account, Token)| {
        [
            account.provider().to_owned(),
            account.name().to_owned(),
            shortened(token.id.as_str()),
            shortened(&name(token)),
            token.state.as_str().to_owned(),
            time(&token.created_at, "none"),
            time(&token.expiry, "never"),
            time(&token.last_used, "never"),
        ]
        .to_vec()
    };
    let rows: Vec<_> = tokens.into_iter().map(row).collect();
    grid(writer, &COLUMNS, &rows)
}

/// Writes rows under a header.
pub(crate) fn grid(
    writer: &mut impl Write,
    columns: &[&str],
    rows: &[Vec<String>],
) -> io::Result<()> {
    let mut table = empty();
    table.set_header(columns);
    for row in rows {
        table.add_row(row.iter().map(|cell| escape(cell)));
    }
    for (name, column) in columns.iter().zip(table.column_iter_mut()) {
        match *name {
            // Short words and ids, which people copy, are not wrapped; names are.
            "provider" | "account" | "id" | "state" => {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
            "created" | "expiry" | "last used" => {
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(DATE_WIDTH)));
            }
            _ => {}
        };
    }
    write(writer, &table)
}

/// Writes one token, one fact per row, and its secret if it was just issued.
pub(crate) fn record(
    writer: &mut impl Write,
    account: &Account,
    token: &Token,
    secret: Option<&Secret>,
) -> io::Result<()> {
    let mut table = empty();
    let mut add = |name: &str, value: String| {
        table.add_row([escape(name), escape(&value)]);
    };
    add("provider", account.provider().to_owned());
    add("account", account.name().to_owned());
    add("id", token.id.to_string());
    add("name", name(token));
    add("description", text(&token.description));
    add("state", token.state.as_str().to_owned());
    add("created", time(&token.created_at, "none"));
    add("updated", time(&token.updated_at, "never"));
    add("expiry", time(&token.expiry, "never"));
    add("last used", time(&token.last_used, "never"));
    add("owner", principal(&token.owner));
    add("creator", principal(&token.creator));
    let scopes = token.scopes.as_ref().map(|scopes| scopes.join(" "));
    add("scopes", text(&scopes));
    for (name, value) in token.attributes.iter() {
        add(name, attribute(value));
    }
    if let Some(values) = table.column_mut(1) {
        let width = Width::Fixed(MAX_VALUE_WIDTH);
        values.set_constraint(ColumnConstraint::UpperBoundary(width));
    }
    write(writer, &table)?;
    let Some(secret) = secret else { return Ok(()) };
    writeln!(writer)?;
    writeln!(writer, "The secret is shown only once. Store it now:")?;
    write_escaped(writer, secret.expose())?;
    writeln!(writer)
}

/// Cuts a text that is too long for a row. Other formats and other commands show it whole.
fn shortened(text: &str) -> String {
    let shown = escape(text);
    match shown.char_indices().nth(MAX_CELL) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => text.to_owned(),
    }
}

/// Creates a table fitted to the terminal, unless its width is unknown or too small.
fn empty() -> Table {
    let mut table = Table::new();
    let rule = LineStyle::none().fill('─').junction('─');
    table.load_style(TableStyle::new().header_separator(rule));
    if table.width().is_some_and(|columns| columns >= MIN_WIDTH) {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table
}

fn write(writer: &mut impl Write, table: &Table) -> io::Result<()> {
    for line in table.lines() {
        writeln!(writer, "{}", line.trim_end())?;
    }
    Ok(())
}

fn text(fact: &Fact<String>) -> String {
    match fact {
        Fact::Known(text) => text.clone(),
        Fact::Absent => "none".to_owned(),
        Fact::NotReported => "not reported".to_owned(),
    }
}

/// Returns a name, in quotes if it is empty or padded, to tell it from "none".
fn name(token: &Token) -> String {
    match &token.name {
        Fact::Known(name) if name.is_empty() || name.trim() != name => format!("{name:?}"),
        other => text(other),
    }
}

/// Returns a time to the minute.
fn time(fact: &Fact<Timestamp>, absent: &str) -> String {
    match fact {
        Fact::Known(at) => {
            let at = at.to_string();
            match (at.split_once('T'), at.rsplitn(2, ':').last()) {
                (Some((date, _)), Some(minutes)) => {
                    let clock = minutes.rsplit('T').next().unwrap_or_default();
                    format!("{date} {clock}Z")
                }
                _ => at,
            }
        }
        Fact::Absent => absent.to_owned(),
        Fact::NotReported => "not reported".to_owned(),
    }
}

fn principal(fact: &Fact<tokenfleet::model::Principal>) -> String {
    text(&fact.as_ref().map(|principal| {
        let kind = principal.kind().unwrap_or("principal");
        match principal.name() {
            Some(name) => format!("{name} ({kind} {})", principal.id()),
            None => format!("{kind} {}", principal.id()),
        }
    }))
}

fn attribute(value: &Attribute) -> String {
    match value {
        Attribute::Text(text) => text.clone(),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_long_name_widens_no_row_beyond_the_bound() {
        let account = Account::new("memory", "main");
        let token = |id: &str, name: String| {
            let mut token =
                Token::new(tokenfleet::TokenId::new(id), tokenfleet::TokenState::Active);
            token.name = Fact::Known(name);
            (account.clone(), token)
        };
        let rows = [
            token("1", "x".repeat(70_000)),
            token("2", "\u{200b}".repeat(70_000)),
            token("3", "short".to_owned()),
        ];
        let mut table = Vec::new();
        tokens(&mut table, &rows).unwrap();
        let table = String::from_utf8(table).unwrap();
        let widest = table.lines().map(|line| line.chars().count()).max();
        assert!(widest < Some(300), "{widest:?}");
        assert!(table.contains("xxx…") && table.contains("short"));

        let mut single = Vec::new();
        record(&mut single, &account, &rows[0].1, None).unwrap();
        let single = String::from_utf8(single).unwrap();
        let widest = single.lines().map(|line| line.chars().count()).max();
        assert!(widest < Some(200), "{widest:?}");
        assert!(
            single.matches("xxxx").count() >= 10_000,
            "it is shown whole"
        );
    }

    #[test]
    fn times_are_shown_to_the_minute() {
        let at = |text: &str| Fact::Known(text.parse().unwrap());
        assert_eq!(
            time(&at("2030-07-01T12:34:56Z"), "never"),
            "2030-07-01 12:34Z"
        );
        assert_eq!(
            time(&at("2030-07-01T12:34:56.5Z"), "never"),
            "2030-07-01 12:34Z"
        );
        assert_eq!(time(&Fact::Absent, "never"), "never");
    }
}
