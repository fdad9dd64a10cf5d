//! The accounts that a command works on, and what is said about them.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

#[cfg(unix)]
use std::io::{Read, Seek};

use serde_json::Value;
use support::fleet::Fleet;
#[cfg(unix)]
use support::program;
use support::{tokenfleet, tokenfleet_with_env};
#[cfg(unix)]
use tokenfleet_tests::Terminal;

/// Four accounts: two on one Losant with 3 tokens, one on a Foreman with 3, one at Mindbody.
fn fleet() -> Fleet {
    let iot = [
        ("prod-iot", "tags = ['prod', 'iot']"),
        ("staging-iot", "tags = ['staging']"),
    ];
    Fleet::new()
        .with("losant", &["--tokens=3"], &iot)
        .with(
            "foreman",
            &["--tokens=3"],
            &[("prod-infra", "tags = ['prod']")],
        )
        .with("mindbody", &["--tokens=1"], &[("studio", "")])
}

fn accounts(value: &Value) -> Vec<&str> {
    let accounts = value["accounts"].as_array().unwrap().iter();
    accounts
        .map(|account| account["account"].as_str().unwrap())
        .collect()
}

#[test]
fn accounts_are_narrowed_by_names_patterns_providers_and_tags() {
    let fleet = fleet();
    let all: &[_] = &["prod-iot", "staging-iot", "prod-infra", "studio"];
    let cases: [(&[&str], &[&str]); 9] = [
        (&[], all),
        (&["--account=*"], all),
        (&["--account=prod-*"], &["prod-iot", "prod-infra"]),
        (
            &["--account=*infra", "--account=prod-*", "--account=prod-iot"],
            &["prod-infra", "prod-iot"],
        ),
        (&["--provider=losant"], &["prod-iot", "staging-iot"]),
        (
            &["--provider=losant", "--provider=mindbody"],
            &["prod-iot", "staging-iot", "studio"],
        ),
        (&["--tag=prod"], &["prod-iot", "prod-infra"]),
        (&["--tag=prod", "--provider=losant"], &["prod-iot"]),
        (
            &["--tag=prod", "--tag=staging", "--account=*iot"],
            &["prod-iot", "staging-iot"],
        ),
    ];
    for (words, expected) in cases {
        for command in ["list", "inventory", "explain", "capabilities"] {
            let words = [&[command, "--output=json"], words].concat();
            let run = fleet.run(&words).ends_with(0);
            let value = run.json();
            assert_eq!(accounts(&value), expected, "{words:?}");
            if let Some(tokens) = value.get("tokens") {
                let listed = expected.iter().filter(|name| **name != "studio").count();
                assert_eq!(tokens.as_array().unwrap().len(), 3 * listed, "{words:?}");
            }
        }
    }
    // A command that works on one account takes the one that is left.
    let words = ["show", "99999", "--tag=prod", "--provider=foreman"];
    let run = fleet.run(&words).ends_with(4);
    assert!(
        run.stderr.starts_with("error: prod-infra (foreman): "),
        "{run:?}"
    );
}

#[test]
fn a_selection_that_leaves_no_account_or_too_many_is_an_error_before_anything_is_sent() {
    let fleet = fleet();
    let secret = "SK-PrjW98OTY1h8QTY9hUA";
    let with_secret = format!("list --account={secret}*");
    let tag_with_secret = format!("list --tag={secret}");
    for (words, expected) in [
        (
            "list --account=prod-iott",
            "unknown account `prod-iott`; did you mean `prod-iot`?",
        ),
        (
            "list --account=prod-iot --account=test-*",
            "no account matches `test-*`; expected one of prod-iot, staging-iot, prod-infra, \
             studio",
        ),
        (
            "explain --account=prod-iott*",
            "no account matches `prod-iott*`; did you mean `prod-iot`?",
        ),
        (
            "list --provider=lossant",
            "no account has the provider `lossant`; did you mean `losant`?",
        ),
        (
            "plan --tag=prd",
            "no account has the tag `prd`; did you mean `prod`?",
        ),
        (
            "list --tag=staging --provider=foreman",
            "no account meets all of --account, --provider and --tag",
        ),
        (
            "show 1 --tag=prod",
            "several accounts are selected; choose one with --account: prod-iot, prod-infra",
        ),
        (
            "create --name=x",
            "several accounts are configured; choose one with --account: prod-iot, staging-iot, \
             prod-infra, studio",
        ),
        (
            &with_secret,
            "no account matches the pattern; expected one of prod-iot, staging-iot, prod-infra, \
             studio",
        ),
        (
            &tag_with_secret,
            "no account has the tag; expected one of iot, prod, staging",
        ),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        let run = fleet.run(&words).ends_with(2).hiding(&[secret]);
        assert_eq!(run.error_line(), format!("error: {expected}"));
        assert_eq!(run.stdout, "");
    }
    assert_eq!(fleet.requests(), 0);
}

