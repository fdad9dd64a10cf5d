mod predicate;
mod text;

use proptest::prelude::*;
use proptest::sample::select;

use super::predicate::glob_matches;
use super::*;
use crate::error::ErrorKind;
use crate::model::{Attribute, Fact, Principal, TokenId};

fn now() -> Timestamp {
    "2026-04-01T00:00:00Z".parse().unwrap()
}

fn parse(text: &str) -> Filter {
    Filter::parse_at(text, now()).unwrap()
}

/// Names that need quoting or escaping, and some that tokens and filters share.
const NAMES: [&str; 14] = [
    "",
    " ",
    "ci",
    "ci-1",
    "Ci",
    "and",
    "none",
    "not-reported",
    "\"",
    "\\",
    "a\\\"b\n\r\t\0\u{1b}\u{85}",
    "*",
    "name = x or (",
    "é\u{301}\u{202e}名",
];

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![select(NAMES.to_vec()).prop_map(str::to_owned), "(?s).{0,5}"]
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    let seconds = prop_oneof![-3i64..3, -300_000_000_000i64..200_000_000_000];
    (seconds, select(vec![0, 1, 500_000_000])).prop_map(|(seconds, nanoseconds)| {
        let fraction = std::time::Duration::from_nanos(nanoseconds);
        let second = Timestamp::from_unix_seconds(seconds).unwrap();
        second.checked_add(fraction).unwrap()
    })
}

fn any_time_predicate() -> impl Strategy<Value = TimePredicate> {
    prop_oneof![
        any_time().prop_map(TimePredicate::Before),
        any_time().prop_map(TimePredicate::From),
        any_time().prop_map(TimePredicate::After),
        any_time().prop_map(TimePredicate::UpTo),
        Just(TimePredicate::Never),
        Just(TimePredicate::NotReported),
    ]
}

fn any_pattern() -> impl Strategy<Value = NamePattern> {
    prop_oneof![
        any_name().prop_map(NamePattern::Exact),
        any_name().prop_map(NamePattern::Prefix),
        any_name().prop_map(NamePattern::Glob),
    ]
}

fn any_text_predicate() -> impl Strategy<Value = TextPredicate> {
    prop_oneof![
        3 => any_pattern().prop_map(TextPredicate::Matches),
        1 => Just(TextPredicate::Absent),
        1 => Just(TextPredicate::NotReported),
    ]
}

fn any_account() -> impl Strategy<Value = Account> {
    let providers = select(vec!["foreman", "ci", ""]);
    (providers, any_name()).prop_map(|(provider, name)| Account::new(provider, &name))
}

fn any_condition() -> impl Strategy<Value = Filter> {
    prop_oneof![
        any_time_predicate().prop_map(Filter::Updated),
        any_name().prop_map(Filter::id),
        any_text_predicate().prop_map(Filter::Description),
        any_text_predicate().prop_map(Filter::Scopes),
        (any_name(), any_text_predicate())
            .prop_map(|(name, predicate)| Filter::Attribute(name, predicate)),
        any_pattern().prop_map(Filter::Provider),
        any_pattern().prop_map(Filter::Account),
        any_name().prop_map(Filter::name),
        any_name().prop_map(Filter::name_prefix),
        any_name().prop_map(Filter::name_glob),
        select(TokenState::ALL.to_vec()).prop_map(Filter::State),
        any_name().prop_map(Filter::owned_by),
        select(vec![OwnerPredicate::Absent, OwnerPredicate::NotReported]).prop_map(Filter::Owner),
        any_time_predicate().prop_map(Filter::Created),
        any_time_predicate().prop_map(Filter::Expiry),
        any_time_predicate().prop_map(Filter::LastUsed),
    ]
}

fn any_filter() -> impl Strategy<Value = Filter> {
    any_condition().prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Filter::All),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Filter::Any),
            inner.prop_map(Filter::not),
        ]
    })
}

fn any_fact<T: Clone + std::fmt::Debug>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Fact<T>> {
    prop_oneof![
        3 => value.prop_map(Fact::Known),
        1 => Just(Fact::Absent),
        1 => Just(Fact::NotReported),
    ]
}

prop_compose! {
    fn any_token()(
        name in any_fact(any_name()),
        state in select(TokenState::ALL.to_vec()),
        owner in any_fact((any_name(), proptest::option::of(any_name()))),
        created_at in any_fact(any_time()),
        expiry in any_fact(any_time()),
        last_used in any_fact(any_time()),
    ) -> Token {
        let mut token = Token::new(TokenId::new("1"), state);
        token.name = name;
        token.owner = owner.map(|(id, name)| Principal::new(id).with_name(name));
        token.created_at = created_at;
        token.expiry = expiry;
        token.last_used = last_used;
        token
    }
}
