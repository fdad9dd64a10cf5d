//! `check` and `expiring` by the snapshots of the ledger: what appeared, vanished or expired.

#![cfg(all(unix, feature = "simulate"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::time::Duration;

use serde_json::Value;
use support::Run;
use support::remembered::Remembered;
use tokenfleet::{Completeness, Fact, Timestamp, Token, TokenId, TokenState};
use tokenfleet_ledger::{Ledger, PageRequest, Source, SqliteLedger, Verdict};

const CHECKS: &str = "
[checks.new]
appeared_within = '7d'
[checks.gone]
vanished_within = '7d'
[checks.over]
expired_within = '7d'
";

/// Returns the time so many days ago.
fn ago(days: u64) -> Timestamp {
    let period = Duration::from_secs(days * 86_400);
    Timestamp::now().checked_sub(period).unwrap()
}

fn token(id: &str, expiry: Fact<Timestamp>) -> Token {
    let mut token = Token::new(TokenId::new(id), TokenState::Active);
    token.name = Fact::Known(id.to_owned());
    token.expiry = expiry;
    token
}

/// Creates an account with tokens and the checks, and a ledger that begins with snapshots of these
/// days ago: its tokens and those that are given.
fn with_past(past: &[(u64, &[Token])]) -> Remembered {
    let remembered = Remembered::one("losant", 6);
    let text = fs::read_to_string(&remembered.path).unwrap();
    fs::write(&remembered.path, text + CHECKS).unwrap();
    remembered.snapshot(0);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.build().unwrap().block_on(async {
        let (source, own) = last_state(&remembered).await;
        fs::remove_file(remembered.file()).unwrap();
        let ledger = SqliteLedger::open(remembered.file()).await.unwrap();
        for (days, tokens) in past {
            let mut recorder = ledger.begin(&source, ago(*days)).await.unwrap();
            recorder.record(&own).await.unwrap();
            recorder.record(tokens).await.unwrap();
            let complete = Verdict::Listed(Completeness::Complete);
            recorder.close(complete).await.unwrap();
        }
    });
    remembered
}

async fn last_state(remembered: &Remembered) -> (Source, Vec<Token>) {
    let ledger = SqliteLedger::open(remembered.file()).await.unwrap();
    let source = ledger.accounts().await.unwrap().remove(0);
    let page = PageRequest::default();
    let state = ledger.state(&source, Timestamp::now(), &page).await;
    (source, state.unwrap().items)
}

/// Returns the check and the name of each finding, sorted.
fn findings(run: &Run) -> Vec<(String, String)> {
    let whole = run.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = whole["findings"].as_array().unwrap().iter();
    let mut findings: Vec<_> = findings
        .map(|finding| (text(&finding["check"]), text(&finding["name"])))
        .collect();
    findings.sort();
    findings
}

/// Returns why something was not judged, once each.
fn reasons(run: &Run) -> Vec<String> {
    let whole = run.json();
    let entries = whole["not_judged"].as_array().unwrap().iter();
    let mut reasons: Vec<_> = entries
        .map(|entry| entry["reason"].as_str().unwrap().to_owned())
        .collect();
    reasons.dedup();
    reasons
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(check, name)| ((*check).to_owned(), (*name).to_owned()))
        .collect()
}

#[test]
fn what_appeared_vanished_or_expired_while_nobody_looked_is_found() {
    let (gone, passing) = (token("gone", Fact::Absent), token("passing", Fact::Absent));
    let lapsed = token("lapsed", Fact::Known(ago(3)));
    let long_gone = token("long gone", Fact::Absent);
    let remembered = with_past(&[
        (12, &[gone.clone(), lapsed.clone(), long_gone]),
        (10, &[gone.clone(), lapsed.clone()]),
        (5, &[gone, lapsed, passing]),
    ]);
    remembered.fleet.create(0, &["theirs"]);
    let create = ["create", "--name=ours", "--expires-in=60d"];
    remembered.run(&create).ends_with(0);
    remembered.snapshot(0);

    let run = remembered.run(&["check", "--output=json"]).ends_with(8);
    let expected = pairs(&[
        ("gone", "gone"),
        ("gone", "passing"),
        ("new", "passing"),
        ("new", "theirs"),
        ("over", "lapsed"),
    ]);
    assert_eq!(findings(&run), expected);
    assert_eq!(reasons(&run), Vec::<String>::new());
    let table = remembered.run(&["check", "new", "--output=table"]);
    assert!(table.ends_with(8).stdout.contains("appeared_within: by "));

    let expiring = |since: &str| {
        let words = ["expiring", "--within=1d", "--output=json", "--since", since];
        remembered.run(&words)
    };
    let found = findings(&expiring("7d").ends_with(8));
    assert_eq!(found, pairs(&[("expiring", "lapsed")]));
    expiring("2d").ends_with(0);
    let plain = ["expiring", "--within=1d", "--output=json"];
    remembered.run(&plain).ends_with(0);
}

#[test]
fn a_token_that_came_back_has_neither_vanished_nor_appeared() {
    let remembered = with_past(&[(10, &[])]);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.build().unwrap().block_on(async {
        let (source, own) = last_state(&remembered).await;
        let ledger = SqliteLedger::open(remembered.file()).await.unwrap();
        let mut recorder = ledger.begin(&source, ago(5)).await.unwrap();
        let is_alive = |token: &Token| token.state == TokenState::Active;
        let missing = own.iter().position(is_alive).unwrap();
        recorder.record(&own[..missing]).await.unwrap();
        recorder.record(&own[missing + 1..]).await.unwrap();
        let complete = Verdict::Listed(Completeness::Complete);
        recorder.close(complete).await.unwrap();
    });
    let run = remembered.run(&["check", "gone"]);
    assert_eq!(run.json()["findings"].as_array().unwrap().len(), 1);
    remembered.snapshot(0);
    remembered.run(&["check"]).ends_with(0);
}

#[test]
fn a_past_that_is_not_known_is_not_judged() {
    let unknown = |remembered: &Remembered, expected: &str| {
        let run = remembered.run(&["check", "--output=json"]).ends_with(6);
        let reasons = reasons(&run);
        assert!(
            reasons.len() == 1 && reasons[0].starts_with(expected),
            "{reasons:?}"
        );
        let words = ["expiring", "--within=1d", "--since=7d"];
        let run = remembered.run(&words).ends_with(6);
        assert!(run.stdout.contains(expected), "{run:?}");
    };
    unknown(&with_past(&[(3, &[])]), "there is only one snapshot");
    unknown(
        &with_past(&[(5, &[]), (3, &[])]),
        "the first snapshot is of ",
    );
    unknown(&with_past(&[(10, &[])]), "there is no snapshot after ");
    unknown(
        &with_past(&[(10, &[]), (3, &[])]),
        "the last snapshot is of ",
    );
    let remembered = with_past(&[]);
    unknown(&remembered, "the ledger has no snapshot of it");
    fs::remove_file(remembered.file()).unwrap();
    unknown(&remembered, "there is no ledger");
}