#[test]
fn what_is_complete_and_not_cut_off_counts_every_token_of_the_account() {
    let fleet = fleet();
    for account in ["*", "prod-iot", "prod-infra"] {
        for sort in [None, Some("--sort=name")] {
            for (limit, offset) in [
                (0, 0),
                (1, 0),
                (3, 0),
                (3, 1),
                (4, 0),
                (5, 2),
                (9, 0),
                (20, 1),
            ] {
                let account = format!("--account={account}");
                let window = [format!("--limit={limit}"), format!("--offset={offset}")];
                let mut words = vec!["list", &account, &window[0], &window[1]];
                words.extend(sort);
                let run = fleet.run(&words).ends_with(0);
                for account in run.json()["accounts"].as_array().unwrap() {
                    let is_whole =
                        account["completeness"] == "complete" && account.get("cut_off").is_none();
                    assert!(!is_whole || account["count"] == 3, "{words:?} {run:?}");
                }
                words.push("--output=table");
                let run = fleet.run(&words).ends_with(0);
                for line in run
                    .stdout
                    .lines()
                    .filter(|line| line.contains(": complete, "))
                {
                    assert!(line.ends_with(": complete, 3 tokens"), "{words:?} {run:?}");
                }
            }
        }
    }
}

/// Returns the lines below the table.
fn verdicts(stdout: &str) -> Vec<&str> {
    let lines = stdout.lines().filter(|line| line.contains(": "));
    lines.collect()
}

#[test]
fn the_lines_of_the_accounts_say_what_a_limit_leaves_out_and_end_with_a_total() {
    let fleet = fleet().with_broken("gone");
    let failed = "gone (losant): failed: ";
    for (words, expected) in [
        (
            "--account=prod-* --limit=4",
            vec![
                "prod-iot (losant): complete, 3 tokens",
                "prod-infra (foreman): 1 of the 4 asked for",
                "2 accounts, 4 tokens: 1 complete, 1 cut off by the limit",
            ],
        ),
        (
            "--account=prod-iot --limit=2",
            vec!["prod-iot (losant): 2 tokens, stopped at the limit"],
        ),
        (
            "--account=prod-iot --offset=1",
            vec!["prod-iot (losant): 2 tokens after those skipped"],
        ),
        (
            "--account=prod-iot --limit=20",
            vec!["prod-iot (losant): complete, 3 tokens"],
        ),
        (
            "--account=*",
            vec![
                "prod-iot (losant): complete, 3 tokens",
                "staging-iot (losant): complete, 3 tokens",
                "prod-infra (foreman): complete, 3 tokens",
                "studio (mindbody): cannot be listed",
                failed,
                "5 accounts, 9 tokens: 3 complete, 1 failed, 1 not listable",
            ],
        ),
        ("--account=* --quiet", vec![failed]),
        ("--account=prod-* --quiet", vec![]),
    ] {
        let mut line: Vec<_> = words.split(' ').collect();
        line.splice(0..0, ["list", "--output=table"]);
        let run = fleet.run(&line);
        let shown = verdicts(&run.stdout);
        assert_eq!(shown.len(), expected.len(), "{words} {run:?}");
        for (shown, expected) in shown.iter().zip(expected) {
            let is_same = *shown == expected || (expected == failed && shown.starts_with(failed));
            assert!(is_same, "{words}: {shown}");
        }
        assert_eq!(
            run.code,
            if words.contains("=* ") || words.ends_with("=*") {
                6
            } else {
                0
            }
        );
    }
    let words = [
        "list",
        "--output=csv",
        "--account=prod-iot",
        "--account=studio",
    ];
    let run = fleet.run(&words).ends_with(0);
    assert_eq!(
        run.error_line(),
        "note: studio (mindbody): cannot be listed"
    );
    let run = fleet.run(&[&words[..], &["--quiet"]].concat()).ends_with(0);
    assert_eq!(run.stderr, "");
    let words = ["list", "--quiet", "--account=studio", "--output=table"];
    fleet.run(&words).ends_with(5).error_line();
}

