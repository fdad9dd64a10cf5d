//! Every request of ours is one that the vendor's own clients could have sent: its method, path, parameters, members of
//! the body and headers are among those that were recorded of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use tokenfleet_conformance::Fixture;
use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::query::SortBy;
use tokenfleet_core::{
    CreateToken, Direction, Filter, RevokeOptions, SortKey, TokenProvider, TokenRef, UpdateToken,
};
use tokenfleet_foreman::Release;
use tokenfleet_tests::{SimulatedFixture, cloudsmith, foreman, losant, mindbody};

/// A request, as far as clients agree about it.
#[derive(Debug)]
struct Request {
    /// The method and the path, ids left out.
    line: String,
    parameters: BTreeSet<String>,
    members: BTreeSet<String>,
    headers: BTreeSet<String>,
}

/// Headers of the connection and of the program, which say nothing about the interface.
const OF_THE_CLIENT: [&str; 9] = [
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
        gather(
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
                .filter(|name| !OF_THE_CLIENT.contains(&name.as_str()))
                .collect(),
        }
    }
}

/// The path with a placeholder wherever a user or a token is named; slashes at the end count, doubled ones do not.
fn without_ids(path: &str) -> String {
    let mut before = "";
    let mut shown = String::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let named = matches!(before, "users" | "tokens" | "personal_access_tokens");
        shown.push('/');
        shown.push_str(if named { "{id}" } else { segment });
        before = segment;
    }
    if path.ends_with('/') {
        shown.push('/');
    }
    shown
}

fn gather(place: &str, body: &Value, members: &mut BTreeSet<String>) {
    if let Value::Object(object) = body {
        for (name, value) in object {
            let place = format!("{place}.{name}");
            gather(&place, value, members);
            members.insert(place);
        }
    }
}

/// What the vendor's clients sent, by the method and path.
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

fn demand(fixture: &SimulatedFixture, files: &[&str], least: usize) {
    let known = recorded(files);
    let mut lines = BTreeSet::new();
    for entry in fixture.simulator().log().entries() {
        let headers = entry.headers.keys().map(http::HeaderName::as_str);
        let body = String::from_utf8_lossy(&entry.body);
        let sent = Request::new(entry.method.as_str(), &entry.target, headers, &body);
        let Some(theirs) = known.get(&sent.line) else {
            panic!("no client of the vendor sends {}", sent.line);
        };
        let any = |of: fn(&Request) -> &BTreeSet<String>| -> BTreeSet<String> {
            theirs.iter().flat_map(of).cloned().collect()
        };
        for (what, ours, known) in [
            ("parameter", &sent.parameters, any(|r| &r.parameters)),
            ("member", &sent.members, any(|r| &r.members)),
            ("header", &sent.headers, any(|r| &r.headers)),
        ] {
            let strange: Vec<_> = ours.difference(&known).collect();
            assert!(strange.is_empty(), "{}: {what} {strange:?}", sent.line);
        }
        // What every client sends is taken for necessary.
        let always = theirs
            .iter()
            .map(|request| request.headers.clone())
            .reduce(|a, b| a.intersection(&b).cloned().collect())
            .unwrap_or_default();
        let missing: Vec<_> = always.difference(&sent.headers).collect();
        assert!(missing.is_empty(), "{}: no header {missing:?}", sent.line);
        lines.insert(sent.line);
    }
    assert!(lines.len() >= least, "too little was sent: {lines:#?}");
}

/// Everything that the provider can do, once.
async fn live(provider: &dyn TokenProvider) {
    let declared = provider.capabilities().clone();
    let request = match declared.create.as_ref().map(|create| create.expiry) {
        Some(true) => CreateToken::new("ci").with_expiry("2099-01-31T12:00:00Z".parse().unwrap()),
        _ if declared.get => CreateToken::new("ci"),
        _ => CreateToken::unnamed(),
    };
    let issued = provider.create(request).await.unwrap();
    let id = issued.token.id;
    if let Some(list) = &declared.list {
        let mut page = PageRequest::first().size(5);
        if list.order(SortKey::Id).is_some() {
            page.sort = Some(SortBy::new(SortKey::Id, Direction::Descending));
        }
        if declared.get {
            page.filter = Some(Filter::name("ci"));
        }
        provider.list_page(page).await.unwrap();
    }
    if declared.get {
        provider.get(&id).await.unwrap();
    }
    if declared.update.is_some() {
        provider.update(&id, UpdateToken::suspend()).await.unwrap();
        provider
            .update(&id, UpdateToken::rename("cd"))
            .await
            .unwrap();
    }
    if declared.renew.is_some() {
        provider.renew(&issued.secret).await.unwrap();
    }
    if declared.verify {
        provider.verify(&issued.secret).await.unwrap();
    }
    let by_id = declared.revoke.as_ref().is_some_and(|revoke| revoke.by_id);
    let token: TokenRef<'_> = if by_id {
        (&id).into()
    } else {
        (&issued.secret).into()
    };
    let consent = RevokeOptions::accept_replacement();
    provider.revoke(token, consent).await.unwrap();
}

#[tokio::test]
async fn losants_own_clients_could_have_sent_what_we_send() {
    let fixture = losant(&[]);
    live(&*fixture.provider()).await;
    let clients = [
        "losant-js-2.8.1.http",
        "losant-js-4.2.0.http",
        "losant-py-2.3.0.http",
    ];
    demand(&fixture, &clients, 5);
}

#[tokio::test]
async fn foremans_own_clients_could_have_sent_what_we_send() {
    let fixture = foreman(&[], Some(Release::new(3, 13)));
    live(&*fixture.provider()).await;
    let clients = ["foreman-apypie-0.8.0.jsonl", "foreman-hammer.jsonl"];
    demand(&fixture, &clients, 4);
}

#[tokio::test]
async fn cloudsmiths_own_clients_could_have_sent_what_we_send() {
    let fixture = cloudsmith(&[], false);
    live(&*fixture.provider()).await;
    let clients = ["cloudsmith-api-2.0.42.http", "cloudsmith-cli-1.30.0.http"];
    demand(&fixture, &clients, 4);
}

#[tokio::test]
async fn mindbodys_own_clients_could_have_sent_what_we_send() {
    for bare in [false, true] {
        let fixture = mindbody(&[], bare);
        live(&*fixture.provider()).await;
        let clients = ["mindbody-npm-api-v6.jsonl", "mindbody-python-clients.jsonl"];
        demand(&fixture, &clients, 3);
    }
}
