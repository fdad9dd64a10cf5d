//! One interface over the API tokens of several platforms: know which exist, make, replace and kill them.
//!
//! Everything of [`tokenfleet_core`] is here, and on top of it:
//!
//! | to | look at |
//! | --- | --- |
//! | read accounts, queries and the network's peculiarities from `tokenfleet.toml` | [`Configuration`] |
//! | turn an account into a provider, also one of your own platform | [`Registry`] |
//! | walk many accounts at once | [`Fleet`] |
//! | send requests, or replace what sends them | [`transport`] |
//!
//! # Features
//!
//! `losant`, `foreman`, `cloudsmith` and `mindbody` bring the platforms; `rustls` or `native-tls` bring TLS to the
//! transport over reqwest, which `reqwest` alone brings without any; `toml` reads `tokenfleet.toml`; `metrics` counts calls through
//! the facade of that name. All are additive; all but `native-tls` and `metrics` are on unless you say
//! `default-features = false`.
//!
//! # Listening
//!
//! Every call is a span of `tracing` with the target `tokenfleet`, and tells its attempts, retries and waits as events: install a
//! subscriber to see them. No credential is ever among them. Their names, and those of the metrics, are in
//! `docs/OBSERVABILITY.md`.
//!
//! # Every token of every account
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

mod builtin;
mod configuration;
mod fleet;
mod inventory;
mod named_query;
mod registry;
mod report;
#[cfg(test)]
mod test_doubles;
#[cfg(feature = "toml")]
mod toml;

pub use configuration::{AccountConfiguration, Configuration};
pub use fleet::{Fleet, FleetTokens};
pub use inventory::{Inventory, InventoryEvent};
pub use registry::Registry;
pub use report::{AccountReport, Verdict};
#[doc(inline)]
pub use tokenfleet_core::*;

/// The HTTP path of the adapters: base URLs, retry policies, and the transport that really sends.
pub use tokenfleet_http as transport;

/// Cloudsmith user API keys.
#[cfg(feature = "cloudsmith")]
pub use tokenfleet_cloudsmith as cloudsmith;
/// Foreman personal access tokens.
#[cfg(feature = "foreman")]
pub use tokenfleet_foreman as foreman;
/// Losant API tokens.
#[cfg(feature = "losant")]
pub use tokenfleet_losant as losant;
/// Mindbody staff user tokens.
#[cfg(feature = "mindbody")]
pub use tokenfleet_mindbody as mindbody;
