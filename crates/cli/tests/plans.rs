//! Revocation plans: written from a listing, reviewed, and carried out any number of times.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::account::Account;
use support::fleet::Fleet;
use support::{NO_SUCH_FILE, temporary_file};
use tokenfleet::RevocationPlan;

fn account_with_tokens(provider: &str, tokens: usize) -> Account {
    let account = Account::new(provider);
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
        let account = account_with_tokens(provider, 6);
        let before = ids(&account, &[]);
        let own_token = format!("--own-token={}", before[0]);
        let plan = account
            .run(&[&PLAN[..], &[&own_token]].concat())
            .ends_with(0);
        assert_eq!(plan.stderr, "");
        let lines: Vec<_> = plan.stdout.lines().collect();
        assert_eq!(lines.len(), 4 + 6, "{plan:?}");
        assert!(
            lines[9].starts_with(&format!("last {} created ", before[0]))
                && lines[9].contains(" name \"old "),
            "{plan:?}"
        );
        assert_eq!(ids(&account, &[]).len(), 6, "a plan revokes nothing");

        // The reviewer deletes one line.
        let (kept, rest): (Vec<&str>, Vec<&str>) = lines
            .iter()
            .copied()
            .partition(|line: &&str| line.contains(" name \"old 3"));
        assert_eq!(kept.len(), 1);
        let path = temporary_file(&rest.join("\n"));
        let run = account.run(&["revoke", "--plan", &path]).ends_with(2);
        let expected = format!(
            "error: mine ({provider}): revoke failed: cannot ask for confirmation without a \
             terminal; confirm with --yes"
        );
        assert_eq!(run.error_line(), expected);
        let words = ["revoke", "--plan", &path, "--yes", "--max-concurrency=2"];
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
            "the own token is the last"
        );
        assert_eq!(ids(&account, &["--state=active"]).len(), 1);

        let again = account.run(&words).ends_with(0);
        assert_eq!(again.stdout.matches("already_").count(), 5, "{again:?}");
    }
}

#[test]
fn a_plan_succeeds_only_if_every_token_is_revoked() {
    let account = account_with_tokens("losant", 3);
    let plan = account.run(&PLAN).ends_with(0);
    let path = temporary_file(&plan.stdout);
    let words = ["revoke", "--plan", &path, "--yes", "--max-concurrency=1"];
    let inject_fault = |action: Value, times: u32| {
        let fault = json!({"method": "DELETE", "times": times, "actions": [action]}).to_string();
        account.control("POST", "/faults", &fault);
    };
    inject_fault(json!({"answer": {"status": 403, "body": "{}"}}), 1);
    let run = account.run(&words).ends_with(1);
    assert!(
        run.error_line().contains("revoke failed: token "),
        "{run:?}"
    );
    assert_eq!(
        run.stdout.lines().count(),
        2,
        "the others were revoked: {run:?}"
    );
    inject_fault(json!("close_after"), 4);
    let run = account.run(&words).ends_with(7);
    assert_eq!(run.stdout.lines().count(), 2, "{run:?}");
    account.run(&words).ends_with(0);
}

#[test]
fn a_token_that_cannot_be_revoked_is_suspended_on_request_and_not_called_revoked() {
    let account = account_with_tokens("losant", 1);
    let plan = account.run(&PLAN).ends_with(0);
    let path = temporary_file(&plan.stdout);
    let forbidden = json!({"answer": {"status": 403, "body": "{}"}});
    account.inject_fault("DELETE", &forbidden);
    let words = ["revoke", "--plan", &path, "--yes", "--or-suspend"];
    let run = account.run(&words).ends_with(1);
    assert_eq!(run.json()["outcome"], "suspended_only");
    assert_eq!(ids(&account, &["--state=suspended"]).len(), 1);
    let line = run.error_line();
    assert!(
        line.ends_with("the token was suspended instead, and can be resumed"),
        "{line}"
    );
}

