//! `show`: one token by its id or by its name.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use support::account::Account;

fn create(account: &Account, name: &str) {
    let body = serde_json::json!({ "name": name }).to_string();
    account.control("POST", "/tokens", &body);
}

#[test]
fn a_name_is_taken_for_the_only_token_that_has_it() {
    for provider in ["losant", "foreman"] {
        let account = Account::new(provider);
        create(&account, "only one");
        let shown = account.run(&["show", "only one"]).ends_with(0).json();
        assert_eq!(shown["name"], "only one");
        let id = shown["id"].as_str().unwrap();
        let by_id = account.run(&["show", id]).ends_with(0).json();
        assert_eq!(by_id, shown);

        let run = account.run(&["show", "nobody"]);
        assert!([2, 4].contains(&run.code), "{run:?}");
        let line = run.error_line();
        assert!(line.contains("token nobody: "), "{line}");
        assert!(account.run(&["show", "Only One"]).code != 0);
    }
}

#[test]
fn an_id_comes_before_a_name_and_several_tokens_of_a_name_are_listed() {
    let account = Account::new("losant");
    create(&account, "twin");
    let tokens = account.run(&["list", "--name=twin"]).ends_with(0).json();
    let first = tokens["tokens"][0]["id"].as_str().unwrap().to_owned();
    create(&account, "twin");
    let run = account.run(&["show", "twin"]).ends_with(2);
    let line = run.error_line();
    let start = "error: mine (losant): show failed: 2 tokens have that name; pass one of the ids: ";
    assert!(line.starts_with(start) && line.contains(&first), "{line}");
    create(&account, &first);
    let shown = account.run(&["show", &first]).ends_with(0).json();
    assert_eq!(shown["name"], "twin");
}

#[test]
fn a_list_that_may_lack_a_token_of_the_name_decides_nothing() {
    let account = Account::new("losant");
    create(&account, "only one");
    let fault =
        serde_json::json!({"method": "GET", "times": 9, "actions": [{"lie_about_totals": 5}]});
    account.control("POST", "/faults", &fault.to_string());
    let run = account.run(&["show", "only one"]);
    assert_ne!(run.code, 0, "{run:?}");
    assert_eq!(run.stdout, "");
}

#[test]
fn what_may_be_a_secret_is_not_looked_for_by_its_name() {
    let account = Account::new("losant");
    let secret = "SK-PrjW98OTY1h8QTY9hUA";
    let run = account.run(&["show", secret]).hiding(&[secret]);
    assert_ne!(run.code, 0);
    let log = account.control("GET", "/log", "");
    assert!(log["total"].as_u64().unwrap() <= 1, "{log}");
}
