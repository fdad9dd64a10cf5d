//! The recipe of `docs/ROTATION.md` for a ledger that was restored from a backup.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};
use support::rotating::Rotating;

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Rotates a token into the file `ci`, and returns the object of the rotation.
fn rotate(rotating: &Rotating, id: &str, code: i32) -> Value {
    let to = rotating.to("ci");
    let words = [
        "rotate",
        "--id",
        id,
        &to,
        "--overlap=0s",
        "--expires-in=90d",
        "--yes",
    ];
    rotating.run(&words).ends_with(code).json()
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap()
}

#[test]
fn a_restored_ledger_reports_what_it_forgot_and_replaces_nothing_without_a_person() {
    let rotating = Rotating::new("losant");
    let state = rotating.directory.path().join("state");
    let backup = rotating.directory.path().join("backup");
    let first = rotate(&rotating, &rotating.insert("ci"), 0);
    copy(&state, &backup);
    let second = rotate(&rotating, text(&first, "successor"), 0);
    let third = rotate(&rotating, text(&second, "successor"), 0);
    // With what SQLite keeps beside the file, which belongs to the newer one.
    fs::remove_dir_all(&state).unwrap();
    copy(&backup, &state);
    fs::set_permissions(&state, Permissions::from_mode(0o700)).unwrap();
    let current = text(&third, "successor");
    let (held, alive) = (rotating.held("ci"), rotating.alive());

    let run = rotating.run(&["snapshot", "--output=json"]).ends_with(0);
    let strays = &run.json()["accounts"][0]["strays"];
    assert_eq!(strays[0]["origin"], "forgotten", "{strays}");
    assert_eq!(strays[0]["token"], current);
    assert_eq!(strays.as_array().unwrap().len(), 1, "{strays}");
    // It is in use, and nobody is told to revoke it.
    assert!(text(&strays[0], "place").ends_with("/ci"), "{strays}");
    assert_eq!(strays[0]["revoke"], Value::Null, "{strays}");

    let before = rotating.requests();
    let parked = rotate(&rotating, current, 8);
    assert!(
        text(&parked, "why").contains("after this state of the ledger"),
        "{parked}"
    );
    assert_eq!(rotating.changes_after(before), Vec::<String>::new());
    assert_eq!(
        (rotating.held("ci"), rotating.alive()),
        (held.clone(), alive)
    );

    // What the recipe says.
    let next = text(&parked, "next");
    assert!(next.contains("--after-restore`"), "{next}");
    let resume = [
        "operations",
        "resume",
        text(&parked, "operation"),
        "--after-restore",
        "--yes",
    ];
    let resumed = rotating.run(&resume).ends_with(0).json();
    assert_eq!(resumed["outcome"], "done", "{resumed}");
    assert!(rotating.accepts(&rotating.held("ci")) && !rotating.accepts(&held));
    assert_eq!(rotating.alive(), alive);
}

#[test]
fn a_token_that_is_revoked_by_its_id_is_looked_for_in_the_places_that_are_named_after_tokens() {
    let rotating = Rotating::covered("losant", 1);
    let state = rotating.directory.path().join("state");
    let backup = rotating.directory.path().join("backup");
    rotate(&rotating, &rotating.insert("another"), 0);
    copy(&state, &backup);
    rotating.run(&["worker", "--once"]).ends_with(0);
    // The ledger knows no rotation into the place of the token any more.
    fs::remove_dir_all(&state).unwrap();
    copy(&backup, &state);
    fs::set_permissions(&state, Permissions::from_mode(0o700)).unwrap();
    let tokens = rotating.tokens();
    let is_held = |token: &&Value| token["secret"] == rotating.held("ci-0");
    let id = text(tokens.iter().find(is_held).unwrap(), "id");

    // Where the name cannot be read, the program says what it did not look at.
    let body = json!({"type": "Forbidden", "message": "no"}).to_string();
    let refused = json!({"answer": {"status": 403, "body": body}});
    let path = format!("/me/tokens/{id}");
    let fault = json!({"method": "GET", "path": path, "actions": [refused], "times": null});
    rotating.control("POST", "/faults", &fault.to_string());
    let before = rotating.requests();
    let run = rotating.run(&["revoke", id]).ends_with(2);
    assert!(run.stderr.contains("was not looked at"), "{run:?}");
    assert!(run.stderr.contains("files/name={name}"), "{run:?}");
    assert_eq!(rotating.changes_after(before), Vec::<String>::new());
    rotating.clear_faults();

    let plan = rotating.directory.path().join("plan");
    let planned = rotating.run(&["plan", "--where", &format!("id = {id}")]);
    let planned = planned.ends_with(0).stdout;
    let (before, _) = planned.split_once("revoke ").unwrap();
    fs::write(&plan, format!("{before}revoke {id}\n")).unwrap();
    let plan = format!("--plan={}", plan.display());
    for words in [
        &["revoke", &plan][..],
        &["revoke", id],
        &["revoke", id, "--yes"],
    ] {
        let is_confirmed = words.contains(&"--yes");
        let run = rotating
            .run(words)
            .ends_with(if is_confirmed { 0 } else { 2 });
        let warning = format!("token {id} is in files/name=ci-0, which would hold a dead secret");
        assert!(run.stderr.contains(&warning), "{words:?}: {run:?}");
    }
}
