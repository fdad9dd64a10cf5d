//! A test against recorded responses to searches, orders and pages.

use std::collections::HashMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokenfleet_simulators::{NewToken, Simulator, foreman::Foreman};

use crate::client::{Response, TOKENS, foreman, get, post};

const VECTORS: &str = include_str!("../data/foreman/search-vectors.json");

fn foreman_with(rows: &Value) -> Foreman {
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

/// Describes the first difference from the recorded response, if there is one.
fn difference(case: &Value, response: &Response) -> Option<String> {
    let different = |what: &str, expected: &Value, found: &Value| {
        (expected != found).then(|| format!("{what}: expected {expected}, found {found}"))
    };
    let mut body = response.json();
    if let Some(reason) = different("status", &case["status"], &response.status.into()) {
        return Some(format!("{reason} {body}"));
    }
    if response.status != 200 {
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

/// Removes the quoted statement that follows the first line of a database error.
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
fn every_recorded_search_gets_the_recorded_response() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let installations: HashMap<&String, Foreman> = vectors["datasets"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, rows)| (name, foreman_with(rows)))
        .collect();
    let cases = vectors["cases"].as_array().unwrap();
    let mut differences = Vec::new();
    for case in cases {
        let dataset = case["dataset"].as_str().unwrap().to_owned();
        let response = get(&installations[&dataset], &target(&case["query"]));
        if let Some(reason) = difference(case, &response) {
            differences.push(format!("{} {}: {reason}", case["id"], case["query"]));
        }
    }
    println!(
        "{} of {} recorded searches agree",
        cases.len() - differences.len(),
        cases.len()
    );
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
