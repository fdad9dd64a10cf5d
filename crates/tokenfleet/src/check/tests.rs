mod truth;
mod waiver;

use super::*;
use crate::config::did_you_mean;
use crate::model::{Attribute, Principal, Scopes};
use crate::{ConfigurationReader, Fact, Filter, TokenId, TokenState};

const NOW: &str = "2030-06-01T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn at(text: &str) -> Fact<Timestamp> {
    Fact::Known(Timestamp::parse_at(text, now()).unwrap())
}

fn token() -> Token {
    Token::new(TokenId::new("1"), TokenState::Active)
}

fn account() -> Account {
    Account::new("losant", "iot")
}

fn read(table: &str) -> Result<Check> {
    let reader = ConfigurationReader::new().with_named_tables("checks");
    let configuration = reader.parse(&format!("[checks.stale]\n{table}"))?;
    let (name, settings) = configuration.named_tables("checks").next().unwrap();
    Check::from_settings(name, settings.clone(), now())
}

/// Returns what one rule says: "found", "clear", or the field that is missing.
fn verdict(table: &str, token: &Token) -> String {
    match &read(table).unwrap().judge(&account(), token)[..] {
        [] => "clear".to_owned(),
        [Judgement::Found(_)] => "found".to_owned(),
        [Judgement::NotJudged { missing, .. }] => missing.clone(),
        several => panic!("{several:?}"),
    }
}

