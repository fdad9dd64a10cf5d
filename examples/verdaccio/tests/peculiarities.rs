//! What is special about Verdaccio, against a real one: `bash tests/real-servers/run verdaccio`.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::env;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokenfleet::model::Attribute;
use tokenfleet::transport::{
    Body, Bytes, ReqwestTransport, Transport, TransportError, async_trait, http,
};
use tokenfleet::{
    AccountConfiguration, Completeness, CreateToken, Credential, Liveness, Query, Registry,
    RevokeOptions, Secret, TokenProvider, TokenProviderExt,
};
use tokenfleet_conformance::http::FixtureTransport;
use tokenfleet_verdaccio::{NAME, Verdaccio};

const PASSWORD: &str = "correct-horse-battery";

/// The limit that `tests/real-servers/run` configures: requests, and the time that they are for.
const LIMIT: (u32, Duration) = (10, Duration::from_secs(2));

/// Signs up a user at the registry whose URL is in `variable`.
async fn sign_up(variable: &str) -> (FixtureTransport, Arc<dyn TokenProvider>) {
    let url = env::var(variable).expect("the URL of a registry");
    let transport = FixtureTransport::new(Arc::new(ReqwestTransport::new().unwrap()));
    let user = format!("user-{}", process::id());
    let new = json!({ "name": user, "password": PASSWORD });
    let path = format!("/-/user/org.couchdb.user:{user}");
    let signed_up = transport.admin_client(&url).put(&path, &new).await;
    assert_eq!(signed_up.expect("an answer").status(), 201);

    let mut registry = Registry::empty();
    registry.register(NAME, Verdaccio::open);
    let credential = Credential::from_secret(Secret::new(PASSWORD));
    let account = AccountConfiguration::new("packages", NAME)
        .with("base_url", url)
        .with("user", user)
        .with("password", credential);
    let provider = registry.open(&account, Arc::new(transport.clone()));
    (transport, provider.unwrap())
}

/// A registry that issues the same token whatever is asked, and remembers the last request.
#[derive(Debug, Default)]
struct Issuing(Mutex<Option<http::Request<Bytes>>>);

#[async_trait]
impl Transport for Issuing {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        *self.0.lock().unwrap() = Some(request);
        let issued = json!({ "key": "1", "token": "a-secret-that-is-new", "user": "ada" });
        Ok(http::Response::new(Body::full(issued.to_string())))
    }
}

#[tokio::test]
async fn a_creation_sends_one_password_in_header_and_body_though_it_is_replaced_meanwhile() {
    static READ: AtomicU32 = AtomicU32::new(0);
    let password = Credential::from_fn(async || {
        let number = READ.fetch_add(1, Ordering::Relaxed);
        Ok(Secret::new(format!("password-{number}")))
    });
    let mut registry = Registry::empty();
    registry.register(NAME, Verdaccio::open);
    let account = AccountConfiguration::new("packages", NAME)
        .with("base_url", "http://127.0.0.1:4873")
        .with("user", "ada")
        .with("password", password);
    let transport = Arc::new(Issuing::default());
    let provider = registry.open(&account, transport.clone()).unwrap();
    provider.create(CreateToken::unnamed()).await.unwrap();
    let request = transport.0.lock().unwrap().take().unwrap();
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    let pair = format!("ada:{}", body["password"].as_str().unwrap());
    let header = format!("Basic {}", STANDARD.encode(pair));
    assert_eq!(request.headers()["authorization"], header);
    assert_eq!(READ.load(Ordering::Relaxed), 1, "the source is asked once");
}

#[tokio::test]
#[ignore = "not run: needs a real Verdaccio, see tests/real-servers"]
async fn more_requests_than_allowed_take_longer_and_none_is_refused() {
    let (transport, provider) = sign_up("TOKENFLEET_VERDACCIO_LIMITED").await;
    let started = Instant::now();
    let (limit, period) = LIMIT;
    for _ in 0..2 * limit + 1 {
        let listed = provider.list_all(Query::new()).await.expect("a list");
        assert_eq!(listed.tokens.len(), 0);
        assert!(matches!(
            listed.completeness,
            Completeness::CompleteAsShown(_)
        ));
    }
    let sent = u64::from(2 * limit + 1);
    assert_eq!(transport.request_count(), sent, "none was repeated");
    assert!(started.elapsed() >= period, "{:?}", started.elapsed());
}

#[tokio::test]
#[ignore = "not run: needs a real Verdaccio, see tests/real-servers"]
async fn a_token_for_other_addresses_is_not_reported_as_dead_before_it_is() {
    let (_, provider) = sign_up("TOKENFLEET_VERDACCIO").await;
    let request = CreateToken::unnamed()
        .with_argument("readonly", true)
        .with_argument("cidr_whitelist", ["192.0.2.0/24"]);
    let issued = provider.create(request).await.expect("a token");
    let readonly = issued.token.attributes.get("readonly");
    assert_eq!(readonly, Some(&Attribute::Boolean(true)));
    let liveness = provider.verify(&issued.secret).await.expect("an answer");
    assert!(matches!(liveness, Liveness::Unknown { .. }), "{liveness:?}");

    let id = &issued.token.id;
    provider
        .revoke(id.into(), RevokeOptions::default())
        .await
        .expect("a revocation");
    assert_eq!(
        provider.verify(&issued.secret).await.unwrap(),
        Liveness::Dead
    );
}
