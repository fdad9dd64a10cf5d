//! Where requests go.

use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use http::Uri;
use tokenfleet::transport::{ApiClient, ApiRequest, BaseUrl, ErrorBody, RetryPolicy};
use tokenfleet::{Account, Operation};

use crate::answers::Answers;
use crate::run;
use crate::witness::assert_silent;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    plain_http: bool,
    path: Vec<&'a str>,
    query: Vec<(&'a str, &'a str)>,
    url: &'a str,
}

/// A base URL that is taken survives its text, and a request goes to its origin and below its path, whatever ids and
/// parameters hold.
pub fn base_url(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        send(text, false, &["me", ".x"], &[]);
    }
    if let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) {
        send(input.url, input.plain_http, &input.path, &input.query);
    }
}

fn send(url: &str, plain_http: bool, path: &[&str], query: &[(&str, &str)]) {
    let parsed = match plain_http {
        true => BaseUrl::parse_allowing_plain_http(url),
        false => BaseUrl::parse(url),
    };
    let base = match parsed {
        Ok(base) => base,
        Err(error) => return assert_silent(&error),
    };
    let printed = base.to_string();
    let again = match plain_http {
        true => BaseUrl::parse_allowing_plain_http(&printed),
        false => BaseUrl::parse(&printed),
    };
    assert_eq!(again.ok().as_ref(), Some(&base), "{printed}");
    let transport = Arc::new(Answers::read(b"204"));
    let refusal = |_: Operation, _: u16, _: &[u8]| ErrorBody::default();
    let account = Account::new("fuzzed", "fuzzed");
    let client = ApiClient::new(account, base, Arc::clone(&transport) as _, refusal)
        .with_retry(RetryPolicy::no_retries());
    let call = ApiRequest::get(Operation::Get, path.iter().copied()).allow_empty_body();
    let call = query
        .iter()
        .fold(call, |call, (name, value)| call.query(name, value));
    if let Err(error) = run(client.send(call)) {
        assert_silent(&error);
    }
    for sent in transport.sent() {
        let prefix: Uri = printed.parse().expect("what a request was sent to");
        assert_eq!(sent.uri.scheme(), prefix.scheme());
        assert_eq!(sent.uri.authority(), prefix.authority());
        let below = sent
            .uri
            .path()
            .strip_prefix(prefix.path().trim_end_matches('/'));
        let segments = below.expect("below the base URL").split('/').skip(1);
        // Without a path it may be the root.
        assert!(
            path.is_empty() || segments.count() == path.len(),
            "{}",
            sent.uri
        );
        let parameters = sent.uri.query().map_or(0, |query| query.split('&').count());
        assert_eq!(parameters, query.len(), "{}", sent.uri);
    }
}
