//! The files that the program writes for its installation: completions and manual pages.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use support::{temporary_file, tokenfleet, tokenfleet_with_env};

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// Returns what a shell offers after these words.
#[track_caller]
fn completed(configuration: &str, words: &[&str]) -> Vec<String> {
    let index = words.len().to_string();
    let arguments = [&["--", "tokenfleet"], words].concat();
    let variables = [
        ("TOKENFLEET_COMPLETE", "bash"),
        ("_CLAP_COMPLETE_INDEX", &index),
        ("_CLAP_IFS", "\n"),
        ("TOKENFLEET_CONFIG", configuration),
    ];
    let run = tokenfleet_with_env(&variables, &arguments).ends_with(0);
    run.stdout
        .lines()
        .map(|line| line.trim().to_owned())
        .collect()
}

#[test]
fn a_shell_completes_commands_options_and_the_names_of_configured_accounts() {
    let configuration = temporary_file(
        "[accounts.iot]\nprovider = 'losant'\ntoken = { env = 'A' }\n\
         [accounts.infra]\nprovider = 'losant'\ntoken = { env = 'A' }\n\
         [accounts.packages]\nprovider = 'losant'\ntoken = { env = 'A' }\n",
    );
    assert_eq!(completed(&configuration, &["revo"]), ["revoke"]);
    assert!(completed(&configuration, &["list", "--whe"]).contains(&"--where".to_owned()));
    for words in [["--account", "i"].as_slice(), &["list", "--account", "i"]] {
        assert_eq!(
            completed(&configuration, words),
            ["iot", "infra"],
            "{words:?}"
        );
    }
    // A shell would run what such a name says.
    let hostile = temporary_file(
        "[accounts.\"iot$(touch PWNED)\"]\nprovider = 'losant'\ntoken = { env = 'A' }\n\
         [accounts.\"io\\u001b]0;x\"]\nprovider = 'losant'\ntoken = { env = 'A' }\n\
         [accounts.iot]\nprovider = 'losant'\ntoken = { env = 'A' }\n",
    );
    assert_eq!(completed(&hostile, &["--account", "io"]), ["iot"]);
    // A configuration with a mistake offers no account, and prints nothing into the command line.
    let broken = temporary_file("[accounts");
    assert!(completed(&broken, &["--account", "i"]).is_empty());
}

#[test]
fn a_shell_completes_what_the_configuration_and_the_program_know() {
    let configuration = temporary_file(
        "[accounts.iot]\nprovider = 'losant'\ntoken = { env = 'A' }\ntags = ['prod', 'plant']\n\
         [accounts.infra]\nprovider = 'losant'\ntoken = { env = 'A' }\n\
         tags = ['prod', 'p$(touch PWNED)']\n\
         [checks.soon]\nexpires_within = '30d'\n[checks.old]\nolder_than = '1y'\n",
    );
    for (words, expected) in [
        (&["list", "--provider", ""][..], &["losant"][..]),
        (&["--tag", "p"], &["prod", "plant"]),
        (&["check", "so"], &["soon"]),
        (&["check", "soon", "o"], &["old"]),
        (&["list", "--state", "s"], &["suspended"]),
        (
            &["audit", "--operation", "re"],
            &["resume", "renew", "revoke"],
        ),
        (
            &["list", "--columns", "annotation_p"],
            &["annotation_purpose"],
        ),
        (&["list", "--columns", "id,nam"], &["id,name"]),
    ] {
        assert_eq!(completed(&configuration, words), expected, "{words:?}");
    }
}

#[test]
fn every_shell_has_a_script_that_asks_the_program() {
    for shell in SHELLS {
        let run = tokenfleet(&["completions", shell]).ends_with(0);
        assert!(run.stdout.contains("TOKENFLEET_COMPLETE"), "{shell}");
        assert!(run.stdout.contains("tokenfleet"), "{shell}");
    }
    let run = tokenfleet(&["completions", "csh"]).ends_with(2);
    assert!(run.stderr.contains("zsh"), "{run:?}");
}

#[test]
fn every_command_has_a_manual_page_with_its_examples() {
    let directory = format!("{}/man", env!("CARGO_TARGET_TMPDIR"));
    tokenfleet(&["man", "--directory", &directory]).ends_with(0);
    let page = |name: &str| std::fs::read_to_string(format!("{directory}/{name}.1")).unwrap();
    assert!(page("tokenfleet").contains("Exit codes"));
    assert_eq!(tokenfleet(&["man"]).ends_with(0).stdout, page("tokenfleet"));
    for command in ["list", "create", "revoke", "verify"] {
        let page = page(&format!("tokenfleet-{command}"));
        assert!(page.contains("Examples:"), "{command}");
    }
    let file = temporary_file("");
    let run = tokenfleet(&["man", "--directory", &file]).ends_with(1);
    assert!(run.error_line().contains(&file), "{run:?}");
}
