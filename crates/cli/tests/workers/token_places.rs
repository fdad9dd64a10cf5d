//! The places of tokens: two tokens never share one, and no place is left with a dead secret.

use std::fs;

use serde_json::Value;

use crate::support::rotating::{POLICY, Rotating, ended, lines, send};

/// Returns the words of a rotation into places.
fn rotate<'a>(id: &'a str, places: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["rotate", "--overlap=0s", "--expires-in=90d", "--yes"];
    if !id.is_empty() {
        words.extend(["--id", id]);
    }
    words.extend(places.iter().map(String::as_str));
    words.extend(more);
    words
}

#[test]
fn a_token_of_a_policy_is_rotated_into_the_places_of_the_policy_and_no_others() {
    let rotating = Rotating::covered("losant", 1);
    let id = rotating
        .tokens()
        .into_iter()
        .find(|token| token["name"] == "ci-0")
        .unwrap();
    let id = id["id"].as_str().unwrap();
    let elsewhere = [rotating.to("elsewhere")];
    let run = rotating.run(&rotate(id, &elsewhere, &[])).ends_with(2);
    for part in [
        "policies.ci",
        "files/name=ci-0",
        "--to files",
        "--only-these-places",
    ] {
        assert!(run.stderr.contains(part), "{part}: {run:?}");
    }
    let both = [rotating.to("elsewhere"), "--to=files".to_owned()];
    let run = rotating.run(&rotate(id, &both, &[])).ends_with(2);
    assert!(run.stderr.contains("does not write file:"), "{run:?}");
    assert_eq!(rotating.changes_after(0), Vec::<String>::new());
    assert_eq!(rotating.operations(), Vec::<Value>::new());

    // The same place, however it is written.
    let rotated = rotating
        .run(&rotate(id, &[rotating.to("ci-0")], &[]))
        .ends_with(0)
        .json();
    let id = rotated["successor"].as_str().unwrap().to_owned();
    rotating
        .run(&rotate(&id, &elsewhere, &["--only-these-places"]))
        .ends_with(0);
    assert!(rotating.accepts(&rotating.held("elsewhere")));
}

#[test]
fn a_token_is_rotated_into_every_place_of_its_last_rotation() {
    for provider in ["losant", "foreman", "cloudsmith", "mindbody"] {
        let is_listed = ["losant", "foreman"].contains(&provider);
        let rotating = Rotating::with(provider, &["--tokens=1"], "");
        let words = |id: &str, places: &[String], more: &[&str]| {
            if is_listed {
                rotating.run(&rotate(id, places, more))
            } else {
                let mut words = vec!["rotate", "--yes"];
                words.extend(places.iter().map(String::as_str));
                words.extend(more);
                rotating.run(&words)
            }
        };
        let both = [rotating.to("one"), rotating.to("two")];
        let id = if is_listed {
            rotating.insert("manual")
        } else {
            String::new()
        };
        let rotated = words(&id, &both, &[]).ends_with(0).json();
        let id = rotated["successor"].as_str().unwrap_or_default().to_owned();
        let before = (rotating.requests(), rotating.held("two"));
        let run = words(&id, &both[..1], &[]).ends_with(2);
        let two = rotating.file("two");
        let option = format!("--to file:{}", two.display());
        for part in [
            rotated["operation"].as_str().unwrap(),
            &option,
            "--only-these-places",
        ] {
            assert!(run.stderr.contains(part), "{provider} {part}: {run:?}");
        }
        assert_eq!(
            rotating.changes_after(before.0),
            Vec::<String>::new(),
            "{provider}"
        );
        assert!(rotating.accepts(&before.1), "{provider}");

        let rotated = words(&id, &both, &[]).ends_with(0).json();
        let id = rotated["successor"].as_str().unwrap_or_default().to_owned();
        words(&id, &both[..1], &["--only-these-places"]).ends_with(0);
        assert!(rotating.accepts(&rotating.held("one")), "{provider}");
    }
}

/// Asserts that a policy rotates nothing and says why, and that a dry run does so too.
#[track_caller]
fn assert_refused(rotating: &Rotating, count: usize, problem: &str) {
    for words in [
        &["worker", "--once"][..],
        &["rotate", "--policy=ci", "--dry-run"],
        &["rotate", "--policy=ci"],
    ] {
        let before = (rotating.requests(), rotating.operations());
        let run = rotating
            .run(&[words, &["--output=ndjson"]].concat())
            .ends_with(8);
        let found = run
            .stderr
            .lines()
            .filter(|line| line.contains(problem))
            .count();
        assert_eq!(found, count, "{words:?}: {run:?}");
        assert_eq!(lines(&run.stdout).len(), 0, "{words:?}: {run:?}");
        assert_eq!(rotating.changes_after(before.0), Vec::<String>::new());
        assert_eq!(rotating.operations(), before.1);
    }
}

