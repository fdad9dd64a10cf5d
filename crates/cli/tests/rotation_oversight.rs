//! What goes wrong with rotations is said, and nothing goes wrong in silence.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::rotating::{POLICY, Rotating, lines, worker};

/// A policy of the tokens with these exact names.
fn by_name() -> String {
    POLICY.replace("name ^= ci-", "name in (ci-0, ci-1)")
}

fn of_check<'a>(run: &'a Value, check: &str, status: &str) -> Vec<&'a str> {
    let findings = run["findings"].as_array().unwrap().iter();
    let is_it = |finding: &&Value| finding["check"] == check && finding["status"] == status;
    let messages = findings.filter(is_it);
    messages
        .map(|finding| finding["message"].as_str().unwrap())
        .collect()
}

fn doctor(rotating: &Rotating) -> Value {
    rotating.run(&["doctor", "--output=json"]).json()
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_else(|| panic!("{object}"))
}

#[test]
fn a_policy_by_exact_names_or_descriptions_goes_on_with_the_successors() {
    let described = POLICY.replace("name ^= ci-", "description = \"the app\"");
    for (provider, tables) in [
        ("losant", by_name()),
        ("foreman", by_name()),
        ("losant", described),
    ] {
        let rotating = Rotating::with(provider, &["--tokens=0"], &tables);
        for name in ["ci-0", "ci-1"] {
            let mut token = json!({
                "name": name,
                "created": "2020-01-01T00:00:00Z",
                "scopes": ["all.User.read"],
            });
            if provider == "losant" {
                token["description"] = "the app".into();
            }
            rotating.control("POST", "/tokens", &token.to_string());
        }
        let (rotated, _) = worker(&rotating, 0);
        assert_eq!(rotated.len(), 2, "{provider}: {rotated:?}");
        let run = rotating
            .run(&["rotate", "--policy=ci", "--dry-run", "--output=ndjson"])
            .ends_with(0);
        let planned = lines(&run.stdout);
        assert_eq!(planned.len(), 2, "{provider}: {run:?}");
        for plan in &planned {
            let is_successor = |rotation: &Value| rotation["successor"] == plan["token"];
            assert!(rotated.iter().any(is_successor), "{plan}");
            assert_eq!(plan["is_due"], false, "{plan}");
        }
        let (rotated, run) = worker(&rotating, 0);
        assert_eq!(rotated, Vec::<Value>::new());
        assert_eq!(run.stderr, "");
        let checked = doctor(&rotating);
        let accepted = of_check(&checked, "rotation", "ok");
        assert_eq!(accepted.len(), 2, "{checked}");
        assert!(accepted[1].contains("2 of 2 places of its tokens can be used"));
    }
}

#[test]
fn a_policy_without_tokens_and_a_token_that_its_policy_lost_are_reported() {
    let tables = POLICY.replace("name ^= ci-", "created_at < 2021-01-01");
    let rotating = Rotating::with("losant", &["--tokens=0"], &tables);
    let nothing = "covers no token of mine";
    let (_, run) = worker(&rotating, 0);
    assert!(run.stderr.contains(nothing), "{run:?}");
    let checked = doctor(&rotating);
    let warnings = of_check(&checked, "rotation", "warning");
    assert!(warnings[0].contains(nothing), "{checked}");

    rotating.insert("ci-0");
    let (rotated, _) = worker(&rotating, 0);
    let lost = format!(
        "does not cover token {} any more",
        text(&rotated[0], "successor")
    );
    let (_, run) = worker(&rotating, 0);
    assert!(run.stderr.contains(&lost), "{run:?}");
    let checked = doctor(&rotating);
    let warnings = of_check(&checked, "rotation", "warning");
    assert!(
        warnings.iter().any(|warning| warning.contains(&lost)),
        "{checked}"
    );
}

