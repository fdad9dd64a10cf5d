//! Requests to a simulator and their answers, in one line each.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Request};
use jiff::Timestamp;
use serde_json::Value;
use tokenfleet_simulators::{
    Clock, NewToken, Simulator,
    foreman::{Foreman, Options},
};

/// An answer with its body as text.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| Value::String(self.text.clone()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn ids(&self) -> Vec<i64> {
        let json = self.json();
        let items = json["results"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .map(|item| item["id"].as_i64().unwrap())
            .collect()
    }
}

pub(crate) fn send(
    foreman: &Foreman,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = foreman.answer(request.body(Bytes::from(body.to_owned())).unwrap());
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: String::from_utf8(response.body().to_vec()).unwrap(),
    }
}

pub(crate) fn basic(login: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{login}:{secret}")))
}

/// As the administrator.
pub(crate) fn get(foreman: &Foreman, target: &str) -> Answer {
    send(
        foreman,
        "GET",
        target,
        &[("authorization", &basic("admin", "changeme"))],
        "",
    )
}

/// As the administrator, with a JSON body.
pub(crate) fn post(foreman: &Foreman, target: &str, body: &str) -> Answer {
    let headers = [
        ("authorization", basic("admin", "changeme")),
        ("content-type", "application/json".to_owned()),
    ];
    let headers = headers
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    send(foreman, "POST", target, &headers, body)
}

/// As the administrator.
pub(crate) fn delete(foreman: &Foreman, target: &str) -> Answer {
    send(
        foreman,
        "DELETE",
        target,
        &[("authorization", &basic("admin", "changeme"))],
        "",
    )
}

pub(crate) const TOKENS: &str = "/api/users/4/personal_access_tokens";

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An empty installation on 22 November 2026, 13:13:25 UTC, with these options.
pub(crate) fn foreman(options: &[&str]) -> Foreman {
    let mut parsed = Options::parse(options.iter().copied()).unwrap();
    parsed.clock = Clock::frozen(time("2026-11-22T13:13:25Z"));
    Foreman::new(parsed)
}

/// Puts tokens with these names there.
pub(crate) fn named(foreman: &Foreman, names: &[&str]) {
    for name in names {
        foreman.insert(NewToken::named(*name));
    }
}
