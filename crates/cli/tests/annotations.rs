//! Annotations of tokens: how they are written, and where they are shown.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use support::Run;
use support::account::Account;
use tempfile::TempDir;

/// An account in a directory of its own, beside which a file of annotations is found.
struct Annotated {
    account: Account,
    directory: TempDir,
}

impl Annotated {
    fn new(provider: &str, settings: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let mut account = Account::new(provider);
        let path = directory.path().join("tokenfleet.toml");
        let text = fs::read_to_string(&account.path).unwrap();
        fs::write(&path, text + settings).unwrap();
        account.path = path.to_str().unwrap().to_owned();
        Self { account, directory }.with_tokens()
    }

    /// Creates two more tokens, unless the file of annotations is still missing.
    fn with_tokens(self) -> Self {
        for name in ["--name=a", "--name=b"] {
            self.run(&["create", name]);
        }
        self
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("annotations.toml")
    }

    fn run(&self, words: &[&str]) -> Run {
        self.account.run(words)
    }

    fn listed(&self, filter: &str) -> Vec<Value> {
        let json = self.run(&["list", "--where", filter]).ends_with(0).json();
        json["tokens"].as_array().unwrap().clone()
    }

    fn ids(&self) -> Vec<String> {
        let tokens = self.listed("everything");
        let ids = tokens
            .iter()
            .map(|token| token["id"].as_str().unwrap().to_owned());
        ids.collect()
    }
}

#[test]
fn an_annotation_is_shown_and_filtered_everywhere_and_sent_nowhere() {
    let annotated = Annotated::new("losant", "");
    let ids = annotated.ids();
    let (id, other) = (ids[0].as_str(), ids[1].as_str());
    annotated
        .run(&[
            "annotate",
            id,
            "--owner=alice",
            "--until=2030-01-31",
            "--account=mine",
        ])
        .ends_with(0);
    annotated
        .run(&[
            "annotate",
            other,
            "--team=platform",
            "--purpose=builds, nightly",
        ])
        .ends_with(0);

    let found = annotated.listed("annotation.owner = alice");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["id"], id);
    let expected = json!({"owner": "alice", "until": "2030-01-31T00:00:00Z"});
    assert_eq!(found[0]["annotation"], expected);
    let attributes = found[0]["attributes"].as_object().unwrap();
    let of_ours = attributes
        .keys()
        .filter(|name| name.starts_with("annotation"));
    assert_eq!(of_ours.count(), 0, "{attributes:?}");
    let without = annotated.listed("annotation.owner is none");
    assert_eq!(without.len(), ids.len() - 1);
    assert_eq!(annotated.listed("annotation.until <= 2030-01-31").len(), 1);
    assert_eq!(annotated.listed("annotation.until < 2030-01-31").len(), 0);
    let missing = annotated.listed("annotation.owner is not_reported");
    assert_eq!(missing.len(), ids.len() - 1);
    assert!(
        missing
            .iter()
            .any(|token| token.get("annotation").is_none())
    );
    assert_eq!(annotated.listed("annotation.team ~ plat*")[0]["id"], other);
    assert_eq!(annotated.listed("owner = alice"), Vec::<Value>::new());

    let shown = annotated.run(&["show", id]).ends_with(0).json();
    assert_eq!(shown["annotation"], expected);
    let updated = annotated
        .run(&["update", id, "--name=ci"])
        .ends_with(0)
        .json();
    assert_eq!(updated["annotation"], expected);
    let csv = annotated.run(&["list", "--output=csv"]).ends_with(0).stdout;
    let header = csv.lines().next().unwrap();
    let columns = ",annotation_owner,annotation_team,annotation_purpose,annotation_until";
    assert!(header.ends_with(columns), "{header}");
    assert!(csv.contains(",alice,,,2030-01-31T00:00:00Z\n"), "{csv}");
    assert!(csv.contains(",,platform,\"builds, nightly\",\n"), "{csv}");
    let table = annotated
        .run(&["list", "--output=table"])
        .ends_with(0)
        .stdout;
    assert!(
        table.contains("annotation") && table.contains("alice"),
        "{table}"
    );
    let plan = annotated.run(&["plan", "--where", "annotation.owner = alice"]);
    assert!(plan.ends_with(0).stdout.contains(id));
    let log = annotated.account.control("GET", "/log", "").to_string();
    assert!(!log.contains("alice") && !log.contains("platform"), "{log}");
}

#[test]
fn without_annotations_nothing_changes() {
    let annotated = Annotated::new("losant", "");
    let csv = annotated.run(&["list", "--output=csv"]).ends_with(0).stdout;
    assert!(
        csv.lines().next().unwrap().ends_with(",unreadable"),
        "{csv}"
    );
    let table = annotated
        .run(&["list", "--output=table"])
        .ends_with(0)
        .stdout;
    assert!(!table.contains("annotation"), "{table}");
    assert!(
        annotated.listed("everything")[0]
            .get("annotation")
            .is_none()
    );
    assert!(!annotated.file().exists());
}