#[test]
fn tokens_without_an_expiry_that_only_an_expiry_would_rotate_are_named() {
    let tables = POLICY.replace("max_age = '30d'", "rotate_before_expiry = '10d'");
    let rotating = Rotating::with("losant", &["--tokens=0"], &tables);
    let ids: Vec<_> = (0..5)
        .map(|n| rotating.insert(&format!("ci-{n}")))
        .collect();
    let (rotated, run) = worker(&rotating, 0);
    assert_eq!(rotated, Vec::<Value>::new());
    let never = "policies.ci never rotates what it covers without an expiry: token ";
    assert!(run.stderr.contains(never), "{run:?}");
    assert!(run.stderr.contains(" and 2 more; add `max_age`"), "{run:?}");
    let named = ids.iter().filter(|id| run.stderr.contains(&***id));
    assert_eq!(named.count(), 3, "{run:?}");
    let dry_run = ["rotate", "--policy=ci", "--dry-run", "--output=ndjson"];
    let run = rotating.run(&dry_run).ends_with(0);
    assert!(run.stderr.contains(never), "{run:?}");
    let checked = doctor(&rotating);
    let warnings = of_check(&checked, "rotation", "warning");
    assert!(warnings[0].starts_with(never), "{checked}");
}

#[test]
fn doctor_names_every_token_that_the_worker_would_refuse() {
    let rotating = Rotating::covered("losant", 1);
    for name in ["ci-twice", "ci-twice", "ci-a/b"] {
        rotating.insert(name);
    }
    let (_, run) = worker(&rotating, 8);
    let refused: Vec<_> = run.stderr.lines().map(str::to_owned).collect();
    assert_eq!(refused.len(), 3, "{run:?}");
    let checked = doctor(&rotating);
    let failed = of_check(&checked, "rotation", "failed");
    assert_eq!(failed.len(), 3, "{checked}");
    for failed in failed {
        assert!(
            run.stderr.contains(failed),
            "{failed} is not in {}",
            run.stderr
        );
    }
}

#[test]
fn a_token_whose_rotation_was_given_up_stays_out_of_its_policy_until_a_person_begins_anew() {
    for overlap in ["0s", "1h"] {
        let tables = by_name().replace("overlap = '0s'", &format!("overlap = '{overlap}'"));
        let rotating = Rotating::with("losant", &["--tokens=0"], &tables);
        let id = rotating.insert("ci-0");
        let is_delivered = overlap != "0s";
        if !is_delivered {
            rotating.put("ci-0", "somebody else's");
        }
        let (begun, _) = worker(&rotating, if is_delivered { 0 } else { 8 });
        let operation = text(&begun[0], "operation").to_owned();
        let abandon = ["operations", "abandon", &*operation, "--yes"];
        let abandoned = rotating.run(&abandon).ends_with(0).json();
        let next = text(&abandoned, "next");
        if is_delivered {
            let successor = text(&begun[0], "successor");
            assert!(next.contains(&format!("token {successor}")), "{next}");
            assert!(next.contains("ci-0: keep it"), "{next}");
        }
        let (before, alive) = (rotating.requests(), rotating.alive());
        for _ in 0..2 {
            let (rotated, run) = worker(&rotating, 8);
            assert_eq!(rotated, Vec::<Value>::new());
            assert!(run.stderr.contains(&operation), "{run:?}");
            assert!(!run.stderr.contains("same place"), "{run:?}");
        }
        assert_eq!(rotating.changes_after(before), Vec::<String>::new());
        assert_eq!(rotating.alive(), alive);
        if is_delivered {
            continue;
        }
        fs::remove_file(rotating.file("ci-0")).unwrap();
        let words = [
            "rotate",
            &*id,
            "--to=files",
            "--overlap=0s",
            "--expires-in=90d",
            "--yes",
        ];
        rotating.run(&words).ends_with(0);
        let (rotated, run) = worker(&rotating, 0);
        assert_eq!((rotated, &*run.stderr), (Vec::new(), ""));
    }
}

