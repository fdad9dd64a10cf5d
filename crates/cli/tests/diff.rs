//! `diff` and `history`: what changed between snapshots, and who did it.

#![cfg(all(unix, feature = "simulate"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use support::fleet::Fleet;
use support::remembered::Remembered;
use unicode_width::UnicodeWidthStr;

/// The names of the tokens of a platform by their ids.
type State = BTreeMap<String, String>;

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value}"))
        .to_owned()
}

fn objects(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// Returns the ids of the changes of a kind.
fn ids(changes: &[Value], kind: &str) -> BTreeSet<String> {
    let changes = changes.iter().filter(|change| change["change"] == kind);
    changes.map(|change| text(&change["id"])).collect()
}

/// Returns the only change of a token.
#[track_caller]
fn change_of<'a>(changes: &'a [Value], id: &str) -> &'a Value {
    let mut found = changes.iter().filter(|change| change["id"] == id);
    let first = found
        .next()
        .unwrap_or_else(|| panic!("no change of {id}: {changes:?}"));
    assert!(found.next().is_none());
    first
}

#[test]
fn the_diff_of_any_two_snapshots_is_what_the_platform_did_in_between() {
    for provider in ["losant", "foreman"] {
        let remembered = Remembered::one(provider, 6);
        let state = || -> State {
            let tokens = remembered.tokens(0).into_iter();
            tokens
                .map(|token| (text(&token["id"]), text(&token["name"])))
                .collect()
        };
        let mut taken = Vec::new();
        for round in 0..5_usize {
            let accounts = remembered.snapshot(0);
            taken.push((text(&accounts[0]["at"]), state()));
            // Tokens come, go, come back under another id, and are renamed where that is possible.
            let tokens: Vec<_> = taken[round].1.keys().cloned().collect();
            for id in tokens.iter().skip(round % 2).step_by(3) {
                remembered.erase(0, id);
            }
            let names: Vec<_> = (0..=round).map(|n| format!("{round}-{n}")).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            remembered.fleet.create(0, &names);
            if provider == "losant" {
                let id = &tokens[2];
                remembered.run(&["update", id, "--name=renamed"]);
            }
        }
        for (earlier, (since, before)) in taken.iter().enumerate() {
            for (until, after) in &taken[earlier..] {
                let words = ["diff", "--since", since, "--until", until, "--output=json"];
                let run = remembered.run(&words);
                let is_same = since == until;
                assert_eq!(run.code, if is_same { 6 } else { 0 }, "{run:?}");
                let found = run.json();
                let changes = objects(&found["changes"]);
                let missing = |these: &State, others: &State| -> BTreeSet<String> {
                    let ids = these.keys().filter(|id| !others.contains_key(*id));
                    ids.cloned().collect()
                };
                assert_eq!(ids(changes, "appeared"), missing(after, before));
                assert_eq!(ids(changes, "vanished"), missing(before, after));
                let renamed = before
                    .iter()
                    .filter(|(id, name)| after.get(*id).is_some_and(|new| new != *name));
                let renamed: BTreeSet<_> = renamed.map(|(id, _)| id.clone()).collect();
                assert_eq!(ids(changes, "changed"), renamed);
                for id in &renamed {
                    let fields = objects(&change_of(changes, id)["fields"]);
                    let name = fields
                        .iter()
                        .find(|field| field["field"] == "name")
                        .unwrap();
                    assert_eq!(name["before"], before[id]);
                    assert_eq!(name["after"], after[id]);
                }
            }
        }
    }
}

