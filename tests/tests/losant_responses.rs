//! Responses that Losant's own clients never got.

use std::sync::Arc;

use http::{Method, Request};
use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::{ErrorKind, Fate, RevocationOutcome, RevokeOptions, TokenId, TokenProvider};
use tokenfleet_http::TransportError;
use tokenfleet_losant::{Losant, LosantConfig, Resource};
use tokenfleet_tests::{FnTransport, fixed_credential, immediate_retries, response};

/// Returns Losant with a scripted response to writes, and a page for reads unless it is
/// unreachable.
fn losant(write: (u16, &'static str), page: Option<&'static str>) -> Losant {
    let transport = FnTransport(move |request: Request<_>| match (request.method(), page) {
        (&Method::GET, Some(page)) => Ok(response(200, page)),
        (&Method::GET, None) => Err(TransportError::not_sent("refused")),
        _ => Ok(response(write.0, write.1)),
    });
    let config = LosantConfig::new(fixed_credential("acting"))
        .with_resource(Resource::Application("575ec8687ae143cd83dc4a97".into()));
    Losant::new("iot", config, Arc::new(transport)).with_retry(immediate_retries())
}

const GONE: &str = r#"{"type":"NotFound","message":"API Token was not found"}"#;

#[tokio::test]
async fn a_refused_revocation_counts_as_sent_even_if_the_check_afterwards_fails() {
    let id = TokenId::new("575ec7417ae143cd83dc4a95");
    let unreachable = losant((404, GONE), None);
    let options = RevokeOptions::default().with_existed();
    let error = unreachable.revoke((&id).into(), options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(error.fate(), Fate::Rejected, "{error}");
    let reachable = losant((404, GONE), Some(r#"{"items":[],"totalCount":0}"#));
    let revoked = reachable.revoke((&id).into(), options).await.unwrap();
    assert_eq!(revoked.outcome, RevocationOutcome::AlreadyGone);
}

#[tokio::test]
async fn an_empty_id_counts_as_missing() {
    let page = r#"{"items":[{"id":"","apiTokenId":""}],"totalCount":1}"#;
    let nameless = losant((500, ""), Some(page));
    let error = nameless.list_page(PageRequest::first()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProtocolViolation);
    let page = r#"{"items":[{"id":"","apiTokenId":"7"}],"totalCount":1}"#;
    let named = losant((500, ""), Some(page));
    let page = named.list_page(PageRequest::first()).await.unwrap();
    assert_eq!(page.tokens[0].id.as_str(), "7");
}
