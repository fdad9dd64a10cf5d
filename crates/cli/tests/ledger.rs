//! `ledger`: what is remembered, as a whole.

#![cfg(all(unix, feature = "simulate"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};

use serde_json::{Value, json};
use support::remembered::Remembered;

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn an_export_holds_every_snapshot_version_and_write_and_no_secret() {
    let remembered = Remembered::one("losant", 3);
    remembered.snapshot(0);
    let tokens = remembered.tokens(0);
    let secrets: Vec<_> = tokens
        .iter()
        .filter_map(|token| token["secret"].as_str())
        .collect();
    let renamed = remembered.id(0, 0);
    remembered
        .run(&["update", &renamed, "--name=new"])
        .ends_with(0);
    remembered.erase(0, &remembered.id(0, 1));
    remembered.snapshot(0);
    let run = remembered
        .run(&["ledger", "export"])
        .ends_with(0)
        .hiding(&secrets);
    let exported = lines(&run.stdout);
    let of_type = |kind: &str| exported.iter().filter(|line| line["type"] == kind).count();
    assert_eq!((of_type("snapshot"), of_type("version")), (2, 4));
    let writes: Vec<_> = exported
        .iter()
        .filter(|line| line["type"] == "write")
        .collect();
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0]["intent"]["token"], *renamed);
    assert!(writes[0]["outcome"]["effect"].is_object(), "{writes:?}");
    let none = remembered.run(&["ledger", "export", "--provider=losant"]);
    assert!(none.ends_with(0).stdout.contains("\"type\":\"write\""));
    let open = exported
        .iter()
        .filter(|line| line["type"] == "version" && line["to"].is_null());
    assert_eq!(open.count(), 2);
    let run = remembered
        .run(&["ledger", "export", "--output=csv"])
        .ends_with(2);
    assert!(run.stderr.contains("one JSON object per line"), "{run:?}");
}

#[test]
fn pruning_forgets_what_was_superseded_and_keeps_what_is_there() {
    let remembered = Remembered::one("losant", 2);
    remembered.snapshot(0);
    let erased = remembered.id(0, 0);
    remembered.erase(0, &erased);
    remembered.snapshot(0);
    remembered.snapshot(0);
    for action in ["prune --older-than=400d", "vacuum"] {
        let words: Vec<_> = action.split(' ').collect();
        let words = [&["ledger"], words.as_slice(), &["--read-only"]].concat();
        let run = remembered.run(&words).ends_with(2);
        assert!(run.stderr.contains("--read-only cannot be used"), "{run:?}");
    }
    let words = ["ledger", "prune", "--older-than=400d", "--output=json"];
    let pruned = remembered.run(&words).ends_with(0).json();
    assert_eq!(
        (&pruned["snapshots"], &pruned["versions"]),
        (&0.into(), &0.into())
    );
    let words = ["ledger", "prune", "--older-than=0s", "--output=json"];
    // The time is in whole seconds.
    std::thread::sleep(std::time::Duration::from_secs(1));
    let pruned = remembered.run(&words).ends_with(0).json();
    assert_eq!(
        (&pruned["snapshots"], &pruned["versions"]),
        (&2.into(), &1.into())
    );
    remembered.run(&["history", &erased]).ends_with(4);
    remembered.run(&["ledger", "vacuum"]).ends_with(0);
    // In a pipe, too.
    let check = remembered.run(&["ledger", "check"]).ends_with(0).json();
    assert_eq!(check, json!({"is_sound": true, "findings": []}));
    let words = ["ledger", "check", "--output=ndjson"];
    let check = remembered.run(&words).ends_with(0).json();
    assert_eq!(check, json!({"is_sound": true}));
    let show = remembered.run(&["ledger", "show"]).ends_with(0).json();
    assert_eq!(show["accounts"][0]["snapshots"], 1);
    assert_eq!(show["accounts"][0]["count"], 1);
    remembered.run(&["ledger", "prune"]).ends_with(2);
}

#[test]
fn a_damaged_ledger_is_told_by_check_and_doctor() {
    let remembered = Remembered::one("losant", 200);
    let run = remembered.run(&["doctor", "--output=json"]).ends_with(0);
    assert!(run.stdout.contains("not created yet"), "{run:?}");
    remembered.snapshot(0);
    let run = remembered.run(&["doctor", "--output=table"]).ends_with(0);
    let path = remembered.file().display().to_string();
    assert!(
        run.stdout.contains(&path) && run.stdout.contains("last snapshot"),
        "{run:?}"
    );
    remembered.run(&["ledger", "vacuum"]).ends_with(0);
    let length = fs::metadata(remembered.file()).unwrap().len();
    let mut file = OpenOptions::new()
        .write(true)
        .open(remembered.file())
        .unwrap();
    file.seek(SeekFrom::Start(length / 2)).unwrap();
    file.write_all(&[0xa5; 4096]).unwrap();
    drop(file);
    let run = remembered.run(&["ledger", "check"]);
    assert!([1, 8].contains(&run.code), "{run:?}");
    let run = remembered.run(&["doctor"]).ends_with(8);
    assert!(run.stdout.contains("damaged"), "{run:?}");
}

#[test]
fn a_ledger_of_another_program_is_left_as_it_is() {
    let remembered = Remembered::one("losant", 1);
    fs::create_dir_all(remembered.file().parent().unwrap()).unwrap();
    let text = "not a ledger, but somebody's notes".repeat(100);
    fs::write(remembered.file(), &text).unwrap();
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(remembered.file(), fs::Permissions::from_mode(0o600)).unwrap();
    let requests = remembered.fleet.requests();
    let run = remembered.run(&["snapshot"]).ends_with(2);
    assert!(run.stderr.contains("is not a ledger"), "{run:?}");
    assert_eq!(fs::read_to_string(remembered.file()).unwrap(), text);
    assert_eq!(remembered.fleet.requests(), requests);
}
