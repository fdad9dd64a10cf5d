//! `tokenfleet expiring`: what expires soon, as an exit code.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use serde_json::json;
use support::platforms::{Platforms, ids};
use support::tokenfleet;

fn losant() -> Platforms {
    let fleet = Platforms::start(&["losant", "--tokens=0"], 1).with_account("iot", "losant", "");
    for (name, expiry) in [
        ("later", "--expires-in=29d"),
        ("soon", "--expires-in=2d"),
        ("beyond", "--expires-in=31d"),
        ("never", "--never-expires"),
    ] {
        let name = format!("--name={name}");
        fleet.run("", &["create", &name, expiry]).ends_with(0);
    }
    fleet
}

#[test]
fn what_expires_within_the_period_is_found_the_soonest_first() {
    let fleet = losant();
    let whole = fleet
        .run("", &["expiring", "--within=30d"])
        .ends_with(8)
        .json();
    let names: Vec<_> = whole["findings"].as_array().unwrap().iter().collect();
    let names: Vec<_> = names.iter().map(|finding| &finding["name"]).collect();
    assert_eq!(names, ["soon", "later"]);
    assert!(whole["findings"][0]["until"].is_string());
    // Those that never expire are no findings, but nobody should forget them.
    assert_eq!(whole["total"]["never_expiring"], 1);
    let default = fleet.run("", &["expiring"]).ends_with(8).json();
    assert_eq!(default["findings"], whole["findings"]);
    let one = ["expiring", "--where", "name ~ \"s*\""];
    let whole = fleet.run("", &one).ends_with(8).json();
    assert_eq!(whole["total"]["findings"], 1);
    assert_eq!(whole["total"]["tokens"], 1);
    assert_eq!(whole["total"]["never_expiring"], 0);
    let run = fleet.run("", &["expiring", "--within=1d"]).ends_with(0);
    assert_eq!(run.json()["findings"], json!([]));
    let run = fleet.run("", &["expiring", "--output=table"]).ends_with(8);
    let last = run.stdout.lines().last().unwrap();
    assert_eq!(last, "2 findings; 4 tokens in 1 account, 1 never expires");
}

#[test]
fn tokens_that_nobody_could_count_are_unknown_and_not_zero() {
    let fleet = losant().with_refused_account("gone");
    let run = fleet.run("", &["expiring", "--within=1d"]).ends_with(6);
    assert_eq!(run.json()["total"]["unread_accounts"], 1);
    let run = fleet.run("", &["expiring", "--within=1d", "--output=table"]);
    let last = run.ends_with(6).stdout;
    let last = last.lines().last().unwrap();
    let expected = "0 findings, not everything judged; 4 tokens in 1 account, 1 never expires; the \
                    tokens of 1 account are not known";
    assert_eq!(last, expected);
    let words = ["expiring", "--account=gone", "--output=table"];
    let run = fleet.run("", &words);
    let last = run.stdout.lines().last().unwrap();
    let expected = "0 findings, not everything judged; the tokens of 1 account are not known";
    assert_eq!(last, expected, "{run:?}");
    let run = fleet
        .run("", &["expiring", "--within=1d", "--output=csv"])
        .ends_with(6);
    assert!(run.stderr.contains("gone (losant): list failed"), "{run:?}");
}

#[test]
fn a_waiver_of_the_command_silences_one_token_until_its_last_day() {
    let fleet = losant();
    let waiver = |check: &str, until: &str| {
        format!(
            "[waivers.known]\naccount = 'iot'\nname = 'soon'\n{check}reason = 'known'\n\
             owner = 'me'\nuntil = '{until}'\n"
        )
    };
    for (check, until, code, waived) in [
        ("check = 'expiring'\n", "2999-01-01", 0, 1),
        ("", "2999-01-01", 0, 1),
        ("check = 'expiring'\n", "2001-01-01", 8, 0),
    ] {
        let run = fleet.run(&waiver(check, until), &["expiring", "--within=3d"]);
        let total = &run.ends_with(code).json()["total"];
        assert_eq!(total["waived"], waived, "{check} {until}");
    }
    let misspelled = waiver("check = 'expring'\n", "2999-01-01");
    let run = fleet.run(&misspelled, &["expiring"]).ends_with(2);
    assert!(run.stderr.contains("did you mean `expiring`?"), "{run:?}");
}

#[test]
fn expired_tokens_that_nobody_revoked_are_found_on_request() {
    let fleet = Platforms::start(&["losant", "--tokens=40", "--seed=1"], 1);
    let fleet = fleet.with_account("iot", "losant", "");
    let expired = fleet.ids("iot", "state = expired");
    assert!(!expired.is_empty());
    let whole = fleet
        .run("", &["expiring", "--within=1s"])
        .ends_with(0)
        .json();
    assert_eq!(whole["findings"], json!([]));
    let words = ["expiring", "--within=1s", "--include-expired"];
    let whole = fleet.run("", &words).ends_with(8).json();
    assert_eq!(ids(&whole["findings"]), expired);
}

#[test]
fn a_condition_that_cannot_be_judged_does_not_pass() {
    let fleet = losant().with_refused_account("refused");
    let iot = "--account=iot";
    let words = ["expiring", iot, "--where", "last_used < now-1d"];
    let whole = fleet.run("", &words).ends_with(6).json();
    assert_eq!(whole["findings"], json!([]));
    assert_eq!(whole["not_judged"][0]["missing"], "last_used");
    // Those that expire later are none of its business.
    assert_eq!(whole["not_judged"][0]["tokens"], 2);
    let negated = ["expiring", iot, "--where", "not last_used < now-1d"];
    fleet.run("", &negated).ends_with(6);
    let nobody = "name = nobody and last_used < now-1d";
    let words = ["expiring", iot, "--where", nobody];
    fleet.run("", &words).ends_with(0);
    // The account that the condition rules out is not read.
    let words = ["expiring", "--where", "account = iot and name = soon"];
    let whole = fleet.run("", &words).ends_with(8).json();
    assert_eq!(whole["accounts"].as_array().unwrap().len(), 1);
}

#[test]
fn an_account_that_cannot_be_read_is_no_good_news() {
    let run = tokenfleet(&["expiring", "--simulate", "--account=mindbody"]).ends_with(6);
    assert_eq!(run.json()["not_judged"][0]["account"], "mindbody");
    let fleet = losant().with_refused_account("refused");
    fleet.run("", &["expiring", "--within=1d"]).ends_with(6);
    fleet
        .run("", &["expiring", "--account=refused"])
        .ends_with(3);
}

#[test]
fn a_wrong_period_or_filter_is_an_error() {
    for (word, expected) in [
        ("--within=30", "expected a number and a unit"),
        ("--within=9999999d", "--within: the period is too long"),
        (
            "--where=stat = active",
            "--where: at character 1: unknown field",
        ),
    ] {
        let run = tokenfleet(&["expiring", "--simulate", word]).ends_with(2);
        assert!(run.stderr.contains(expected), "{run:#?}");
    }
}
