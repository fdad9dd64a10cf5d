//! `docs/PROGRAM.md` shows the help texts that the program prints, and names the keys that it
//! reads.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use support::{tokenfleet, tokenfleet_with_env};
use tokenfleet_tests::assert_document;

const BEGIN: &str = "<!-- help -->\n";
const END: &str = "<!-- /help -->";
const BEGIN_KEYS: &str = "<!-- provider keys -->\n";
const END_KEYS: &str = "<!-- /provider keys -->";

fn read_page() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/PROGRAM.md");
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn the_page_of_the_program_has_the_help_of_every_command_and_the_keys_of_every_provider() {
    let page = read_page();
    let (before, rest) = page.split_once(BEGIN_KEYS).unwrap();
    let (_, after) = rest.split_once(END_KEYS).unwrap();
    let page = format!("{before}{BEGIN_KEYS}{}{END_KEYS}{after}", provider_keys());
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

/// Returns the table of the keys that each provider reads, which the schema has.
fn provider_keys() -> String {
    let schema = schema();
    let accounts = &schema["properties"]["accounts"]["additionalProperties"];
    let common = keys(accounts);
    let mut of_providers = BTreeMap::new();
    for branch in accounts["allOf"].as_array().unwrap() {
        let provider = branch["if"]["properties"]["provider"]["const"].as_str();
        let own: BTreeSet<_> = keys(&branch["then"]).difference(&common).cloned().collect();
        of_providers.insert(provider.unwrap().to_owned(), own);
    }
    let every = (of_providers.values().cloned())
        .reduce(|all, own| all.intersection(&own).cloned().collect())
        .unwrap();
    let row = |provider: &str, keys: &BTreeSet<String>| {
        let keys: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
        format!("| {provider} | {} |\n", keys.join(", "))
    };
    let mut table = "| `provider` | keys |\n| --- | --- |\n".to_owned();
    for (provider, own) in &of_providers {
        let own = own.difference(&every).cloned().collect();
        table += &row(&format!("`{provider}`"), &own);
    }
    table + &row("every one", &every)
}

fn schema() -> Value {
    tokenfleet(&["schema"]).ends_with(0).json()
}

fn keys(schema: &Value) -> BTreeSet<String> {
    let properties = schema["properties"].as_object().unwrap();
    properties.keys().cloned().collect()
}

/// Returns the words that the keys of a table may have as values.
fn values(schema: &Value) -> BTreeSet<String> {
    let properties = schema["properties"].as_object().unwrap().values();
    let values = properties.filter_map(|property| property["enum"].as_array());
    let values = values.flatten().filter_map(Value::as_str);
    values.map(str::to_owned).collect()
}

/// Returns the first cells of the table under this heading, each with the words that the second
/// one quotes.
fn rows(page: &str, heading: &str) -> Vec<(String, BTreeSet<String>)> {
    let (_, table) = page.split_once(heading).unwrap();
    let lines = table.lines().skip(2);
    let lines = lines.take_while(|line| line.starts_with('|'));
    lines
        .map(|line| {
            let mut cells = line.trim_matches('|').splitn(2, " | ");
            let (first, second) = (cells.next().unwrap(), cells.next().unwrap());
            (first.to_owned(), quoted(second).into_iter().collect())
        })
        .collect()
}

/// Returns the words in backquotes that may be keys.
fn quoted(text: &str) -> Vec<String> {
    let is_key = |word: &&str| {
        let mut bytes = word.bytes();
        bytes
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
    };
    let words = text.split('`').skip(1).step_by(2).filter(is_key);
    let words = words.filter(|word| !word.starts_with('-'));
    words.map(str::to_owned).collect()
}

#[test]
fn the_tables_of_the_page_name_every_key_of_the_configuration_and_no_other() {
    let (page, schema) = (read_page(), schema());
    let mut described = BTreeSet::new();
    for (first, words) in rows(&page, "\n| table | holds |") {
        let name = first.split(['[', '.', ']']).nth(1).unwrap();
        described.insert(name.to_owned());
        let table = &schema["properties"][name];
        assert!(table.is_object(), "no table `{name}`");
        let table = match &table["additionalProperties"] {
            one @ Value::Object(_) => one,
            _ => table,
        };
        // The keys of accounts and of the kinds of sinks have tables of their own.
        if name == "accounts" {
            continue;
        }
        let known = keys(table);
        let missing: Vec<_> = known.difference(&words).collect();
        assert!(missing.is_empty(), "[{name}] lacks {missing:?}");
        let allowed = &known | &values(table);
        let unknown: Vec<_> = words.difference(&allowed).collect();
        assert!(unknown.is_empty(), "[{name}] has no {unknown:?}");
    }
    assert_eq!(described, keys(&schema), "the tables");

    let accounts = &schema["properties"]["accounts"]["additionalProperties"];
    let of_accounts = rows(&page, "\n| key | meaning |");
    let named = of_accounts.iter().flat_map(|(first, _)| quoted(first));
    assert_eq!(named.collect::<BTreeSet<_>>(), keys(accounts), "an account");

    let sinks = &schema["properties"]["sinks"]["additionalProperties"];
    let mut kinds = BTreeSet::new();
    for (first, words) in rows(&page, "\n| `kind` of a sink | keys |") {
        let kind = quoted(&first).remove(0);
        let mut branches = sinks["allOf"].as_array().unwrap().iter();
        let is_its = |branch: &&Value| branch["if"]["properties"]["kind"]["const"] == *kind;
        let own = keys(&branches.find(is_its).unwrap()["then"]);
        let own: BTreeSet<_> = own.difference(&keys(sinks)).cloned().collect();
        assert_eq!(words, own, "a sink of the kind `{kind}`");
        kinds.insert(kind);
    }
    assert_eq!(kinds, values(sinks), "the kinds of sinks");
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