/// Asserts that a worker rotates nothing with this policy beside [`POLICY`], and says why for both.
#[track_caller]
fn assert_both_refuse(second: &str, problem: &str) {
    let rotating = Rotating::covered_by(&format!("{POLICY}{second}"), "losant", 1);
    let run = rotating.run(&["worker", "--once"]).ends_with(8);
    assert_eq!(run.stderr.matches(problem).count(), 2, "{run:?}");
    assert_eq!(rotating.changes_after(0), Vec::<String>::new());
    assert_eq!(rotating.operations(), Vec::<Value>::new());
}

#[test]
fn a_token_that_two_policies_cover_is_rotated_by_neither() {
    let second = "
[policies.second]
account = 'mine'
where = 'name = ci-0'
max_age = '30d'
new_expiry = '90d'
sinks = ['file:DIR/secrets/second']
";
    assert_both_refuse(second, "both cover it");
}

#[test]
fn of_two_tokens_with_one_name_neither_gets_the_place() {
    let rotating = Rotating::with("losant", &["--tokens=0"], POLICY);
    rotating.insert("ci-0");
    rotating.insert("ci-0");
    assert_refused(&rotating, 2, "has the same place");
    assert!(!rotating.file("ci-0").exists());
}

#[test]
fn of_the_tokens_of_two_policies_that_fill_in_one_place_neither_gets_it() {
    let second = "
[policies.second]
account = 'mine'
where = 'name = other'
max_age = '30d'
new_expiry = '90d'
sinks = ['file:DIR/secrets/ci-0']
";
    assert_both_refuse(second, "has the same place");
}

#[test]
fn policies_of_two_accounts_fill_in_no_place_that_may_be_one() {
    let second = "
[accounts.theirs]
provider = 'foreman'
base_url = 'https://foreman.example.com'
token = { env = 'MINE_TOKEN' }
username = 'a'

[policies.second]
account = 'theirs'
where = 'name ^= ci-'
max_age = '30d'
sinks = ['SINK']
";
    let tables = format!("{POLICY}{second}").replace("SINK", "file:DIR/secrets/{id}");
    let rotating = Rotating::covered_by(&tables, "losant", 1);
    for words in [&["worker", "--once"][..], &["rotate", "--policy=ci"]] {
        let run = rotating.run(words).ends_with(2);
        for part in ["policies.second", "policies.ci", "{account}"] {
            assert!(run.stderr.contains(part), "{part}: {run:?}");
        }
    }
    assert_eq!(rotating.requests(), 0);
    let tables = format!("{POLICY}{second}").replace("SINK", "file:DIR/secrets/{account}/{name}");
    let rotating = Rotating::covered_by(&tables, "losant", 1);
    rotating.run(&["rotate", "--policy=ci"]).ends_with(0);
}

#[test]
fn a_policy_leaves_the_place_of_an_open_rotation_alone_however_it_is_written() {
    let rotating = Rotating::covered("losant", 1);
    let id = rotating.insert("manual");
    let to = rotating.to("ci-0");
    let words = [
        "rotate",
        &id,
        &to,
        "--overlap=1h",
        "--expires-in=90d",
        "--yes",
    ];
    let rotated = rotating.run(&words).ends_with(0).json();
    let held = rotating.held("ci-0");
    assert_refused(&rotating, 1, rotated["operation"].as_str().unwrap());
    assert_eq!(rotating.held("ci-0"), held);
}

#[test]
fn a_rotation_leaves_the_place_of_an_open_rotation_alone_however_it_is_written() {
    let tables = POLICY.replace("overlap = '0s'", "overlap = '1h'");
    let rotating = Rotating::covered_by(&tables, "losant", 1);
    rotating.run(&["worker", "--once"]).ends_with(0);
    let held = rotating.held("ci-0");
    let id = rotating.insert("manual");
    let before = rotating.requests();
    let to = [rotating.to("ci-0")];
    let open = rotating.operations()[0]["operation"].clone();
    let run = rotating.run(&rotate(&id, &to, &[])).ends_with(1);
    assert!(run.stderr.contains(open.as_str().unwrap()), "{run:?}");
    // Nor does consent to replace what it holds end the rotation.
    let run = rotating.run(&rotate(&id, &to, &["--adopt"])).ends_with(1);
    assert!(run.stderr.contains("the open rotation"), "{run:?}");
    assert_eq!(rotating.changes_after(before), Vec::<String>::new());
    assert_eq!(
        (rotating.held("ci-0"), rotating.operations().len()),
        (held, 1)
    );
}

