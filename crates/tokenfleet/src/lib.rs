//! One interface over the API tokens of Losant, Foreman, Cloudsmith and Mindbody: list, create,
//! rotate, renew, revoke and verify them, across many accounts.
//!
//! | to … | look at |
//! | --- | --- |
//! | read accounts, named queries and network settings from `tokenfleet.toml` | [`Configuration`] |
//! | open an account, including one on your own platform | [`Registry`] |
//! | use one account | [`TokenProvider`], [`TokenProviderExt`] |
//! | list many accounts at once | [`Fleet`], [`Inventory`] |
//! | filter, sort and limit what is listed | [`Query`], [`Filter`] |
//! | judge tokens by policies, with waivers | [`check`] |
//! | create a token exactly once, or revoke many | [`ExactlyOnce`], [`RevocationPlan`], [`workflow`] |
//! | say who owns a token, for platforms that cannot | [`Annotations`] |
//! | handle failure | [`Error`], [`ErrorKind`], [`Fate`] |
//! | configure the network, or send requests your own way | [`transport`] |
//! | add a platform | [`adapter`], [`capability`] |
//!
//! List every token of every account:
//!
//! ```no_run
//! # #[cfg(all(feature = "reqwest", feature = "toml"))]
//! # async fn run() -> tokenfleet::Result<()> {
//! use std::sync::Arc;
//! use tokenfleet::{Configuration, Fleet, InventoryEvent, Query, Registry};
//!
//! let configuration = Configuration::read("tokenfleet.toml")?;
//! let registry = Registry::with_builtin();
//! let transport = Arc::new(configuration.transport().await?);
//!
//! let fleet = Fleet::open(&registry, configuration.accounts(), transport);
//! let mut inventory = fleet.inventory(Query::new());
//! while let Some(event) = inventory.next().await {
//!     match event {
//!         InventoryEvent::Token(account, token) => println!("{account}: {}", token.id),
//!         InventoryEvent::Finished(report) => println!("{report}"),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The crate needs a [tokio](https://docs.rs/tokio) runtime with time enabled.
//!
//! # Features
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `losant`, `foreman`, `cloudsmith`, `mindbody` | yes | the adapter of that platform |
//! | `rustls` | yes | the transport over reqwest, with TLS by rustls and ring |
//! | `aws-lc-rs` | no | with rustls, the cryptography of AWS-LC in place of ring's |
//! | `native-tls` | no | the transport over reqwest, with TLS by the operating system |
//! | `reqwest` | yes | the transport over reqwest; on its own it speaks plain HTTP only |
//! | `toml` | yes | reading and parsing a [`Configuration`] |
//! | `client-builder` | no | the transport over a `reqwest::ClientBuilder` of one's own |
//! | `metrics` | no | counts and durations of calls, through the `metrics` crate |
//!
//! # Observability
//!
//! Every call is a `tracing` span with the target `tokenfleet`; attempts and retries are events in
//! it. Credentials are never recorded. `docs/OBSERVABILITY.md` lists all names.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod account_options;
mod account_queue;
mod annotated;
mod annotations;
mod builtin;
pub mod check;
mod configuration;
#[cfg(feature = "toml")]
mod configuration_reader;
mod defaulted;
mod document;
mod fleet;
mod fleet_tokens;
mod inventory;
mod member;
mod named_query;
mod progress;
mod registry;
mod report;
#[cfg(test)]
mod test_doubles;
#[cfg(feature = "toml")]
mod toml;

pub use annotations::{AnnotatedToken, Annotation, Annotations};
pub use configuration::{AccountConfiguration, Configuration};
#[cfg(feature = "toml")]
pub use configuration_reader::ConfigurationReader;
pub use fleet::Fleet;
pub use fleet_tokens::{AccountToken, FleetTokens};
pub use inventory::{Inventory, InventoryEvent};
pub use progress::FleetProgress;
pub use registry::Registry;
pub use report::{AccountReport, Verdict};
#[doc(inline)]
pub use tokenfleet_core::*;

#[doc(inline)]
pub use tokenfleet_http as transport;

#[cfg(feature = "cloudsmith")]
#[doc(inline)]
pub use tokenfleet_cloudsmith as cloudsmith;
#[cfg(feature = "foreman")]
#[doc(inline)]
pub use tokenfleet_foreman as foreman;
#[cfg(feature = "losant")]
#[doc(inline)]
pub use tokenfleet_losant as losant;
#[cfg(feature = "mindbody")]
#[doc(inline)]
pub use tokenfleet_mindbody as mindbody;
