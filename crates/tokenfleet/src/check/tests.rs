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
fn a_filter_is_unknown_only_where_a_missing_field_decides() {
    let mut token = token();
    token.name = Fact::Known("ci".into());
    for (text, expected) in [
        ("last_used < now-90d", "last_used"),
        // A query lets such a token in.
        ("not last_used < now-90d", "last_used"),
        ("last_used is not_reported", "found"),
        ("last_used is never", "last_used"),
        ("name = ci and last_used < now-90d", "last_used"),
        ("name = x and last_used < now-90d", "clear"),
        ("name = ci or last_used < now-90d", "found"),
        ("last_used < now-90d or name = ci", "found"),
        ("name = x or owner = alice", "owner"),
        ("owner != alice", "owner"),
        ("attribute.kind = session", "attribute.kind"),
        ("attribute.kind is not_reported", "found"),
        ("provider = losant and account ~ 'i*'", "found"),
        ("provider = foreman and owner = alice", "clear"),
        ("state != revoked", "found"),
        ("everything", "found"),
        ("nothing", "clear"),
    ] {
        let table = format!("where = \"{}\"", text.replace('\'', "\\\""));
        assert_eq!(verdict(&table, &token), expected, "{text}");
    }
    token.state = TokenState::Unknown;
    assert_eq!(verdict("where = 'state = active'", &token), "state");
    token.attributes.insert("kind", Attribute::Text("x".into()));
    assert_eq!(
        verdict("where = 'attribute.kind = session'", &token),
        "clear"
    );
}

#[test]
fn an_owner_without_a_name_is_judged_by_id_only() {
    let mut token = token();
    token.owner = Fact::Known(Principal::new("u1"));
    for (text, expected) in [
        ("owner = u1", "found"),
        ("owner != u1", "clear"),
        ("owner = alice", "owner.name"),
        ("owner != alice", "owner.name"),
        ("owner in (u1, alice)", "found"),
        ("owner is none", "clear"),
    ] {
        assert_eq!(
            verdict(&format!("where = '{text}'"), &token),
            expected,
            "{text}"
        );
    }
    token.owner = Fact::Known(Principal::new("u1").with_name(Some("bob".to_owned())));
    assert_eq!(verdict("where = 'owner = alice'", &token), "clear");
    assert_eq!(verdict("where = 'owner = bob'", &token), "found");
    token.owner = Fact::Absent;
    assert_eq!(verdict("where = 'owner = alice'", &token), "clear");
}

#[test]
fn a_token_that_is_not_annotated_has_no_annotation() {
    let mut token = token();
    for (text, expected, annotated) in [
        ("annotation.team = ops", "clear", "clear"),
        ("annotation.team != ops", "found", "found"),
        ("annotation.team is none", "found", "clear"),
        ("annotation.team is not_reported", "found", "clear"),
        ("annotation.team = web", "clear", "found"),
        ("annotation.until < now", "clear", "found"),
        ("annotation.until >= now", "clear", "clear"),
        ("annotation.until is none", "found", "clear"),
    ] {
        let table = format!("where = '{text}'");
        assert_eq!(verdict(&table, &token), expected, "{text}");
        let mut token = token.clone();
        for (name, value) in [("team", "web"), ("until", "2030-05-31T00:00:00Z")] {
            let name = format!("annotation.{name}");
            token.attributes.insert(name, Attribute::from(value));
        }
        assert_eq!(verdict(&table, &token), annotated, "{text}");
    }
    token
        .attributes
        .insert("annotation.owner", Attribute::from("alice"));
    let finding = finding(&token);
    assert_eq!(finding.annotation("owner"), Some("alice"));
    assert_eq!(finding.annotation("team"), None);
    let json = serde_json::to_value(&finding).unwrap();
    assert_eq!(json["annotation"], serde_json::json!({"owner": "alice"}));
}

#[test]
fn a_check_that_is_narrowed_to_some_tokens_does_not_pass_what_it_cannot_tell() {
    let narrowed = |text: &str| {
        let filter = Filter::parse_at(text, now()).unwrap();
        read("never_expires = true").unwrap().with_tokens(filter)
    };
    let mut never = token();
    never.expiry = Fact::Absent;
    let mut ending = token();
    ending.expiry = at("now+1d");
    for (text, token, expected, is_left_out) in [
        ("state = active", &never, "found", false),
        ("state = revoked", &never, "clear", true),
        ("last_used < now-1d", &never, "last_used", false),
        // The rule decides.
        ("last_used < now-1d", &ending, "clear", false),
        ("name = x", &token(), "name", false),
        ("account = iot", &never, "found", false),
    ] {
        let check = narrowed(text);
        let judgements = check.judge(&account(), token);
        let verdict = match &judgements[..] {
            [] => "clear",
            [Judgement::Found(_)] => "found",
            [Judgement::NotJudged { missing, .. }] => missing,
            several => panic!("{several:?}"),
        };
        assert_eq!(verdict, expected, "{text}");
        assert_eq!(check.leaves_out(&account(), token), is_left_out, "{text}");
        assert!(check.concerns(&account(), &[]), "{text}");
    }
    let elsewhere = narrowed("account = other and last_used < now-1d");
    assert!(!elsewhere.concerns(&account(), &[]));
}