#[test]
fn a_place_of_another_token_that_may_be_in_use_is_not_taken_without_adoption() {
    let rotating = Rotating::with("losant", &["--tokens=0"], "");
    let (first, second) = (rotating.insert("first"), rotating.insert("second"));
    let place = rotating.to("shared");
    let rotate = |id: &str, more: &[&str]| {
        let words = [
            "rotate",
            id,
            &place,
            "--overlap=0s",
            "--expires-in=90d",
            "--yes",
        ];
        rotating.run(&[&words[..], more].concat())
    };
    let delivered = rotate(&first, &[]).ends_with(0).json();
    let (held, before) = (rotating.held("shared"), rotating.requests());
    let run = rotate(&second, &[]).ends_with(1);
    let holder = text(&delivered, "successor").to_owned();
    assert!(
        run.stderr.contains(&format!("token {holder} of mine")),
        "{run:?}"
    );
    assert!(run.stderr.contains("--adopt"), "{run:?}");
    assert_eq!(rotating.changes_after(before), Vec::<String>::new());
    assert_eq!(rotating.held("shared"), held);
    // Its own token has it again, and so has another one when that is gone or told to.
    let again = rotate(&holder, &[]).ends_with(0).json();
    let holder = text(&again, "successor").to_owned();
    rotating.run(&["revoke", &holder, "--yes"]).ends_with(0);
    let again = rotate(&second, &[]).ends_with(0).json();
    assert!(rotating.accepts(&rotating.held("shared")), "{again}");
    let third = rotating.insert("third");
    rotate(&third, &[]).ends_with(1);
    rotate(&third, &["--adopt"]).ends_with(0);
}

#[test]
fn a_place_is_that_of_the_last_successor_while_its_rotation_is_open() {
    let tables = by_name().replace("overlap = '0s'", "overlap = '1h'");
    let rotating = Rotating::with("losant", &["--tokens=0"], &tables);
    let id = rotating.insert("ci-0");
    let words = [
        "rotate",
        &*id,
        "--to=files",
        "--overlap=0s",
        "--expires-in=90d",
        "--yes",
    ];
    let first = rotating.run(&words).ends_with(0).json();
    let second = text(&first, "successor").to_owned();
    let words = [
        "rotate",
        &*second,
        "--to=files",
        "--overlap=1h",
        "--expires-in=90d",
        "--yes",
    ];
    rotating.run(&words).ends_with(0);
    // The token before is in no place any more, and the last one is in its own.
    let (_, run) = worker(&rotating, 0);
    assert_eq!(run.stderr, "");
}

#[test]
fn a_policy_takes_no_place_that_a_token_of_another_account_was_delivered_to() {
    let rotating = Rotating::covered("losant", 1);
    let (rotated, _) = worker(&rotating, 0);
    let held = rotating.held("ci-0");
    // Nothing of this account asks whether that of the other one is alive.
    let successor = text(&rotated[0], "successor");
    rotating.run(&["revoke", successor, "--yes"]).ends_with(0);
    let text = fs::read_to_string(&rotating.path).unwrap();
    let other = text
        .replace("accounts.mine", "accounts.other")
        .replace("'mine'", "'other'");
    fs::write(&rotating.path, other).unwrap();
    rotating.insert("ci-0");
    let before = rotating.requests();
    let (rotated, run) = worker(&rotating, 8);
    assert!(
        rotated.is_empty() && run.stderr.contains("of mine"),
        "{run:?}"
    );
    assert_eq!(rotating.changes_after(before), Vec::<String>::new());
    assert_eq!(rotating.held("ci-0"), held);
}

#[test]
fn the_reason_of_a_failure_is_kept_until_the_new_secret_is_delivered() {
    let tables = POLICY
        .replace(
            "kind = 'file'\npath = 'DIR/secrets/{name}'",
            "kind = 'command'\nrun = ['DIR/push', '{name}']\nadopt = true",
        )
        .replace("overlap = '0s'", "overlap = '1h'");
    let rotating = Rotating::covered_by(&tables, "losant", 1);
    let push = rotating.directory.path().join("push");
    let program = |code: u32| {
        fs::write(&push, format!("#!/bin/sh\ncat > /dev/null\nexit {code}\n")).unwrap();
        support::home::set_mode(&push, 0o700);
    };
    program(3);
    // The second one comes before the retry is due.
    for _ in 0..2 {
        let (rotations, run) = worker(&rotating, 7);
        let why = text(&rotations[0], "why");
        assert!(
            why.contains("it failed at") && why.contains("push"),
            "{run:?}"
        );
    }
    let listed = rotating.operations();
    assert!(text(&listed[0], "why").contains("push"), "{listed:?}");
    assert_eq!(listed[0]["attempts"].as_array().unwrap().len(), 1);
    program(0);
    let id = text(&listed[0], "operation");
    // Whoever has mended it need not wait for the next attempt.
    let resume = ["operations", "resume", id, "--yes"];
    let resumed = rotating.run(&resume).ends_with(0).json();
    assert_eq!(resumed["state"], "retiring", "{resumed}");
    let why = rotating.operations()[0]["why"].clone();
    assert!(!why.as_str().unwrap().contains("failed"), "{why}");
    worker(&rotating, 0);
}