#[test]
fn a_suspension_that_fails_too_is_reported() {
    for (answer, code, fate) in [
        (
            json!({"answer": {"status": 403, "body": "{}"}}),
            3,
            "rejected",
        ),
        (
            json!({"answer": {"status": 200, "body": "{}"}}),
            7,
            "maybe_applied",
        ),
    ] {
        let account = account_with_tokens("losant", 1);
        let id = ids(&account, &[]).remove(0);
        let forbidden = json!({"answer": {"status": 403, "body": "{}"}});
        account.inject_fault("DELETE", &forbidden);
        account.inject_fault("PATCH", &answer);
        let words = ["revoke", &id, "--yes", "--or-suspend", "--output=json"];
        let run = account.run(&words).ends_with(code);
        let error: Value = serde_json::from_str(run.error_line()).unwrap();
        let error = &error["error"];
        assert_eq!(error["fate"], fate, "{run:?}");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("to be suspended instead, which failed too"),
            "{message}"
        );
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn a_plan_names_its_account_and_is_rejected_elsewhere() {
    let account = account_with_tokens("losant", 1);
    let other = Account::new("foreman");
    let plan = account.run(&PLAN).ends_with(0);
    let path = temporary_file(&plan.stdout);
    let run = other
        .run(&["revoke", "--plan", &path, "--yes"])
        .ends_with(2);
    let expected = "error: mine (foreman): revoke failed: the plan belongs to another account: its \
                    line `account PROVIDER NAME` says \"mine\" of \"losant\", and in the \
                    configuration that is an account of foreman; create a plan of the account, and \
                    review that";
    assert_eq!(run.error_line(), expected);
    // No other advice: what replaces tokens was not reviewed.
    let cloudsmith = Account::new("cloudsmith");
    let run = cloudsmith
        .run(&["revoke", "--plan", &path, "--yes"])
        .ends_with(2);
    assert!(run.error_line().contains("an account of cloudsmith"));
    assert!(!run.stderr.contains("--accept-replacement"), "{run:?}");
    for (text, part) in [
        ("no plan", "must start with the line"),
        (
            "tokenfleet revocations 2\naccount losant mine\nkill 1\n",
            "line 3",
        ),
    ] {
        let error = text.parse::<RevocationPlan>().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        let path = temporary_file(text);
        let run = account
            .run(&["revoke", "--plan", &path, "--yes"])
            .ends_with(2);
        assert_eq!(run.error_line(), format!("error: {path}: {error}"));
    }
    let utf16: Vec<u8> = plan
        .stdout
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let not_text = temporary_file("");
    std::fs::write(&not_text, [&[0xff, 0xfe], &*utf16].concat()).unwrap();
    let run = account.run(&["revoke", "--plan", &not_text, "--yes"]);
    let expected = format!(
        "error: cannot read {not_text}: it is UTF-16, as some shells write files; save it as UTF-8"
    );
    assert_eq!(run.ends_with(2).error_line(), expected);
    if cfg!(unix) {
        let run = account.run(&["revoke", "--plan=/dev/zero", "--yes"]);
        let expected = "error: cannot read /dev/zero: it is larger than 16 MiB";
        assert_eq!(run.ends_with(2).error_line(), expected);
    }
    let pasted = "SK-PrjW98OTY1h8QTY9hUA";
    let run = account.run(&["revoke", "--plan", pasted, "--yes"]);
    run.ends_with(2).hiding(&[pasted]).error_line();
    let run = account.run(&["revoke", "--plan=there-is-none", "--yes"]);
    let run = run.ends_with(2);
    let expected = format!("error: cannot read there-is-none: {NO_SUCH_FILE}");
    assert_eq!(run.error_line(), expected);
    assert_eq!(ids(&account, &[]).len(), 1);
}

#[test]
fn a_plan_is_carried_out_only_where_it_was_made() {
    for provider in ["losant", "foreman"] {
        let staging = account_with_tokens(provider, 3);
        let production = account_with_tokens(provider, 3);
        let plan = staging.run(&PLAN).ends_with(0);
        let path = temporary_file(&plan.stdout);
        let words = ["revoke", "--plan", &path, "--yes"];
        let run = production.run(&words).ends_with(2);
        let line = run.error_line();
        assert!(
            line.contains("the plan was made in another place"),
            "{line}"
        );
        assert_eq!(production.control("GET", "/log", "")["total"], 0);
        let place = plan.stdout.lines().nth(2).unwrap();
        assert!(place.starts_with("place \"http"), "{place}");

        // Whoever edits the place does not get past the names and times.
        let own = production.run(&PLAN).ends_with(0);
        let edited = plan
            .stdout
            .replace(place, own.stdout.lines().nth(2).unwrap());
        let edited = edited.replace(" created 20", " created 19");
        let path = temporary_file(&edited);
        let run = production.run(&["revoke", "--plan", &path, "--yes"]);
        let run = run.ends_with(1);
        for line in run.stdout.lines() {
            let verdict: Value = serde_json::from_str(line).unwrap();
            let outcome = verdict["outcome"].as_str().unwrap();
            assert!(
                ["not_as_reviewed", "not_found_here"].contains(&outcome),
                "{run:?}"
            );
        }
        assert_eq!(ids(&production, &["--state=active"]).len(), 3);
    }
}

#[test]
fn an_incomplete_listing_makes_no_plan_unless_accepted() {
    let account = Account::new("cloudsmith");
    let inject_fault = || {
        let fault = json!({"method": "GET", "times": 9, "actions": [{"lie_about_totals": 5}]});
        account.control("DELETE", "/faults", "");
        account.control("POST", "/faults", &fault.to_string());
    };
    inject_fault();
    let run = account.run(&["plan"]).ends_with(6);
    assert_eq!(run.stdout, "");
    let line = run.error_line();
    let start = "error: mine (cloudsmith): list failed: the listing is incomplete: ";
    let end = "; run plan again, or accept this with --allow-incomplete";
    assert!(line.starts_with(start) && line.ends_with(end), "{line}");
    inject_fault();
    let run = account.run(&["plan", "--allow-incomplete"]).ends_with(0);
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 5, "{run:?}");
    assert!(
        lines[4].starts_with("# the listing is incomplete: "),
        "{run:?}"
    );
    let expected = lines[4].replacen('#', "warning: mine (cloudsmith):", 1);
    assert_eq!(run.error_line(), expected);
}

