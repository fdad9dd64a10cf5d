//! What is made of answers that Losant's own clients never got.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::{ErrorKind, Fate, RevocationOutcome, RevokeOptions, TokenId, TokenProvider};
use tokenfleet_http::{Body, SendPhase, Transport, TransportError};
use tokenfleet_losant::{Losant, LosantConfig, Resource};
use tokenfleet_tests::{fixed, retry};

/// Answers what changes something with that status and body, and reads with that page, if it can be reached then.
#[derive(Debug)]
struct Scripted {
    write: (u16, &'static str),
    page: Option<&'static str>,
}

#[async_trait]
impl Transport for Scripted {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let (status, body) = match (request.method(), self.page) {
            (&Method::GET, Some(page)) => (200, page),
            (&Method::GET, None) => return Err(TransportError::new(SendPhase::NotSent, "refused")),
            _ => self.write,
        };
        let mut response = Response::new(Body::full(body));
        *response.status_mut() = status.try_into().unwrap();
        Ok(response)
    }
}

fn losant(write: (u16, &'static str), page: Option<&'static str>) -> Losant {
    let config = LosantConfig::new(fixed("acting"))
        .with_resource(Resource::Application("575ec8687ae143cd83dc4a97".into()));
    Losant::new("iot", config, Arc::new(Scripted { write, page })).with_retry(retry())
}

const GONE: &str = r#"{"type":"NotFound","message":"API Token was not found"}"#;

#[tokio::test]
async fn a_refused_revocation_was_sent_also_if_nothing_could_be_asked_afterwards() {
    let id = TokenId::new("575ec7417ae143cd83dc4a95");
    let losant_unreachable = losant((404, GONE), None);
    let options = RevokeOptions::default();
    let error = losant_unreachable.revoke((&id).into(), options).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(error.fate(), Fate::Rejected, "{error}");
    let reachable = losant((404, GONE), Some(r#"{"items":[],"totalCount":0}"#));
    let revoked = reachable.revoke((&id).into(), options).await.unwrap();
    assert_eq!(revoked.outcome, RevocationOutcome::AlreadyGone);
}

#[tokio::test]
async fn an_empty_id_is_none() {
    let page = r#"{"items":[{"id":"","apiTokenId":""}],"totalCount":1}"#;
    let nameless = losant((500, ""), Some(page));
    let error = nameless.list_page(PageRequest::first()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProtocolViolation);
    let page = r#"{"items":[{"id":"","apiTokenId":"7"}],"totalCount":1}"#;
    let named = losant((500, ""), Some(page));
    let page = named.list_page(PageRequest::first()).await.unwrap();
    assert_eq!(page.tokens[0].id.as_str(), "7");
}
