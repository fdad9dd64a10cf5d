//! Mindbody staff user tokens as a tokenfleet provider.
//!
//! Mindbody issues tokens for a user name and password, renews them, and revokes a token by its
//! secret. It neither lists tokens nor assigns ids: a token is identified by a fingerprint of its
//! secret, so whoever creates tokens must remember them.
//!
//! ```no_run
//! use std::sync::Arc;
//! use tokenfleet_core::{CreateToken, Credential, Result, RevokeOptions, TokenProvider};
//! use tokenfleet_http::Transport;
//! use tokenfleet_mindbody::{Mindbody, MindbodyConfig};
//!
//! async fn issue_and_revoke(transport: Arc<dyn Transport>) -> Result<()> {
//!     let api_key = Credential::from_env("MINDBODY_API_KEY");
//!     let password = Credential::from_env("MINDBODY_PASSWORD");
//!     let config = MindbodyConfig::new("-99", api_key, "Siteowner", password);
//!     let mindbody = Mindbody::new("studio", config, transport);
//!     let issued = mindbody.create(CreateToken::unnamed()).await?;
//!     mindbody.revoke((&issued.secret).into(), RevokeOptions::default()).await?;
//!     Ok(())
//! }
//! ```

mod config;
mod convert;
mod provider;
mod wire;

pub use config::MindbodyConfig;
pub use provider::{Mindbody, NAME, capabilities};
