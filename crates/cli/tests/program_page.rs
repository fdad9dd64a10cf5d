//! `docs/PROGRAM.md` shows the help texts that the program prints.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::path::Path;

use support::tokenfleet_with_env;
use tokenfleet_tests::assert_document;

const BEGIN: &str = "<!-- help -->\n";
const END: &str = "<!-- /help -->";

#[test]
fn the_page_of_the_program_has_the_help_of_every_command() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/PROGRAM.md");
    let page = std::fs::read_to_string(file).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let program = help(&[]);
    let mut blocks = vec![block("tokenfleet", &program)];
    for command in commands(&program) {
        let own = help(&[command]);
        blocks.push(block(&format!("tokenfleet {command}"), &own));
        for action in commands(&own) {
            let name = format!("tokenfleet {command} {action}");
            blocks.push(block(&name, &help(&[command, action])));
        }
    }
    let page = format!("{before}{BEGIN}\n{}\n{END}{after}", blocks.join("\n"));
    assert_document("PROGRAM.md", page.trim_end());
}

/// Returns the help text of the program or of a command.
fn help(command: &[&str]) -> String {
    let arguments = [command, &["--help"]].concat();
    let run = tokenfleet_with_env(&[("COLUMNS", "100")], &arguments).ends_with(0);
    let lines = run.stdout.lines().map(str::trim_end);
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the commands that the help text lists, if there are any.
fn commands(help: &str) -> Vec<&str> {
    let Some((_, listed)) = help.split_once("Commands:\n") else {
        return Vec::new();
    };
    let (listed, _) = listed.split_once("\n\n").unwrap();
    let entries = listed.lines().filter_map(|line| line.strip_prefix("  "));
    let names = entries.filter(|entry| !entry.starts_with(' '));
    let names = names.filter_map(|entry| entry.split_whitespace().next());
    names.filter(|name| *name != "help").collect()
}

/// Returns the section of one command. Global options are shown once, by the program's own help.
fn block(title: &str, help: &str) -> String {
    let own = if title.contains(' ') {
        without_global_options(help)
    } else {
        help.to_owned()
    };
    format!("### `{title}`\n\n```text\n{own}\n```\n")
}

fn without_global_options(help: &str) -> String {
    let mut paragraphs: Vec<&str> = help.split("\n\n").collect();
    let start = paragraphs
        .iter()
        .position(|text| text.starts_with("Global options:"));
    if let Some(start) = start {
        let is_option = |text: &&&str| text.starts_with("  ");
        let more = paragraphs[start + 1..].iter().take_while(is_option).count();
        paragraphs.drain(start..=start + more);
    }
    paragraphs.join("\n\n")
}
