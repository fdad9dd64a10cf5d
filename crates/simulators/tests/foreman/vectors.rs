//! Every recorded search, order and page.

use std::collections::HashMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokenfleet_simulators::{NewToken, Simulator, foreman::Foreman};

use crate::client::{Answer, TOKENS, foreman, get, post};

const VECTORS: &str = include_str!("../data/foreman/search-vectors.json");

fn platform(rows: &Value) -> Foreman {
    let foreman = foreman(&[]);
    for row in rows.as_array().unwrap() {
        let inserted = foreman.insert(NewToken::named(row["name"].as_str().unwrap()));
        assert_eq!(inserted.id, row["id"].to_string());
    }
    let other = post(
        &foreman,
        "/api/users/5/personal_access_tokens",
        r#"{"name":"alpha of somebody else"}"#,
    );
    assert_eq!(other.status, 201);
    foreman
}

fn target(query: &Value) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mut pairs = Vec::new();
    for (name, value) in query.as_object().unwrap() {
        let values = match value {
            Value::Array(values) => values.clone(),
            one => vec![one.clone()],
        };
        for value in values {
            pairs.push(format!(
                "{}={}",
                encoded(name),
                encoded(value.as_str().unwrap())
            ));
        }
    }
    format!("{TOKENS}?{}", pairs.join("&"))
}

/// Why the answer is not the recorded one, if so.
fn disagreement(case: &Value, answer: &Answer) -> Option<String> {
    let different = |what: &str, expected: &Value, found: &Value| {
        (expected != found).then(|| format!("{what}: expected {expected}, found {found}"))
    };
    let mut body = answer.json();
    if let Some(reason) = different("status", &case["status"], &answer.status.into()) {
        return Some(format!("{reason} {body}"));
    }
    if answer.status != 200 {
        return different("error", &comparable(&case["error"]), &comparable(&body));
    }
    let root = case["root"].as_str().unwrap_or("results");
    let items = body
        .as_object_mut()
        .unwrap()
        .remove(root)
        .unwrap_or_default();
    let ids: Value = items
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| item["id"].clone())
        .collect();
    different("envelope", &case["envelope"], &body).or_else(|| different("ids", &case["ids"], &ids))
}

/// Texts of the database quote the statement behind their first line.
fn comparable(error: &Value) -> Value {
    let mut error = error.clone();
    if let Some(Value::String(message)) = error.pointer_mut("/error/message")
        && message.starts_with("PG::")
    {
        message.truncate(message.find('\n').unwrap_or(message.len()));
    }
    error
}

#[test]
fn every_recorded_search_is_answered_as_the_real_platform_did() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let platforms: HashMap<&String, Foreman> = vectors["datasets"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, rows)| (name, platform(rows)))
        .collect();
    let cases = vectors["cases"].as_array().unwrap();
    let mut disagreements = Vec::new();
    for case in cases {
        let dataset = case["dataset"].as_str().unwrap().to_owned();
        let answer = get(&platforms[&dataset], &target(&case["query"]));
        if let Some(reason) = disagreement(case, &answer) {
            disagreements.push(format!("{} {}: {reason}", case["id"], case["query"]));
        }
    }
    println!(
        "{} of {} recorded searches agree",
        cases.len() - disagreements.len(),
        cases.len()
    );
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}
