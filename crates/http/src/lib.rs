//! The HTTP layer shared by all tokenfleet adapters: it turns a described request into a decoded
//! response or an [`Error`](tokenfleet_core::Error).
//!
//! An adapter describes a request as an [`ApiRequest`] and hands it to its [`ApiClient`], which
//! adds the origin, applies the account's rate limits, retries what may be retried, and turns every
//! failure into an error with the right [`Fate`](tokenfleet_core::Fate). The request itself is sent
//! by a [`Transport`]: reqwest (feature `reqwest`, with TLS using `rustls` or `native-tls`), a
//! simulator in the same process, or your own.
//!
//! Timeouts, backoff and rate limits use tokio's clock, so the client needs a tokio runtime with
//! time enabled, whichever transport sends.
//!
//! Credentials are sent to the configured origin and nowhere else: redirects are not followed,
//! cookies are not kept, proxies are not taken from the environment, and plain http is refused
//! except to loopback or by an explicit opt-in.
//!
//! Every request reports its progress through `tracing` (target `tokenfleet`) and, with the feature
//! `metrics`, through the `metrics` crate. It never reports what a request or response contained.
//! `docs/OBSERVABILITY.md` lists all names.
//!
//! Decisions are in `docs/decisions` of the source tree.
//!
//! | to | look at |
//! |---|---|
//! | send requests over reqwest | `ReqwestTransport`, `ReqwestTransportBuilder` |
//! | send them another way | [`Transport`], [`Body`], [`TransportError`], [`SendPhase`] |
//! | set retry limits and timeouts | [`RetryPolicy`] |
//! | write an adapter | [`ApiClient`], [`ApiRequest`], [`ApiResponse`], [`decode`], [`adapter`] |
//! | test its conversions | `testing` (feature `testing`) |

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod adapter;
mod attempt;
mod backoff;
mod base_url;
mod client;
mod content_coding;
pub mod decode;
mod error_body;
mod in_flight;
mod last_look;
mod lockout;
#[cfg(feature = "metrics")]
mod metrics;
mod rate_headers;
mod rate_limiter;
mod request;
#[cfg(feature = "reqwest")]
mod reqwest_builder;
#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod reqwest_certificates;
#[cfg(feature = "reqwest")]
mod reqwest_clients;
#[cfg(feature = "reqwest")]
mod reqwest_error;
#[cfg(feature = "reqwest")]
mod reqwest_names;
#[cfg(feature = "native-tls")]
mod reqwest_native_tls;
#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod reqwest_pem;
#[cfg(feature = "reqwest")]
mod reqwest_proxy;
#[cfg(all(feature = "rustls", not(feature = "native-tls")))]
mod reqwest_rustls;
#[cfg(feature = "reqwest")]
mod reqwest_transport;
mod response;
mod response_error;
mod retry;
mod retry_budget;
mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod timer;
mod transport;
mod zeroizing_buffer;

pub use base_url::BaseUrl;
pub use client::ApiClient;
pub use error_body::{ErrorBody, ErrorParser};
pub use lockout::FailedLogins;
pub use request::ApiRequest;
#[cfg(feature = "reqwest")]
pub use reqwest_builder::ReqwestTransportBuilder;
#[cfg(feature = "reqwest")]
pub use reqwest_transport::ReqwestTransport;
pub use response::ApiResponse;
pub use retry::RetryPolicy;
pub use timer::TokioTimer;
pub use transport::{Body, SendPhase, Transport, TransportError};

/// The types of other crates that an implementation of [`Transport`] names, so that it need not
/// depend on those crates itself, nor guess their versions.
#[doc(no_inline)]
pub use {async_trait::async_trait, bytes::Bytes, futures_core::Stream, http};

/// The version of reqwest that
/// [`with_client_builder`](ReqwestTransportBuilder::with_client_builder) takes a builder of.
#[cfg(feature = "client-builder")]
#[doc(no_inline)]
pub use reqwest;
