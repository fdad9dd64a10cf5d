//! The HTTP path that every tokenfleet adapter shares: from a described request to a judged answer.
//!
//! An adapter describes a request as an [`ApiRequest`] and hands it to its [`ApiClient`], which adds the origin, keeps to
//! the account's limits, repeats what may be repeated, and turns every failure into a
//! [`tokenfleet_core::Error`] with the right [`Fate`](tokenfleet_core::Fate). What really sends is a [`Transport`]:
//! reqwest (feature `reqwest`, with TLS by `rustls` or `native-tls`), a simulator in the same process, or your own.
//!
//! Credentials go to the configured origin and nowhere else: no redirect is followed, no cookie is kept, no proxy is
//! taken from the environment, and plain http is refused except to loopback or by an explicit opt-in.
//!
//! Every call tells whoever listens, through `tracing` (target `tokenfleet`) and with the feature `metrics` through the facade of
//! that name, what became of it: never what it carried. The names are in `docs/OBSERVABILITY.md`.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod attempt;
mod base_url;
mod client;
mod error_body;
mod expiry_guard;
mod fields;
mod lockout;
#[cfg(feature = "metrics")]
mod metrics;
mod page_seed;
mod rate_headers;
mod rate_limiter;
mod request;
#[cfg(feature = "reqwest")]
mod reqwest_builder;
#[cfg(feature = "reqwest")]
mod reqwest_transport;
mod response;
mod retry;
mod retry_budget;
mod telemetry;
mod timer;
mod transport;
mod zeroizing_buffer;

pub use base_url::BaseUrl;
pub use client::ApiClient;
pub use error_body::{ErrorBody, ErrorParser, parse_json};
pub use expiry_guard::{expiry_matches, revoke_unwanted};
pub use fields::{Fields, FromFields, JsonStr, read_unique};
pub use request::ApiRequest;
#[cfg(feature = "reqwest")]
pub use reqwest_builder::ReqwestTransportBuilder;
#[cfg(feature = "reqwest")]
pub use reqwest_transport::ReqwestTransport;
pub use response::ApiResponse;
pub use retry::RetryPolicy;
pub use timer::TokioTimer;
pub use transport::{Body, SendPhase, Transport, TransportError};