#[test]
fn a_place_that_cannot_be_written_costs_no_token() {
    let tables = POLICY.replace("DIR/secrets/", "DIR/missing/");
    let rotating = Rotating::covered_by(&tables, "losant", 1);
    let alive = rotating.alive();
    let missing = "its directory does not exist";
    let dry_run = ["rotate", "--policy=ci", "--dry-run", "--output=ndjson"];
    let planned = lines(&rotating.run(&dry_run).ends_with(8).stdout);
    let error = text(&planned[0]["places"][0], "error");
    assert!(error.contains(missing), "{error}");
    let checked = doctor(&rotating);
    let failed = of_check(&checked, "sinks", "failed");
    assert!(failed[0].contains(missing), "{checked}");

    let (rotations, _) = worker(&rotating, 7);
    assert!(
        text(&rotations[0], "why").contains(missing),
        "{rotations:?}"
    );
    assert_eq!(rotations[0]["attempts"], json!([]));
    assert_eq!(rotating.alive(), alive);
    fs::create_dir(rotating.directory.path().join("missing")).unwrap();
    let id = text(&rotations[0], "operation");
    rotating
        .run(&["operations", "resume", id, "--yes"])
        .ends_with(0);
    assert_eq!(rotating.alive(), alive);
}

#[test]
fn a_person_hears_at_once_that_a_place_cannot_be_used_and_no_rotation_is_opened() {
    let rotating = Rotating::new("losant");
    let id = rotating.insert("ci");
    rotating.put("ci", "readable by all");
    support::home::set_mode(&rotating.file("ci"), 0o644);
    for (place, reason) in [
        (rotating.to("missing/ci"), "its directory does not exist"),
        (rotating.to("ci"), "every user may read it"),
    ] {
        let words = ["rotate", &*id, &*place, "--expires-in=90d", "--yes"];
        let run = rotating.run(&words).ends_with(1);
        assert!(run.stderr.contains(reason), "{run:?}");
    }
    assert_eq!(rotating.operations(), Vec::<Value>::new());
}

#[test]
fn a_claimed_queue_is_said_by_the_worker_and_by_each_of_its_rotations() {
    let rotating = Rotating::covered("losant", 2);
    rotating.kill_in_flight("POST", &["worker", "--once"]);
    let (rotations, run) = worker(&rotating, 7);
    assert_eq!(rotations, Vec::<Value>::new());
    let said: Vec<_> = run.stderr.lines().collect();
    assert_eq!(said.len(), 1, "{run:?}");
    assert!(said[0].contains("its claim runs out at"), "{run:?}");
    let operations = rotating.operations();
    assert_eq!(operations.len(), 2);
    for operation in &operations {
        let why = text(operation, "why");
        assert!(why.contains("its claim runs out at"), "{operation}");
    }
}

#[test]
fn what_waits_for_a_person_is_printed_by_every_worker() {
    let rotating = Rotating::covered("losant", 1);
    rotating.put("ci-0", "somebody else's");
    for _ in 0..2 {
        let (rotations, run) = worker(&rotating, 8);
        assert_eq!(rotations.len(), 1, "{run:?}");
        assert_eq!(rotations[0]["state"], "parked");
        assert!(text(&rotations[0], "next").contains("--adopt"));
    }
}

