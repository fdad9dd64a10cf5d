//! A replay of the requests of two official clients against their recorded responses.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::Value;
use tokenfleet_simulators::foreman::{Foreman, Options};

use crate::client::{Response, basic, send};

const APYPIE: &str = include_str!("../recorded/foreman-apypie-0.8.0.jsonl");
const HAMMER: &str = include_str!("../recorded/foreman-hammer.jsonl");

/// Replays a recording, with the recorded secrets and cookies replaced by those of this run.
fn replay(foreman: &Foreman, recording: &str) {
    let mut replacements: Vec<(String, String)> = Vec::new();
    let mut differences = Vec::new();
    let exchanges: Vec<Value> = recording
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (number, exchange) in exchanges.iter().enumerate() {
        let line = exchange["request_line"].as_str().unwrap();
        let mut words = line.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let mut headers: BTreeMap<String, String> = pairs(&exchange["headers"]);
        headers.remove("content-length");
        for (recorded, current) in &replacements {
            for value in headers.values_mut() {
                *value = value
                    .replace(recorded, current)
                    .replace(&basic("admin", recorded), &basic("admin", current));
            }
        }
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let response = send(
            foreman,
            method,
            target,
            &headers,
            exchange["body"].as_str().unwrap(),
        );
        let recorded = &exchange["response"];
        if let Some(reason) = difference(target, recorded, &response) {
            differences.push(format!("{number} {line}: {reason}"));
        }
        let recorded_body = recorded["body"].as_str().unwrap();
        let recorded_cookie = pairs(&recorded["headers"])
            .remove("set-cookie")
            .unwrap_or_default();
        for (pattern, texts) in [
            (
                r#""token_value":"([^"]*)""#,
                [recorded_body, response.text.as_str()],
            ),
            (
                "_session_id=([0-9a-f]*)",
                [recorded_cookie.as_str(), response.header("set-cookie")],
            ),
        ] {
            let pattern = Regex::new(pattern).unwrap();
            if let [Some(recorded), Some(current)] = texts.map(|text| pattern.captures(text)) {
                replacements.push((recorded[1].to_owned(), current[1].to_owned()));
            }
        }
    }
    println!(
        "{} of {} recorded exchanges agree",
        exchanges.len() - differences.len(),
        exchanges.len()
    );
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Returns headers by their lower-case names.
fn pairs(headers: &Value) -> BTreeMap<String, String> {
    let pairs: Vec<(String, String)> = serde_json::from_value(headers.clone()).unwrap();
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect()
}

/// Describes the first difference from the recorded response, if there is one.
fn difference(target: &str, recorded: &Value, response: &Response) -> Option<String> {
    if target.contains("/api/users?") {
        // The recorded installation had other users, so only the status can be compared.
        return (response.status != 200).then(|| format!("status {}", response.status));
    }
    if recorded["status"] != response.status {
        return Some(format!("status {}: {}", response.status, response.text));
    }
    if recorded["body"] == "(apidoc)" {
        return None;
    }
    let (expected, found) = (
        without_volatile_values(recorded["body"].as_str().unwrap()),
        without_volatile_values(&response.text),
    );
    if expected != found {
        return Some(format!("expected {expected}\nfound    {found}"));
    }
    let without_volatile_value = |(name, value): (String, String)| {
        let volatile = matches!(
            name.as_str(),
            "etag" | "set-cookie" | "x-request-id" | "x-runtime"
        );
        (name, if volatile { String::new() } else { value })
    };
    let expected: BTreeMap<_, _> = pairs(&recorded["headers"])
        .into_iter()
        .map(without_volatile_value)
        .collect();
    let found: BTreeMap<_, _> = response
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .map(without_volatile_value)
        .collect();
    (expected != found).then(|| format!("expected {expected:?}\nfound    {found:?}"))
}

/// Removes the secrets, hashes and times from a body, because they differ in every run.
fn without_volatile_values(body: &str) -> String {
    let times = Regex::new(r#""(created_at|updated_at|last_used_at)":"[^"]*""#).unwrap();
    let secrets = Regex::new(r#""token_value":"[^"]{22}""#).unwrap();
    let hashes = Regex::new(r#"(\$2a\$04\$.{22})[^"]{31}"#).unwrap();
    let body = times.replace_all(body, "\"$1\":\"\"");
    let body = secrets.replace_all(&body, "\"token_value\":\"\"");
    hashes.replace_all(&body, "$1").into_owned()
}

#[test]
fn both_clients_get_the_recorded_responses() {
    let options = Options::parse(["version=3.13.0-develop", "clock=2026-11-22T13:20:26Z"]).unwrap();
    let foreman = Foreman::new(options);
    replay(&foreman, APYPIE);
    // The second recording was made with the same database.
    replay(&foreman, HAMMER);
}
