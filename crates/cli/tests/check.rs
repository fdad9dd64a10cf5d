//! `tokenfleet check`: policies, waivers and exit codes.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::platforms::{Platforms, ids};
use support::{temporary_file, tokenfleet};

const ACTIVE: &str = "[checks.active]\nwhere = 'state = active'\ndescription = 'see the wiki'\n";

fn losant() -> Platforms {
    Platforms::start(&["losant", "--tokens=12", "--seed=1"], 1).with_account("iot", "losant", "")
}

/// Returns a path that no file has yet.
fn new_path() -> String {
    let path = temporary_file("");
    std::fs::remove_file(&path).unwrap();
    path
}

#[test]
fn findings_are_listed_by_account_and_end_with_exit_code_8() {
    let fleet = losant().with_account("second", "losant", "tags = ['prod']");
    let expected = fleet.ids("iot", "state = active");
    assert!(!expected.is_empty());
    let whole = fleet.run(ACTIVE, &["check"]).ends_with(8).json();
    let findings = whole["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 2 * expected.len());
    let accounts: Vec<_> = findings.iter().map(|finding| &finding["account"]).collect();
    assert!(accounts.is_sorted_by_key(|account| *account == "second"));
    assert_eq!(findings[0]["check"], "active");
    assert_eq!(findings[0]["rule"], "where");
    for key in ["provider", "id", "name", "state", "owner", "since", "until"] {
        assert!(findings[0].get(key).is_some(), "{key}");
    }
    assert_eq!(whole["total"]["findings"], findings.len());
    assert_eq!(whole["total"]["tokens"], 24);
    assert_eq!(whole["checks"][0]["description"], "see the wiki");
    assert_eq!(whole["not_judged"], json!([]));

    let only = [ACTIVE, "tags = 'prod'"].concat();
    let whole = fleet.run(&only, &["check", "active"]).ends_with(8).json();
    assert_eq!(ids(&whole["findings"]), expected);
    // An account that no check concerns is not even read.
    assert_eq!(whole["accounts"].as_array().unwrap().len(), 1);
}

#[test]
fn a_check_that_finds_nothing_in_complete_accounts_is_a_success() {
    let run = losant().run("[checks.c]\nwhere = 'name = nobody'", &["check"]);
    let whole = run.ends_with(0).json();
    assert_eq!(whole["findings"], json!([]));
    assert_eq!(whole["accounts"][0]["completeness"], "complete");
}

#[test]
fn what_is_not_reported_is_shown_and_never_passes() {
    let fleet = losant();
    let check = "[checks.stale]\nunused_for = '90d'\n";
    let whole = fleet.run(check, &["check"]).ends_with(6).json();
    assert_eq!(whole["findings"], json!([]));
    let [entry] = &whole["not_judged"].as_array().unwrap()[..] else {
        panic!("{whole}")
    };
    assert_eq!(entry["missing"], "last_used");
    assert_eq!(entry["rule"], "unused_for");
    let live = fleet.ids("iot", "not state in (revoked, expired)");
    assert_eq!(entry["tokens"], live.len());
    let run = fleet.run(check, &["check", "--output=csv"]).ends_with(6);
    assert!(
        run.stderr
            .starts_with("note: not judged: iot (losant): stale (unused_for), ")
    );
    // Incomplete outweighs found.
    let both = [check, ACTIVE].concat();
    let run = fleet.run(&both, &["check", "--output=table"]).ends_with(6);
    let line = format!(
        "not judged: iot (losant): stale (unused_for), {} tokens: last_used is not reported; narrow \
         the check with `accounts`, `tags` or `provider`",
        live.len()
    );
    assert!(run.stdout.lines().any(|shown| shown == line), "{run:#?}");
    assert!(run.stdout.contains("active: see the wiki\n"));
    // Whoever narrows the check accepts that it says nothing of this account.
    let narrowed = [ACTIVE, check, "provider = 'foreman'"].concat();
    let run = fleet.run(&narrowed, &["check"]).ends_with(2);
    assert!(
        run.error_line()
            .contains("checks.stale concerns no configured account"),
        "{run:#?}"
    );
}

#[test]
fn an_account_that_cannot_be_listed_or_fails_is_not_judged() {
    let fleet = Platforms::start(&["all", "--tokens=3"], 4)
        .with_account("iot", "losant", "")
        .with_account("studio", "mindbody", "");
    let none = "[checks.c]\nwhere = 'name = nobody'";
    let whole = fleet.run(none, &["check"]).ends_with(6).json();
    let entry = &whole["not_judged"][0];
    assert_eq!(entry["account"], "studio");
    let reason = "the platform cannot list tokens; leave it out with --account '!studio'";
    assert_eq!(entry["reason"], reason);
    let run = fleet.run(none, &["check", "--output=csv"]).ends_with(6);
    assert!(
        run.stderr
            .contains("note: studio (mindbody): cannot be listed"),
        "{run:#?}"
    );

    let fleet = losant().with_refused_account("refused");
    let run = fleet.run(ACTIVE, &["check"]).ends_with(6);
    assert_eq!(run.json()["not_judged"][0]["account"], "refused");
    assert!(run.stderr.contains("refused (losant)"), "{run:#?}");
    let whole = run.json();
    assert_eq!(ids(&whole["findings"]), fleet.ids("iot", "state = active"));
    fleet
        .run(ACTIVE, &["check", "--account=refused"])
        .ends_with(3);
}

#[test]
fn a_mistake_is_an_error_before_anything_is_sent() {
    let account = "[accounts.a]\nprovider = 'losant'\nbase_url = 'http://127.0.0.1:9'\n\
                   token = { env = 'UNSET' }\n";
    let junit = "/nonexistent-directory/report.xml";
    for (tables, words, expected) in [
        (
            "",
            &[][..],
            "no check is configured; add a table such as [checks.stale]",
        ),
        (
            ACTIVE,
            &["activ"],
            "unknown check `activ`; did you mean `active`?",
        ),
        (
            "[checks.c]\nunused_fro = '1d'",
            &[],
            ": line 6: unknown key `unused_fro` in checks.c; did you mean `unused_for`?",
        ),
        (
            "[checks.c]\nexpired = true\naccounts = 'x'",
            &[],
            ": line 5: checks.c concerns no configured account",
        ),
        (
            "[checks.c]\nexpired = true\n[waivers.w]\naccount = 'a'",
            &[],
            ": line 7: waivers.w needs either the id or the name of a token",
        ),
        (
            "[checks.c]\nexpired = true\n[baseline]\nfile = 'missing.toml'",
            &[],
            "cannot read ",
        ),
        (
            "[checks.c]\nexpired = true\n[baseline]\n",
            &[],
            ": line 7: baseline names no file; write file = ",
        ),
        (
            ACTIVE,
            &["--junit", junit],
            "--junit: cannot write the file: ",
        ),
        (
            ACTIVE,
            &["--metrics-file", "/"],
            "--metrics-file: cannot write /: ",
        ),
    ] {
        let path = temporary_file(&[account, tables].concat());
        let words = [&["check", "--config", &path], words].concat();
        let run = tokenfleet(&words).ends_with(2);
        assert!(run.error_line().contains(expected), "{run:#?}");
        assert_eq!(run.stdout, "");
    }
    let words = ["check", "--write-baseline", "x.toml"];
    let run = tokenfleet(&words).ends_with(2);
    assert!(run.stderr.contains("--waiver-owner"), "{run:#?}");
}

fn waiver(name: &str, subject: &str, until: &str) -> String {
    format!(
        "[waivers.{name}]\naccount = 'i*'\n{subject}\nreason = 'moved'\nowner = 'alice'\n\
         until = '{until}'\n"
    )
}

#[test]
fn a_waived_finding_is_counted_and_an_expired_waiver_counts_no_more() {
    let fleet = losant();
    let found = fleet.ids("iot", "state = active");
    let waived = waiver(
        "legacy",
        &format!("id = '{}'\ncheck = 'active'", found[0]),
        "2999-12-31",
    );
    let tables = [
        ACTIVE,
        &waived,
        &waiver("old", &format!("id = '{}'", found[1]), "2020-01-31"),
        &waiver("spare", "name = 'nobody'", "2999-12-31"),
    ]
    .concat();
    let whole = fleet.run(&tables, &["check"]).ends_with(8).json();
    assert_eq!(ids(&whole["findings"]), found[1..]);
    assert_eq!(whole["total"]["waived"], 1);
    assert!(whole.get("waived").is_none());
    assert_eq!(
        whole["notes"],
        json!([
            "the waiver old of alice ended with 2020-01-31; its finding counts again",
            "the waiver spare matches nothing"
        ])
    );
    let words = ["check", "--show-waived"];
    let whole = fleet.run(&tables, &words).ends_with(8).json();
    assert_eq!(ids(&whole["waived"]), found[..1]);
    assert_eq!(
        whole["waived"][0]["waiver"],
        json!({"name": "legacy", "reason": "moved", "owner": "alice", "until": "2999-12-31"})
    );
    let all = [ACTIVE, &waiver("all", "name = '*'", "2999-12-31")].concat();
    let run = fleet.run(&all, &["check", "--output=table"]).ends_with(0);
    let line = format!(
        "0 findings, {} waived; 12 tokens in 1 account, ",
        found.len()
    );
    assert!(run.stdout.contains(&line), "{run:#?}");
}

#[test]
fn a_waiver_is_not_called_unused_where_its_account_was_not_read() {
    let fleet = losant().with_refused_account("io");
    let spare = waiver("spare", "name = 'nobody'", "2999-12-31");
    let tables = [ACTIVE, &spare].concat();
    for words in [&["check"][..], &["check", "--account=iot"]] {
        assert_eq!(fleet.run(&tables, words).json()["notes"], json!([]));
    }
}

#[test]
fn a_baseline_lets_a_check_be_switched_on() {
    let fleet = losant();
    let found = fleet.ids("iot", "state = active");
    let path = new_path();
    let write = [
        "check",
        "--write-baseline",
        &path,
        "--waiver-owner=alice",
        "--waiver-reason=a \"quoted\" \\ reason\u{1b}",
    ];
    let whole = fleet.run(ACTIVE, &write).ends_with(0).json();
    assert_eq!(whole["total"]["findings"], found.len());
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains('\u{1b}'));
    // Of an id that comes again, only the token that was there is waived.
    assert_eq!(text.matches("\ncreated = \"20").count(), found.len());
    let older = text.replace("\ncreated = \"20", "\ncreated = \"19");
    let words = ["check", "--baseline", &temporary_file(&older)];
    let whole = fleet.run(ACTIVE, &words).ends_with(8).json();
    assert_eq!(ids(&whole["findings"]), found);

    let words = ["check", "--show-waived", "--baseline", &path];
    let whole = fleet.run(ACTIVE, &words).ends_with(0).json();
    assert_eq!(whole["total"]["waived"], found.len());
    let reason = &whole["waived"][0]["waiver"]["reason"];
    assert_eq!(reason, "a \"quoted\" \\ reason\u{1b}");
    // The same by the configuration, relative to it.
    let name = Path::new(&path).file_name().unwrap().to_str().unwrap();
    let tables = format!("{ACTIVE}[baseline]\nfile = '{name}'\n");
    fleet.run(&tables, &["check"]).ends_with(0);
    // Nothing is overwritten.
    let run = fleet.run(ACTIVE, &write).ends_with(2);
    assert!(
        run.error_line().contains("--write-baseline: cannot write "),
        "{run:#?}"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    // A new token is found nevertheless.
    let create = ["create", "--name=new", "--account=iot", "--expires-in=1d"];
    fleet.run("", &create).ends_with(0);
    let whole = fleet.run(&tables, &["check"]).ends_with(8).json();
    assert_eq!(whole["findings"][0]["name"], "new");
    assert_eq!(whole["total"]["findings"], 1);
}

#[test]
fn the_baseline_of_the_configuration_can_be_written_for_the_first_time_and_again() {
    let fleet = losant();
    let path = new_path();
    let name = Path::new(&path).file_name().unwrap().to_str().unwrap();
    let tables = format!("{ACTIVE}[baseline]\nfile = '{name}'\n");
    let write = |path: &str| {
        let words = ["--write-baseline", path];
        let why = ["--waiver-owner=alice", "--waiver-reason=old"];
        let words = [&["check"][..], &words, &why].concat();
        fleet.run(&tables, &words)
    };
    fleet.run(&tables, &["check"]).ends_with(2);
    // Another file than the missing one.
    write(&new_path()).ends_with(2);
    for _ in 0..2 {
        write(&path).ends_with(0);
        fleet.run(&tables, &["check"]).ends_with(0);
        std::fs::remove_file(&path).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_changes_no_exit_code_and_costs_no_file() {
    let fleet = losant().with_refused_account("refused");
    for format in ["json", "ndjson", "csv", "table"] {
        let output = ["--output", format];
        let (junit, metrics, baseline) = (new_path(), new_path(), new_path());
        let files = ["--junit", &junit, "--metrics-file", &metrics];
        let only = ["check", "--account=iot"];
        let words = [&only[..], &output, &files].concat();
        fleet.run_unread(ACTIVE, &words).ends_with(8);
        let words = [&["check"][..], &output].concat();
        fleet.run_unread(ACTIVE, &words).ends_with(6);
        let write = ["--write-baseline", &baseline];
        let why = ["--waiver-owner=alice", "--waiver-reason=old"];
        let words = [&only[..], &output, &write, &why].concat();
        fleet.run_unread(ACTIVE, &words).ends_with(0);
        for path in [junit, metrics, baseline] {
            assert!(Path::new(&path).exists(), "{format}: {path}");
        }
        let refused = ["--account=refused", "--output", format];
        for command in ["inventory", "list", "expiring"] {
            let words = [&[command][..], &refused].concat();
            fleet.run_unread("", &words).ends_with(3);
        }
        let within = ["expiring", "--within=9000d", "--account=iot"];
        let words = [&within[..], &output].concat();
        fleet.run_unread("", &words).ends_with(8);

        let counted = |unread: bool| {
            let path = new_path();
            let words = [&["inventory", "--metrics-file", &path][..], &output].concat();
            let run = if unread {
                fleet.run_unread("", &words)
            } else {
                fleet.run("", &words)
            };
            run.ends_with(6);
            let text = std::fs::read_to_string(path).unwrap();
            let lines = text
                .lines()
                .filter(|line| line.starts_with("tokenfleet_tokens{"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(counted(true), counted(false), "{format}");
        assert!(!counted(true).is_empty());
    }
}

#[test]
fn a_report_is_shown_even_if_a_file_cannot_be_written_in_the_end() {
    let fleet = losant();
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("baseline.toml");
    let (path, text) = (path.to_str().unwrap(), "a waiver");
    // Written by somebody else while the tokens are read: the second one of the same file.
    let junit = ["check", "--junit", path, "--write-baseline", path];
    let words = [&junit[..], &["--waiver-owner=a", "--waiver-reason", text]].concat();
    let run = fleet.run(ACTIVE, &words).ends_with(2);
    assert!(run.json()["total"]["findings"].as_u64().unwrap() > 0);
    assert!(
        run.stderr.contains("--write-baseline: cannot write"),
        "{run:#?}"
    );
}

#[test]
fn junit_has_a_failure_for_each_finding_and_is_valid_xml() {
    let fleet = losant().with_refused_account("refused");
    let name = "--name=<b> & \"c\" ']]> \u{1b}[31m\u{202e}é";
    let create = ["create", name, "--account=iot", "--expires-in=1d"];
    fleet.run("", &create).ends_with(0);
    let found = fleet.ids("iot", "state = active");
    let waived = waiver("w", &format!("id = '{}'", found[0]), "2999-12-31");
    let path = new_path();
    let tables = [ACTIVE, &waived].concat();
    let tables = [&tables, "[checks.none]\nwhere = 'name = nobody'\n"].concat();
    fleet
        .run(&tables, &["check", "--junit", &path])
        .ends_with(6);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    let document = roxmltree::Document::parse(&text).unwrap();
    let suites: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name("testsuite"))
        .collect();
    assert_eq!(suites.len(), 2);
    for suite in &suites {
        let count = |tag: &str| {
            let nodes = suite.descendants();
            nodes
                .filter(|node| node.has_tag_name(tag))
                .count()
                .to_string()
        };
        for (attribute, tag) in [
            ("tests", "testcase"),
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ] {
            assert_eq!(suite.attribute(attribute), Some(&*count(tag)), "{text}");
        }
        assert_eq!(suite.attribute("errors"), Some("1"));
    }
    let failures = (found.len() - 1).to_string();
    assert_eq!(suites[0].attribute("name"), Some("active"));
    assert_eq!(suites[0].attribute("failures"), Some(&*failures));
    assert_eq!(suites[0].attribute("skipped"), Some("1"));
    // One account has nothing of this, the other is not known.
    assert_eq!(suites[1].attribute("failures"), Some("0"));
    assert_eq!(suites[1].attribute("tests"), Some("2"));
    let names = document
        .descendants()
        .filter_map(|node| node.attribute("name"));
    assert!(
        names
            .into_iter()
            .any(|name| name.contains("<b> & \"c\" ']]> \\u{1b}"))
    );
}

#[test]
fn other_formats_have_a_line_for_each_finding() {
    let fleet = losant();
    let found = fleet.ids("iot", "state = active");
    let run = fleet.run(ACTIVE, &["check", "--output=csv"]).ends_with(8);
    let mut rows = csv::Reader::from_reader(run.stdout.as_bytes());
    let columns = "account,provider,check,rule,id,name,state,owner,since,until,scopes,waiver";
    let header: Vec<_> = rows.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(header.join(","), columns);
    assert_eq!(rows.records().count(), found.len());
    let run = fleet
        .run(ACTIVE, &["check", "--output=ndjson"])
        .ends_with(8);
    let lines = run.stdout.lines();
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count();
    assert_eq!(of("finding"), found.len());
    assert_eq!((of("check"), of("account"), of("total")), (1, 1, 1));
    let run = fleet.run(ACTIVE, &["check", "--output=table"]).ends_with(8);
    assert!(run.stdout.contains(&found[0]), "{run:#?}");
    assert!(run.stdout.lines().last().unwrap().starts_with(&format!(
        "{} findings; 12 tokens in 1 account, ",
        found.len()
    )));
    assert_eq!(run.stderr, "");
}

#[cfg(unix)]
#[test]
fn a_terminal_shows_how_many_tokens_of_all_accounts_a_check_has_read() {
    use tokenfleet_tests::Terminal;

    let fleet = Platforms::start(&["losant", "--tokens=3000", "--latency=700"], 1)
        .with_account("one", "losant", "")
        .with_account("two", "losant", "");
    let path = fleet.configuration("[checks.c]\nwhere = 'name = nobody'\n");
    let words = ["check", "--page-size=500", "--max-concurrency=1"];
    let words = [&words[..], &["--output=json", "--config", &path]].concat();
    let program = env!("CARGO_BIN_EXE_tokenfleet");
    let run = |words: &[&str]| Terminal::new(400).run(program, words, fleet.variables());
    let shown = run(&words);
    assert_eq!(shown.code, Some(0));
    let read: Vec<_> = (shown.raw.split('\r'))
        .filter_map(|line| line.split_once(" of 6,000 tokens, 0 of 2 accounts"))
        .filter_map(|(before, _)| before.rsplit(' ').next()?.replace(',', "").parse().ok())
        .collect::<Vec<u64>>();
    assert!(read.iter().any(|read| *read > 0), "{read:?}");
    assert!(read.is_sorted(), "{read:?}");
    let quiet = run(&[&words[..], &["--quiet"]].concat());
    assert!(!quiet.raw.contains(" of 6,000 tokens"));
}

#[test]
fn a_fleet_of_a_thousand_accounts_is_judged_in_bounded_memory() {
    const ACCOUNTS: usize = 1_000;
    let mut fleet = Platforms::start(&["losant", "--tokens=100", "--seed=1"], 1);
    for number in 0..ACCOUNTS {
        fleet = fleet.with_account(&format!("a{number}"), "losant", "");
    }
    let fleet = fleet.with_refused_account("refused");
    let tables = "[checks.one]\nwhere = 'name = nobody'\n[checks.stale]\nunused_for = '90d'\n";
    let path = fleet.configuration(tables);
    let words = ["check", "--config", &path];
    let (run, peak) = support::measured(&fleet.variables(), &words);
    let whole = run.ends_with(6).json();
    assert_eq!(whole["total"]["tokens"], 100 * ACCOUNTS);
    assert_eq!(whole["total"]["accounts"], ACCOUNTS + 1);
    let not_judged = whole["not_judged"].as_array().unwrap();
    assert_eq!(not_judged.len(), ACCOUNTS + 1);
    assert_eq!(not_judged.last().unwrap()["account"], "refused");
    if let Some(peak) = peak {
        assert!(peak < 100 << 20, "{} MiB", peak >> 20);
    }
}
