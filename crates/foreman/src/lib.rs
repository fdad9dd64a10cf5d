//! Foreman personal access tokens as a tokenfleet provider.
//!
//! It manages the tokens of one user (`/api/users/:user_id/personal_access_tokens`). Foreman
//! can list, get, create and revoke tokens. Revoking marks the record, which is kept forever and
//! keeps its name. Tokens cannot be updated, rotated or renewed. The secret is returned only in the
//! response to the creation.
//!
//! ```no_run
//! use std::sync::Arc;
//! use tokenfleet_core::{Credential, Query, Result, TokenProviderExt};
//! use tokenfleet_foreman::{Foreman, ForemanConfig};
//! use tokenfleet_http::{BaseUrl, Transport};
//!
//! async fn print_names(transport: Arc<dyn Transport>) -> Result<()> {
//!     let base_url = BaseUrl::parse("https://foreman.example.com")?;
//!     let token = Credential::from_env("FOREMAN_TOKEN");
//!     let config = ForemanConfig::new(base_url, "admin", token, 4);
//!     let foreman = Foreman::new("infra", config, transport);
//!     for token in foreman.list_all(Query::new()).await?.tokens {
//!         println!("{:?}", token.name);
//!     }
//!     Ok(())
//! }
//! ```

mod config;
mod convert;
mod provider;
mod query;
mod release;
mod secret_shape;
mod wire;

pub use config::ForemanConfig;
pub use provider::{Foreman, NAME, capabilities};
pub use release::Release;