fn finding(token: &Token) -> Finding {
    match Check::new("stale")
        .with_rule(Rule::matching(Filter::all_of([])))
        .judge(&account(), token)
        .pop()
    {
        Some(Judgement::Found(finding)) => *finding,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_rule_finds_its_tokens_and_says_which_it_cannot_judge() {
    let with = |change: fn(&mut Token)| {
        let mut token = token();
        change(&mut token);
        token
    };
    type Change = fn(&mut Token);
    let cases: &[(&str, Change, &str)] = &[
        ("never_expires = true", |t| t.expiry = Fact::Absent, "found"),
        ("never_expires = true", |t| t.expiry = at("now+1d"), "clear"),
        ("never_expires = true", |_| {}, "expiry"),
        (
            "expires_within = '30d'",
            |t| t.expiry = at("now+29d"),
            "found",
        ),
        (
            "expires_within = '30d'",
            |t| t.expiry = at("now+30d"),
            "clear",
        ),
        // Its platform still calls it active.
        (
            "expires_within = '30d'",
            |t| t.expiry = at("now-1d"),
            "found",
        ),
        (
            "expires_within = '30d'",
            |t| t.expiry = Fact::Absent,
            "clear",
        ),
        ("expires_within = '30d'", |_| {}, "expiry"),
        (
            "unused_for = '90d'",
            |t| t.last_used = at("now-91d"),
            "found",
        ),
        (
            "unused_for = '90d'",
            |t| t.last_used = at("now-90d"),
            "clear",
        ),
        ("unused_for = '90d'", |_| {}, "last_used"),
        // Whatever is not reported of it, a new token is not unused.
        (
            "unused_for = '90d'",
            |t| t.created_at = at("now-1d"),
            "clear",
        ),
        (
            "unused_for = '90d'",
            |t| t.created_at = at("now-91d"),
            "last_used",
        ),
        (
            "expired = true",
            |t| (t.state, t.expiry) = (TokenState::Active, at("now")),
            "found",
        ),
        ("expired = true", |t| t.expiry = at("now+1s"), "clear"),
        ("expired = true", |t| t.expiry = Fact::Absent, "clear"),
        // Its state says that it is not.
        ("expired = true", |_| {}, "clear"),
        (
            "expired = true",
            |t| (t.state, t.expiry) = (TokenState::Revoked, at("now-1d")),
            "clear",
        ),
        ("expired = true", |t| t.state = TokenState::Unknown, "state"),
        // A new token had no time to be used.
        (
            "unused_for = '90d'",
            |t| (t.last_used, t.created_at) = (Fact::Absent, at("now-1d")),
            "clear",
        ),
        (
            "unused_for = '90d'",
            |t| (t.last_used, t.created_at) = (Fact::Absent, at("now-1w")),
            "clear",
        ),
        (
            "unused_for = '90d'",
            |t| (t.last_used, t.created_at) = (Fact::Absent, at("now-91d")),
            "found",
        ),
        (
            "unused_for = '90d'",
            |t| t.last_used = Fact::Absent,
            "created_at",
        ),
        (
            "older_than = '365d'",
            |t| t.created_at = at("now-366d"),
            "found",
        ),
        ("older_than = '365d'", |_| {}, "created_at"),
        (
            "broad_scopes = 'all.*'",
            |t| t.scopes = scopes(&["x", "all.User"]),
            "found",
        ),
        (
            "broad_scopes = ['all.*', 'y']",
            |t| t.scopes = scopes(&["x"]),
            "clear",
        ),
        (
            "broad_scopes = 'all.*'",
            |t| t.scopes = Fact::Absent,
            "clear",
        ),
        ("broad_scopes = 'all.*'", |_| {}, "scopes"),
        (
            "name_not_matching = 'team-*'",
            |t| t.name = Fact::Known("ci".into()),
            "found",
        ),
        (
            "name_not_matching = 'team-*'",
            |t| t.name = Fact::Known("team-a".into()),
            "clear",
        ),
        (
            "name_not_matching = 'team-*'",
            |t| t.name = Fact::Absent,
            "found",
        ),
        ("name_not_matching = 'team-*'", |_| {}, "name"),
    ];
    for (table, change, expected) in cases {
        assert_eq!(verdict(table, &with(*change)), *expected, "{table}");
    }
}

fn scopes(scopes: &[&str]) -> Fact<Scopes> {
    let scopes: Vec<_> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    Fact::Known(scopes.into())
}

#[test]
fn dead_tokens_are_found_by_a_filter_or_for_being_expired_only() {
    for state in [TokenState::Revoked, TokenState::Expired] {
        let mut token = token();
        (token.state, token.expiry) = (state, Fact::Absent);
        assert_eq!(verdict("never_expires = true", &token), "clear");
        assert_eq!(verdict("unused_for = '1d'", &token), "clear");
        assert_eq!(verdict("where = 'expiry is never'", &token), "found");
        let is_expired = state == TokenState::Expired;
        let expected = if is_expired { "found" } else { "clear" };
        assert_eq!(verdict("expired = true", &token), expected);
    }
    let mut suspended = token();
    (suspended.state, suspended.expiry) = (TokenState::Suspended, Fact::Absent);
    assert_eq!(verdict("never_expires = true", &suspended), "found");
}

#[test]
fn a_rule_about_the_past_finds_what_became_of_a_token_within_its_period() {
    let time = |text: &str| Timestamp::parse_at(text, now()).unwrap();
    let [recent, old] = ["now-1d", "now-8d"].map(time);
    let (appeared, vanished) = (Past::Appeared as fn(_) -> _, Past::Vanished as fn(_) -> _);
    let verdict = |table: &str, token: &Token, past: Past| {
        let judged = read(table).unwrap().judge_past(&account(), token, past);
        match &judged[..] {
            [] => "clear".to_owned(),
            [Judgement::Found(_)] => "found".to_owned(),
            [Judgement::NotJudged { missing, .. }] => missing.clone(),
            several => panic!("{several:?}"),
        }
    };
    let mut never = token();
    never.expiry = Fact::Absent;
    for (rule, past, expected) in [
        ("appeared_within", appeared(recent), "found"),
        ("appeared_within", appeared(old), "clear"),
        ("appeared_within", vanished(recent), "clear"),
        ("vanished_within", vanished(recent), "found"),
        ("vanished_within", vanished(old), "clear"),
        ("vanished_within", appeared(recent), "clear"),
        ("expired_within", vanished(recent), "clear"),
        // A rule about what is there says nothing of what is not.
        ("older_than", vanished(recent), "clear"),
    ] {
        let table = format!("{rule} = '7d'");
        assert_eq!(verdict(&table, &never, past), expected, "{rule} {past:?}");
        let listed = read(&table).unwrap().judge(&account(), &never);
        let is_about_past = rule != "older_than";
        assert_eq!(listed.is_empty(), is_about_past, "{rule}");
    }
    for (expiry, vanished_rule, expired_rule) in [
        // It expired, and then vanished.
        ("now-2d", "clear", "found"),
        ("now-9d", "clear", "clear"),
        // Somebody ended it before.
        ("now-1h", "found", "clear"),
        ("now+9d", "found", "clear"),
    ] {
        let mut token = token();
        token.expiry = at(expiry);
        let past = vanished(recent);
        let found = ["vanished_within", "expired_within"]
            .map(|rule| verdict(&format!("{rule} = '7d'"), &token, past));
        assert_eq!(found, [vanished_rule, expired_rule], "{expiry}");
        let listed = read("expired_within = '7d'").unwrap();
        let listed = listed.judge(&account(), &token);
        let is_over = matches!(expiry, "now-2d" | "now-1h");
        assert_eq!(listed.len(), usize::from(is_over), "{expiry}");
    }
    let mut revoked = never.clone();
    revoked.state = TokenState::Revoked;
    let past = vanished(recent);
    assert_eq!(verdict("vanished_within = '7d'", &revoked, past), "clear");
    let unknown = verdict("expired_within = '7d'", &token(), past);
    assert_eq!(unknown, "expiry");

    let check = read("appeared_within = '7d'\nvanished_within = '9d'").unwrap();
    let start = time("now-9d");
    assert_eq!(check.past_from(), Some((RuleKind::VanishedWithin, start)));
    assert_eq!(read("older_than = '1d'").unwrap().past_from(), None);
    let judged = check.judge_past(&account(), &never, past);
    let [Judgement::Found(finding)] = &judged[..] else {
        panic!("{judged:?}")
    };
    assert_eq!(finding.since(), Some(recent));
}

#[test]
fn every_rule_of_a_check_finds_for_itself() {
    let check = read("never_expires = true\nolder_than = '1d'\nbroad_scopes = 'all.*'").unwrap();
    let mut token = token();
    (token.expiry, token.created_at) = (Fact::Absent, at("now-2d"));
    let judgements = check.judge(&account(), &token);
    let rules: Vec<_> = judgements
        .iter()
        .map(|judgement| match judgement {
            Judgement::Found(finding) => finding.rule().to_string(),
            Judgement::NotJudged { rule, missing } => format!("{rule}: {missing}?"),
        })
        .collect();
    assert_eq!(
        rules,
        ["never_expires", "older_than", "broad_scopes: scopes?"]
    );
}

#[test]
fn a_check_concerns_accounts_by_name_provider_and_tag() {
    let tags = ["prod".to_owned()];
    for (keys, expected) in [
        ("", true),
        ("accounts = 'i*'", true),
        ("accounts = ['a', 'b']", false),
        ("provider = ['foreman', 'los*']", true),
        ("provider = 'foreman'", false),
        ("tags = 'pr*'", true),
        ("tags = ['test']", false),
        ("tags = 'prod'\naccounts = 'x'", false),
    ] {
        let check = read(&format!("never_expires = true\n{keys}")).unwrap();
        assert_eq!(check.concerns(&account(), &tags), expected, "{keys}");
    }
    let check = read("never_expires = true\ntags = '*'").unwrap();
    assert!(!check.concerns(&account(), &[]));
}

#[test]
fn a_mistake_in_a_check_is_an_error_with_its_line() {
    for (table, expected) in [
        (
            "unused_fro = '90d'",
            "line 2: unknown key `unused_fro` in checks.stale; did you mean `unused_for`?",
        ),
        (
            "unused_for = 90",
            "line 2: checks.stale.unused_for must be a period, such as \"30d\"",
        ),
        (
            "never_expires = 'yes'",
            "line 2: checks.stale.never_expires must be true or false",
        ),
        (
            "where = 'stat = active'",
            "line 2: checks.stale.where: at character 1: unknown field; did you mean `state`?",
        ),
        (
            "older_than = '9999999d'",
            "line 2: checks.stale.older_than: the period is too long",
        ),
        (
            "accounts = 'iot'",
            "line 1: checks.stale has no rule; write at least one of never_expires, \
             expires_within, expired, expired_within, appeared_within, vanished_within, unused_for, \
             older_than, broad_scopes, name_not_matching, where",
        ),
        ("never_expires = false", "line 1: checks.stale has no rule;"),
    ] {
        let error = read(table).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        assert_eq!(error.kind(), crate::ErrorKind::Configuration);
    }
}
