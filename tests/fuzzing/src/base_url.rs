//! The base URL below which requests go.

use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use http::Uri;
use tokenfleet::transport::{ApiClient, ApiRequest, BaseUrl, ErrorBody, RetryPolicy};
use tokenfleet::{Account, Operation};

use crate::responses::ScriptedResponses;
use crate::run;
use crate::secrets::assert_no_secret;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    plain_http: bool,
    path: Vec<&'a str>,
    query: Vec<(&'a str, &'a str)>,
    url: &'a str,
}

/// Checks that an accepted base URL is the same after printing and parsing, and that a request goes
/// to its origin and below its path, whatever the ids and parameters hold.
pub fn base_url(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        send(text, false, &["me", ".x"], &[]);
    }
    if let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) {
        send(input.url, input.plain_http, &input.path, &input.query);
    }
}

fn send(url: &str, plain_http: bool, path: &[&str], query: &[(&str, &str)]) {
    let parse = if plain_http {
        BaseUrl::parse_allowing_plain_http
    } else {
        BaseUrl::parse
    };
    let base = match parse(url) {
        Ok(base) => base,
        Err(error) => return assert_no_secret(&error),
    };
    let printed = base.to_string();
    let reparsed = parse(&printed);
    assert_eq!(reparsed.ok().as_ref(), Some(&base), "{printed}");
    let transport = Arc::new(ScriptedResponses::parse(b"204"));
    let parse_error = |_: Operation, _: u16, _: &[u8]| ErrorBody::default();
    let account = Account::new("fuzzed", "fuzzed");
    let client = ApiClient::new(account, base, Arc::clone(&transport) as _, parse_error)
        .with_retry(RetryPolicy::no_retries());
    let request = ApiRequest::get(Operation::Get, path.iter().copied()).allow_empty_body();
    let request = query
        .iter()
        .fold(request, |request, (name, value)| request.query(name, value));
    if let Err(error) = run(client.send(request)) {
        assert_no_secret(&error);
    }
    for sent in transport.sent() {
        let prefix: Uri = printed.parse().expect("a request was sent there");
        assert_eq!(sent.uri.scheme(), prefix.scheme());
        assert_eq!(sent.uri.authority(), prefix.authority());
        let below = sent
            .uri
            .path()
            .strip_prefix(prefix.path().trim_end_matches('/'));
        let segments = below.expect("below the base URL").split('/').skip(1);
        // Without segments the path may be the root.
        assert!(
            path.is_empty() || segments.count() == path.len(),
            "{}",
            sent.uri
        );
        let parameters = sent.uri.query().map_or(0, |query| query.split('&').count());
        assert_eq!(parameters, query.len(), "{}", sent.uri);
    }
}
