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
    let account = "[accounts.a]\nprovider = 'losant'\ntoken = { env = 'TOKEN' }\n";
    assert_eq!(keys(&schema), accepted("[zzzzzzzzzzzzzzz]", &["accounts"]));
    for (table, is_named, words) in [
        ("queries", true, ["accounts"].as_slice()),
        ("transport", false, &["list"]),
        ("checks", true, &["check"]),
        ("waivers", true, &["check"]),
        ("baseline", false, &["check"]),
        ("audit", false, &["audit"]),
        ("annotations", false, &["annotate", "--list"]),
        ("ledger", false, &["ledger", "show"]),
    ] {
        let name = if is_named { ".x" } else { "" };
        let rest = match table {
            "waivers" => "account = '*'\nid = '1'\nreason = 'r'\nowner = 'o'\nuntil = '2030-01-01'",
            "checks" => "never_expires = true",
            _ => "",
        };
        let check = if table == "checks" {
            ""
        } else {
            "[checks.c]\nnever_expires = true\n"
        };
        let text = format!("{account}{check}[{table}{name}]\n{rest}\nzzzzzzzzzzzzzzz = 1\n");
        let of_table = &schema["properties"][table];
        let of_table = if is_named {
            &of_table["additionalProperties"]
        } else {
            of_table
        };
        assert_eq!(keys(of_table), accepted(&text, words), "{table}");
    }
}
