//! Every request of ours is one that the vendor's own clients could have sent: its method, path,
//! parameters, body members and headers are among those recorded from them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use tokenfleet_conformance::Fixture;
use tokenfleet_foreman::Release;
use tokenfleet_tests::{SimulatedFixture, cloudsmith, foreman, losant, mindbody, perform_all};

/// The parts of a request that all clients of a vendor share.
#[derive(Debug)]
struct Request {
    /// The method and the path, without ids.
    line: String,
    parameters: BTreeSet<String>,
    members: BTreeSet<String>,
    headers: BTreeSet<String>,
}

/// Headers of the connection and of the client, which are no part of the API.
const CLIENT_HEADERS: [&str; 9] = [
    "host",
    "user-agent",
    "accept-encoding",
    "accept-language",
    "content-length",
    "content-type",
    "connection",
    "cookie",
    "authorization",
];

impl Request {
    fn new<'a>(
        method: &str,
        target: &str,
        headers: impl Iterator<Item = &'a str>,
        body: &str,
    ) -> Self {
        let path = match target.split_once("://") {
            Some((_, rest)) => &rest[rest.find('/').unwrap_or(rest.len())..],
            None => target,
        };
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut members = BTreeSet::new();
        collect_members(
            "",
            &serde_json::from_str(body).unwrap_or_default(),
            &mut members,
        );
        Self {
            line: format!("{method} {}", without_ids(path)),
            parameters: query
                .split('&')
                .filter_map(|pair| pair.split('=').next())
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
            members,
            headers: headers
                .map(str::to_lowercase)
                .filter(|name| !CLIENT_HEADERS.contains(&name.as_str()))
                .collect(),
        }
    }
}

/// Replaces the ids of users and tokens in a path; a trailing slash counts, a doubled one does not.
fn without_ids(path: &str) -> String {
    let mut previous = "";
    let mut shape = String::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let is_id = matches!(previous, "users" | "tokens" | "personal_access_tokens");
        shape.push('/');
        shape.push_str(if is_id { "{id}" } else { segment });
        previous = segment;
    }
    if path.ends_with('/') {
        shape.push('/');
    }
    shape
}

fn collect_members(place: &str, body: &Value, members: &mut BTreeSet<String>) {
    if let Value::Object(object) = body {
        for (name, value) in object {
            let place = format!("{place}.{name}");
            collect_members(&place, value, members);
            members.insert(place);
        }
    }
}

/// Returns the recorded requests of the vendor's clients, by method and path.
fn recorded(files: &[&str]) -> BTreeMap<String, Vec<Request>> {
    let mut known: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for file in files {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = folder
            .join("../crates/simulators/tests/recorded")
            .join(file);
        let text = std::fs::read_to_string(&file).unwrap();
        let requests = match file.extension().and_then(|end| end.to_str()) {
            Some("http") => http_recording(&text),
            _ => json_recording(&text),
        };
        for request in requests {
            known.entry(request.line.clone()).or_default().push(request);
        }
    }
    known
}

fn http_recording(text: &str) -> Vec<Request> {
    let request = |part: &str| {
        let (head, body) = part.split_once("\n\n").unwrap_or((part, ""));
        let mut lines = head.lines();
        let line = lines.next().unwrap();
        let mut words = line.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let headers = lines.filter_map(|line| line.split(": ").next());
        Request::new(method, target, headers, body)
    };
    let parts = text.split("----\n");
    parts
        .filter(|part| !part.trim().is_empty())
        .map(request)
        .collect()
}

fn json_recording(text: &str) -> Vec<Request> {
    let request = |line: &str| {
        let entry: Value = serde_json::from_str(line).unwrap();
        let mut words = entry["request_line"].as_str().unwrap().split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let headers = entry["headers"].as_array().unwrap().iter();
        let headers = headers.filter_map(|pair| pair[0].as_str());
        Request::new(method, target, headers, entry["body"].as_str().unwrap())
    };
    text.lines().map(request).collect()
}

/// Asserts that the fixture received at least `minimum` kinds of requests, all of recorded shapes.
fn assert_recorded_shapes(fixture: &SimulatedFixture, files: &[&str], minimum: usize) {
    let known = recorded(files);
    let mut lines = BTreeSet::new();
    for entry in fixture.simulator().log().entries() {
        let headers = entry.headers.keys().map(http::HeaderName::as_str);
        let body = String::from_utf8_lossy(&entry.body);
        let sent = Request::new(entry.method.as_str(), &entry.target, headers, &body);
        let Some(recorded) = known.get(&sent.line) else {
            panic!("no client of the vendor sends {}", sent.line);
        };
        let union = |part: fn(&Request) -> &BTreeSet<String>| -> BTreeSet<String> {
            recorded.iter().flat_map(part).cloned().collect()
        };
        for (what, ours, known) in [
            (
                "parameter",
                &sent.parameters,
                union(|request| &request.parameters),
            ),
            ("member", &sent.members, union(|request| &request.members)),
            ("header", &sent.headers, union(|request| &request.headers)),
        ] {
            let unknown: Vec<_> = ours.difference(&known).collect();
            assert!(unknown.is_empty(), "{}: {what} {unknown:?}", sent.line);
        }
        // A header that every client sends counts as required.
        let always = recorded
            .iter()
            .map(|request| request.headers.clone())
            .reduce(|a, b| a.intersection(&b).cloned().collect())
            .unwrap_or_default();
        let missing: Vec<_> = always.difference(&sent.headers).collect();
        assert!(missing.is_empty(), "{}: no header {missing:?}", sent.line);
        lines.insert(sent.line);
    }
    assert!(
        lines.len() >= minimum,
        "too few kinds of requests were sent: {lines:#?}"
    );
}

#[tokio::test]
async fn losants_own_clients_could_have_sent_what_we_send() {
    let fixture = losant(&[]);
    perform_all(&*fixture.provider()).await.unwrap();
    let clients = [
        "losant-js-2.8.1.http",
        "losant-js-4.2.0.http",
        "losant-py-2.3.0.http",
    ];
    assert_recorded_shapes(&fixture, &clients, 5);
}

#[tokio::test]
async fn foremans_own_clients_could_have_sent_what_we_send() {
    let fixture = foreman(&[], Some(Release::new(3, 13)));
    perform_all(&*fixture.provider()).await.unwrap();
    let clients = ["foreman-apypie-0.8.0.jsonl", "foreman-hammer.jsonl"];
    assert_recorded_shapes(&fixture, &clients, 4);
}

#[tokio::test]
async fn cloudsmiths_own_clients_could_have_sent_what_we_send() {
    let fixture = cloudsmith(&[], false);
    perform_all(&*fixture.provider()).await.unwrap();
    let clients = ["cloudsmith-api-2.0.42.http", "cloudsmith-cli-1.30.0.http"];
    assert_recorded_shapes(&fixture, &clients, 4);
}

#[tokio::test]
async fn mindbodys_own_clients_could_have_sent_what_we_send() {
    for bare in [false, true] {
        let fixture = mindbody(&[], bare);
        perform_all(&*fixture.provider()).await.unwrap();
        let clients = ["mindbody-npm-api-v6.jsonl", "mindbody-python-clients.jsonl"];
        assert_recorded_shapes(&fixture, &clients, 3);
    }
}
