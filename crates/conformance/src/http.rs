//! The parts of a fixture over HTTP: a fixture over a real server, a transport that counts requests
//! and injects faults, and a client for the administrator (feature `http`).
//!
//! The server need only have an administrator: give every case a user of its own, created by
//! [`AdminClient`]. A [`ServerUser`] is what you write, and [`ServerFixture`] the rest.
//!
//! ```
//! use std::sync::Arc;
//!
//! use serde_json::{Value, json};
//! use tokenfleet_conformance::http::{
//!     AdminClient, FixtureTransport, ServerFixture, ServerUser, unused_user_name,
//! };
//! use tokenfleet_conformance::{
//!     ExistingToken, Fault, FixtureError, InsertedToken, TokenSpec,
//! };
//! use tokenfleet_core::{Secret, TokenId, TokenProvider, TokenState};
//! use tokenfleet_http::{Transport, async_trait};
//!
//! const HUB: &str = "http://127.0.0.1:8081";
//! const WRONG_TOKEN: &str = "0123456789abcdef";
//!
//! /// A user of the hub.
//! struct HubUser {
//!     name: String,
//!     admin: AdminClient,
//! }
//!
//! impl HubUser {
//!     /// Creates a user for one case. `real` is a `ReqwestTransport`.
//!     async fn start(real: Arc<dyn Transport>) -> Result<ServerFixture<Self>, FixtureError> {
//!         let transport = FixtureTransport::new(real)
//!             .with_secret_field("token")
//!             .with_json_field(Fault::OtherRecord, "id", json!("a0"))
//!             .with_json_field(Fault::OddValue, "created", json!({}));
//!         let admin = transport
//!             .admin_client(HUB)
//!             .with_header("authorization", "token admin");
//!         let name = unused_user_name();
//!         admin.post(&format!("/users/{name}"), &json!({})).await?.success()?;
//!         let path = format!("/users/{name}/tokens");
//!         let made = admin.post(&path, &json!({})).await?.success()?.json();
//!         let token = made["token"].as_str().unwrap_or_default();
//!         let open = |token: &str| hub(&name, token, Arc::new(transport.clone()));
//!         let (provider, intruder) = (open(token), open(WRONG_TOKEN));
//!         let user = Self { name, admin };
//!         Ok(ServerFixture::new(user, provider, transport)
//!             .with_credentials([token, WRONG_TOKEN])
//!             .with_intruder(intruder)
//!             .with_origin(HUB))
//!     }
//! }
//!
//! #[async_trait]
//! impl ServerUser for HubUser {
//!     async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken> {
//!         if spec.state != TokenState::Active {
//!             return None;
//!         }
//!         let path = format!("/users/{}/tokens", self.name);
//!         let made = self.admin.post(&path, &json!({ "note": spec.name })).await.ok()?;
//!         let made = made.success().ok()?.json();
//!         let secret = Secret::new(made["token"].as_str()?);
//!         Some(InsertedToken::new(TokenId::new(made["id"].as_str()?)).with_secret(secret))
//!     }
//!
//!     async fn tokens(&self) -> Vec<ExistingToken> {
//!         let path = format!("/users/{}/tokens", self.name);
//!         let listed = self.admin.get(&path).await.expect("the hub answers").json();
//!         let existing = |token: &Value| {
//!             let id = TokenId::new(token["id"].as_str().unwrap_or_default());
//!             ExistingToken::new(id, TokenState::Active)
//!         };
//!         listed["tokens"].as_array().into_iter().flatten().map(existing).collect()
//!     }
//!
//!     async fn accepts(&self, secret: &Secret) -> bool {
//!         let authorization = format!("token {}", secret.expose());
//!         let client = self.admin.clone().with_header("authorization", authorization);
//!         client.get("/user").await.is_ok_and(|answer| answer.status() == 200)
//!     }
//!
//!     async fn delete(&self) -> Result<(), FixtureError> {
//!         let path = format!("/users/{}", self.name);
//!         self.admin.delete(&path).await?.success()?;
//!         Ok(())
//!     }
//! }
//! # use tokenfleet_conformance::{MemoryProfile, MemoryProvider};
//! # fn hub(_: &str, _: &str, _: Arc<dyn Transport>) -> Arc<dyn TokenProvider> {
//! #     Arc::new(MemoryProvider::new(MemoryProfile::deleting()))
//! # }
//! # fn main() {}
//! ```
//!
//! A fixture of another kind answers
//! [`request_count`](crate::Fixture::request_count) with [`FixtureTransport::request_count`],
//! [`total_requests`](crate::Fixture::total_requests) with [`FixtureTransport::total_requests`],
//! and [`inject`](crate::Fixture::inject) with [`FixtureTransport::inject`].

mod admin_client;
mod body;
mod fixture_transport;
mod server_fixture;

pub use admin_client::{AdminClient, AdminResponse};
pub use fixture_transport::FixtureTransport;
pub use server_fixture::{ServerFixture, ServerUser, unused_user_name};
