//! The HTTP path that every tokenfleet adapter shares: from a described request to a judged answer.
//!
//! An adapter describes a request as an [`ApiCall`] and hands it to its [`ApiClient`], which adds the origin, keeps to
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

mod answer;
mod attempt;
mod base_url;
mod budget;
mod call;
mod client;
mod expiry;
mod gate;
mod logins;
#[cfg(feature = "metrics")]
mod metrics;
mod page;
mod rate_headers;
mod record;
mod refusal;
#[cfg(feature = "reqwest")]
mod reqwest_builder;
#[cfg(feature = "reqwest")]
mod reqwest_transport;
mod retry;
mod telemetry;
mod timer;
mod transport;
mod wiped;

pub use answer::Answer;
pub use base_url::BaseUrl;
pub use call::ApiCall;
pub use client::ApiClient;
pub use expiry::{expires_as_asked, revoke_unwanted};
pub use record::{Object, Record, Text, read_once};
pub use refusal::{ReadRefusal, Refusal, json_body};
#[cfg(feature = "reqwest")]
pub use reqwest_builder::ReqwestTransportBuilder;
#[cfg(feature = "reqwest")]
pub use reqwest_transport::ReqwestTransport;
pub use retry::RetryPolicy;
pub use timer::TokioTimer;
pub use transport::{Body, SendPhase, Transport, TransportError};