/// Lets a policy deliver its one token, changes something, and asserts that it does not leave the
/// place that it has written with a dead secret. Returns the id of the token.
#[track_caller]
fn assert_left_alone(rotating: &Rotating, change: impl Fn(&str)) -> String {
    let run = rotating.run(&["worker", "--once", "--output=ndjson"]);
    let id = lines(&run.ends_with(0).stdout)[0]["successor"].clone();
    let id = id.as_str().unwrap().to_owned();
    let held = rotating.held("ci-0");
    change(&id);
    let place = rotating.file("ci-0").display().to_string();
    assert_refused(rotating, 1, "would keep a dead secret");
    let run = rotating.run(&["worker", "--once"]).ends_with(8);
    for part in [&id, "ci-0", "--to files", "--only-these-places"] {
        assert!(run.stderr.contains(part), "{part}: {run:?}");
    }
    let run = rotating.run(&["doctor", "--output=json"]);
    assert!(run.stdout.contains("would keep a dead secret"), "{run:?}");
    assert!(rotating.accepts(&held), "{place}");
    id
}

#[test]
fn a_policy_leaves_no_dead_secret_in_the_place_of_an_earlier_name() {
    let rotating = Rotating::covered("losant", 1);
    let rename = |id: &str| {
        let words = ["update", id, "--name=ci-renamed"];
        rotating.run(&words).ends_with(0);
    };
    let id = assert_left_alone(&rotating, rename);
    // Whoever read it has moved.
    let words = [
        "rotate",
        &id,
        "--to=files",
        "--only-these-places",
        "--overlap=0s",
        "--expires-in=90d",
        "--yes",
    ];
    rotating.run(&words).ends_with(0);
    // What it read before is dead, and said to be until it is removed.
    rotating.run(&["rotate", "--policy=ci"]).ends_with(8);
    fs::remove_file(rotating.file("ci-0")).unwrap();
    rotating.run(&["rotate", "--policy=ci"]).ends_with(0);
    assert!(rotating.accepts(&rotating.held("ci-renamed")));
}

/// Lets the sink of the policy lead to another folder.
fn move_sink(rotating: &Rotating) {
    fs::create_dir_all(rotating.file("moved")).unwrap();
    let text = fs::read_to_string(&rotating.path).unwrap();
    let text = text.replace("secrets/{name}", "secrets/moved/{name}");
    fs::write(&rotating.path, text).unwrap();
}

#[test]
fn a_policy_leaves_no_dead_secret_where_its_sink_led_before() {
    let rotating = Rotating::covered("losant", 1);
    let id = assert_left_alone(&rotating, |_| move_sink(&rotating));
    let to = ["--to=files".to_owned()];
    let run = rotating.run(&rotate(&id, &to, &[])).ends_with(2);
    let old = format!("--to file:{}", rotating.file("ci-0").display());
    assert!(run.stderr.contains(&old), "{run:?}");
    // Whoever read it has moved.
    let words = rotate(&id, &to, &["--only-these-places"]);
    rotating.run(&words).ends_with(0);
    fs::remove_file(rotating.file("ci-0")).unwrap();
    rotating.run(&["rotate", "--policy=ci"]).ends_with(0);
    assert!(rotating.accepts(&rotating.held("moved/ci-0")));
}

#[test]
fn without_ids_a_policy_leaves_what_its_sink_held_where_it_led_before_too() {
    let tables = "
[sinks.files]
kind = 'file'
path = 'DIR/secrets/{account}'

[policies.ci]
account = 'mine'
max_age = '12h'
sinks = ['files']
";
    let rotating = Rotating::with("mindbody", &["--tokens=1"], tables);
    rotating.run(&["worker", "--once"]).ends_with(0);
    let held = rotating.held("mine");
    fs::create_dir_all(rotating.file("moved")).unwrap();
    let text = fs::read_to_string(&rotating.path).unwrap();
    let text = text.replace("secrets/{account}", "secrets/moved/{account}");
    fs::write(&rotating.path, text).unwrap();
    let run = rotating.run(&["worker", "--once"]).ends_with(8);
    assert!(run.stderr.contains("would keep a dead secret"), "{run:?}");
    assert!(rotating.accepts(&held));
    fs::remove_file(rotating.file("mine")).unwrap();
    rotating.run(&["worker", "--once"]).ends_with(0);
}

