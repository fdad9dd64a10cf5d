//! Requests to a simulated Foreman in one line each.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Request};
use jiff::Timestamp;
use serde_json::Value;
use tokenfleet_simulators::{
    Clock, NewToken, Simulator,
    foreman::{Foreman, Options},
};

/// A response with its body as text.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Response {
    /// Parses the body as JSON, or returns it as a JSON string if it is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| Value::String(self.text.clone()))
    }

    /// Returns the value of a header, or an empty text without it.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the name and value of the new session's cookie.
    pub(crate) fn session_cookie(&self) -> Option<String> {
        let (cookie, _) = self.header("set-cookie").split_once(';')?;
        Some(cookie.to_owned())
    }

    /// Returns the ids of the items of a listing.
    pub(crate) fn ids(&self) -> Vec<i64> {
        let json = self.json();
        let items = json["results"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .map(|item| item["id"].as_i64().unwrap())
            .collect()
    }
}

/// Sends a request.
pub(crate) fn send(
    foreman: &Foreman,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = foreman.answer(request.body(Bytes::from(body.to_owned())).unwrap());
    Response {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: String::from_utf8(response.body().to_vec()).unwrap(),
    }
}

/// Formats an `Authorization` header with Basic credentials.
pub(crate) fn basic(login: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{login}:{secret}")))
}

/// Sends a request without a body as a user with a password or token.
pub(crate) fn send_as(
    foreman: &Foreman,
    (login, secret): (&str, &str),
    method: &str,
    target: &str,
) -> Response {
    let authorization = basic(login, secret);
    send(
        foreman,
        method,
        target,
        &[("authorization", &authorization)],
        "",
    )
}

/// The login and password of the administrator.
pub(crate) const ADMIN: (&str, &str) = ("admin", "changeme");

/// Sends a GET request as the administrator.
pub(crate) fn get(foreman: &Foreman, target: &str) -> Response {
    send_as(foreman, ADMIN, "GET", target)
}

/// Sends a POST request with a JSON body as the administrator.
pub(crate) fn post(foreman: &Foreman, target: &str, body: &str) -> Response {
    let authorization = basic(ADMIN.0, ADMIN.1);
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
    ];
    send(foreman, "POST", target, &headers, body)
}

/// Sends a DELETE request as the administrator.
pub(crate) fn delete(foreman: &Foreman, target: &str) -> Response {
    send_as(foreman, ADMIN, "DELETE", target)
}

/// The path of the administrator's tokens.
pub(crate) const TOKENS: &str = "/api/users/4/personal_access_tokens";

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Creates an empty installation with these options on 22 November 2026 at 13:13:25 UTC.
pub(crate) fn foreman(options: &[&str]) -> Foreman {
    let mut parsed = Options::parse(options.iter().copied()).unwrap();
    parsed.clock = Clock::frozen(time("2026-11-22T13:13:25Z"));
    Foreman::new(parsed)
}

/// Inserts tokens with these names.
pub(crate) fn insert_named(foreman: &Foreman, names: &[&str]) {
    for name in names {
        foreman.insert(NewToken::named(*name));
    }
}