#[test]
fn a_plan_says_that_nothing_matches_and_when_each_token_expires() {
    let account = Account::new("losant");
    let run = account.run(&["plan", "--name=nobody"]).ends_with(0);
    let last = run.stdout.lines().last();
    assert_eq!(last, Some("# no token of this account matches"), "{run:?}");
    let create = ["create", "--name=old", "--expires-at=2999-01-01"];
    account.run(&create).ends_with(0);
    account
        .run(&["create", "--name=old", "--never-expires"])
        .ends_with(0);
    let run = account.run(&["plan", "--name=old"]).ends_with(0);
    let comments = run.stdout.lines().filter_map(|line| line.split_once("# "));
    let mut comments: Vec<_> = comments.map(|(_, comment)| comment).collect();
    comments.sort_unstable();
    let expected = [
        "active, expiry 2999-01-01T00:00:00Z",
        "active, never expires",
    ];
    assert_eq!(comments, expected, "{run:?}");
}

#[test]
fn an_account_without_a_match_is_named_where_another_has_one() {
    let fleet = Fleet::new()
        .with("losant", &["--tokens=1"], &[("iot", "")])
        .with("foreman", &["--tokens=1"], &[("infra", "")]);
    fleet.create(0, &["leaked"]);
    let run = fleet.run(&["plan", "--name=leaked"]).ends_with(0);
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(lines[0], "tokenfleet revocations 2");
    assert_eq!(lines[1], "# nothing to revoke: infra (foreman)");
    assert_eq!(
        run.stdout.matches("tokenfleet revocations").count(),
        1,
        "{run:?}"
    );
    let plan = temporary_file(&run.stdout);
    fleet
        .run(&["revoke", "--plan", &plan, "--yes"])
        .ends_with(0);
}

