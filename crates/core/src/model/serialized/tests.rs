//! Tokens survive being written and read.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use crate::model::Attribute;

use super::*;

fn fact_of<T: std::fmt::Debug + Clone + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Fact<T>> {
    prop_oneof![
        value.prop_map(Fact::Known),
        Just(Fact::Absent),
        Just(Fact::NotReported),
    ]
}

/// Generates every time there is, the first and the last included.
fn times() -> impl Strategy<Value = Timestamp> {
    let first = -377_705_116_800_i64;
    let last = 253_402_300_799_i64;
    let seconds = prop_oneof![Just(first), Just(last), first..=last, -1_i64..1];
    (seconds, 0_u64..1_000_000_000).prop_map(|(seconds, nanoseconds)| {
        let at = Timestamp::from_unix_seconds(seconds).unwrap();
        at.saturating_add(Duration::from_nanos(nanoseconds))
    })
}

fn attributes() -> impl Strategy<Value = Attribute> {
    let leaf = prop_oneof![
        Just(Attribute::Null),
        any::<bool>().prop_map(Attribute::Boolean),
        any::<i64>().prop_map(Attribute::Integer),
        any::<f64>().prop_map(Attribute::Number),
        any::<u64>().prop_map(|number| Attribute::Number(number as f64)),
        ".{0,12}".prop_map(Attribute::Text),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}".prop_map(Attribute::Text),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Attribute::List),
            proptest::collection::btree_map("[a-z]{0,6}|unreadable", inner, 0..3)
                .prop_map(Attribute::Map),
        ]
    })
}

fn principals() -> impl Strategy<Value = Principal> {
    let text = || proptest::option::of(".{0,8}");
    (".{0,8}", text(), text())
        .prop_map(|(id, kind, name)| Principal::new(id).with_kind(kind).with_name(name))
}

/// Generates tokens; the platform's own fields may be called like ours.
pub(super) fn tokens() -> impl Strategy<Value = Token> {
    let facts = (
        fact_of(".{0,12}"),
        fact_of(".{0,12}"),
        fact_of(times()),
        fact_of(times()),
        fact_of(times()),
        fact_of(times()),
        fact_of(principals()),
        fact_of(principals()),
        fact_of(proptest::collection::vec(".{0,8}", 0..3).prop_map(Scopes::from)),
    );
    let own = proptest::collection::vec((".{0,8}|unreadable|id|expires", attributes()), 0..4);
    let unreadable = proptest::collection::vec(("[a-z_]{0,8}|token|expires", attributes()), 0..3);
    let states = proptest::sample::select(TokenState::ALL.to_vec());
    (".{0,40}", states, facts, own, unreadable).prop_map(|(id, state, facts, own, unreadable)| {
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn any_token_that_was_written_is_read_back_equal(token in tokens()) {
        let text = serde_json::to_string(&token).unwrap();
        let read: Token = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&read, &token, "{}", text);
        // Through a value in memory, and as a part of a larger object, it is the same.
        let value = serde_json::to_value(&token).unwrap();
        prop_assert_eq!(&serde_json::from_value::<Token>(value).unwrap(), &token);
    }
}

#[test]
fn absent_and_not_reported_are_told_apart_and_nothing_is_claimed_that_was_not_written() {
    let mut token = Token::new(TokenId::new("1"), TokenState::Active);
    token.owner = Fact::Absent;
    token.expiry = Fact::Absent;
    let mut value = serde_json::to_value(&token).unwrap();
    let listed: Vec<_> = TokenField::ALL
        .into_iter()
        .map(TokenField::as_str)
        .filter(|field| !["owner", "expiry"].contains(field))
        .collect();
    assert_eq!(value["not_reported"], serde_json::json!(listed));
    let read: Token = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(
        (read.owner, read.creator),
        (Fact::Absent, Fact::NotReported)
    );
    let object = value.as_object_mut().unwrap();
    object.remove("not_reported");
    object.remove("expiry");
    let read: Token = serde_json::from_value(value).unwrap();
    assert_eq!(read.owner, Fact::NotReported);
    assert!(!read.never_expires());
}

#[test]
fn a_missing_key_is_not_reported_whatever_the_list_says() {
    let text = r#"{"id": "1", "state": "active", "creator": null, "not_reported": []}"#;
    let token: Token = serde_json::from_str(text).unwrap();
    let mut expected = Token::new(TokenId::new("1"), TokenState::Active);
    expected.creator = Fact::Absent;
    assert_eq!(token, expected);
    // A value in memory and a part of a larger object too.
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::from_value::<Token>(value).unwrap(), expected);
    // The list is believed against a null, and a value against the list.
    let text = r#"{"id": "1", "state": "active", "creator": null, "name": "ci",
        "not_reported": ["creator", "name"]}"#;
    let token: Token = serde_json::from_str(text).unwrap();
    assert_eq!(token.creator, Fact::NotReported);
    assert_eq!(token.name, Fact::Known("ci".to_owned()));
}

#[test]
fn what_a_later_version_writes_is_read() {
    let text = r#"{"id": "1", "state": "paused", "account": "a", "secret": "x", "new": [1]}"#;
    let token: Token = serde_json::from_str(text).unwrap();
    assert_eq!(token, Token::new(TokenId::new("1"), TokenState::Unknown));
}

#[test]
fn a_credential_that_somebody_wrote_into_the_attributes_is_not_read() {
    let text = r#"{"id": "1", "state": "active", "attributes": {
        "api_key": "x", "value": "SK-PrjW98OTY1h8QTY9hUA", "region": "eu"}}"#;
    let token: Token = serde_json::from_str(text).unwrap();
    let names: Vec<_> = token.attributes.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["region"]);
    let map = BTreeMap::from([("n".to_owned(), Attribute::Number(f64::INFINITY))]);
    let mut attributes = Attributes::default();
    attributes.insert("rate", Attribute::Map(map));
    let text = serde_json::to_string(&attributes).unwrap();
    assert_eq!(text, r#"{"rate":{"n":"inf"}}"#);
}