#[test]
fn a_token_that_a_place_holds_is_not_revoked_without_a_warning_and_is_reported_afterwards() {
    let rotating = Rotating::covered("losant", 1);
    let (rotated, _) = worker(&rotating, 0);
    let successor = text(&rotated[0], "successor").to_owned();
    let plan = rotating.run(&["plan", "--where=name ^= ci-"]).ends_with(0);
    let line = plan.stdout.lines().find(|line| line.contains(&successor));
    let comment = line.unwrap().split_once("  # active, expiry 20");
    assert!(
        comment.unwrap().1.ends_with("in files/name=ci-0"),
        "{plan:?}"
    );
    let run = rotating.run(&["revoke", &successor, "--yes"]).ends_with(0);
    assert!(run.stderr.contains("would hold a dead secret"), "{run:?}");
    assert!(
        run.stderr
            .contains(&format!("rotate {successor} --account mine --to files")),
        "{run:?}"
    );
    let dead = format!("holds the secret of token {successor}, which mine lists no more");
    let (_, run) = worker(&rotating, 8);
    assert!(run.stderr.contains(&dead), "{run:?}");
    let checked = doctor(&rotating);
    let failed = of_check(&checked, "rotation", "failed");
    assert!(
        failed.iter().any(|failed| failed.contains(&dead)),
        "{checked}"
    );

    let other = rotating
        .tokens()
        .into_iter()
        .find(|token| token["name"] == "other");
    let other = other.unwrap()["id"].as_str().unwrap().to_owned();
    let run = rotating.run(&["revoke", &other, "--yes"]).ends_with(0);
    assert!(!run.stderr.contains("dead secret"), "{run:?}");
}

#[test]
fn a_secret_that_places_hold_is_not_revoked_without_a_warning() {
    let sinks = "
[sinks.by-hand]
kind = 'file'
path = 'DIR/secrets/by-hand'

[sinks.empty]
kind = 'file'
path = 'DIR/secrets/empty'
";
    let rotating = Rotating::with("mindbody", &["--tokens=1"], sinks);
    let leak = |name: &str| {
        let token = json!({ "name": name }).to_string();
        let inserted = rotating.control("POST", "/tokens", &token);
        let secret = rotating.secret_of(inserted["id"].as_str().unwrap());
        rotating.put(name, &secret);
        format!("--secret-file={}", rotating.file(name).display())
    };
    let other = leak("other");
    let run = rotating.run(&["revoke", &other, "--yes"]).ends_with(0);
    assert_eq!(run.stderr, "");
    let revoke = ["revoke", "--yes"];
    let locate = ["locate", "--revoke", "--yes", "--account=mine"];
    for words in [&revoke[..], &locate] {
        let by_hand = leak("by-hand");
        let run = rotating.run(&[words, &[&by_hand]].concat()).ends_with(0);
        let warning = "warning: the secret is in by-hand, which would hold a dead one: ";
        let advice = "rotate --account mine --to by-hand";
        let is_said = |line: &str| line.starts_with(warning) && line.contains(advice);
        assert!(run.stderr.lines().any(is_said), "{run:?}");
        assert!(!rotating.accepts(&rotating.held("by-hand")));
    }

    let to = rotating.to("delivered");
    rotating.run(&["rotate", &to, "--yes"]).ends_with(0);
    let delivered = format!("--secret-file={}", rotating.file("delivered").display());
    let run = rotating.run(&["revoke", &delivered, "--yes"]).ends_with(0);
    let place = to.strip_prefix("--to=").unwrap();
    let warning = format!("the secret is in {place}, which would hold a dead one");
    assert!(run.stderr.contains(&warning), "{run:?}");
}

