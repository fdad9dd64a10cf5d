//! The requests of two official clients, and what they got from the real platform.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::Value;
use tokenfleet_simulators::foreman::{Foreman, Options};

use crate::client::{Answer, basic, send};

const APYPIE: &str = include_str!("../recorded/foreman-apypie-0.8.0.jsonl");
const HAMMER: &str = include_str!("../recorded/foreman-hammer.jsonl");

/// Replays a recording; recorded secrets and cookies become those of this run.
fn replay(foreman: &Foreman, recording: &str) {
    let mut ours: Vec<(String, String)> = Vec::new();
    let mut disagreements = Vec::new();
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
        for (theirs, ours) in &ours {
            for value in headers.values_mut() {
                *value = value
                    .replace(theirs, ours)
                    .replace(&basic("admin", theirs), &basic("admin", ours));
            }
        }
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let answer = send(
            foreman,
            method,
            target,
            &headers,
            exchange["body"].as_str().unwrap(),
        );
        let recorded = &exchange["response"];
        if let Some(reason) = disagreement(target, recorded, &answer) {
            disagreements.push(format!("{number} {line}: {reason}"));
        }
        let body = recorded["body"].as_str().unwrap();
        for (name, text, header) in [
            (
                r#""token_value":"([^"]*)""#,
                [body, answer.text.as_str()],
                None,
            ),
            ("_session_id=([0-9a-f]*)", ["", ""], Some("set-cookie")),
        ] {
            let recorded_header = header
                .and_then(|name| pairs(&recorded["headers"]).remove(name))
                .unwrap_or_default();
            let texts = match header {
                Some(header) => [recorded_header.as_str(), answer.header(header)],
                None => text,
            };
            let pattern = Regex::new(name).unwrap();
            if let [Some(theirs), Some(ours_now)] = texts.map(|text| pattern.captures(text)) {
                ours.push((theirs[1].to_owned(), ours_now[1].to_owned()));
            }
        }
    }
    println!(
        "{} of {} recorded exchanges agree",
        exchanges.len() - disagreements.len(),
        exchanges.len()
    );
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

/// Headers by lower-case name.
fn pairs(headers: &Value) -> BTreeMap<String, String> {
    let pairs: Vec<(String, String)> = serde_json::from_value(headers.clone()).unwrap();
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect()
}

fn disagreement(target: &str, recorded: &Value, answer: &Answer) -> Option<String> {
    if target.contains("/api/users?") {
        // The recorder had no users; here a login leads to an id.
        return (answer.status != 200).then(|| format!("status {}", answer.status));
    }
    if recorded["status"] != answer.status {
        return Some(format!("status {}: {}", answer.status, answer.text));
    }
    if recorded["body"] == "(apidoc)" {
        return None;
    }
    let (expected, found) = (
        settled(recorded["body"].as_str().unwrap()),
        settled(&answer.text),
    );
    if expected != found {
        return Some(format!("expected {expected}\nfound    {found}"));
    }
    let volatile = |(name, value): (String, String)| {
        let volatile = matches!(
            name.as_str(),
            "etag" | "set-cookie" | "x-request-id" | "x-runtime"
        );
        (name, if volatile { String::new() } else { value })
    };
    let expected: BTreeMap<_, _> = pairs(&recorded["headers"])
        .into_iter()
        .map(volatile)
        .collect();
    let found: BTreeMap<_, _> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .map(volatile)
        .collect();
    (expected != found).then(|| format!("expected {expected:?}\nfound    {found:?}"))
}

/// Without secrets, hashes and times, which no two runs share.
fn settled(body: &str) -> String {
    let times = Regex::new(r#""(created_at|updated_at|last_used_at)":"[^"]*""#).unwrap();
    let secrets = Regex::new(r#""token_value":"[^"]{22}""#).unwrap();
    let hashes = Regex::new(r#"(\$2a\$04\$.{22})[^"]{31}"#).unwrap();
    let body = times.replace_all(body, "\"$1\":\"\"");
    let body = secrets.replace_all(&body, "\"token_value\":\"\"");
    hashes.replace_all(&body, "$1").into_owned()
}

#[test]
fn both_clients_get_what_they_got_from_the_real_platform() {
    let options = Options::parse(["version=3.13.0-develop", "clock=2026-11-22T13:20:26Z"]).unwrap();
    let foreman = Foreman::new(options);
    replay(&foreman, APYPIE);
    // The recorder went on with the same database.
    replay(&foreman, HAMMER);
}
