//! Losant API tokens as a tokenfleet provider.
//!
//! A user's own tokens (`/me/tokens`), or by configuration those of an application or of an instance, which share the
//! schema. Losant lists, reads, creates, changes, suspends and deletes tokens; there is no rotation in place and no
//! renewal. The secret, a JWT, is in the answer to the creation and nowhere else.
//!
//! ```no_run
//! use std::sync::Arc;
//! use tokenfleet_core::{Credential, Query, Result, TokenProviderExt};
//! use tokenfleet_http::Transport;
//! use tokenfleet_losant::{Losant, LosantConfig};
//!
//! async fn print_names(transport: Arc<dyn Transport>) -> Result<()> {
//!     let config = LosantConfig::new(Credential::from_env("LOSANT_TOKEN"));
//!     let losant = Losant::new("iot", config, transport);
//!     for token in losant.list_all(Query::new()).await?.tokens {
//!         println!("{:?}", token.name);
//!     }
//!     Ok(())
//! }
//! ```

mod config;
mod convert;
mod provider;
mod query;
mod wire;

pub use config::{LosantConfig, Resource};
pub use provider::{Losant, NAME, capabilities};
