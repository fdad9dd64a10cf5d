//! An expiry that the platform does not keep: no token may outlive the requested expiry.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokenfleet_conformance::Fixture;
use tokenfleet_core::{CreateToken, Fate, Timestamp, TokenProvider};
use tokenfleet_foreman::Release;
use tokenfleet_http::{Body, Transport, TransportError};
use tokenfleet_losant::Losant;
use tokenfleet_simulators::{Action, Fault, State};
use tokenfleet_tests::{
    SimulatedFixture, build, fixed_credential, foreman, losant_config, transport,
};

/// Returns the state of every token of that name.
fn states(fixture: &SimulatedFixture, name: &str) -> Vec<State> {
    let tokens = fixture.simulator().tokens().into_iter();
    tokens
        .filter(|token| token.name.as_deref() == Some(name))
        .map(|token| token.state)
        .collect()
}

fn create_with_expiry(name: &str) -> CreateToken {
    let at: Timestamp = "2099-01-31T12:00:00Z".parse().unwrap();
    CreateToken::new(name).with_expiry(at)
}

#[tokio::test]
async fn a_requested_expiry_that_is_not_kept_is_an_error_and_leaves_nothing_alive() {
    for release in ["1.24", "3.8", "3.9", "3.13"] {
        for option in ["asked_expiry=dropped", "asked_expiry=shifted"] {
            let version = format!("version={release}");
            let fixture = foreman(&[version.as_str(), option], None);
            let provider = fixture.provider();
            let error = provider.create(create_with_expiry("ci")).await.unwrap_err();
            let place = format!("{release}, {option}: {error}");
            assert_eq!(states(&fixture, "ci"), [State::Revoked], "{place}");
            assert_eq!(error.fate(), Fate::Rejected, "{place}");
            assert!(error.to_string().contains("expiry"), "{place}");
            // Without a requested expiry there is none to break.
            let without_expiry = provider.create(CreateToken::new("usual")).await;
            assert!(
                fixture.accepts(&without_expiry.unwrap().secret).await,
                "{place}"
            );
        }
        let version = format!("version={release}");
        let fixture = foreman(&[version.as_str(), "asked_expiry=kept"], None);
        let kept = fixture.provider().create(create_with_expiry("ci")).await;
        assert!(kept.is_ok(), "{release}: {kept:?}");
    }
}

#[tokio::test]
async fn a_token_that_survives_with_another_expiry_because_revoking_fails_is_named() {
    let release = Release::new(3, 8);
    let fixture = foreman(&["asked_expiry=dropped"], Some(release));
    let lost = Fault::new(Action::CloseBefore).method("DELETE").always();
    fixture.simulator().faults().add(lost);
    let error = fixture
        .provider()
        .create(create_with_expiry("ci"))
        .await
        .unwrap_err();
    assert_eq!(states(&fixture, "ci"), [State::Active]);
    assert!(error.may_have_applied(), "{error}");
    let tokens = fixture.simulator().tokens();
    let id = tokens
        .iter()
        .find(|token| token.name.as_deref() == Some("ci"))
        .map(|token| token.id.as_str());
    let text = error.to_string();
    assert!(text.contains(&format!("token {}", id.unwrap())), "{text}");
}

/// A transport to Losant that removes the expiry of new tokens, because its simulator keeps every
/// one.
#[derive(Debug)]
struct ExpiryRemovingTransport(Arc<dyn Transport>);

#[async_trait]
impl Transport for ExpiryRemovingTransport {
    async fn send(
        &self,
        mut request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        if let Ok(serde_json::Value::Object(mut body)) = serde_json::from_slice(request.body()) {
            body.remove("expirationDate");
            *request.body_mut() = serde_json::to_vec(&body).unwrap().into();
        }
        self.0.send(request).await
    }
}

#[tokio::test]
async fn a_requested_expiry_that_losant_does_not_keep_leaves_no_token() {
    let simulator = build("losant", &[]);
    let config = losant_config(fixed_credential(&simulator.credentials()["token"]));
    let transport = ExpiryRemovingTransport(transport(&simulator));
    let provider = Losant::new("iot", config, Arc::new(transport));
    let error = provider.create(create_with_expiry("ci")).await.unwrap_err();
    assert_eq!(simulator.token_count(), 0, "{error}");
    assert_eq!(error.fate(), Fate::Rejected, "{error}");
    assert!(provider.create(CreateToken::new("usual")).await.is_ok());
}
