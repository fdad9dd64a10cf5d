//! What is written by hand is what a serializer writes.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value;
use tokenfleet::model::Scopes;
use tokenfleet::{Secret, TokenId, TokenState};

use super::super::columns::Column;
use super::super::csv::Rows;
use super::super::json::{TokenObject, Typed};
use super::*;

/// Generates texts in which what JSON or a terminal does not take as it is comes often.
fn texts() -> impl Strategy<Value = String> {
    let special = [
        "\"",
        "\\",
        "/",
        "\n",
        "\r\n",
        "\t",
        "\0",
        "\u{1b}[2J",
        "\u{1f}",
        " ",
        "~",
        "\u{7f}",
        "\u{80}",
        "\u{9b}",
        "\u{ad}",
        "é",
        "\u{200b}",
        "\u{202e}",
        "\u{2028}",
        "\u{feff}",
        "日本",
        "\u{1f511}",
        "\u{e0041}",
        ",",
        "=",
        "'",
        "<",
    ];
    let piece = prop_oneof![
        "[ -~]{0,20}",
        proptest::sample::select(special.to_vec()).prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn facts<T: std::fmt::Debug + Clone + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Fact<T>> {
    prop_oneof![
        3 => value.prop_map(Fact::Known),
        1 => Just(Fact::Absent),
        1 => Just(Fact::NotReported),
    ]
}

fn times() -> impl Strategy<Value = Timestamp> {
    let seconds = -377_705_116_800_i64..=253_402_300_799;
    let nanoseconds = prop_oneof![Just(0), 0_u64..1_000_000_000];
    (seconds, nanoseconds).prop_map(|(seconds, nanoseconds)| {
        let at = Timestamp::from_unix_seconds(seconds).unwrap();
        at.saturating_add(Duration::from_nanos(nanoseconds))
    })
}

fn principals() -> impl Strategy<Value = Principal> {
    let optional = || proptest::option::of(texts());
    (texts(), optional(), optional())
        .prop_map(|(id, kind, name)| Principal::new(id).with_kind(kind).with_name(name))
}

fn attributes() -> impl Strategy<Value = Attribute> {
    let leaf = prop_oneof![
        Just(Attribute::Null),
        any::<bool>().prop_map(Attribute::Boolean),
        any::<i64>().prop_map(Attribute::Integer),
        any::<f64>().prop_map(Attribute::Number),
        texts().prop_map(Attribute::Text),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Attribute::List),
            proptest::collection::btree_map(texts(), inner, 0..3).prop_map(Attribute::Map),
        ]
    })
}

