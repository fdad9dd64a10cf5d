//! What is unknown about a token where a field is missing.

use super::*;

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
