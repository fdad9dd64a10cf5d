//! Tests of whole tables of tokens.

use proptest::prelude::*;
use tokenfleet::{Account, Fact, Timestamp, Token, TokenId, TokenState};

use super::TokenTable;
use super::text_width::width;
use crate::output::color::Color;
use crate::output::columns::Column;
use crate::output::screen::Screen;

fn screen(width: impl Into<Option<usize>>) -> Screen {
    Screen {
        width: width.into(),
        is_colored: false,
    }
}

fn shown(tokens: &[(Account, Token)], columns: Option<Vec<Column>>, screen: Screen) -> String {
    let mut table = TokenTable::new(
        columns.clone().unwrap_or_else(|| Column::for_table(false)),
        columns.is_some(),
        true,
        screen,
    );
    for (account, token) in tokens {
        table.add(account, token).unwrap();
    }
    let mut written = Vec::new();
    table.write(&mut written, std::iter::empty()).unwrap();
    String::from_utf8(written).unwrap()
}

fn token(id: &str, name: &str) -> Token {
    let mut token = Token::new(TokenId::new(id), TokenState::Active);
    token.name = Fact::Known(name.to_owned());
    token
}

/// A Losant token with every time.
fn losant(number: u32) -> (Account, Token) {
    let mut token = token(&format!("{number:024x}"), &format!("deploy {number}"));
    let at = |text: &str| Fact::Known(text.parse().unwrap());
    token.created_at = at("2016-06-13T04:00:00Z");
    token.expiry = at("2030-06-13T04:00:00Z");
    token.last_used = at("2026-06-13T04:00:00Z");
    (Account::new("losant", "iot"), token)
}

fn headings(table: &str) -> Vec<String> {
    let line = table.lines().next().unwrap();
    let headings = line.split("  ").map(str::trim);
    headings
        .filter(|heading| !heading.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn what_matters_least_goes_first_as_the_terminal_narrows() {
    let infra = Account::new("foreman", "infrastructure");
    let tokens = [losant(1), (infra, token("4", "monitoring"))];
    let all = [
        "provider",
        "account",
        "id",
        "name",
        "state",
        "created",
        "expiry",
        "last used",
    ];
    for (columns, expected) in [
        (200, &all[..]),
        (120, &all[1..]),
        (
            100,
            &["account", "id", "name", "state", "expiry", "last used"],
        ),
        (80, &["account", "id", "name", "state", "expiry"]),
        (60, &["account", "name", "state", "expiry", "last used"]),
    ] {
        let table = shown(&tokens, None, screen(columns));
        assert_eq!(headings(&table), expected, "{columns}\n{table}");
        assert!(table.contains("000000000000000000000001"), "{table}");
    }
}

#[test]
fn a_long_name_is_cut_before_anything_is_left_out() {
    let mut tokens = [losant(1), losant(2)];
    tokens[0].1.name = Fact::Known("x".repeat(70_000));
    tokens[1].1.name = Fact::Known(format!("e{}", "\u{301}".repeat(70_000)));
    let table = shown(&tokens, None, screen(200));
    assert_eq!(headings(&table).len(), 8);
    assert!(table.contains("xxx…"));
    assert!(table.len() < 10_000, "{}", table.len());
    // Without a terminal nothing is cut, but one long name does not widen the other rows.
    let table = shown(&tokens, None, screen(None));
    assert!(table.contains(&"x".repeat(70_000)));
    let last = table.lines().last().unwrap();
    assert!(last.chars().filter(|c| *c != '\u{301}').count() < 300);
}

#[test]
fn an_id_without_room_stands_whole_above_its_row() {
    let id = "i".repeat(50);
    let account = Account::new("memory", "main");
    let tokens = [
        (account.clone(), token(&id, "long")),
        (account, token("2", "short")),
    ];
    let table = shown(&tokens, None, screen(80));
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines[2], id);
    assert!(
        lines[3].contains("long") && lines[4].contains("short"),
        "{table}"
    );
    assert_eq!(table.matches("ii").count(), id.len() / 2, "{table}");
}

#[test]
fn columns_that_were_chosen_are_all_shown() {
    let tokens = [losant(1), losant(2)];
    let all = Some(Column::CSV.to_vec());
    let table = shown(&tokens, all.clone(), screen(60));
    for column in Column::CSV {
        let heading = column.heading();
        let lines = table
            .lines()
            .filter(|line| line.split("  ").next() == Some(&*heading));
        assert_eq!(lines.count(), 2, "{heading}\n{table}");
    }
    assert_eq!(headings(&shown(&tokens, all, screen(None))).len(), 14);
    let two = Some(vec![Column::Name, Column::Id]);
    let expected = "\
name      id
──────────────────────────────────
deploy 1  000000000000000000000001
deploy 2  000000000000000000000002
";
    assert_eq!(shown(&tokens, two, screen(60)), expected);
}

#[test]
fn rows_of_an_account_stand_together_in_the_order_of_the_accounts() {
    let accounts = ["a", "b"].map(|name| Account::new("memory", name));
    let mut table = TokenTable::new(vec![Column::Id], true, false, screen(80));
    for (account, id) in [(1, "1"), (0, "2"), (1, "3"), (0, "4")] {
        table.add(&accounts[account], &token(id, "")).unwrap();
    }
    let mut written = Vec::new();
    table.write(&mut written, accounts.iter()).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), "id\n──\n2\n4\n1\n3\n");
}

