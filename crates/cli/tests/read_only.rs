//! Accounts and commands that change nothing.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;

use serde_json::Value;
use support::account::Account;
use support::temporary_file;

/// Returns an account that is read-only by its configuration, in line 2 of the file.
fn read_only_account(provider: &str) -> Account {
    let mut account = Account::new(provider);
    let configuration = fs::read_to_string(&account.path).unwrap();
    let text = configuration.replacen(
        "[accounts.mine]\n",
        "[accounts.mine]\nread_only = true\n",
        1,
    );
    account.path = temporary_file(&text);
    account
}

fn requests(account: &Account) -> u64 {
    account.control("GET", "/log", "")["total"]
        .as_u64()
        .unwrap()
}

fn first_id(account: &Account) -> String {
    let tokens = account.control("GET", "/tokens", "");
    tokens["tokens"][0]["id"]
        .as_str()
        .unwrap_or("any")
        .to_owned()
}

/// Returns each command that changes something on this platform.
fn writes(provider: &str, id: &str) -> Vec<Vec<String>> {
    let commands: &[&[&str]] = match provider {
        "losant" => &[
            &["create", "--name=ci"],
            &["create", "--name=ci", "--exactly-once"],
            &["update", "ID", "--suspend"],
            &["revoke", "ID", "--yes"],
            &["revoke", "ID"],
        ],
        "foreman" => &[&["create", "--name=ci"], &["revoke", "ID", "--yes"]],
        "cloudsmith" => &[
            &["rotate", "ID", "--yes"],
            &["rotate", "--yes"],
            &["revoke", "ID", "--yes", "--accept-replacement"],
        ],
        _ => &[
            &["create"],
            &["renew", "--secret-env=SECRET"],
            &["revoke", "--secret-env=SECRET", "--yes"],
        ],
    };
    let word = |word: &&str| if *word == "ID" { id } else { word }.to_owned();
    let words = |words: &&[&str]| words.iter().map(word).collect();
    commands.iter().map(words).collect()
}

#[test]
fn a_read_only_account_refuses_every_change_before_it_is_sent_and_names_the_key() {
    for provider in ["losant", "foreman", "cloudsmith", "mindbody"] {
        let account = read_only_account(provider);
        let id = first_id(&account);
        for words in writes(provider, &id) {
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            let run = account.run_with_secret("a-secret-of-ours", &words);
            let line = run.ends_with(2).error_line().to_owned();
            assert!(
                line.contains("the account is read-only"),
                "{words:?}: {line}"
            );
            let place = format!("({}: line 2: accounts.mine.read_only)", account.path);
            assert!(line.contains(&place), "{words:?}: {line}");
        }
        assert_eq!(requests(&account), 0, "{provider}");
        let run = account.run(&["capabilities", "--output=json"]).ends_with(0);
        let json = run.json();
        let read_only = json["accounts"][0]["read_only"].as_str().unwrap();
        assert!(read_only.starts_with("`read_only = true`"), "{read_only}");
        let table = account
            .run(&["capabilities", "--output=table"])
            .ends_with(0);
        assert!(
            table.stdout.contains("mine: read-only;")
                || table.stdout.contains("read-only; to allow changes"),
            "{table:?}"
        );
    }
}

#[test]
fn the_option_makes_every_account_read_only_and_what_reads_still_works() {
    let account = Account::new("losant");
    let id = first_id(&account);
    let run = account
        .run(&["--read-only", "revoke", &id, "--yes"])
        .ends_with(2);
    assert!(
        run.error_line()
            .ends_with("to allow changes, remove --read-only"),
        "{run:?}"
    );
    for words in [
        &["list"][..],
        &["show", &id],
        &["plan"],
        &["explain"],
        &["verify", "--secret-env=MINE_TOKEN"],
    ] {
        account
            .run(&[words, &["--read-only"]].concat())
            .ends_with(0);
    }
    let marker = "--marker=tf-0123456789abcdef";
    account
        .run(&["reconcile", marker, "--read-only"])
        .ends_with(4);
    account.run(&["revoke", &id, "--yes"]).ends_with(0);
}

#[test]
fn a_plan_is_written_for_a_read_only_account_and_not_carried_out_there() {
    let account = read_only_account("losant");
    let plan = account.run(&["plan"]).ends_with(0).stdout;
    let path = temporary_file(&plan);
    let before = account.control("GET", "/tokens", "");
    let run = account
        .run(&["revoke", "--plan", &path, "--yes"])
        .ends_with(2);
    assert!(
        run.error_line().contains("the account is read-only"),
        "{run:?}"
    );
    let after = account.control("GET", "/tokens", "");
    assert_eq!(
        before["tokens"].as_array().map(Vec::len),
        after["tokens"].as_array().map(Vec::len)
    );
}

#[test]
fn with_json_the_refusal_is_an_object() {
    let account = read_only_account("losant");
    let run = account
        .run(&["create", "--name=ci", "--output=json"])
        .ends_with(2);
    let error: Value = serde_json::from_str(&run.stderr).unwrap();
    let error = &error["error"];
    assert_eq!(error["kind"], "configuration");
    assert_eq!(error["fate"], "not_sent");
    assert_eq!(error["account"], "mine");
}