#[test]
fn what_we_did_is_ours_and_the_rest_is_said_to_be_others_only_if_that_is_known() {
    let remembered = Remembered::one("losant", 4);
    let suspended = remembered.run(&["create", "--name=idle", "--expires-in=1d"]);
    let suspended = text(&suspended.ends_with(0).json()["id"]);
    let first = text(&remembered.snapshot(0)[0]["at"]);
    remembered.snapshot(0);
    let [revoked, erased, touched] = [1, 2, 3].map(|index| remembered.id(0, index));
    let reason = "--reason=INC-42: leaked";
    let created = remembered.run(&["create", "--name=ci", "--expires-in=1d", reason]);
    let created = text(&created.ends_with(0).json()["id"]);
    remembered.fleet.create(0, &["theirs"]);
    let tokens = remembered.tokens(0);
    let theirs = tokens
        .iter()
        .find(|token| token["name"] == "theirs")
        .unwrap();
    let theirs = text(&theirs["id"]);
    remembered
        .run(&["update", &suspended, "--suspend", reason])
        .ends_with(0);
    remembered.run(&["revoke", &revoked, "--yes"]).ends_with(0);
    // We changed it, and somebody else erased it.
    remembered
        .run(&["update", &touched, "--name=ours"])
        .ends_with(0);
    remembered.erase(0, &touched);
    remembered.erase(0, &erased);
    remembered.snapshot(0);

    let found = remembered
        .run(&["diff", "--output=json"])
        .ends_with(0)
        .json();
    let changes = objects(&found["changes"]);
    for (id, change, by, operation, reason) in [
        (
            &created,
            "appeared",
            "us",
            Some("create"),
            Some("INC-42: leaked"),
        ),
        (&theirs, "appeared", "others", None, None),
        (
            &suspended,
            "changed",
            "us",
            Some("suspend"),
            Some("INC-42: leaked"),
        ),
        (&revoked, "vanished", "us", Some("revoke"), None),
        (&touched, "vanished", "unknown", None, None),
        (&erased, "vanished", "others", None, None),
    ] {
        let found = change_of(changes, id);
        assert_eq!(
            (&found["change"], &found["by"]),
            (&json!(change), &json!(by)),
            "{found}"
        );
        assert_eq!(found["operation"], json!(operation), "{found}");
        assert_eq!(found["reason"], json!(reason), "{found}");
    }
    assert_eq!(changes.len(), 6);
    let history = remembered
        .run(&["history", &suspended, "--output=table"])
        .ends_with(0)
        .stdout;
    assert!(history.contains("state: ") && history.contains("us: suspend (INC-42: leaked)"));
    // What was before the first snapshot may have been forgotten.
    let words = ["diff", "--since", &first, "--output=json"];
    let found = remembered.run(&words).ends_with(0).json();
    let theirs = change_of(objects(&found["changes"]), &theirs);
    assert_eq!(theirs["by"], "unknown");
}

#[test]
fn only_the_exit_code_that_is_asked_for_tells_of_changes_and_nothing_is_sent() {
    let remembered = Remembered::one("losant", 2);
    let run = remembered.run(&["diff"]).ends_with(4);
    assert!(run.stderr.contains("take a snapshot first"), "{run:?}");
    remembered.snapshot(0);
    let run = remembered.run(&["diff", "--output=table"]).ends_with(6);
    assert!(run.stdout.contains("there is only one snapshot"), "{run:?}");
    remembered.snapshot(0);
    let requests = remembered.fleet.requests();
    remembered.run(&["diff", "--exit-code"]).ends_with(0);
    assert_eq!(remembered.fleet.requests(), requests);
    remembered.fleet.create(0, &["new"]);
    remembered.snapshot(0);
    remembered.run(&["diff"]).ends_with(0);
    remembered.run(&["diff", "--exit-code"]).ends_with(8);
    remembered
        .run(&["diff", "--exit-code", "--where=name = other"])
        .ends_with(0);
    // The period is not covered, so there may be more.
    let run = remembered.run(&["diff", "--exit-code", "--since=yesterday", "--output=json"]);
    let found = run.ends_with(6).json();
    assert!(text(&found["accounts"][0]["reason"]).contains("the first snapshot is of"));
    assert_eq!(objects(&found["changes"]).len(), 1);
    let run = remembered
        .run(&["diff", "--since=2030-01-02", "--until=2030-01-01"])
        .ends_with(2);
    assert!(
        run.stderr.contains("the span ends before it begins"),
        "{run:?}"
    );
    remembered.run(&["diff", "--account=nobody"]).ends_with(2);
    let run = remembered
        .run(&["diff", "--until=2020-01-01", "--output=json"])
        .ends_with(6);
    assert_eq!(run.json()["accounts"][0]["completeness"], "unknown");
}

