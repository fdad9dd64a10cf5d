//! The JSON schema of the configuration has exactly the keys that the program reads.

#![cfg(feature = "simulate")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::BTreeSet;

use serde_json::Value;
use support::{temporary_file, tokenfleet, tokenfleet_with_env};

fn schema() -> Value {
    tokenfleet(&["schema"]).ends_with(0).json()
}

/// Returns the keys that the program names when it meets one that it does not know.
#[track_caller]
fn accepted(configuration: &str, words: &[&str]) -> BTreeSet<String> {
    let path = temporary_file(configuration);
    let words = [&["--config", &path], words].concat();
    let run = tokenfleet_with_env(&[("TOKEN", "x")], &words).ends_with(2);
    let (_, listed) = run
        .stderr
        .split_once("expected one of ")
        .unwrap_or_else(|| {
            unreachable!("no list of keys: {run:?}");
        });
    let listed = listed.trim_end().split(", ").map(str::to_owned);
    listed.collect()
}

/// Returns the keys that `doctor` names when it meets one that it does not know.
#[track_caller]
fn accepted_by_doctor(configuration: &str, check: &str) -> BTreeSet<String> {
    let path = temporary_file(configuration);
    let words = ["doctor", "--output=json", "--config", &path];
    let run = tokenfleet_with_env(&[("TOKEN", "x")], &words).ends_with(8);
    let findings = run.json()["findings"].clone();
    let mut findings = findings.as_array().unwrap().iter();
    let finding = findings.find(|finding| finding["check"] == check);
    let advice = finding.unwrap()["advice"].as_str().unwrap();
    let listed = advice.strip_prefix("expected one of ");
    let listed = listed.unwrap_or_else(|| panic!("no list of keys: {finding:?}"));
    listed.split(", ").map(str::to_owned).collect()
}

fn keys(schema: &Value) -> BTreeSet<String> {
    let properties = schema["properties"].as_object().unwrap();
    properties.keys().cloned().collect()
}

#[test]
fn every_account_has_the_keys_that_its_provider_reads() {
    let schema = schema();
    for (provider, required) in [
        ("losant", "token = { env = 'TOKEN' }"),
        (
            "foreman",
            "base_url = 'https://localhost'\nlogin = 'a'\ntoken = { env = 'TOKEN' }\nuser_id = 4",
        ),
        ("cloudsmith", "api_key = { env = 'TOKEN' }"),
        (
            "mindbody",
            "site_id = 1\napi_key = { env = 'TOKEN' }\nusername = 'a'\n\
             password = { env = 'TOKEN' }",
        ),
    ] {
        let text =
            format!("[accounts.a]\nprovider = '{provider}'\n{required}\nzzzzzzzzzzzzzzz = 1\n");
        let branches = schema["properties"]["accounts"]["additionalProperties"]["allOf"]
            .as_array()
            .unwrap();
        let mut branches = branches.iter();
        let is_its = |branch: &&Value| branch["if"]["properties"]["provider"]["const"] == provider;
        let branch = &branches.find(is_its).unwrap()["then"];
        assert_eq!(keys(branch), accepted(&text, &["accounts"]), "{provider}");
        let required = branch["required"].as_array().unwrap();
        let known = keys(branch);
        assert!(
            required
                .iter()
                .all(|key| known.contains(key.as_str().unwrap()))
        );
    }
}

#[test]
fn every_table_has_the_keys_that_the_program_reads() {
    let schema = schema();
    let account = ACCOUNT;
    assert_eq!(keys(&schema), accepted("[zzzzzzzzzzzzzzz]", &["accounts"]));
    // Doctor reads the tables themselves; other commands ask the schema for the keys before.
    for (table, is_named, check) in [
        ("queries", true, None),
        ("transport", false, Some("network")),
        ("checks", true, Some("policies")),
        ("waivers", true, Some("policies")),
        ("baseline", false, Some("policies")),
        ("audit", false, Some("policies")),
        ("annotations", false, Some("policies")),
        ("ledger", false, Some("ledger")),
    ] {
        let name = if is_named { ".x" } else { "" };
        let rest = match table {
            "waivers" => "account = '*'\nid = '1'\nreason = 'r'\nowner = 'o'\nuntil = '2030-01-01'",
            "checks" => "never_expires = true",
            _ => "",
        };
        let a_check = if table == "checks" {
            ""
        } else {
            "[checks.c]\nnever_expires = true\n"
        };
        let text = format!("{account}{a_check}[{table}{name}]\n{rest}\nzzzzzzzzzzzzzzz = 1\n");
        let of_table = &schema["properties"][table];
        let of_table = if is_named {
            &of_table["additionalProperties"]
        } else {
            of_table
        };
        let accepted = match check {
            Some(check) => accepted_by_doctor(&text, check),
            None => accepted(&text, &["accounts"]),
        };
        assert_eq!(keys(of_table), accepted, "{table}");
    }
}

