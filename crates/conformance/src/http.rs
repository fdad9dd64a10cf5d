//! The parts of a fixture over HTTP: a transport that counts requests and injects faults, and a
//! client for the administrator (feature `http`).
//!
//! With them, a fixture needs nothing of the server but an administrator: give every case a user of
//! its own, created by [`AdminClient`], and delete the user in
//! [`Fixture::close`](crate::Fixture::close). Request counts and faults come from a
//! [`FixtureTransport`] around the real transport.
//!
//! ```
//! use std::sync::Arc;
//!
//! use serde_json::json;
//! use tokenfleet_conformance::http::{AdminClient, FixtureTransport};
//! use tokenfleet_conformance::{Fault, FixtureError};
//! use tokenfleet_core::TokenProvider;
//! use tokenfleet_http::Transport;
//!
//! const HUB: &str = "http://127.0.0.1:8081/hub/api";
//!
//! struct HubFixture {
//!     user: String,
//!     transport: FixtureTransport,
//!     admin: AdminClient,
//!     provider: Arc<dyn TokenProvider>,
//! }
//!
//! impl HubFixture {
//!     /// Creates a user for one case. `real` is a `ReqwestTransport`.
//!     async fn start(real: Arc<dyn Transport>) -> Result<Self, FixtureError> {
//!         let transport = FixtureTransport::new(real)
//!             .with_secret_field("token")
//!             .with_json_field(Fault::OtherRecord, "id", json!("a0"))
//!             .with_json_field(Fault::OddValue, "created", json!({}));
//!         let admin = transport.admin_client(HUB).with_header("authorization", "token admin");
//!         let user = format!("case-{}", next_number());
//!         admin.post(&format!("/users/{user}"), &json!({})).await?.success()?;
//!         let path = format!("/users/{user}/tokens");
//!         let made = admin.post(&path, &json!({})).await?.success()?;
//!         let token = made.json()["token"].as_str().unwrap_or_default().to_owned();
//!         let provider = hub(&user, &token, Arc::new(transport.clone()));
//!         Ok(Self { user, transport, admin, provider })
//!     }
//! }
//! # fn next_number() -> u32 { 1 }
//! # use tokenfleet_conformance::{MemoryProfile, MemoryProvider};
//! # fn hub(_: &str, _: &str, _: Arc<dyn Transport>) -> Arc<dyn TokenProvider> {
//! #     Arc::new(MemoryProvider::new(MemoryProfile::deleting()))
//! # }
//! # fn main() {}
//! ```
//!
//! The fixture then answers
//! [`request_count`](crate::Fixture::request_count) with [`FixtureTransport::request_count`],
//! [`total_requests`](crate::Fixture::total_requests) with [`FixtureTransport::total_requests`],
//! and [`inject`](crate::Fixture::inject) with [`FixtureTransport::inject`].

mod admin_client;
mod body;
mod fixture_transport;

pub use admin_client::{AdminClient, AdminResponse};
pub use fixture_transport::FixtureTransport;