#[test]
fn a_use_of_a_token_is_no_change_unless_it_is_asked_for() {
    let remembered = Remembered::one("foreman", 3);
    remembered.snapshot(0);
    let tokens = remembered.tokens(0);
    let alive = tokens.iter().find(|token| {
        let shown = remembered.run(&["show", &text(&token["id"])]).json();
        shown["state"] == "active"
    });
    let secret = text(&alive.unwrap()["secret"]);
    let words = ["verify", "--secret-env=SECRET"];
    remembered
        .run_with(&[("SECRET", &secret)], &words)
        .ends_with(0);
    remembered.snapshot(0);
    let run = remembered
        .run(&["diff", "--exit-code", "--output=json"])
        .ends_with(0);
    assert!(objects(&run.json()["changes"]).is_empty());
    assert_eq!(run.json()["accounts"][0]["used"], 1);
    let run = remembered
        .run(&["diff", "--used", "--exit-code", "--output=json"])
        .ends_with(0);
    assert_eq!(objects(&run.json()["changes"])[0]["change"], "changed");
}

#[test]
fn names_of_others_are_data_and_every_width_is_kept() {
    let hostile = [
        "=1+1,\"\"\n\u{1b}]0;owned\u{7}",
        "\u{202e}naïve \u{9b}31m",
        "日本 🔑 a very long name that goes on and on and on, for as long as the platform lets it",
    ];
    let remembered = Remembered::one("losant", 2);
    remembered.snapshot(0);
    let renamed = remembered.id(0, 0);
    for name in hostile {
        let token = json!({ "name": name }).to_string();
        remembered.fleet.control(0, "POST", "/tokens", &token);
    }
    remembered
        .run(&["update", &renamed, "--name=a\u{1b}[2Jb"])
        .ends_with(0);
    remembered.snapshot(0);
    let csv = remembered
        .run(&["diff", "--output=csv"])
        .ends_with(0)
        .stdout;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let name = reader
        .headers()
        .unwrap()
        .iter()
        .position(|heading| heading == "name");
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let names: Vec<_> = rows
        .iter()
        .map(|row| row[name.unwrap()].to_owned())
        .collect();
    for name in hostile {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
    let found = remembered
        .run(&["diff", "--output=json"])
        .ends_with(0)
        .json();
    let changes = objects(&found["changes"]);
    assert_eq!(changes.len(), 4);
    for command in [
        &["diff"][..],
        &["history", &renamed],
        &["ledger", "snapshots"],
    ] {
        for width in (60..=200).step_by(7) {
            let columns = width.to_string();
            let words = [command, &["--output=table"]].concat();
            let run = remembered
                .run_with(&[("COLUMNS", &columns)], &words)
                .ends_with(0);
            for line in run.stdout.lines() {
                assert!(line.width() <= width, "{width}: {line}");
                assert!(
                    !line.contains(['\u{1b}', '\u{9b}', '\u{7}', '\u{202e}']),
                    "{line:?}"
                );
            }
            if command == ["diff"] {
                for change in changes {
                    assert!(
                        run.stdout.contains(&text(&change["id"])),
                        "{width}: {run:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_history_of_a_token_tells_when_it_appeared_changed_and_vanished() {
    let fleet = Fleet::new()
        .with("losant", &["--tokens=1"], &[("iot", "")])
        .with("losant", &["--tokens=1"], &[("other", "")]);
    let remembered = Remembered::new(fleet);
    remembered.snapshot(0);
    remembered.fleet.create(0, &["ci"]);
    let tokens = remembered.tokens(0);
    let id = text(&tokens.iter().find(|token| token["name"] == "ci").unwrap()["id"]);
    let mut times = Vec::new();
    for step in 0..4 {
        match step {
            1 => drop(
                remembered
                    .run(&["update", &id, "--account=iot", "--name=new"])
                    .ends_with(0),
            ),
            3 => remembered.erase(0, &id),
            _ => {}
        }
        times.push(text(&remembered.snapshot(0)[0]["at"]));
    }
    let run = remembered
        .run(&["history", &id, "--output=ndjson"])
        .ends_with(0);
    let events: Vec<Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let said: Vec<_> = events
        .iter()
        .map(|event| (text(&event["change"]), text(&event["at"])))
        .collect();
    let expected = [("appeared", 0), ("changed", 1), ("vanished", 3)];
    let expected: Vec<_> = expected
        .map(|(change, step)| (change.to_owned(), times[step].clone()))
        .to_vec();
    assert_eq!(said, expected);
    assert_eq!(events[1]["fields"][0]["field"], "name");
    assert_eq!(events[2]["expired"], false);

    let first = remembered.id(0, 0);
    let run = remembered
        .run(&["history", &first, "--output=csv"])
        .ends_with(0);
    assert!(run.stdout.contains(",found,"), "{run:?}");
    remembered
        .run(&["history", &id, "--account=other"])
        .ends_with(4);
    let run = remembered.run(&["history", "none"]).ends_with(4);
    assert!(
        run.stderr.contains("the ledger knows no token none"),
        "{run:?}"
    );
}

#[test]
fn the_history_of_a_token_that_no_snapshot_saw_tells_what_we_did_to_it() {
    let remembered = Remembered::one("losant", 1);
    let created = remembered.run(&["create", "--name=ci", "--expires-in=1d", "--reason=new"]);
    let id = text(&created.ends_with(0).json()["id"]);
    remembered.run(&["revoke", &id, "--yes"]).ends_with(0);
    // The ledger knows it with a snapshot that never held it, and without any.
    for _ in 0..2 {
        let run = remembered.run(&["history", &id, "--output=ndjson"]);
        let run = run.ends_with(0);
        let events = run.stdout.lines().map(serde_json::from_str);
        let events: Vec<Value> = events.map(Result::unwrap).collect();
        let said: Vec<_> = events.iter().map(|event| &event["operation"]).collect();
        assert_eq!(said, [&json!("create"), &json!("revoke")]);
        for event in &events {
            assert_eq!(event["change"], "written", "{event}");
            assert_eq!(event["token"], Value::Null, "{event}");
        }
        assert_eq!(events[0]["reason"], "new");
        remembered.snapshot(0);
    }
    let table = remembered.run(&["history", &id, "--output=table"]);
    assert!(table.ends_with(0).stdout.contains("us: create (new)"));
}

#[test]
fn an_appearance_is_explained_by_the_creation_and_not_by_a_revocation_after_it() {
    // Its revoked tokens stay in the list.
    let remembered = Remembered::one("foreman", 1);
    remembered.snapshot(0);
    remembered.snapshot(0);
    let created = remembered.run(&["create", "--name=ci", "--expires-in=1d", "--reason=new"]);
    let id = text(&created.ends_with(0).json()["id"]);
    let revoke = ["revoke", &id, "--yes", "--reason=leaked"];
    remembered.run(&revoke).ends_with(0);
    // Somebody else made it, whatever we did to it.
    remembered.fleet.create(0, &["theirs"]);
    let tokens = remembered.tokens(0);
    let mut theirs = tokens.iter().filter(|token| token["name"] == "theirs");
    let theirs = theirs.next().unwrap()["id"].to_string();
    let theirs = theirs.trim_matches('"');
    remembered.run(&["revoke", theirs, "--yes"]).ends_with(0);
    remembered.snapshot(0);
    let history = |id: &str| -> Value {
        let run = remembered.run(&["history", id, "--output=ndjson"]);
        let run = run.ends_with(0);
        // After our own writes, of which no snapshot was taken in between.
        serde_json::from_str(run.stdout.lines().next_back().unwrap()).unwrap()
    };
    let ours = history(&id);
    assert_eq!(ours["change"], "appeared");
    let expected = (&json!("create"), &json!("new"));
    assert_eq!((&ours["operation"], &ours["reason"]), expected, "{ours}");
    assert_eq!(history(theirs)["by"], "unknown");
}

#[test]
fn a_report_shows_what_changed_and_a_hostile_name_stays_text() {
    let remembered = Remembered::one("losant", 2);
    let words = ["report", "--markdown=-", "--changes-since=1d"];
    remembered.run(&words).ends_with(4);
    remembered.snapshot(0);
    let name = "<script>alert(1)</script>|*x*";
    let token = json!({ "name": name }).to_string();
    remembered.fleet.control(0, "POST", "/tokens", &token);
    remembered.snapshot(0);
    let page = remembered.run(&words).ends_with(0).stdout;
    let (_, section) = page.split_once("## Changes since ").unwrap();
    assert!(section.contains("| appeared | mine |") && section.contains("partial, +1 -0 \\~0"));
    let words = ["report", "--html=-", "--changes-since=1d"];
    let page = remembered.run(&words).ends_with(0).stdout;
    let (_, section) = page.split_once("<h2 id=\"changes\">").unwrap();
    assert!(section.contains("<bdi>appeared</bdi>"));
    assert!(!page.contains("<script>alert"));
    let page = remembered.run(&["report", "--html=-"]).ends_with(0).stdout;
    assert!(!page.contains("id=\"changes\""));
}

#[test]
fn the_token_that_a_refused_secret_names_is_remembered() {
    let remembered = Remembered::one("losant", 1);
    let created = remembered
        .run(&["create", "--name=leaky", "--expires-in=1d"])
        .ends_with(0);
    let (id, secret) = (text(&created.json()["id"]), text(&created.json()["secret"]));
    remembered.snapshot(0);
    // By somebody else, so that nobody knows more.
    remembered.erase(0, &id);
    let locate = || {
        let words = ["locate", "--secret-env=SECRET", "--output=json"];
        let run = remembered
            .run_with(&[("SECRET", &secret)], &words)
            .ends_with(4);
        text(&run.hiding(&[&secret]).json()["accounts"][0]["reason"])
    };
    assert!(locate().contains("which the last snapshot still had"));
    remembered.snapshot(0);
    let said = locate();
    assert!(said.contains(&format!(
        "it names the token {id} (leaky), which had vanished by "
    )));
    assert!(said.contains("before its expiry"), "{said}");
}

#[test]
fn tokens_that_no_list_shows_are_counted_and_not_forgotten() {
    let remembered = Remembered::one("mindbody", 1);
    remembered.run(&["create"]).ends_with(0);
    remembered.snapshot(0);
    let run = remembered.run(&["diff", "--output=json"]).ends_with(5);
    let account = &run.json()["accounts"][0];
    assert_eq!(account["unknown_tokens"]["at_most"], 1);
    assert!(
        account["unknown_tokens"]["dead_by"].is_string(),
        "{account}"
    );
    let run = remembered.run(&["diff", "--output=table"]).ends_with(5);
    let said = "mine (mindbody): cannot be listed; at most 1 token that no list shows, dead by ";
    assert!(run.stdout.starts_with(said), "{run:?}");
}

#[test]
fn the_history_of_a_token_has_every_write_of_ours_in_order() {
    let remembered = Remembered::one("foreman", 1);
    let run = |words: &[&str]| remembered.run(words).ends_with(0);
    let create = ["create", "--name=ci", "--reason=NEW-1"];
    let id = text(&run(&create).json()["id"]);
    run(&["revoke", &id, "--yes", "--reason=INC-1"]);
    remembered.snapshot(0);
    let history = run(&["history", &id, "--output=ndjson"]).stdout;
    let events: Vec<Value> = (history.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<_> = (events.iter())
        .map(|event| {
            let by = event["operation"].as_str().unwrap_or_default();
            (event["change"].as_str().unwrap(), by)
        })
        .collect();
    assert_eq!(
        told[..2],
        [("written", "create"), ("written", "revoke")],
        "{history}"
    );
    assert_eq!(events[1]["reason"], "INC-1");
    assert_eq!(events.len(), 3, "{history}");
    let mut times: Vec<_> = events.iter().map(|event| text(&event["at"])).collect();
    let shown = times.clone();
    times.sort();
    assert_eq!(times, shown);
}