#[test]
fn an_unknown_key_in_any_table_is_refused_by_every_command_with_the_same_words() {
    for (table, written) in [
        ("transport", "connect_timeuot = '9s'"),
        ("checks.x", "never_expires = true\nwhre = 'name = a'"),
        (
            "waivers.x",
            "account = '*'\nid = '1'\nreason = 'r'\nowner = 'o'\nuntil = '2030-01-01'\nchek = 'x'",
        ),
        ("baseline", "flie = 'x'"),
        ("audit", "require_raeson = true"),
        ("annotations", "flie = 'x'"),
        ("ledger", "enabeld = true"),
        ("sinks.x", "kind = 'file'\npath = 'x'\nadpot = true"),
        (
            "policies.x",
            "account = 'a'\nsinks = ['file:x']\noverlpa = '1d'",
        ),
        (
            "schedules.x",
            "run = 'snapshot'\nevery = '1d'\nacounts = ['a']",
        ),
    ] {
        let key = written.lines().last().unwrap().split(' ').next().unwrap();
        let path = temporary_file(&format!("{ACCOUNT}[{table}]\n{written}\n"));
        let mut lines = BTreeSet::new();
        for command in [
            "accounts",
            "capabilities",
            "list",
            "explain",
            "check",
            "audit",
            "operations",
            "ledger show",
            "annotate --list",
            "revoke 1 --yes",
        ] {
            let words = command.split(' ').chain(["--config", &path]);
            let words: Vec<_> = words.collect();
            let run = tokenfleet_with_env(&[("TOKEN", "x")], &words).ends_with(2);
            assert_eq!(run.stdout, "", "{command}");
            lines.insert(run.error_line().to_owned());
        }
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = lines.first().unwrap();
        let expected = format!("unknown key `{key}` in {table}; did you mean");
        assert!(
            line.contains(&expected) && line.contains(": line "),
            "{line}"
        );
    }
}

/// An account at an address where nobody answers.
const ACCOUNT: &str = "[accounts.a]\nprovider = 'losant'\ntoken = { env = 'TOKEN' }\n\
                       base_url = 'http://127.0.0.1:1'\nattempts = 1\n";

#[test]
fn every_sink_has_the_keys_that_its_kind_reads() {
    let schema = schema();
    let branches = schema["properties"]["sinks"]["additionalProperties"]["allOf"].clone();
    let branches = branches.as_array().unwrap();
    assert_eq!(branches.len(), 5);
    for (kind, required) in [
        ("file", "path = 'x'"),
        ("env-file", "path = 'x'\nvariable = 'X'"),
        ("command", "run = ['x']"),
        (
            "kv2",
            "address = 'https://localhost'\ntoken = { env = 'TOKEN' }\nmount = 'a'\npath = 'b'\n\
             field = 'c'",
        ),
        ("kubernetes", "namespace = 'a'\nname = 'b'\nkey = 'c'"),
    ] {
        let text =
            format!("{ACCOUNT}[sinks.s]\nkind = '{kind}'\n{required}\nzzzzzzzzzzzzzzz = 1\n");
        let mut branches = branches.iter();
        let is_its = |branch: &&Value| branch["if"]["properties"]["kind"]["const"] == kind;
        let branch = &branches.find(is_its).unwrap()["then"];
        assert_eq!(keys(branch), accepted_by_doctor(&text, "sinks"), "{kind}");
    }
}

#[test]
fn every_schedule_has_the_keys_that_the_program_reads() {
    let schema = schema();
    let text =
        format!("{ACCOUNT}[schedules.s]\nrun = 'snapshot'\nevery = '1d'\nzzzzzzzzzzzzzzz = 1\n");
    let of_table = &schema["properties"]["schedules"]["additionalProperties"];
    assert_eq!(keys(of_table), accepted_by_doctor(&text, "policies"));
}

#[test]
fn every_policy_has_the_keys_that_the_program_reads() {
    let schema = schema();
    let text =
        format!("{ACCOUNT}[policies.p]\naccount = 'a'\nsinks = ['file:x']\nzzzzzzzzzzzzzzz = 1\n");
    let of_table = &schema["properties"]["policies"]["additionalProperties"];
    assert_eq!(keys(of_table), accepted_by_doctor(&text, "rotation"));
}
