//! The tokens that a filter matches.

use super::*;

proptest! {
    #[test]
    fn grouping_does_not_change_what_matches(filter in any_filter(), token in any_token()) {
        prop_assert_eq!(filter.clone().flattened().matches(&token), filter.matches(&token));
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