#[test]
fn a_platform_that_cannot_revoke_by_id_has_no_plans() {
    let run = Account::new("mindbody").run(&["plan"]).ends_with(5);
    let expected = "error: mine (mindbody): cannot plan: the platform revokes tokens by secret, not by id; use `tokenfleet revoke --secret-file FILE`";
    assert_eq!(run.advice_line(), expected);
}

/// Two accounts with two old tokens each, and one whose platform cannot revoke by id.
fn three_accounts() -> Fleet {
    let fleet = Fleet::new()
        .with("losant", &["--tokens=1"], &[("iot", "tags = ['planned']")])
        .with(
            "foreman",
            &["--tokens=1"],
            &[("infra", "tags = ['planned']")],
        )
        .with("mindbody", &["--tokens=1"], &[("studio", "")]);
    fleet.create(0, &["old 1", "old 2"]);
    fleet.create(1, &["old 1", "old 2"]);
    fleet
}

fn outcomes(stdout: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let lines = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    lines
        .map(|verdict: Value| (text(&verdict["account"]), text(&verdict["outcome"])))
        .collect()
}

fn active(fleet: &Fleet) -> usize {
    let words = ["list", "--where=name ^= old", "--state=active"];
    let list = fleet.run(&words).ends_with(0).json();
    list["tokens"].as_array().unwrap().len()
}

#[test]
fn one_plan_holds_several_accounts_and_says_which_are_missing() {
    let fleet = three_accounts().with_broken("gone");
    let run = fleet.run(&PLAN).ends_with(6);
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(lines[0], "tokenfleet revocations 2");
    let omitted = "# not in this plan: studio (mindbody): cannot plan: the platform revokes tokens \
                   by secret, not by id";
    assert!(lines[1].starts_with(omitted), "{run:?}");
    assert!(
        lines[2].starts_with("# not in this plan: gone (losant): "),
        "{run:?}"
    );
    assert_eq!(run.stderr.matches("error: ").count(), 2, "{run:?}");
    let plans = RevocationPlan::parse_all(&run.stdout).unwrap();
    let of = |plan: &RevocationPlan| (plan.account().name().to_owned(), plan.tokens().count());
    let expected = [("iot".to_owned(), 2), ("infra".to_owned(), 2)];
    assert_eq!(plans.iter().map(of).collect::<Vec<_>>(), expected);

    let path = temporary_file(&run.stdout);
    let run = fleet.run(&["revoke", "--plan", &path]).ends_with(2);
    let expected = "error: revoke failed: cannot ask for confirmation without a terminal; confirm \
                    with --yes";
    assert_eq!(run.error_line(), expected);
    let words = ["revoke", "--plan", &path, "--yes"];
    for outcome in ["revoked", "already_"] {
        let run = fleet.run(&words).ends_with(0);
        let outcomes = outcomes(&run.stdout);
        let accounts: Vec<_> = outcomes
            .iter()
            .map(|(account, _)| account.as_str())
            .collect();
        assert_eq!(accounts, ["iot", "iot", "infra", "infra"]);
        assert!(
            outcomes.iter().all(|(_, found)| found.starts_with(outcome)),
            "{run:?}"
        );
    }
    let table = fleet
        .run(&[&words[..], &["--output=csv"]].concat())
        .ends_with(0);
    assert!(
        table.stdout.starts_with("account,id,outcome,effect"),
        "{table:?}"
    );
    let empty = fleet
        .run(&["plan", "--where=name = none", "--tag=planned"])
        .ends_with(0);
    assert_eq!(RevocationPlan::parse_all(&empty.stdout).unwrap().len(), 1);
}

