//! The text of a filter: how it is read, and how it is written.

use super::*;

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
