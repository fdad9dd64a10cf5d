//! What a person sees on a terminal.
#![cfg(all(unix, feature = "simulate"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;

use support::account::Account;
use support::{temporary_file, tokenfleet_with_env};
use tempfile::TempDir;
use tokenfleet_tests::{Terminal, TerminalRun};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tokenfleet");

/// The widths of terminals that people use.
const WIDTHS: [u16; 4] = [60, 80, 120, 200];

/// Names that others chose, to break a table.
const NAMES: [&str; 9] = [
    "日本語の長い名前のトークン、デプロイ用",
    "שלום עולם",
    "مرحبا بالعالم",
    "e\u{301}\u{302}\u{303} Zażółć gęślą jaźń",
    "👩\u{200d}👩\u{200d}👧 family 🔑 🇨🇿",
    "\u{202e}reversed\u{202c}",
    "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m",
    "deploy\u{200b}\u{e0041}",
    "a name that is much longer than anything that a table has room for, with words",
];

fn run(columns: u16, words: &str, environment: &[(&str, &str)]) -> TerminalRun {
    let environment = environment.iter().copied();
    Terminal::new(columns).run(PROGRAM, words.split(' '), environment)
}

fn run_in(account: &Account, columns: u16, words: &str) -> TerminalRun {
    let variables = account.variables.iter();
    let mut environment: Vec<_> = variables.map(|(name, value)| (&**name, &**value)).collect();
    environment.push(("NO_COLOR", "1"));
    let words = format!("{words} --config {}", account.path);
    let run = run(columns, &words, &environment);
    assert_eq!(run.code, Some(0), "{}", run.text());
    run
}

#[test]
fn a_question_is_answered_on_a_terminal() {
    let run = Terminal::new(200).with_answer("[y/N]", "n").run(
        PROGRAM,
        [
            "--simulate",
            "--account",
            "cloudsmith",
            "rotate",
            "--show-secret",
        ],
        [],
    );
    assert_ne!(run.code, Some(0), "{}", run.text());
}

#[test]
fn a_table_fits_every_terminal_whatever_the_names_are() {
    let account = Account::new("losant");
    let mut ids = Vec::new();
    for name in NAMES {
        let run = account.run(&["create", "--name", name]).ends_with(0);
        ids.push(run.json()["id"].as_str().unwrap().to_owned());
    }
    for columns in WIDTHS {
        for words in [
            "list",
            "inventory",
            "list --sort name",
            "list --columns id,name,description,expiry,scopes,created_at",
        ] {
            let run = run_in(&account, columns, words);
            assert_eq!(run.wrapped_rows(), 0, "{columns} {words}\n{}", run.text());
            for id in &ids {
                assert!(run.text().contains(id), "{columns} {id}\n{}", run.text());
            }
            for character in ['\u{202e}', '\u{200b}', '\u{200d}', '\u{7}', '\u{9b}'] {
                assert!(!run.raw.contains(character), "{}", run.raw);
            }
            assert!(!run.raw.contains("\u{1b}]0;owned"), "{}", run.raw);
        }
        for (id, name) in ids.iter().zip(NAMES) {
            let run = run_in(&account, columns, &format!("show {id}"));
            assert_eq!(run.wrapped_rows(), 0, "{columns} {name}\n{}", run.text());
        }
    }
    // Whole, for those who ask for it.
    let long = NAMES[8];
    assert!(!run_in(&account, 120, "list").text().contains(long));
    let wide = run_in(&account, 120, "list --wide");
    assert!(wide.raw.contains(long) && wide.raw.contains("provider"));
}

#[test]
fn the_columns_of_every_line_stand_below_their_headings() {
    let account = Account::new("losant");
    for name in ["日本語", "e\u{301}e\u{301}", "plain"] {
        account.run(&["create", "--name", name]).ends_with(0);
    }
    for columns in WIDTHS {
        let run = run_in(
            &account,
            columns,
            "list --state active --columns name,state,id",
        );
        let heading = run.lines[0].find("state").unwrap();
        for line in &run.lines[2..5] {
            // The emulated screen stores a wide character once for its two columns.
            let before = &line[..line.find("active").unwrap()];
            let wide = before.chars().filter(|c| ('日'..='龥').contains(c)).count();
            let marks = before.matches('\u{301}').count();
            assert_eq!(before.chars().count() + wide - marks, heading, "{line}");
        }
    }
}

#[test]
fn other_tables_fit_too() {
    for columns in WIDTHS {
        for words in ["whoami", "capabilities", "list --limit 5 --account losant"] {
            let words = format!("{words} --simulate");
            let run = run(columns, &words, &[]);
            let too_wide = run.wrapped_rows();
            // A sentence below a table is not part of it.
            let sentences = run.lines.iter().filter(|line| line.ends_with('.')).count();
            assert!(too_wide <= sentences, "{columns} {words}\n{}", run.text());
        }
    }
}