#[test]
fn places_of_which_nobody_knows_whether_they_hold_a_revoked_token_are_said() {
    let more = "
[sinks.unread]
kind = 'command'
run = ['true']

[sinks.unstamped]
kind = 'file'
path = 'DIR/secrets/unstamped'

[sinks.broken]
kind = 'file'
path = 'DIR/secrets'

[sinks.empty]
kind = 'file'
path = 'DIR/secrets/empty'
";
    let rotating = Rotating::covered_by(&format!("{POLICY}{more}"), "losant", 1);
    let (rotated, _) = worker(&rotating, 0);
    let successor = text(&rotated[0], "successor").to_owned();
    rotating.put("unstamped", "somebody else's");
    // The account has another name by now.
    let renamed = fs::read_to_string(&rotating.path).unwrap();
    let renamed = renamed.replace("[accounts.mine]", "[accounts.ours]");
    fs::write(&rotating.path, renamed.replace("'mine'", "'ours'")).unwrap();
    let run = rotating.run(&["revoke", &successor, "--yes"]).ends_with(0);
    assert!(run.stderr.contains("would hold a dead secret"), "{run:?}");
    let said = run.stderr.lines().find(|line| line.contains("3 places"));
    let said = said.unwrap_or_else(|| panic!("{run:?}"));
    for (place, is_said) in [
        ("unread", true),
        ("unstamped", true),
        ("broken", true),
        ("empty", false),
        ("ci-0", false),
    ] {
        assert_eq!(said.contains(place), is_said, "{place}: {said}");
    }
}

#[test]
fn a_place_whose_token_is_gone_gets_another_one_as_it_is_advised() {
    let rotating = Rotating::covered("losant", 1);
    let (rotated, _) = worker(&rotating, 0);
    let gone = text(&rotated[0], "successor").to_owned();
    rotating.run(&["revoke", &gone, "--yes"]).ends_with(0);
    let (_, run) = worker(&rotating, 8);
    let advice = support::without_config(&run.stderr);
    let create = "`tokenfleet create --account mine --name ci-0 --to file:FILE`";
    let rotate = "`tokenfleet rotate NEW-ID --account mine --to files`";
    assert!(
        advice.contains(create) && advice.contains(rotate),
        "{advice}"
    );
    let to = rotating.to("new");
    let create = ["create", "--name=ci-0", "--expires-in=9d", &to];
    let created = rotating.run(&create).ends_with(0).json();
    let id = text(&created, "id");
    let rotate = ["rotate", id, "--account=mine", "--to=files"];
    let rotate = [&rotate[..], &["--overlap=0s", "--yes"]].concat();
    rotating.run(&rotate).ends_with(0);
    assert!(rotating.accepts(&rotating.held("ci-0")));
    assert!(!rotating.accepts(&rotating.held("new")));
    let (_, run) = worker(&rotating, 0);
    assert_eq!(run.stderr, "");
}

#[test]
fn a_place_whose_stamp_is_not_believed_is_said_to_be_not_looked_at() {
    let rotating = Rotating::covered("losant", 1);
    let (rotated, _) = worker(&rotating, 0);
    let gone = text(&rotated[0], "successor").to_owned();
    rotating.run(&["revoke", &gone, "--yes"]).ends_with(0);
    // Another user may have written it.
    support::home::set_mode(&rotating.file("ci-0.stamp"), 0o666);
    let checked = doctor(&rotating);
    let warnings = of_check(&checked, "rotation", "warning");
    let is_said = |warning: &&str| warning.contains("not looked at") && warning.contains("ci-0");
    assert!(warnings.iter().any(is_said), "{checked}");
}

#[test]
fn rotations_that_are_over_are_listed_on_request() {
    let rotating = Rotating::covered("losant", 1);
    let (rotated, _) = worker(&rotating, 0);
    assert_eq!(rotating.operations(), Vec::<Value>::new());
    let done = ["operations", "list", "--done", "--output=ndjson"];
    let done = lines(&rotating.run(&done).ends_with(0).stdout);
    assert_eq!(done.len(), 1);
    assert_eq!(done[0]["operation"], rotated[0]["operation"]);
    assert_eq!(done[0]["state"], "done");
    assert!(text(&done[0], "revoked_at") >= text(&done[0], "delivered_at"));
}