#[cfg(unix)]
#[test]
fn on_a_terminal_many_complete_accounts_are_summed_up_and_the_others_are_not() {
    let names: Vec<_> = (1..=24).map(|number| format!("many-{number}")).collect();
    let accounts: Vec<_> = names.iter().map(|name| (&**name, "")).collect();
    let fleet = Fleet::new()
        .with("losant", &["--tokens=2"], &accounts)
        .with_broken("gone");
    let path = fleet.configuration();
    let words = ["inventory", "--config", &path];
    let program = env!("CARGO_BIN_EXE_tokenfleet");
    let run = Terminal::new(160).run(program, words, fleet.environment());
    assert_eq!(run.code, Some(6), "{run:?}");
    let text = run.text();
    assert!(!text.contains(": complete, "), "{text}");
    assert!(text.contains("gone (losant): failed: "), "{text}");
    let total = "25 accounts, 48 tokens: 24 complete, 1 failed";
    assert_eq!(run.lines.last().map(String::as_str), Some(total), "{text}");
    // A file has the line of every account.
    let run = fleet.run(&["inventory", "--output=table"]).ends_with(6);
    assert_eq!(run.stdout.matches(": complete, 2 tokens").count(), 24);
    assert_eq!(run.stdout.lines().last(), Some(total));
}

#[cfg(unix)]
#[test]
fn progress_counts_towards_the_total_while_tokens_are_sorted_and_is_off_if_quiet() {
    let fleet = Fleet::new().with(
        "losant",
        &["--tokens=3000", "--latency=350"],
        &[("one", ""), ("two", "")],
    );
    let path = fleet.configuration();
    let words = [
        "list",
        "--sort=name",
        "--page-size=500",
        "--max-concurrency=1",
        "--output=json",
        "--config",
        &path,
    ];
    let program = env!("CARGO_BIN_EXE_tokenfleet");
    let words = words.iter().copied();
    std::thread::scope(|scope| {
        for (account, end) in [("one", ""), ("*", ", 0 of 2 accounts")] {
            let (fleet, words) = (&fleet, words.clone());
            scope.spawn(move || {
                let of = if account == "*" { "6,000" } else { "3,000" };
                let selected = format!("--account={account}");
                let words = words.chain([&*selected]);
                let run = Terminal::new(400).run(program, words, fleet.environment());
                assert_eq!(run.code, Some(0));
                let shown: Vec<_> = (run.raw.split('\r'))
                    .filter_map(|line| line.split_once(&format!(" of {of} tokens{end}")))
                    .filter_map(|(before, _)| {
                        before.rsplit(' ').next()?.replace(',', "").parse().ok()
                    })
                    .collect::<Vec<u64>>();
                assert!(shown.iter().any(|read| *read > 0), "{shown:?}");
                assert!(shown.is_sorted(), "{shown:?}");
            });
        }
        let words = words.clone().chain(["--account=one", "--quiet"]);
        let run = Terminal::new(400).run(program, words, fleet.environment());
        assert!(!run.raw.contains(" of 3,000 tokens"));
    });
}