#[test]
fn an_open_rotation_waits_while_its_sink_leads_elsewhere() {
    let tables = POLICY.replace("overlap = '0s'", "overlap = '2s'");
    let rotating = Rotating::covered_by(&tables, "losant", 1);
    let begun = fs::read_to_string(&rotating.path).unwrap();
    rotating.run(&["worker", "--once"]).ends_with(0);
    let (held, before) = (rotating.held("ci-0"), rotating.requests());
    move_sink(&rotating);
    std::thread::sleep(std::time::Duration::from_secs(3));
    let run = rotating.run(&["worker", "--once"]).ends_with(2);
    for part in ["secrets/ci-0", "another place", "operations abandon"] {
        assert!(run.stderr.contains(part), "{part}: {run:?}");
    }
    assert_eq!(rotating.changes_after(before), Vec::<String>::new());
    fs::write(&rotating.path, begun).unwrap();
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert_eq!(rotating.operations(), Vec::<Value>::new());
    assert!(rotating.accepts(&held));
}

#[test]
fn a_token_that_a_place_holds_by_its_stamp_alone_is_not_left_there_or_revoked_unsaid() {
    let fixed = "
[sinks.fixed]
kind = 'file'
path = 'DIR/secrets/fixed'
";
    let rotating = Rotating::covered_by(&format!("{POLICY}{fixed}"), "losant", 0);
    let id = rotating.insert("ci-0");
    rotating.run(&["snapshot"]).ends_with(0);
    let (state, backup) = (rotating.ledger(), rotating.file("backup.db"));
    fs::copy(&state, &backup).unwrap();
    let both = ["--to=files".to_owned(), "--to=fixed".to_owned()];
    let words = rotate(&id, &both, &["--only-these-places"]);
    let rotated = rotating.run(&words).ends_with(0).json();
    let id = rotated["successor"].as_str().unwrap();
    let held = rotating.held("fixed");
    // The ledger from before, which knows nothing of it.
    fs::remove_dir_all(state.parent().unwrap()).unwrap();
    fs::create_dir(state.parent().unwrap()).unwrap();
    fs::copy(&backup, &state).unwrap();
    let run = rotating.run(&["rotate", "--policy=ci"]).ends_with(8);
    assert!(run.stderr.contains("would keep a dead secret"), "{run:?}");
    assert!(rotating.accepts(&held));
    // What another ledger wrote may be a token of another platform with the same id.
    fs::remove_dir_all(state.parent().unwrap()).unwrap();
    let run = rotating.run(&["rotate", "--policy=ci", "--dry-run"]);
    assert!(!run.stderr.contains("would keep a dead secret"), "{run:?}");
    assert!(rotating.accepts(&held));

    let run = rotating.run(&["revoke", id, "--yes"]).ends_with(0);
    assert!(run.stderr.contains("--to fixed"), "{run:?}");
}

#[test]
fn a_place_that_does_not_answer_holds_a_policy_up_for_seconds_and_is_said() {
    let slow = "
[sinks.slow]
kind = 'command'
run = ['true']
check = ['sleep', '60']
timeout = '60s'
";
    let rotating = Rotating::covered_by(&format!("{POLICY}{slow}"), "losant", 3);
    let started = std::time::Instant::now();
    let run = rotating.run(&["rotate", "--policy=ci"]).ends_with(0);
    assert!(started.elapsed().as_secs() < 45, "{run:?}");
    assert!(
        run.stderr.contains("slow (there was no time to look)"),
        "{run:?}"
    );
}

#[test]
fn a_place_that_answers_with_an_error_is_said_to_be_not_looked_at() {
    let broken = "
[sinks.broken]
kind = 'command'
run = ['true']
check = ['false']
";
    let rotating = Rotating::covered_by(&format!("{POLICY}{broken}"), "losant", 2);
    let run = rotating.run(&["rotate", "--policy=ci"]).ends_with(0);
    let said = run
        .stderr
        .lines()
        .filter(|line| line.contains("was not looked at: broken ("));
    assert_eq!(said.count(), 1, "{run:?}");
}

