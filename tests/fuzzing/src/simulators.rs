//! Requests to the simulators.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokenfleet_simulators::{Simulator, build, dispatch, providers};

use crate::responses::split;
use crate::run;

/// Checks that Foreman's search, order and time are parsed or refused, and that the response is
/// JSON.
///
/// The first line is the search, the second the order, the rest the expiry of a token. The first
/// character of the search selects the release.
pub fn foreman_search(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(3, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let (search, order, time) = (next(), next(), next());
    let (version, search) = match search.split_at_checked(1) {
        Some(("0", search)) => ("version=1.17", search),
        Some(("1", search)) => ("version=2.5", search),
        Some((_, search)) => ("version=3.13", search),
        None => ("version=3.2", search),
    };
    let foreman = open("foreman", &["tokens=8", version]);
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let tokens = "/api/users/4/personal_access_tokens";
    let target = format!("{tokens}?search={}&order={}", encode(search), encode(order));
    let body = json!({ "personal_access_token": { "name": "fuzzed", "expires_at": time } });
    for (method, target, body) in [
        (Method::GET, target, String::new()),
        (Method::POST, tokens.to_owned(), body.to_string()),
    ] {
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = method;
        let Ok(uri) = target.parse() else {
            continue;
        };
        *request.uri_mut() = uri;
        authenticate(&*foreman, &mut request);
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert("content-type", json);
        let response = run(dispatch(&*foreman, request)).expect("no fault is set");
        let json = serde_json::from_slice::<Value>(response.body());
        assert!(json.is_ok(), "{} {:?}", response.status(), response.body());
    }
}

/// Checks that each platform responds to any request, and that a response that claims to be JSON
/// is.
///
/// The first byte selects the platform. A line of four hyphens separates the requests: method and
/// target, headers, an empty line, the body. A request without a credential gets the right one.
pub fn simulators(data: &[u8]) {
    let [platform, b'\n', requests @ ..] = data else {
        return;
    };
    let names: Vec<_> = providers().collect();
    let name = names[usize::from(platform.wrapping_sub(b'0')) % names.len()];
    let simulator = open(name, &["tokens=1"]);
    for request in split(requests, b"\n----\n").take(4) {
        let Some(mut request) = parse(request) else {
            return;
        };
        authenticate(&*simulator, &mut request);
        let response = run(dispatch(&*simulator, request)).expect("no fault is set");
        assert_json(&response);
    }
}

fn open(name: &str, options: &[&str]) -> Arc<dyn Simulator> {
    build(name, options).expect("valid options of the simulator")
}

fn assert_json(response: &Response<Bytes>) {
    let content_type = response.headers().get("content-type");
    let is_json =
        content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if is_json && !response.body().is_empty() {
        let json = serde_json::from_slice::<Value>(response.body());
        assert!(json.is_ok(), "{} {:?}", response.status(), response.body());
    }
}

fn parse(data: &[u8]) -> Option<Request<Bytes>> {
    let mut parts = split(data, b"\n\n");
    let head = std::str::from_utf8(parts.next()?).ok()?;
    let body = data.get(head.len() + 2..).unwrap_or_default();
    let mut lines = head.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let mut request = Request::new(Bytes::copy_from_slice(body));
    *request.method_mut() = method.parse().ok()?;
    *request.uri_mut() = target.parse().ok()?;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name = name.parse::<HeaderName>().ok()?;
        request
            .headers_mut()
            .append(name, value.trim().parse().ok()?);
    }
    Some(request)
}

/// Adds the headers that authenticate a request, unless it has its own.
fn authenticate(simulator: &dyn Simulator, request: &mut Request<Bytes>) {
    let credentials = simulator.credentials();
    let added = match simulator.provider() {
        "losant" => vec![("authorization", format!("Bearer {}", credentials["token"]))],
        "foreman" => {
            let pair = format!("{}:{}", credentials["login"], credentials["token"]);
            vec![("authorization", format!("Basic {}", STANDARD.encode(pair)))]
        }
        "cloudsmith" => vec![("x-api-key", credentials["api_key"].clone())],
        _ => vec![
            ("api-key", credentials["api_key"].clone()),
            ("siteid", credentials["site_id"].clone()),
        ],
    };
    for (name, value) in added {
        if let (false, Ok(value)) = (request.headers().contains_key(name), value.parse()) {
            request.headers_mut().insert(name, value);
        }
    }
}