#[test]
fn accounts_are_left_out_by_an_exclamation_mark_in_options_and_in_the_environment() {
    let fleet = fleet();
    let path = fleet.configuration();
    for (words, expected) in [
        (
            &["--account=!studio"][..],
            &["prod-iot", "staging-iot", "prod-infra"][..],
        ),
        (&["--account=!*iot", "--account=!studio"], &["prod-infra"]),
        (
            &["--account=prod-*", "--account=!prod-iot"],
            &["prod-infra"],
        ),
        (&["--account=!prod-iot", "--tag=prod"], &["prod-infra"]),
    ] {
        let names = words
            .iter()
            .filter_map(|word| word.strip_prefix("--account="));
        let names = names.collect::<Vec<_>>().join(", ");
        let run = fleet.run(&[&["inventory"], words].concat()).ends_with(0);
        assert_eq!(accounts(&run.json()), expected, "{words:?}");
        if !words.contains(&"--tag=prod") {
            let mut environment = fleet.environment();
            environment.push(("TOKENFLEET_ACCOUNT", &names));
            let words = ["inventory", "--config", &path];
            let run = tokenfleet_with_env(&environment, &words).ends_with(0);
            assert_eq!(accounts(&run.json()), expected, "{names}");
        }
    }
    let run = fleet.run(&["inventory", "--account=!stduio"]).ends_with(2);
    assert!(run.stderr.contains("did you mean `studio`?"), "{run:?}");
    let run = fleet.run(&["inventory", "--account=!*"]).ends_with(2);
    assert!(run.stderr.contains("no account meets"), "{run:?}");
    assert!(fleet.requests() > 0);
}

#[test]
fn a_check_says_how_to_leave_out_an_account_that_can_never_be_listed() {
    let fleet = fleet();
    let run = fleet.run(&["expiring", "--within=1s"]).ends_with(6);
    let whole = run.json();
    let reason = whole["not_judged"][0]["reason"].as_str().unwrap();
    assert!(
        reason.ends_with("leave it out with --account '!studio'"),
        "{reason}"
    );
    fleet
        .run(&["expiring", "--within=1s", "--account", "!studio"])
        .ends_with(0);
}

#[test]
fn expiring_says_how_to_leave_out_an_account_whose_platform_reports_no_expiry() {
    let run = tokenfleet(&["expiring", "--simulate", "--account=cloudsmith"]).ends_with(6);
    let reason = run.json()["not_judged"][0]["reason"].clone();
    assert_eq!(
        reason,
        "expiry is not reported; leave it out with --account '!cloudsmith'"
    );
}

#[test]
fn a_quiet_check_prints_findings_and_problems_only() {
    let fleet = fleet();
    let words = ["expiring", "--within=1s", "--account=!studio"];
    let words = [&words[..], &["--quiet", "--output=table"]].concat();
    let run = fleet.run(&words).ends_with(0);
    assert_eq!((&*run.stdout, &*run.stderr), ("", ""));
    let words = ["expiring", "--within=1s", "--quiet", "--output=table"];
    let run = fleet.run(&words).ends_with(6);
    assert!(run.stdout.starts_with("not judged: studio"), "{run:?}");
    assert_eq!(run.stdout.lines().count(), 1, "{run:?}");
}

#[cfg(unix)]
#[test]
fn who_reads_the_table_and_the_errors_together_reads_each_failure_once() {
    let fleet = fleet().with_broken("gone");
    let path = fleet.configuration();
    for command in ["list", "inventory"] {
        let mut both = tempfile::tempfile().unwrap();
        let words = [command, "--output=table", "--config", &path];
        let mut program = program(&words);
        program.envs(fleet.environment());
        program.stdout(both.try_clone().unwrap());
        program.stderr(both.try_clone().unwrap());
        program.status().unwrap();
        both.rewind().unwrap();
        let mut text = String::new();
        both.read_to_string(&mut text).unwrap();
        assert_eq!(
            text.matches("NEVER_SET_ANYWHERE").count(),
            1,
            "{command}: {text}"
        );
        // Apart from each other, each has it.
        let run = fleet.run(&words[..2]);
        for part in [&run.stdout, &run.stderr] {
            assert_eq!(part.matches("NEVER_SET_ANYWHERE").count(), 1, "{run:?}");
        }
    }
}