#[test]
fn a_plan_of_which_one_account_cannot_be_carried_out_sends_nothing() {
    let fleet = three_accounts();
    let plan = fleet
        .run(&[&PLAN[..], &["--tag=planned"]].concat())
        .ends_with(0);
    let place = plan
        .stdout
        .lines()
        .filter(|line| line.starts_with("place "))
        .nth(1);
    let other_place = plan
        .stdout
        .replace(place.unwrap(), "place \"https://elsewhere.example.com\"");
    let (unknown, twice) = (
        plan.stdout
            .replace("account foreman infra", "account foreman infr"),
        format!("{0}{0}", plan.stdout),
    );
    for (text, words, part) in [
        (
            &unknown,
            vec![],
            "unknown account `infr`; did you mean `infra`?",
        ),
        (
            &other_place,
            vec![],
            "infra (foreman): revoke failed: the plan was made in another place",
        ),
        (&twice, vec![], "the plan names the account twice"),
        (
            &plan.stdout,
            vec!["--account=iot"],
            "infra (foreman): the plan names this account, which is not among those selected",
        ),
    ] {
        let before = fleet.requests();
        let path = temporary_file(text);
        let words = [&["revoke", "--plan", &path, "--yes"], &words[..]].concat();
        let run = fleet.run(&words).ends_with(2);
        assert!(run.error_line().contains(part), "{run:?}");
        assert_eq!(fleet.requests(), before, "{part}");
    }
    let path = temporary_file(&plan.stdout);
    let before = fleet.requests();
    let words = ["revoke", "--plan", &path, "--yes", "--suspend"];
    let run = fleet.run(&words).ends_with(5);
    let line = run.error_line();
    assert!(
        line.starts_with("error: infra (foreman): update failed: "),
        "{line}"
    );
    assert_eq!(fleet.requests(), before);
    assert_eq!(active(&fleet), 4);
}

#[test]
fn an_account_whose_list_is_incomplete_is_left_out_and_named() {
    let fleet = three_accounts().with("cloudsmith", &["--tokens=1"], &[("packages", "")]);
    let inject_fault = || {
        let fault = json!({"method": "GET", "times": 9, "actions": [{"lie_about_totals": 5}]});
        fleet.control(3, "DELETE", "/faults", "");
        fleet.control(3, "POST", "/faults", &fault.to_string());
    };
    inject_fault();
    let words = ["plan", "--account=iot", "--account=packages"];
    let run = fleet.run(&words).ends_with(6);
    let line = run.error_line();
    let start = "error: packages (cloudsmith): list failed: the listing is incomplete: ";
    assert!(line.starts_with(start), "{line}");
    let comment = run.stdout.lines().nth(1).unwrap();
    assert!(
        comment.starts_with("# not in this plan: packages (cloudsmith): "),
        "{run:?}"
    );
    assert_eq!(RevocationPlan::parse_all(&run.stdout).unwrap().len(), 1);
    inject_fault();
    let run = fleet
        .run(&[&words[..], &["--allow-incomplete"]].concat())
        .ends_with(0);
    assert_eq!(RevocationPlan::parse_all(&run.stdout).unwrap().len(), 2);
    assert!(
        run.error_line()
            .starts_with("warning: packages (cloudsmith): "),
        "{run:?}"
    );
}

/// Three accounts that have the same two old tokens, of which the first may change nothing.
fn one_account_under_three_names() -> Fleet {
    let names = [("reader", "read_only = true"), ("mine", ""), ("theirs", "")];
    let fleet = Fleet::new().with("losant", &["--tokens=1"], &names);
    fleet.create(0, &["old 1", "old 2"]);
    fleet
}

fn deletions(fleet: &Fleet) -> usize {
    let log = fleet.control(0, "GET", "/log", "").to_string();
    log.matches("\"DELETE\"").count()
}

#[test]
fn a_token_of_several_accounts_is_planned_where_it_can_be_revoked_and_only_once() {
    let fleet = one_account_under_three_names();
    let run = fleet.run(&PLAN).ends_with(0);
    let plans = RevocationPlan::parse_all(&run.stdout).unwrap();
    let [plan] = &plans[..] else {
        panic!("{run:?}")
    };
    assert_eq!((plan.account().name(), plan.tokens().count()), ("mine", 2));
    let comments: Vec<_> = run.stdout.lines().skip(1).take(2).collect();
    let left = ["theirs", "reader"].map(|name| {
        format!("# {name} (losant): 2 tokens left to mine (losant), which has the same")
    });
    assert_eq!(comments, left);
    let own_token = plan.tokens().next().unwrap().to_string();
    let words = [&PLAN[..], &["--own-token", &own_token]].concat();
    let run = fleet.run(&words).ends_with(0);
    assert!(
        run.stdout.contains(&format!("\nlast {own_token}")),
        "{run:?}"
    );
}

