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

/// Generates text that resembles a filter: lexemes of one in any order.
fn any_lexemes() -> impl Strategy<Value = String> {
    let lexemes = [
        "name",
        "state",
        "owner",
        "created",
        "expiry",
        "last-used",
        "everything",
        "nothing",
        "and",
        "or",
        "not",
        "in",
        "is",
        "=",
        "!=",
        "~",
        "^=",
        "<",
        ">=",
        "<=",
        "(",
        ")",
        ",",
        "\"a b\"",
        "'a b'",
        "\"",
        "\\",
        "active",
        "never",
        "none",
        "reported",
        "not-reported",
        "now",
        "-",
        "30d",
        "2026-01-01",
        "hunter2",
        "é",
        "\n",
        "'",
    ];
    proptest::collection::vec(select(lexemes.to_vec()), 0..12).prop_map(|lexemes| lexemes.join(" "))
}

proptest! {
    #[test]
    fn a_filter_round_trips_through_its_text(filter in any_filter()) {
        let text = filter.to_string();
        prop_assert!(!text.contains(char::is_control), "{}", text);
        let parsed = Filter::parse_at(&text, now()).unwrap();
        prop_assert_eq!(parsed.to_string(), text);
        prop_assert_eq!(parsed, filter.flattened());
    }

    #[test]
    fn grouping_does_not_change_what_matches(filter in any_filter(), token in any_token()) {
        prop_assert_eq!(filter.clone().flattened().matches(&token), filter.matches(&token));
    }

    #[test]
    fn filters_that_differ_only_in_grouping_have_the_same_text(
        a in any_filter(),
        b in any_filter(),
        c in any_filter(),
    ) {
        let [left, right] = [Filter::and, Filter::or].map(|join| {
            let left = join(join(a.clone(), b.clone()), c.clone());
            let right = join(a.clone(), join(b.clone(), c.clone()));
            (left.to_string(), right.to_string())
        });
        prop_assert_eq!(left.0, left.1);
        prop_assert_eq!(right.0, right.1);
    }

    #[test]
    fn any_text_is_parsed_or_rejected_without_repeating_it(
        text in prop_oneof![any_lexemes(), "(?s).{0,40}"],
    ) {
        match Filter::parse_at(&text, now()) {
            Ok(filter) => prop_assert_eq!(parse(&filter.to_string()), filter),
            Err(error) => {
                prop_assert_eq!(error.kind(), ErrorKind::InvalidInput);
                prop_assert!(error.to_string().starts_with("at character "));
                prop_assert!(!error.to_string().contains("hunter"));
            }
        }
    }

    #[test]
    fn a_glob_matches_like_its_reference_implementation(glob in "[ab*é]{0,7}", name in "[ab*é]{0,9}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        let expected = reference_glob_matches(&chars(&glob), &chars(&name));
        prop_assert_eq!(glob_matches(&glob, &name), expected);
    }
}

/// Matches a glob by recursion: slow, and obviously correct.
fn reference_glob_matches(glob: &[char], name: &[char]) -> bool {
    match (glob.split_first(), name.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => {
            reference_glob_matches(rest, name)
                || (!name.is_empty() && reference_glob_matches(glob, &name[1..]))
        }
        (Some((g, glob)), Some((n, name))) => g == n && reference_glob_matches(glob, name),
        _ => false,
    }
}