#[test]
fn a_changed_place_is_replaced_by_a_rotation_that_a_person_resumes_with_adoption() {
    let tables = POLICY.replace("overlap = '0s'", "overlap = '1s'");
    let rotating = Rotating::covered_by(&tables, "losant", 1);
    let (rotated, _) = worker(&rotating, 0);
    let (id, alive) = (text(&rotated[0], "operation").to_owned(), rotating.alive());
    let mut stamp = rotating.file("ci-0").into_os_string();
    stamp.push(".stamp");
    fs::remove_file(stamp).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    let (parked, run) = worker(&rotating, 8);
    assert_eq!(parked[0]["state"], "parked", "{run:?}");
    assert!(text(&parked[0], "next").contains("--adopt"), "{parked:?}");
    let resume = ["operations", "resume", &id, "--adopt", "--yes"];
    let resumed = rotating.run(&resume).ends_with(0).json();
    assert_eq!(resumed["state"], "retiring", "{resumed}");
    // Those that it replaces are revoked later.
    assert_eq!(rotating.alive(), alive + 1);
    assert!(rotating.accepts(&rotating.held("ci-0")));
}

#[test]
fn a_rotation_whose_policy_was_removed_is_reported_and_keeps_no_other_one() {
    let overlapping = POLICY.replace("overlap = '0s'", "overlap = '1s'");
    let other = overlapping
        .replace("[sinks.files]", "[sinks.others]")
        .replace("secrets/{name}", "secrets/other-{name}")
        .replace("policies.ci", "policies.app")
        .replace("name ^= ci-", "name ^= app-")
        .replace("sinks = ['files']", "sinks = ['others']");
    let rotating = Rotating::covered_by(&format!("{overlapping}{other}"), "losant", 1);
    rotating.insert("app-0");
    worker(&rotating, 0);
    let operations = rotating.operations();
    let of = |policy: &str| {
        let mut operations = operations.iter();
        let found = operations.find(|rotation| rotation["policy"] == policy);
        text(found.unwrap(), "operation").to_owned()
    };
    let (lost, kept) = (of("ci"), of("app"));
    let whole = fs::read_to_string(&rotating.path).unwrap();
    let (before, _) = whole.split_once("[policies.ci]").unwrap();
    let (_, after) = whole.split_once("sinks = ['files']").unwrap();
    fs::write(&rotating.path, format!("{before}{after}")).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));

    let (rotated, run) = worker(&rotating, 8);
    assert_eq!(rotated.len(), 1, "{run:?}");
    assert_eq!(text(&rotated[0], "operation"), kept);
    assert_eq!(rotated[0]["state"], "done");
    let abandon = format!("operations abandon {lost}");
    for part in ["put the policy back", "policies.ci", &*lost, &*abandon] {
        let said = support::without_config(&run.stderr);
        assert!(said.contains(part), "{part}: {run:?}");
    }
    let checked = rotating.run(&["doctor", "--output=json"]).ends_with(8);
    let checked = checked.json();
    let failed = of_check(&checked, "rotation", "failed");
    assert!(failed[0].contains(&lost), "{checked}");

    fs::write(&rotating.path, whole).unwrap();
    let (rotated, _) = worker(&rotating, 0);
    assert_eq!(text(&rotated[0], "operation"), lost);
    assert_eq!(rotated[0]["state"], "done");
}

#[test]
fn one_file_is_one_place_however_it_is_written_and_whatever_the_kind_of_its_sink() {
    let policies = |one: &str, other: &str| {
        let policy = |name: &str, place: &str| {
            format!(
                "[policies.{name}]\naccount = 'mine'\nwhere = 'name = {name}'\nmax_age = '30d'\n\
                 new_expiry = '90d'\nsinks = ['{place}']\n"
            )
        };
        format!("{}{}", policy("one", one), policy("two", other))
    };
    for (one, other, is_one) in [
        (
            "file:DIR/secrets/same",
            "env-file:DIR/secrets/same#TOKEN",
            true,
        ),
        ("file:DIR/secrets/../secrets/a", "file:DIR/secrets/a", true),
        ("file:DIR/link/a", "file:DIR/secrets/a", true),
        ("env-file:DIR/link/a#X", "file:DIR/secrets/a", true),
        (
            "env-file:DIR/secrets/a#X",
            "env-file:DIR/secrets/a#Y",
            false,
        ),
        ("file:DIR/secrets/a", "file:DIR/secrets/b", false),
    ] {
        let rotating = Rotating::with("losant", &["--tokens=0"], &policies(one, other));
        let link = rotating.directory.path().join("link");
        std::os::unix::fs::symlink(rotating.directory.path().join("secrets"), link).unwrap();
        rotating.insert("one");
        rotating.insert("two");
        let (code, found) = if is_one { (2, 8) } else { (0, 0) };
        let checked = rotating.run(&["doctor", "--output=json"]).ends_with(found);
        let failed = of_check(&checked.json(), "rotation", "failed").len();
        assert_eq!(failed, usize::from(is_one), "{one} {other}: {checked:?}");
        rotating
            .run(&["rotate", "--policy=one", "--dry-run"])
            .ends_with(code);
        let before = rotating.requests();
        rotating.run(&["worker", "--once"]).ends_with(code);
        if is_one {
            assert_eq!(rotating.changes_after(before), Vec::<String>::new());
        }
    }
}

