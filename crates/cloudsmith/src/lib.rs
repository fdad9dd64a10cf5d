//! Cloudsmith user API keys as a tokenfleet provider.
//!
//! A user has no key or one (`/user/tokens/`). Cloudsmith lists it, creates it, and refreshes it: the record gets a new
//! key and the old one dies at once. There is no other way to kill a key, so revoking means replacing and asks for the
//! caller's consent. The key is readable in the answers to creation and refresh; listings show it masked.
//!
//! ```no_run
//! use std::sync::Arc;
//! use tokenfleet_cloudsmith::{Cloudsmith, CloudsmithConfig};
//! use tokenfleet_core::{Credential, Query, Result, TokenProviderExt};
//! use tokenfleet_http::Transport;
//!
//! async fn print_ids(transport: Arc<dyn Transport>) -> Result<()> {
//!     let config = CloudsmithConfig::new(Credential::from_env("CLOUDSMITH_API_KEY"));
//!     let cloudsmith = Cloudsmith::new("packages", config, transport);
//!     println!("{:?}", cloudsmith.who_am_i().await?.slug);
//!     for token in cloudsmith.list_all(Query::new()).await?.tokens {
//!         println!("{}", token.id);
//!     }
//!     Ok(())
//! }
//! ```

mod acting;
mod config;
mod convert;
mod login;
mod provider;
mod query;
mod wire;

pub use config::CloudsmithConfig;
pub use login::{Login, LoginStep, TwoFactorChallenge};
pub use provider::{Cloudsmith, NAME, User, capabilities};