#[test]
fn every_syntactic_form_is_parsed() {
    let march: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
    let two = |join: fn(Vec<Filter>) -> Filter| join(vec![Filter::name("a"), Filter::name("b")]);
    for (text, filter) in [
        ("name = ci", Filter::name("ci")),
        ("name=\"two words\"", Filter::name("two words")),
        ("name = 'two words'", Filter::name("two words")),
        (r#"name = 'a"b\'c\\'"#, Filter::name("a\"b'c\\")),
        (r#"name = "it's""#, Filter::name("it's")),
        ("name != ci", !Filter::name("ci")),
        ("name ~ ci-*", Filter::name_glob("ci-*")),
        ("name ^= ci-", Filter::name_prefix("ci-")),
        ("name in (a, b)", two(Filter::Any)),
        ("name = a and name = b", two(Filter::All)),
        ("name = and", Filter::name("and")),
        (r#"name = "\u{e9}\"\\\n""#, Filter::name("é\"\\\n")),
        ("owner = alice", Filter::owned_by("alice")),
        ("owner = \"none\"", Filter::owned_by("none")),
        ("owner is none", Filter::Owner(OwnerPredicate::Absent)),
        ("owner is not none", !Filter::Owner(OwnerPredicate::Absent)),
        (
            "owner is not reported",
            Filter::Owner(OwnerPredicate::NotReported),
        ),
        ("created < 2026-03-02", Filter::created_before(march)),
        (
            "created >= 2026-03-02T01:00:00+01:00",
            Filter::created_from(march),
        ),
        ("expiry < now-30d", Filter::expires_before(march)),
        ("expiry >= now - 30d", Filter::expires_from(march)),
        ("expiry < 30d", parse("expiry < now+30d")),
        ("expiry >= 4w", parse("expiry >= now+4w")),
        ("annotation.until < 2w", parse("annotation.until < now+2w")),
        ("expiry is never", Filter::never_expires()),
        ("last-used < now", Filter::used_before(now())),
        ("last-used is never", Filter::never_used()),
        (
            "last-used is not-reported",
            Filter::LastUsed(TimePredicate::NotReported),
        ),
        (
            "name = a or not (name = b) and state = active",
            Filter::name("a").or((!Filter::name("b")).and(Filter::State(TokenState::Active))),
        ),
        ("everything", Filter::all_of([])),
        ("nothing", Filter::any_of([])),
        ("id = 17", Filter::id("17")),
        ("id in (1)", Filter::id("1")),
        (
            "updated < 2026-03-02",
            Filter::Updated(TimePredicate::Before(march)),
        ),
        ("scope = all.User.read", Filter::scope("all.User.read")),
        (
            "scopes ~ \"all.*\"",
            Filter::Scopes(TextPredicate::Matches(NamePattern::Glob("all.*".into()))),
        ),
        ("scopes is none", Filter::Scopes(TextPredicate::Absent)),
        (
            "description is not reported",
            Filter::Description(TextPredicate::NotReported),
        ),
        (
            "description is reported",
            !Filter::Description(TextPredicate::NotReported),
        ),
        (
            "attribute.kind = session",
            Filter::attribute("kind", "session"),
        ),
        ("attributes.kind != x", !Filter::attribute("kind", "x")),
        (
            "attribute.\"odd name\" is none",
            Filter::Attribute("odd name".into(), TextPredicate::Absent),
        ),
        (
            "attribute.session_id is not_reported",
            Filter::Attribute("session_id".into(), TextPredicate::NotReported),
        ),
        ("provider = foreman", Filter::of_provider("foreman")),
        (
            "account ^= prod-",
            Filter::Account(NamePattern::Prefix("prod-".into())),
        ),
    ] {
        assert_eq!(parse(text), filter, "{text}");
    }
}

#[test]
fn a_mistake_is_reported_with_its_position_and_a_suggestion() {
    for (text, expected) in [
        (
            "",
            "at character 1: expected a condition, such as state = active",
        ),
        (
            "nmae = x",
            "at character 1: unknown field; did you mean `name`?",
        ),
        (
            "éé = x",
            "at character 1: unknown field; \
             expected one of name, state, owner, created_at, expiry, last_used, updated_at, id, \
             description, scopes, provider, account, attribute.…, annotation.…",
        ),
        (
            "descripton = x",
            "at character 1: unknown field; did you mean `description`?",
        ),
        (
            "attribute = x",
            "at character 1: unknown field; did you mean `attribute.…`?",
        ),
        (
            "attribute. = x",
            "at character 12: expected the name of an attribute; \
             write it after the dot, such as attribute.kind = session",
        ),
        (
            "scopes = none",
            "at character 10: expected a scope; \
             write scopes is none, or scopes = \"none\" if that is the text",
        ),
        (
            "description < x",
            "at character 13: \
             expected `=`, `!=`, `~` (pattern), `^=` (prefix), `is` or `in`",
        ),
        (
            "name = é adn state = active",
            "at character 10: expected `and`, `or` or the end; did you mean `and`?",
        ),
        (
            "name = two words",
            "at character 12: expected `and`, `or` or the end; \
             write a name of several words in quotes",
        ),
        ("(name = x", "at character 10: expected `and`, `or` or `)`"),
        (
            "state = activ",
            "at character 9: unknown state; did you mean `active`?",
        ),
        (
            "state in (active expired)",
            "at character 18: expected `,` or `)`",
        ),
        (
            "name > x",
            "at character 6: expected `=`, `!=`, `~` (pattern), `^=` (prefix) or `in`",
        ),
        (
            "name = #x",
            "at character 8: unexpected character; \
             write names in quotes, such as name = \"two words\"",
        ),
        ("name = \"x", "at character 8: missing closing quote"),
        ("name = 'x\"", "at character 8: missing closing quote"),
        (
            r#"name = "é\d""#,
            r#"at character 10: unknown escape sequence; write one of \", \', \\, \n, \r, \t and \u{…}"#,
        ),
        (
            "owner = none",
            "at character 9: expected an owner; \
             write owner is none, or owner = \"none\" if an owner has that name",
        ),
        (
            "expiry is nevr",
            "at character 11: expected `never` or `not_reported`; did you mean `never`?",
        ),
        (
            "created = 2026-01-01",
            "at character 9: \
             expected `<`, `<=`, `>`, `>=`, `is never` or `is not_reported`",
        ),
        (
            "created < yesterday",
            "at character 11: not a valid time; \
             write a time such as 2030-01-31T12:00:00Z, 2030-01-31, now, now+30d or now-12h",
        ),
        (
            "last_used < 30d",
            "at character 13: a period alone does not say from when it counts; \
             write now-90d for the time 90 days ago",
        ),
        (
            "created < now+9999999w",
            "at character 11: the time is out of range",
        ),
        (
            "created < now+30",
            "at character 11: expected a number and a unit, such as 90s, 30m, 12h, 30d or 4w",
        ),
    ] {
        let error = Filter::parse_at(text, now()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    }
}

#[test]
fn text_that_is_too_deep_or_too_long_is_rejected_and_the_deepest_filter_round_trips() {
    for (opening, closing) in [("(", ")"), ("not ", ""), ("not (", ")")] {
        let nested = |times: usize, inner: &str| {
            format!("{}{inner}{}", opening.repeat(times), closing.repeat(times))
        };
        let error = Filter::parse_at(&nested(10_000, "nothing"), now()).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("nested more than 64 levels deep"),
            "{error}"
        );
        for inner in [
            "name != x",
            "name in (x, y)",
            "owner is not none",
            "nothing",
        ] {
            let deepest = (0..=64)
                .rev()
                .find_map(|times| Filter::parse_at(&nested(times, inner), now()).ok())
                .unwrap();
            assert_eq!(parse(&deepest.to_string()), deepest);
        }
    }
    let long = format!("name = \"{}\"", "x".repeat(65_536));
    assert!(Filter::parse_at(&long, now()).is_err());
}

#[test]
fn the_four_comparisons_of_times_differ_at_the_boundary() {
    let mut token = Token::new(TokenId::new("1"), TokenState::Active);
    let matching = |token: &Token| {
        ["<", "<=", ">", ">="]
            .into_iter()
            .filter(|operator| parse(&format!("created {operator} 2026-01-01")).matches(token))
            .collect::<Vec<_>>()
    };
    for (time, expected) in [
        ("2025-12-31T23:59:59.999999999Z", ["<", "<="]),
        ("2026-01-01T00:00:00Z", ["<=", ">="]),
        ("2026-01-01T00:00:00.000000001Z", [">", ">="]),
    ] {
        token.created_at = Fact::Known(time.parse().unwrap());
        assert_eq!(matching(&token), expected, "{time}");
    }
    for unknown in [Fact::Absent, Fact::NotReported] {
        token.created_at = unknown;
        assert!(matching(&token).is_empty());
    }
}

#[test]
fn fields_are_spelled_as_in_the_json_output_and_a_short_spelling_is_read_too() {
    for (json, short) in [
        ("created_at is never", "created is never"),
        ("last_used is not_reported", "last-used is not-reported"),
        ("not last_used is never", "not last-used is never"),
        ("not owner is not_reported", "not owner is not-reported"),
        ("expiry is not_reported", "expiry is not-reported"),
    ] {
        assert_eq!(parse(json), parse(short));
        assert_eq!(parse(short).to_string(), json);
    }
    // A name is nobody's field.
    assert_eq!(parse("name = last_used"), Filter::name("last_used"));
    assert_eq!(parse("name = not_reported"), Filter::name("not_reported"));
    let sort = crate::query::SortBy::parse_all;
    assert_eq!(
        sort("created_at, updated_at:desc, last_used").unwrap(),
        sort("created, updated:desc, last-used").unwrap()
    );
    for key in crate::query::SortKey::ALL {
        let token = Token::new(TokenId::new("1"), TokenState::Active);
        let json = serde_json::to_value(&token).unwrap();
        assert!(json.get(key.as_str()).is_some(), "{key:?}");
    }
}

#[test]
fn an_annotation_is_written_by_its_own_name() {
    for (text, written) in [
        ("annotation.team = ops", r#"annotation.team = "ops""#),
        (
            "attribute.annotation.team is none",
            "annotation.team is none",
        ),
        (
            "annotation.until <= 2030-01-31",
            "annotation.until <= 2030-01-31T00:00:00Z",
        ),
        (
            "attribute.annotation. is none",
            "attribute.annotation. is none",
        ),
    ] {
        let filter = parse(text);
        assert_eq!(filter.to_string(), written);
        assert_eq!(parse(written), filter);
    }
    let error = "annotation = x".parse::<Filter>().unwrap_err().to_string();
    assert!(error.contains("did you mean `annotation.…`?"), "{error}");
}

#[test]
fn tokens_match_by_id_description_scopes_and_attributes() {
    let mut token = Token::new(TokenId::new("17"), TokenState::Active);
    token.description = Fact::Known("used by nightly builds".into());
    token.scopes = Fact::Known(vec!["read".to_owned(), "write".to_owned()].into());
    for (name, value) in [
        ("kind", Attribute::from("session")),
        ("enabled", Attribute::Boolean(true)),
        ("uses", Attribute::Integer(3)),
        ("oauth_client", Attribute::Null),
        (
            "roles",
            Attribute::List(vec![Attribute::from("admin"), Attribute::from("user")]),
        ),
    ] {
        token.attributes.insert(name, value);
    }
    for matching in [
        "id = 17",
        "description ~ \"*nightly*\"",
        "description is reported",
        "scopes = read and scopes = write",
        "scopes ^= wri",
        "not scopes is none",
        "attribute.kind = session",
        "attribute.enabled = true and attribute.uses = 3",
        "attribute.oauth_client is none",
        "attribute.oauth_client is reported",
        "attribute.roles = admin and attribute.roles ~ u*r",
        "attribute.unknown is not_reported",
        "attribute.unknown != x",
    ] {
        assert!(parse(matching).matches(&token), "{matching}");
        assert!(!(!parse(matching)).matches(&token), "{matching}");
    }
    for other in [
        "id = 1",
        "description is none",
        "scopes = rea",
        "attribute.kind = Session",
        "attribute.kind is none",
        "attribute.oauth_client = \"null\"",
        "attribute.roles = owner",
        "attribute.unknown is none",
        "updated_at < now",
    ] {
        assert!(!parse(other).matches(&token), "{other}");
    }
    token.attributes.mark_unreadable("description");
    assert!(!parse("description = \"used by nightly builds\"").matches(&token));
    assert!(parse("description ~ \"*nightly*\"").matches(&token));
    token.scopes = Fact::Known(Vec::new().into());
    assert!(parse("scopes is none").matches(&token));
}

/// Matches by the definition: each condition on the account is decided where it stands.
fn matches_in(filter: &Filter, account: &Account, token: &Token) -> bool {
    match filter {
        Filter::Provider(pattern) => pattern.matches(account.provider()),
        Filter::Account(pattern) => pattern.matches(account.name()),
        Filter::All(filters) => filters.iter().all(|part| matches_in(part, account, token)),
        Filter::Any(filters) => filters.iter().any(|part| matches_in(part, account, token)),
        Filter::Not(filter) => !matches_in(filter, account, token),
        other => other.matches(token),
    }
}

proptest! {
    #[test]
    fn a_filter_for_an_account_matches_what_it_matches_there(
        filter in any_filter(), account in any_account(), token in any_token(),
    ) {
        let there = filter.for_account(&account);
        prop_assert!(!there.concerns_accounts());
        prop_assert_eq!(there.matches(&token), matches_in(&filter, &account, &token));
        if !filter.concerns_accounts() {
            prop_assert_eq!(there, filter);
        }
    }
}