#[test]
fn the_audit_log_says_by_which_policy_a_token_was_revoked_and_what_replaced_it() {
    let rotating = Rotating::covered("losant", 1);
    let (rotated, _) = worker(&rotating, 0);
    let successor = text(&rotated[0], "successor");
    let run = rotating
        .run(&["audit", "--operation=revoke", "--output=ndjson"])
        .ends_with(0);
    let revoked = lines(&run.stdout);
    let reason = format!("policies.ci: replaced by token {successor}");
    assert_eq!(text(&revoked[0], "reason"), reason);

    let rotating = Rotating::covered("losant", 1);
    worker_with_reason(&rotating, "INC-7");
    let run = rotating
        .run(&["audit", "--operation=revoke", "--output=ndjson"])
        .ends_with(0);
    assert_eq!(text(&lines(&run.stdout)[0], "reason"), "INC-7");
}

fn worker_with_reason(rotating: &Rotating, reason: &str) {
    rotating
        .run(&["worker", "--once", "--reason", reason])
        .ends_with(0);
}

#[test]
fn a_dry_run_in_a_table_says_when_the_old_secret_stops() {
    let row = |provider: &str, tables: &str| {
        let rotating = Rotating::covered_by(tables, provider, 1);
        let words = ["rotate", "--policy=ci", "--dry-run", "--output=table"];
        let table = rotating.run(&words).ends_with(0).stdout;
        let json = rotating
            .run(&["rotate", "--policy=ci", "--dry-run", "--output=ndjson"])
            .ends_with(0);
        (table, lines(&json.stdout).remove(0))
    };
    let soaking = POLICY.replace("overlap = '0s'", "overlap = '1h'\nsoak = '9h'");
    let (table, planned) = row("losant", &soaking);
    assert!(table.contains(" stops_at "), "{table}");
    // To the minute: the two runs are not one.
    let stops_at = &text(&planned, "stops_at")[..15];
    assert!(table.contains(stops_at), "{stops_at}: {table}");
}

#[test]
fn a_rotation_whose_successors_are_withdrawn_says_what_failed_when_and_why() {
    let rotating = Rotating::new("losant");
    let path = rotating.file("variables");
    // It can be read, and has no room for another line.
    std::fs::write(&path, "#".repeat((1 << 20) - 1) + "\n").unwrap();
    support::home::set_mode(&path, 0o600);
    let to = format!("--to=env-file:{}#TOKEN", path.display());
    let id = rotating.insert("ci");
    let alive = rotating.alive();
    let words = [
        "rotate",
        &id,
        &to,
        "--overlap=0s",
        "--expires-in=90d",
        "--yes",
    ];
    let run = rotating.run(&[&words[..], &["--output=json"]].concat());
    let rotation = run.json();
    let why = rotation["why"].as_str().unwrap();
    let year = &rotation["since"].as_str().unwrap()[..5];
    let failed = format!("it failed at {year}");
    for part in [
        "revoked",
        &failed,
        "#TOKEN cannot be written",
        "larger than 1 MiB",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
    assert_eq!(rotating.alive(), alive, "{run:?}");
}
