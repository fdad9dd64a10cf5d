//! The parts of a fixture over HTTP count, inject and read.

#![allow(
    clippy::unwrap_used,
    reason = "clippy does not see that all of this is a test"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tokenfleet_conformance::http::{FixtureTransport, ServerFixture, ServerUser, unused_user_name};
use tokenfleet_conformance::{
    ExistingToken, Fault, Fixture, FixtureError, InsertedToken, MemoryProfile, MemoryProvider,
    TokenSpec,
};
use tokenfleet_core::Secret;
use tokenfleet_http::http::{Request, Response, StatusCode};
use tokenfleet_http::{Body, Bytes, Transport, TransportError, async_trait};

/// A platform that issues a secret with every request.
#[derive(Debug, Default)]
struct Issuing(AtomicU64);

#[async_trait]
impl Transport for Issuing {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        if request.uri().path() == "/refused" {
            let mut response = Response::new(Body::full("not here"));
            *response.status_mut() = StatusCode::FORBIDDEN;
            return Ok(response);
        }
        let credentials = request.headers().get_all("authorization").iter();
        let credentials: Vec<_> = credentials.map(|value| value.to_str().unwrap()).collect();
        let secret = format!("secret-{number}");
        let record = json!({"id": number, "token": secret, "name": "first", "as": credentials});
        let mut response = Response::new(Body::full(record.to_string()));
        let length = record.to_string().len().into();
        response.headers_mut().insert("content-length", length);
        Ok(response)
    }
}