#[test]
fn annotate_changes_one_entry_and_keeps_the_rest_of_the_file() {
    let annotated = Annotated::new("losant", "");
    let before = "# Ask the security team before you edit this.\n\n\
                  [[annotation]]\nname = \"ci-*\" # all pipelines\nteam = \"platform\"\n";
    fs::write(annotated.file(), before).unwrap();
    let text = || fs::read_to_string(annotated.file()).unwrap();
    annotated
        .run(&["annotate", "--name=ci-*", "--owner=bob"])
        .ends_with(0);
    assert_eq!(text(), format!("{before}owner = \"bob\"\n"));
    annotated
        .run(&["annotate", "x", "--account=mine", "--owner=bob"])
        .ends_with(0);
    annotated
        .run(&["annotate", "x", "--owner=carol"])
        .ends_with(0);
    let list = annotated
        .run(&["annotate", "--list", "--output=csv"])
        .ends_with(0);
    assert_eq!(
        list.stdout,
        "account,id,name,owner,team,purpose,until\n*,,ci-*,bob,platform,,\nmine,x,,bob,,,\n\
         *,x,,carol,,,\n"
    );
    annotated
        .run(&["annotate", "x", "--account=mine", "--remove"])
        .ends_with(0);
    annotated.run(&["annotate", "x", "--remove"]).ends_with(0);
    assert_eq!(text(), format!("{before}owner = \"bob\"\n"));
    annotated.run(&["annotate", "x", "--remove"]).ends_with(4);
    assert_eq!(text(), format!("{before}owner = \"bob\"\n"));
}

#[test]
fn a_token_that_is_named_like_the_id_of_another_does_not_get_its_annotation() {
    let annotated = Annotated::new("losant", "");
    let id = annotated.ids().remove(0);
    let name = format!("--name={id}");
    annotated.run(&["create", &name]).ends_with(0);
    annotated
        .run(&["annotate", &id, "--owner=alice"])
        .ends_with(0);
    let found = annotated.listed("annotation.owner = alice");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["id"], id);
    annotated
        .run(&["annotate", &name, "--team=ops"])
        .ends_with(0);
    let found = annotated.listed("annotation.team = ops");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["name"], id);
}

#[test]
fn a_finding_says_whom_to_ask() {
    let check = "[checks.orphan]\nwhere = 'annotation.owner is none'\n\
                 [checks.theirs]\nwhere = 'annotation.team != ops and annotation.team = web'\n";
    let annotated = Annotated::new("losant", check);
    let ids = annotated.ids();
    annotated
        .run(&["annotate", &ids[0], "--owner=alice", "--team=web"])
        .ends_with(0);
    let whole = annotated.run(&["check"]).ends_with(8).json();
    assert_eq!(whole["not_judged"], json!([]));
    let findings = whole["findings"].as_array().unwrap();
    let of = |check: &'static str| findings.iter().filter(move |found| found["check"] == check);
    assert_eq!(of("orphan").count(), ids.len() - 1);
    assert!(of("orphan").all(|found| found.get("annotation").is_none()));
    let theirs: Vec<_> = of("theirs").collect();
    assert_eq!(theirs.len(), 1);
    let expected = json!({"owner": "alice", "team": "web"});
    assert_eq!(theirs[0]["annotation"], expected);
}

#[test]
fn a_mistake_is_an_error_that_names_the_file_and_the_line_and_changes_nothing() {
    let annotated = Annotated::new("losant", "");
    let wrong = "[[annotation]]\nid = 'x'\nonwer = 'alice'\n";
    fs::write(annotated.file(), wrong).unwrap();
    for words in [
        &["list"][..],
        &["annotate", "x", "--owner=alice"],
        &["annotate", "--list"],
    ] {
        let run = annotated.run(words).ends_with(2);
        let line = run.error_line();
        let place = format!("{}: line 3", annotated.file().display());
        assert!(line.contains(&place) && line.contains("onwer"), "{line}");
    }
    assert_eq!(fs::read_to_string(annotated.file()).unwrap(), wrong);
    for words in [
        &["annotate", "x"][..],
        &["annotate"],
        &["annotate", "x", "--owner=a", "--remove"],
        &["annotate", "x", "--until=soon"],
        &["annotate", "x", "--owner=a", "--account=other"],
        &["annotate", "ci-*", "--owner=a"],
        &["annotate", "x", "--name=y", "--owner=a"],
        &["annotate", "", "--owner=a"],
        &["annotate", "--name=", "--owner=a"],
        &["annotate", "--name=x"],
        &["annotate", "--list", "--name=x"],
    ] {
        fs::remove_file(annotated.file()).ok();
        annotated.run(words).ends_with(2);
        assert!(!annotated.file().exists(), "{words:?}");
    }
}

#[test]
fn the_configuration_chooses_another_file_which_must_exist() {
    let annotated = Annotated::new("losant", "[annotations]\nfile = 'owners.toml'\n");
    let run = annotated.run(&["list"]).ends_with(2);
    assert!(run.error_line().contains("owners.toml"), "{run:?}");
    fs::write(annotated.directory.path().join("owners.toml"), "").unwrap();
    let id = annotated.ids().remove(0);
    annotated
        .run(&["annotate", &id, "--team=platform"])
        .ends_with(0);
    assert_eq!(annotated.listed("annotation.team = platform").len(), 1);
    assert!(!annotated.file().exists());
    let run = annotated
        .run(&["annotate", "x", "--team=y", "--account=z*"])
        .ends_with(0);
    assert_eq!(run.stderr, "");
    let list = annotated.run(&["annotate", "--list"]).ends_with(0);
    assert!(
        list.error_line()
            .starts_with("note: no account is named z*"),
        "{list:?}"
    );
}