#[test]
fn a_place_that_cannot_be_read_for_a_moment_is_looked_at_again_within_minutes() {
    let told = "
[sinks.told]
kind = 'command'
run = ['true']
adopt = true
";
    let tables = POLICY.replace("overlap = '0s'", "overlap = '1s'");
    let tables = tables.replace("sinks = ['files']", "sinks = ['files', 'told']") + told;
    let rotating = Rotating::covered_by(&tables, "losant", 1);
    rotating.run(&["worker", "--once"]).ends_with(0);
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    rotating.run(&["worker", "--once"]).ends_with(0);
    assert_eq!(rotating.operations(), Vec::<Value>::new());
    // The policy does not write it any more, and what it holds is not read in time.
    let text = fs::read_to_string(&rotating.path).unwrap();
    let text = text.replace("sinks = ['files', 'told']", "sinks = ['files']");
    let text = text.replace("run = ['true']", "run = ['true']\ncheck = ['sleep', '60']");
    fs::write(&rotating.path, text).unwrap();
    let worker = rotating.spawn(&["worker"]);
    let started = std::time::Instant::now();
    let failing = loop {
        let open = rotating.operations();
        if let Some(failing) = open.iter().find(|task| task["state"] == "failing") {
            break failing.clone();
        }
        assert!(started.elapsed().as_secs() < 60, "{open:?}");
        std::thread::sleep(std::time::Duration::from_millis(200));
    };
    send(&worker, "TERM");
    ended(worker).ends_with(0);
    let why = failing["why"].as_str().unwrap();
    assert!(why.contains("there was no time to look"), "{failing:?}");
}

/// Two accounts of one platform, each with a policy for the same tokens. `OTHER` stands for the
/// variable with the credential of the second one.
const TWO_ACCOUNTS: &str = "
[accounts.theirs]
provider = 'losant'
base_url = 'PLATFORM'
token = { env = 'OTHER' }

[policies.ci]
account = 'mine'
where = 'name ^= ci-'
max_age = '30d'
new_expiry = '90d'
overlap = '1h'
sinks = ['file:DIR/secrets/{account}/{name}']

[policies.again]
account = 'theirs'
where = 'name ^= ci-'
max_age = '30d'
new_expiry = '90d'
overlap = '1h'
sinks = ['file:DIR/secrets/{account}/{name}']
";

fn two_accounts(variable: &str) -> Rotating {
    let tables = TWO_ACCOUNTS.replace("OTHER", variable);
    let rotating = Rotating::covered_by(&tables, "losant", 1);
    for account in ["mine", "theirs"] {
        fs::create_dir(rotating.file(account)).unwrap();
    }
    rotating
}

#[test]
fn of_two_accounts_with_the_same_tokens_only_the_first_rotates_them() {
    let rotating = two_accounts("MINE_TOKEN");
    let both = "policies.ci of the account mine covers it already, and theirs has the same tokens";
    let run = rotating.run(&["doctor"]).ends_with(8);
    assert!(run.stdout.contains(both), "{run:?}");
    for words in [
        &["rotate", "--policy=again", "--dry-run"][..],
        &["rotate", "--policy=again"],
        &["worker", "--once"],
        &["rotate", "--policy=again"],
    ] {
        let run = rotating.run(words).ends_with(8);
        assert!(run.stderr.contains(both), "{words:?}: {run:?}");
    }
    assert!(rotating.file("mine/ci-0").exists());
    assert!(!rotating.file("theirs/ci-0").exists());
    assert_eq!(rotating.changes_after(0), ["POST"]);
    assert_eq!(rotating.operations().len(), 1);
}

#[test]
fn a_token_that_another_account_is_rotating_is_left_to_it() {
    let mut rotating = two_accounts("THEIR_TOKEN");
    let credential = rotating.insert("credential");
    let secret = rotating.secret_of(&credential);
    // Nothing tells that it is one of the same user, but what it lists.
    rotating.set_variable("THEIR_TOKEN", &secret);
    rotating.run(&["rotate", "--policy=ci"]).ends_with(0);
    let held = rotating.held("mine/ci-0");
    let operation = rotating.operations()[0]["operation"].clone();
    let operation = operation.as_str().unwrap();
    for words in [
        &["rotate", "--policy=again", "--dry-run"][..],
        &["rotate", "--policy=again"],
    ] {
        let run = rotating.run(words).ends_with(8);
        let parts = ["the account mine is rotating it", operation, "theirs"];
        assert!(
            parts.iter().all(|part| run.stderr.contains(part)),
            "{run:?}"
        );
    }
    let old = rotating.tokens();
    let old = old.iter().find(|token| token["name"] == "ci-0").unwrap();
    let to = rotating.to("theirs/ci-0");
    let words = [
        "rotate",
        "--account=theirs",
        old["id"].as_str().unwrap(),
        &to,
    ];
    let words = [
        &words[..],
        &["--expires-in=90d", "--yes", "--only-these-places"],
    ]
    .concat();
    let run = rotating.run(&words).ends_with(1);
    assert!(
        run.stderr.contains("the account mine is rotating"),
        "{run:?}"
    );
    assert_eq!(rotating.changes_after(0), ["POST"]);
    assert_eq!(rotating.held("mine/ci-0"), held);
    assert_eq!(rotating.operations().len(), 1);
}