#[test]
fn a_token_that_joined_plans_name_twice_is_revoked_once() {
    let fleet = one_account_under_three_names();
    let plan_of = |account| {
        let words = [&PLAN[..], &["--account", account]].concat();
        fleet.run(&words).ends_with(0).stdout
    };
    let path = temporary_file(&(plan_of("mine") + &plan_of("theirs")));
    let words = ["revoke", "--plan", &path, "--yes"];
    for outcome in ["revoked", "already_gone"] {
        let run = fleet.run(&words).ends_with(0);
        let expected = ["mine"; 2].map(|name| (name.to_owned(), outcome.to_owned()));
        assert_eq!(outcomes(&run.stdout), expected, "{run:?}");
        let note = "note: theirs (losant): 2 tokens left to mine (losant), which has the same";
        assert!(run.stderr.lines().any(|line| line == note), "{run:?}");
        assert_eq!(deletions(&fleet), 2);
    }
}

#[test]
fn a_plan_is_suspended_first_and_revoked_later() {
    let account = account_with_tokens("losant", 3);
    let plan = account.run(&PLAN).ends_with(0);
    let path = temporary_file(&plan.stdout);
    let words = ["revoke", "--plan", &path, "--yes", "--suspend"];
    let writes = || {
        let log = account.control("GET", "/log", "");
        let text = log.to_string();
        (
            text.matches("\"PATCH\"").count(),
            text.matches("\"DELETE\"").count(),
        )
    };
    for _ in 0..2 {
        let run = account.run(&words).ends_with(0);
        assert!(
            outcomes(&run.stdout)
                .iter()
                .all(|(_, outcome)| outcome == "suspended")
        );
        assert_eq!(run.stdout.lines().count(), 3);
        assert_eq!(ids(&account, &["--state=suspended"]).len(), 3);
        assert_eq!(writes(), (3, 0), "a suspended token is left as it is");
    }
    let id = ids(&account, &[]).remove(0);
    account.run(&["update", &id, "--resume"]).ends_with(0);
    assert_eq!(ids(&account, &["--state=active"]), [id]);
    account
        .run(&["revoke", "--plan", &path, "--yes"])
        .ends_with(0);
    assert_eq!(ids(&account, &[]).len(), 0);
    let run = account
        .run(&["revoke", "1", "--yes", "--suspend"])
        .ends_with(2);
    assert!(run.stderr.contains("--suspend"), "{run:?}");
    assert_eq!(writes().0, 4, "three suspensions and the resumption");
}

#[cfg(unix)]
#[test]
fn one_question_names_the_tokens_of_every_account() {
    let fleet = three_accounts();
    let plan = fleet
        .run(&[&PLAN[..], &["--tag=planned"]].concat())
        .ends_with(0);
    let (path, configuration) = (temporary_file(&plan.stdout), fleet.configuration());
    let words = ["revoke", "--plan", &path, "--config", &configuration];
    let answer = |answer: &str| {
        let terminal = tokenfleet_tests::Terminal::new(200).with_answer("[y/N]", answer);
        let program = env!("CARGO_BIN_EXE_tokenfleet");
        terminal.run(program, words, fleet.environment())
    };
    let run = answer("n");
    let text = run.text();
    assert_eq!(run.code, Some(2), "{text}");
    for part in [
        "iot (losant): 2 tokens (",
        "\"old 1\"",
        "This deletes their records.",
        "infra (foreman): 2 tokens (",
        "This keeps their records, marked as revoked.",
        "Permanently revoke 4 tokens in 2 accounts? [y/N]",
        "not confirmed: nothing was changed",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(text.matches("[y/N]").count(), 1);
    assert_eq!(active(&fleet), 4);
    assert_eq!(answer("y").code, Some(0));
    assert_eq!(active(&fleet), 0);
}
