//! Plans of revocations: made from a listing, reviewed, and carried out as often as it takes.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::account::Account;
use support::configuration;

fn filled(provider: &str, tokens: usize) -> Account {
    let account = Account::at(provider);
    for number in 0..tokens {
        let token = json!({"name": format!("old {number}")}).to_string();
        account.control("POST", "/tokens", &token);
    }
    account
}

fn ids(account: &Account, words: &[&str]) -> Vec<String> {
    let list = account.run(&[&["list", "--where=name ^= old"], words].concat());
    let list = list.ends_with(0).json();
    let tokens = list["tokens"].as_array().unwrap();
    let id = |token: &Value| token["id"].as_str().unwrap().to_owned();
    tokens.iter().map(id).collect()
}

const PLAN: [&str; 2] = ["plan", "--where=name ^= old"];

#[test]
fn a_plan_is_reviewed_and_carried_out_and_carried_out_again() {
    for provider in ["losant", "foreman"] {
        let account = filled(provider, 6);
        let before = ids(&account, &[]);
        let acting = format!("--acting={}", before[0]);
        let plan = account.run(&[&PLAN[..], &[&acting]].concat()).ends_with(0);
        assert_eq!(plan.stderr, "");
        let lines: Vec<_> = plan.stdout.lines().collect();
        assert_eq!(lines.len(), 2 + 6, "{plan:?}");
        assert!(
            lines[7].starts_with(&format!("last {}  # old ", before[0])),
            "{plan:?}"
        );
        assert_eq!(ids(&account, &[]).len(), 6, "a plan revokes nothing");

        // Somebody strikes one out.
        let (kept, rest): (Vec<&str>, Vec<&str>) = lines
            .iter()
            .copied()
            .partition(|line: &&str| line.contains("# old 3"));
        assert_eq!(kept.len(), 1);
        let path = configuration(&rest.join("\n"));
        account
            .run(&["revoke", "--plan", &path])
            .ends_with(2)
            .complaint();
        let words = ["revoke", "--plan", &path, "--yes", "--at-a-time=2"];
        let run = account.run(&words).ends_with(0);
        let verdicts: Vec<Value> = run
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(verdicts.len(), 5);
        assert!(
            verdicts
                .iter()
                .all(|verdict| verdict["outcome"] == "revoked"),
            "{run:?}"
        );
        assert_eq!(
            verdicts[4]["id"].as_str(),
            Some(&*before[0]),
            "the acting one is the last"
        );
        assert_eq!(ids(&account, &["--state=active"]).len(), 1);

        let again = account.run(&words).ends_with(0);
        assert_eq!(again.stdout.matches("already_").count(), 5, "{again:?}");
    }
}

#[test]
fn a_plan_ends_well_only_if_every_token_is_dead() {
    let account = filled("losant", 3);
    let plan = account.run(&PLAN).ends_with(0);
    let path = configuration(&plan.stdout);
    let words = ["revoke", "--plan", &path, "--yes", "--at-a-time=1"];
    let meet = |action: Value, times: u32| {
        let fault = json!({"method": "DELETE", "times": times, "actions": [action]}).to_string();
        account.control("POST", "/faults", &fault);
    };
    meet(json!({"answer": {"status": 403, "body": "{}"}}), 1);
    let run = account.run(&words).ends_with(1);
    assert!(run.complaint().contains("revoke failed: token "), "{run:?}");
    assert_eq!(run.stdout.lines().count(), 2, "the others died: {run:?}");
    meet(json!("close_after"), 4);
    let run = account.run(&words).ends_with(7);
    assert_eq!(run.stdout.lines().count(), 2, "{run:?}");
    account.run(&words).ends_with(0);
}

#[test]
fn a_token_that_may_not_be_revoked_is_suspended_if_that_is_wanted_and_is_not_called_dead() {
    let account = filled("losant", 1);
    let plan = account.run(&PLAN).ends_with(0);
    let path = configuration(&plan.stdout);
    let refusal = json!({"answer": {"status": 403, "body": "{}"}});
    account.meet("DELETE", &refusal);
    let words = ["revoke", "--plan", &path, "--yes", "--or-suspend"];
    let run = account.run(&words).ends_with(1);
    assert_eq!(run.json()["outcome"], "suspended_only");
    assert_eq!(ids(&account, &["--state=suspended"]).len(), 1);
}

#[test]
fn a_plan_names_its_account_and_is_refused_elsewhere() {
    let account = filled("losant", 1);
    let other = Account::at("foreman");
    let plan = account.run(&PLAN).ends_with(0);
    let path = configuration(&plan.stdout);
    let run = other
        .run(&["revoke", "--plan", &path, "--yes"])
        .ends_with(2);
    assert!(
        run.complaint()
            .contains("the plan belongs to another account"),
        "{run:?}"
    );
    for (text, expected) in [
        ("no plan", "must start with the line"),
        (
            "tokenfleet revocations 1\naccount losant mine\nkill 1\n",
            "line 3 of the plan",
        ),
    ] {
        let path = configuration(text);
        let run = account
            .run(&["revoke", "--plan", &path, "--yes"])
            .ends_with(2);
        let line = run.complaint();
        assert!(line.contains(expected) && line.contains(&path), "{line}");
    }
    account
        .run(&["revoke", "--plan=there-is-none", "--yes"])
        .ends_with(2)
        .complaint();
    assert_eq!(ids(&account, &[]).len(), 1);
}

#[test]
fn an_incomplete_listing_makes_no_plan_unless_that_is_accepted() {
    let account = Account::at("cloudsmith");
    let meet = || {
        let fault = json!({"method": "GET", "times": 9, "actions": [{"lie_about_totals": 5}]});
        account.control("DELETE", "/faults", "");
        account.control("POST", "/faults", &fault.to_string());
    };
    meet();
    let run = account.run(&["plan"]).ends_with(6);
    assert_eq!(run.stdout, "");
    assert!(run.complaint().contains("--allow-incomplete"), "{run:?}");
    meet();
    let run = account.run(&["plan", "--allow-incomplete"]).ends_with(0);
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{run:?}");
    assert!(lines[3].starts_with("# the listing is not"), "{run:?}");
    assert!(run.complaint().starts_with("warning: "), "{run:?}");
}

#[test]
fn what_cannot_be_revoked_by_id_cannot_be_planned() {
    Account::at("mindbody")
        .run(&["plan"])
        .ends_with(5)
        .complaint();
}