#[test]
fn a_fully_reported_token_is_judged_like_a_query_matches() {
    let mut token = token();
    token.name = Fact::Known("ci".into());
    token.last_used = at("now-100d");
    token.expiry = Fact::Absent;
    for text in [
        "last_used < now-90d",
        "not (last_used < now-90d and expiry is never)",
        "name ~ \"c*\" and (expiry < now or expiry is never)",
        "name != ci or state in (active, suspended)",
    ] {
        let filter = Filter::parse_at(text, now()).unwrap();
        let truth = Truth::of(&filter, &account(), &token);
        assert_eq!(truth, filter.matches(&token).into(), "{text}");
    }
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

const WAIVER: &str = "account = 'i*'\nid = '1'\nreason = 'old'\nowner = 'ops'\n";

fn waiver(table: &str) -> Result<Waiver> {
    let reader = ConfigurationReader::new().with_named_tables("waivers");
    let configuration = reader.parse(&format!("[waivers.w]\n{table}"))?;
    let (name, settings) = configuration.named_tables("waivers").next().unwrap();
    Waiver::from_settings(name, settings.clone())
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
fn a_waiver_holds_to_the_end_of_its_last_day() {
    for (until, is_expired) in [
        ("2030-06-01", false),
        ("2030-05-31", true),
        ("2030-06-01T12:00:00Z", true),
        ("2030-06-01T12:00:01Z", false),
    ] {
        let waiver = waiver(&format!("{WAIVER}until = '{until}'")).unwrap();
        assert_eq!(waiver.is_expired(now()), is_expired, "{until}");
    }
}

#[test]
fn a_waiver_covers_one_token_and_not_another_that_is_named_like_its_id() {
    let until = "until = '2030-12-31'";
    let mut named = token();
    (named.id, named.name) = (TokenId::new("2"), Fact::Known("1".into()));
    let by_id = waiver(&format!("{WAIVER}{until}")).unwrap();
    assert!(by_id.covers(&finding(&token()), &token()));
    assert!(!by_id.covers(&finding(&named), &named));
    let text = WAIVER.replace("id = '1'", "name = '*'\ncheck = 'stale'");
    let by_name = waiver(&format!("{text}{until}")).unwrap();
    assert!(by_name.covers(&finding(&named), &named));
    assert!(!by_name.covers(&finding(&token()), &token()));
    let other = waiver(&format!("{WAIVER}{until}\ncheck = 'other'")).unwrap();
    assert!(!other.covers(&finding(&token()), &token()));
    let elsewhere = WAIVER.replace("'i*'", "'o*'");
    let elsewhere = waiver(&format!("{elsewhere}{until}")).unwrap();
    assert!(!elsewhere.covers(&finding(&token()), &token()));
}

#[test]
fn a_waiver_with_a_creation_time_does_not_cover_a_successor_of_the_same_id() {
    let created = "created = '2030-01-01T00:00:00Z'\nuntil = '2030-12-31'";
    let waiver = waiver(&format!("{WAIVER}{created}")).unwrap();
    for (created_at, is_covered) in [
        (at("2030-01-01T00:00:00Z"), true),
        (at("2030-01-01T00:00:01Z"), false),
        (Fact::NotReported, false),
    ] {
        let mut token = token();
        token.created_at = created_at;
        assert_eq!(waiver.covers(&finding(&token), &token), is_covered);
    }
}

#[test]
fn expired_and_unused_waivers_are_told_apart() {
    let expired = waiver(&format!("{WAIVER}until = '2030-01-01'")).unwrap();
    let valid = waiver(&format!("{WAIVER}until = '2030-12-31'")).unwrap();
    let unused = WAIVER.replace("id = '1'", "name = 'x'");
    let unused = waiver(&format!("{unused}until = '2030-12-31'")).unwrap();
    let mut waivers = Waivers::new([expired.clone(), unused, valid], now());
    assert_eq!(waivers.cover(&finding(&token()), &token()), Some(2));
    let expired_counts: Vec<_> = waivers.expired().map(|(_, findings)| *findings).collect();
    assert_eq!(expired_counts, [1]);
    assert_eq!(waivers.unused().count(), 1);
    let mut only_expired = Waivers::new([expired], now());
    assert_eq!(only_expired.cover(&finding(&token()), &token()), None);
}

#[test]
fn a_mistake_in_a_waiver_is_an_error_with_its_line() {
    for (table, expected) in [
        (
            format!("{WAIVER}until = 'soon'"),
            "line 6: waivers.w.until is not a day; write until = \"2030-01-31\"",
        ),
        (
            format!("{WAIVER}until = 'now+1d'"),
            "line 6: waivers.w.until is not a day;",
        ),
        (
            format!("{WAIVER}created = 'then'\nuntil = '2030-01-31'"),
            "line 6: waivers.w.created is not a time; write created = ",
        ),
        (
            format!("{WAIVER}untill = '2030-01-31'"),
            "line 6: unknown key `untill` in waivers.w; did you mean `until`?",
        ),
        (
            format!("{WAIVER}name = 'x'\nuntil = '2030-01-31'"),
            "line 1: waivers.w needs either the id or the name of a token;",
        ),
        (
            WAIVER.replace("owner = 'ops'\n", ""),
            "line 1: missing key `owner` in waivers.w;",
        ),
    ] {
        let error = waiver(&table).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    let waiver = waiver(&format!("{WAIVER}until = '2030-01-31'\ncheck = 'stael'")).unwrap();
    let error = waiver.require_check(&["stale"]).unwrap_err();
    let advice = did_you_mean("stael", &["stale"]);
    assert_eq!(
        error.to_string(),
        format!("line 7: waivers.w.check: unknown check `stael`; {advice}")
    );
}