#[test]
fn findings_the_audit_log_and_what_doctor_says_fit_too() {
    let mut account = Account::new("losant");
    let directory = TempDir::new().unwrap();
    let text = fs::read_to_string(&account.path).unwrap();
    account.path = directory
        .path()
        .join("tokenfleet.toml")
        .display()
        .to_string();
    let studio = "[accounts.studio]\nprovider = 'mindbody'\nbase_url = 'http://127.0.0.1:9'\n\
                  site_id = '-99'\nusername = 'Siteowner'\napi_key = { env = 'MINE_TOKEN' }\n\
                  password = { env = 'MINE_TOKEN' }\nattempts = 1\n";
    let settings = "[audit]\nfile = 'audit.jsonl'\n\
                    [checks.broad]\nbroad_scopes = ['all*']\n\
                    description = 'tokens may do only what their service needs, see the wiki'\n\
                    [checks.soon]\nexpires_within = '90d'\n";
    fs::write(&account.path, format!("{text}{studio}{settings}")).unwrap();
    let mut ids = Vec::new();
    for name in NAMES {
        let create = [
            "create",
            "--account=mine",
            "--name",
            name,
            "--expires-in=30d",
        ];
        let reason = [
            "--scope=all.User",
            "--reason=INC-42: leaked in the log of a build, again",
        ];
        let run = account.run(&[&create[..], &reason].concat()).ends_with(0);
        ids.push(run.json()["id"].as_str().unwrap().to_owned());
    }
    let plan = account.run(&["plan", "--account=mine", "--glob=a name*"]);
    let plan = temporary_file(&plan.ends_with(0).stdout);
    (account.run(&["revoke", "--plan", &plan, "--yes"])).ends_with(0);
    let revoked = ids.pop().unwrap();
    let variables = account.variables.iter();
    let mut environment: Vec<_> = variables.map(|(name, value)| (&**name, &**value)).collect();
    let state = directory.path().display().to_string();
    environment.extend([("NO_COLOR", "1"), ("XDG_STATE_HOME", &*state)]);
    for columns in WIDTHS {
        for (words, shown) in [
            ("expiring --account !studio", &ids[..]),
            ("expiring", &ids),
            ("check", &ids),
            ("audit", std::slice::from_ref(&revoked)),
            ("audit --operation revoke", std::slice::from_ref(&revoked)),
            ("doctor", &[]),
        ] {
            let words = format!("{words} --config {}", account.path);
            let run = run(columns, &words, &environment);
            // An id that nothing follows, and that no line breaks, is whole in one line.
            let too_wide = run.wrapped_rows();
            assert_eq!(too_wide, 0, "{columns} {words}\n{}", run.text());
            for id in shown {
                assert!(run.text().contains(id), "{columns} {id}\n{}", run.text());
            }
            let is_table = run.text().contains("──") || words.starts_with("doctor");
            assert!(is_table, "{columns} {words}\n{}", run.text());
        }
    }
}

#[test]
fn colours_follow_the_option_and_then_the_environment() {
    let list = "list --simulate --account losant";
    let is_colored = |words: &str, environment: &[(&str, &str)]| {
        let run = run(120, &format!("{list} {words}"), environment);
        assert_eq!(run.code, Some(0), "{}", run.text());
        run.raw.contains("\u{1b}[35m")
    };
    assert!(is_colored("--color=auto", &[]));
    assert!(!is_colored("--color=never", &[]));
    assert!(!is_colored("--color=auto", &[("NO_COLOR", "1")]));
    assert!(!is_colored("--color=auto", &[("CLICOLOR", "0")]));
    assert!(!is_colored("--color=auto", &[("TERM", "dumb")]));
    assert!(is_colored("--color=always", &[("NO_COLOR", "1")]));
    let piped = |words: &str, environment: &[(&str, &str)]| {
        let words = format!("{list} --output table {words}");
        let words: Vec<_> = words.split(' ').collect();
        let run = tokenfleet_with_env(environment, &words).ends_with(0);
        run.stdout.contains("\u{1b}[35m")
    };
    assert!(!piped("--color=auto", &[]));
    assert!(piped("--color=auto", &[("CLICOLOR_FORCE", "1")]));
    assert!(piped("--color=always", &[]));
    assert!(!piped("--color=never", &[("CLICOLOR_FORCE", "1")]));
    // Whatever the colours, the text is the same.
    let account = Account::new("losant");
    let text = |words: &str| run_in(&account, 120, &format!("list {words}")).text();
    assert_eq!(text("--color=always"), text("--color=never"));
}

#[test]
fn help_and_errors_follow_the_same_choice() {
    for words in [
        "--help",
        "list --help",
        "lst",
        "show --simulate --account losant zzz",
    ] {
        let is_colored = |words: &str, environment: &[(&str, &str)]| {
            run(100, words, environment).raw.contains("\u{1b}[")
        };
        assert!(is_colored(words, &[]), "{words}");
        assert!(!is_colored(words, &[("NO_COLOR", "1")]), "{words}");
        assert!(
            !is_colored(&format!("--color never {words}"), &[]),
            "{words}"
        );
    }
    let run = tokenfleet_with_env(&[], &["--color=sometimes", "list"]).ends_with(2);
    assert!(
        run.stderr
            .contains("[possible values: auto, always, never]")
    );
}

#[test]
fn a_record_says_how_far_away_times_are_and_leaves_out_what_nobody_reports() {
    let account = Account::new("foreman");
    let words = ["create", "--name", "ci", "--expires-in", "30d"];
    let id = account.run(&words).ends_with(0).json()["id"].to_string();
    let run = run_in(&account, 80, &format!("show {}", id.trim_matches('"')));
    let line = |label: &str| {
        let mut lines = run.lines.iter();
        lines.find(|line| line.starts_with(label)).cloned()
    };
    let expiry = line("expiry").unwrap();
    assert!(
        expiry.contains("Z (in 29 days)") || expiry.contains("Z (in 30 days)"),
        "{expiry}"
    );
    assert_eq!(line("description"), None, "{}", run.text());
    assert!(line("last used").is_some());
}
