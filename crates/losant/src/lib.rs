//! Losant API tokens as a tokenfleet provider.
//!
//! It manages a user's own tokens (`/me/tokens`) or, if configured, those of an application or an
//! instance, which have the same schema. Losant can list, get, create, update, suspend and delete
//! tokens. It can neither rotate a token in place nor renew one. The secret, a JWT, is returned
//! only in the response to the creation.
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

mod arguments;
mod config;
mod convert;
mod provider;
mod query;
mod scopes;
mod secret_shape;
mod wire;

pub use arguments::{DefaultRole, LosantArguments};
pub use config::{LosantConfig, Resource};
pub use provider::{Losant, NAME, capabilities};