#[test]
fn colours_add_nothing_to_the_text() {
    let mut tokens = [losant(1), losant(2), losant(3)];
    tokens[0].1.state = TokenState::Suspended;
    tokens[1].1.expiry = Fact::Absent;
    tokens[2].1.expiry = Fact::Known("2016-06-13T04:00:00Z".parse().unwrap());
    let plain = shown(&tokens, None, screen(80));
    let colored = Screen {
        is_colored: true,
        ..screen(80)
    };
    let colored = shown(&tokens, None, colored);
    for style in ["\u{1b}[2m", "\u{1b}[35m", "\u{1b}[31m", "\u{1b}[1m"] {
        assert!(colored.contains(style), "{style:?} {colored:?}");
    }
    let parts = colored.split('\u{1b}').enumerate();
    let stripped: String = parts
        .map(|(index, part)| match index {
            0 => part,
            _ => part.split_once('m').map_or("", |(_, text)| text),
        })
        .collect();
    assert_eq!(stripped, plain);
    // The default of the option.
    assert_eq!(Color::default(), Color::Auto);
}

fn names() -> impl Strategy<Value = Fact<String>> {
    let name = "([a-z0-9]{1,40}|日本語|שלום|عربي|e\u{301}|👨\u{200d}👩|🔑|\u{202e}|\u{1b}\\[2J|\t| ){0,12}";
    prop_oneof![
        6 => name.prop_map(Fact::Known),
        1 => Just(Fact::Absent),
        1 => Just(Fact::NotReported),
    ]
}

fn times() -> impl Strategy<Value = Fact<Timestamp>> {
    prop_oneof![
        3 => (-377_700_000_000_i64..253_000_000_000)
            .prop_map(|seconds| Fact::Known(Timestamp::from_unix_seconds(seconds).unwrap())),
        3 => (1_700_000_000_i64..1_900_000_000)
            .prop_map(|seconds| Fact::Known(Timestamp::from_unix_seconds(seconds).unwrap())),
        1 => Just(Fact::Absent),
        1 => Just(Fact::NotReported),
    ]
}

fn tokens() -> impl Strategy<Value = Vec<(Account, Token)>> {
    let state = proptest::sample::select(TokenState::ALL.to_vec());
    let account = ("[a-z]{1,30}|日本{1,9}", "(losant|foreman)");
    let token = (account, names(), names(), state, times(), times(), times());
    let token = token.prop_map(
        |((account, provider), name, description, state, created, expiry, used)| {
            let mut token = Token::new(TokenId::new(""), state);
            token.name = name;
            token.description = description;
            token.created_at = created;
            token.expiry = expiry;
            token.last_used = used;
            token.attributes.insert("region", "eu".into());
            (Account::new(&provider, &account), token)
        },
    );
    let length = prop_oneof![Just(1_usize), Just(24), Just(36), 1_usize..60];
    (proptest::collection::vec(token, 1..12), length).prop_map(|(mut tokens, length)| {
        for (number, (_, token)) in tokens.iter_mut().enumerate() {
            token.id = TokenId::new(format!("{number:X>length$}Z"));
        }
        tokens
    })
}

fn columns() -> impl Strategy<Value = Option<Vec<Column>>> {
    let mut all = Column::CSV.to_vec();
    all.push(Column::Attributes);
    all.push(Column::Attribute("region".to_owned()));
    let chosen = proptest::sample::subsequence(all, 1..=16);
    prop_oneof![Just(None), chosen.prop_shuffle().prop_map(Some)]
}

proptest! {
    #[test]
    fn no_line_is_wider_than_the_terminal_and_every_id_is_whole(
        tokens in tokens(),
        columns in columns(),
        terminal in 60_usize..220,
    ) {
        let shows_ids = columns.as_ref().is_none_or(|columns| columns.contains(&Column::Id));
        let table = shown(&tokens, columns, screen(terminal));
        for line in table.lines() {
            // An id is not broken, whatever stands before it.
            let is_id = line.contains('Z') && line.starts_with("id ");
            prop_assert!(width(line) <= terminal || is_id, "{}\n{table}", width(line));
            prop_assert!(!line.chars().any(crate::output::text::needs_escape), "{line}");
        }
        if shows_ids {
            for (_, token) in &tokens {
                let id = token.id.as_str();
                let rows = table.split([' ', '\n']).filter(|word| *word == id);
                prop_assert_eq!(rows.count(), 1, "{}\n{}", id, table);
            }
        }
    }
}
