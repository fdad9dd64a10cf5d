//! Waivers: which findings they cover, and until when.

use super::*;

const WAIVER: &str = "account = 'i*'\nid = '1'\nreason = 'old'\nowner = 'ops'\n";

fn waiver(table: &str) -> Result<Waiver> {
    let reader = ConfigurationReader::new().with_named_tables("waivers");
    let configuration = reader.parse(&format!("[waivers.w]\n{table}"))?;
    let (name, settings) = configuration.named_tables("waivers").next().unwrap();
    Waiver::from_settings(name, settings.clone())
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