fn transport() -> (Arc<Issuing>, FixtureTransport) {
    let platform = Arc::new(Issuing::default());
    let transport = FixtureTransport::new(Arc::<Issuing>::clone(&platform))
        .with_secret_field("token")
        .with_json_field(Fault::OtherName, "name", json!("another"))
        .with_rewrite(Fault::OddValue, |_| br#"{"name":"\ud83d"}"#.to_vec());
    (platform, transport)
}

async fn send(transport: &FixtureTransport) -> Result<Response<Bytes>, TransportError> {
    let request = Request::get("http://127.0.0.1/tokens").body(Bytes::new());
    let (head, body) = transport.send(request.unwrap()).await?.into_parts();
    Ok(Response::from_parts(head, body.bytes(1000).await?))
}

async fn json_after(transport: &FixtureTransport, fault: Fault) -> Value {
    assert!(transport.inject(fault), "{fault:?}");
    let response = send(transport).await.unwrap();
    assert!(!response.headers().contains_key("content-length"));
    serde_json::from_slice(response.body()).unwrap()
}

#[tokio::test]
async fn a_fault_meets_the_next_request_and_no_other() {
    let (platform, transport) = transport();
    assert!(transport.inject(Fault::LoseRequest));
    assert!(send(&transport.clone()).await.is_err());
    assert_eq!(platform.0.load(Ordering::SeqCst), 0);
    assert_eq!(transport.request_count(), 0);
    assert!(send(&transport).await.is_ok());

    assert!(transport.inject(Fault::LoseResponse));
    assert!(send(&transport).await.is_err());
    assert_eq!(platform.0.load(Ordering::SeqCst), 2);
    assert_eq!(transport.request_count(), 2);
}

#[tokio::test]
async fn a_made_up_response_does_not_reach_the_platform_but_counts() {
    let (platform, transport) = transport();
    for (fault, status) in [
        (Fault::Redirect, 302),
        (Fault::GatewayRefusal, 401),
        (Fault::MissingPage, 404),
        (Fault::GatewayNotFound, 404),
        (Fault::GatewayJsonNotFound, 404),
    ] {
        assert!(transport.inject(fault));
        assert_eq!(send(&transport).await.unwrap().status(), status);
    }
    assert_eq!(platform.0.load(Ordering::SeqCst), 0);
    assert_eq!(transport.request_count(), 5);
}

#[tokio::test]
async fn a_foreign_404_comes_as_html_and_as_json() {
    let (_, transport) = transport();
    for (fault, content_type, is_json) in [
        (Fault::GatewayNotFound, "text/html", false),
        (Fault::GatewayJsonNotFound, "application/json", true),
    ] {
        assert!(transport.inject(fault), "{fault:?}");
        let response = send(&transport).await.unwrap();
        assert_eq!(response.headers()["content-type"], content_type);
        let body = serde_json::from_slice::<Value>(response.body());
        assert_eq!(body.is_ok(), is_json, "{fault:?}");
    }
}

#[tokio::test]
async fn a_status_is_falsified_as_the_fixture_says() {
    let (_, transport) = transport();
    let transport = transport
        .with_rewrite(Fault::ForgetPosition, |_| b"expired".to_vec())
        .with_status(Fault::ForgetPosition, StatusCode::GONE);
    assert!(transport.inject(Fault::ForgetPosition));
    let forgotten = send(&transport).await.unwrap();
    assert_eq!(
        (forgotten.status(), &forgotten.body()[..]),
        (StatusCode::GONE, &b"expired"[..])
    );
    assert_eq!(send(&transport).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_response_is_falsified_as_the_fixture_says() {
    let (_, transport) = transport();
    let masked = json_after(&transport, Fault::MaskSecret).await;
    assert_eq!(masked["token"], "************3456");
    let repeated = json_after(&transport, Fault::RepeatSecret).await;
    assert_eq!(repeated["token"], "secret-1");
    let named = json_after(&transport, Fault::OtherName).await;
    assert_eq!(named["name"], "another");
    assert!(transport.inject(Fault::OddValue));
    let odd = send(&transport).await.unwrap();
    assert_eq!(odd.body(), &br#"{"name":"\ud83d"}"#[..]);
    assert!(!transport.inject(Fault::BroaderScopes), "nothing says how");
}

#[tokio::test]
async fn a_response_is_marked_packed_or_mislabelled() {
    let (_, transport) = transport();
    assert!(transport.inject(Fault::ByteOrderMark));
    let marked = send(&transport).await.unwrap();
    assert!(marked.body().starts_with("\u{feff}{".as_bytes()));
    assert!(transport.inject(Fault::Compress));
    let packed = send(&transport).await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert!(packed.body().starts_with(&[0x1f, 0x8b]));
    assert!(transport.inject(Fault::WrongContentType));
    let mislabelled = send(&transport).await.unwrap();
    assert_eq!(mislabelled.headers()["content-type"], "text/html");
}

#[tokio::test]
async fn an_administrator_meets_no_fault_and_is_counted_apart() {
    let (_, transport) = transport();
    let admin = transport.admin_client("http://127.0.0.1/api/");
    assert!(transport.inject(Fault::LoseRequest));
    let made = admin.post("/users/a", &json!({})).await.unwrap();
    assert_eq!(made.success().unwrap().json()["token"], "secret-1");
    assert_eq!(
        (transport.request_count(), transport.total_requests()),
        (0, 1)
    );
    assert!(send(&transport).await.is_err(), "the fault is still there");

    let repeated = json_after(&transport, Fault::RepeatSecret).await;
    assert_eq!(
        repeated["token"], "secret-1",
        "what the administrator saw counts as before"
    );
}

#[tokio::test]
async fn an_administrator_is_told_what_was_refused() {
    let platform = FixtureTransport::new(Arc::<Issuing>::default());
    let admin = platform.admin_client("http://127.0.0.1");
    let refused = admin.delete("/refused").await.unwrap();
    assert_eq!((refused.status(), refused.json()), (403, Value::Null));
    let error = refused.success().unwrap_err();
    assert_eq!(error.to_string(), "DELETE /refused: 403 Forbidden not here");
}

#[tokio::test]
async fn a_header_of_an_administrator_replaces_the_one_before() {
    let (_, transport) = transport();
    let admin = transport.admin_client("http://127.0.0.1");
    let admin = admin.with_header("authorization", "token admin");
    let user = admin.clone().with_header("Authorization", "token user");
    assert_eq!(
        user.get("/").await.unwrap().json()["as"],
        json!(["token user"])
    );
    assert_eq!(
        admin.get("/").await.unwrap().json()["as"],
        json!(["token admin"])
    );
}

/// A user without tokens, and how often the user was deleted.
struct User(Arc<AtomicU64>);

#[async_trait]
impl ServerUser for User {
    async fn insert(&self, _spec: TokenSpec) -> Option<InsertedToken> {
        None
    }

    async fn tokens(&self) -> Vec<ExistingToken> {
        Vec::new()
    }

    async fn accepts(&self, _secret: &Secret) -> bool {
        false
    }

    async fn delete(&self) -> Result<(), FixtureError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn the_fixture_of_a_server_answers_by_its_transport_and_deletes_its_user() {
    let (_, transport) = transport();
    let deleted = Arc::new(AtomicU64::new(0));
    let provider = Arc::new(MemoryProvider::new(MemoryProfile::deleting()));
    let user = User(Arc::clone(&deleted));
    let fixture = ServerFixture::new(
        user,
        Arc::<MemoryProvider>::clone(&provider),
        transport.clone(),
    )
    .with_credentials(["right"])
    .with_credentials([String::from("wrong")])
    .with_intruder(provider)
    .with_origin("http://127.0.0.1");

    let admin = transport.admin_client("http://127.0.0.1");
    admin.get("/").await.unwrap();
    send(&transport).await.unwrap();
    assert_eq!((fixture.request_count(), fixture.total_requests()), (1, 2));
    assert!(fixture.inject(Fault::LoseRequest).await);
    assert!(send(&transport).await.is_err());
    assert!(
        !fixture.inject(Fault::OtherExpiry).await,
        "nothing says how"
    );

    let credentials = fixture.credentials();
    let credentials: Vec<_> = credentials.iter().map(Secret::expose).collect();
    assert_eq!(credentials, ["right", "wrong"]);
    assert!(!format!("{fixture:?}").contains("right"));
    assert!(fixture.intruder().is_some());
    assert_eq!(fixture.origin().as_deref(), Some("http://127.0.0.1"));
    assert_ne!(unused_user_name(), unused_user_name());

    fixture.close().await.unwrap();
    assert_eq!(deleted.load(Ordering::SeqCst), 1);
}