fn tokens() -> impl Strategy<Value = Token> {
    let facts = (
        facts(texts()),
        facts(texts()),
        facts(times()),
        facts(times()),
        facts(times()),
        facts(times()),
        facts(principals()),
        facts(principals()),
        facts(proptest::collection::vec(texts(), 0..3).prop_map(Scopes::from)),
    );
    let named = prop_oneof![
        texts(),
        Just("annotation.owner".to_owned()),
        Just("annotation.team".to_owned()),
        Just("annotation.until".to_owned()),
    ];
    let own = proptest::collection::vec((named, attributes()), 0..4);
    let unreadable = proptest::collection::vec((texts(), attributes()), 0..2);
    let states = proptest::sample::select(TokenState::ALL.to_vec());
    (texts(), states, facts, own, unreadable).prop_map(|(id, state, facts, own, unreadable)| {
        let mut token = Token::new(TokenId::new(id), state);
        token.name = facts.0;
        token.description = facts.1;
        token.created_at = facts.2;
        token.updated_at = facts.3;
        token.expiry = facts.4;
        token.last_used = facts.5;
        token.owner = facts.6;
        token.creator = facts.7;
        token.scopes = facts.8;
        for (name, value) in own {
            token.attributes.insert(name, value);
        }
        for (name, value) in unreadable {
            token.attributes.insert_unreadable(&name, value);
        }
        token
    })
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut written = Vec::new();
    write(&mut written).unwrap();
    String::from_utf8(written).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_written_by_hand_is_what_a_serializer_writes(
        account in (texts(), texts()),
        token in tokens(),
        secret in proptest::option::of(texts()),
        place in proptest::option::of(texts()),
    ) {
        let account = Account::new(&account.0, &account.1);
        let secret = secret.map(Secret::new);
        let object = || {
            let object = TokenObject::new(&account, &token, secret.as_ref());
            match &place {
                Some(place) => object.with_secret_to(place),
                None => object,
            }
        };
        prop_assert_eq!(
            text(|writer| object().write(writer)),
            text(|writer| escaped_json::object(writer, &object()))
        );
        prop_assert_eq!(
            text(|writer| object().write_typed_line(&mut Line::default(), writer)),
            text(|writer| escaped_json::line(writer, &Typed::new("token", object())))
        );
    }

    #[test]
    fn what_is_kept_of_a_token_is_written_of_the_next_only_if_it_has_the_same(
        accounts in proptest::collection::vec((texts(), texts()), 4),
        mut tokens in proptest::collection::vec(tokens(), 4),
        is_shared in any::<[[bool; 4]; 3]>(),
    ) {
        let mut accounts = Vec::from_iter(
            accounts.iter().map(|(provider, name)| Account::new(provider, name)),
        );
        for (index, [account, owner, creator, scopes]) in is_shared.into_iter().enumerate() {
            let (before, token) = (tokens[index].clone(), &mut tokens[index + 1]);
            if account {
                accounts[index + 1] = accounts[index].clone();
            }
            if owner {
                token.owner = before.owner;
            }
            if creator {
                token.creator = before.creator;
            }
            if scopes {
                token.scopes = before.scopes;
            }
        }
        let mut line = Line::default();
        for (account, token) in accounts.iter().zip(&tokens) {
            let object = || TokenObject::new(account, token, None);
            prop_assert_eq!(
                text(|writer| object().write_typed_line(&mut line, writer)),
                text(|writer| escaped_json::line(writer, &Typed::new("token", object())))
            );
        }
    }

    #[test]
    fn a_row_of_csv_holds_the_fields_of_the_json(token in tokens()) {
        let account = Account::new("losant", "iot");
        let json = text(|writer| escaped_json::object(writer, &TokenObject::new(&account, &token, None)));
        let json: Value = serde_json::from_str(&json).unwrap();
        let mut rows = Rows::new(Vec::new(), false, Column::for_csv(true));
        rows.token(&account, &token).unwrap();
        let written = rows.into_writer().unwrap();
        let mut reader = ::csv::Reader::from_reader(&*written);
        let columns = reader.headers().unwrap().clone();
        let row = reader.records().next().unwrap().unwrap();
        prop_assert_eq!(row.len(), columns.len());
        for (column, field) in columns.iter().zip(&row) {
            let value = &json[column];
            let expected = match (column, value) {
                ("unreadable", _) => {
                    let names = json["attributes"]["unreadable"].as_array().into_iter().flatten();
                    names.filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
                }
                ("expiry" | "last_used", value) => {
                    let word = value["kind"].as_str().unwrap();
                    value["at"].as_str().unwrap_or(word).to_owned()
                }
                (_, Value::String(text)) => text.clone(),
                (_, Value::Array(words)) => {
                    let words = words.iter().map(|word| word.as_str().unwrap());
                    words.collect::<Vec<_>>().join(" ")
                }
                (_, Value::Object(principal)) => {
                    let kind = principal["kind"].as_str().unwrap_or_default();
                    format!("{kind}:{}", principal["id"].as_str().unwrap())
                }
                (column, _) => {
                    let field = column.strip_prefix("annotation_").unwrap_or_default();
                    json["annotation"][field].as_str().unwrap_or_default().to_owned()
                }
            };
            prop_assert_eq!(field, expected, "{}", column);
        }
    }
}
