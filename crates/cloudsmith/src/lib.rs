//! Cloudsmith's API keys as a tokenfleet provider: the key of a user, or those of the service
//! accounts of an organization.
//!
//! A user has at most one key (`/user/tokens/`). Cloudsmith lists it, creates it, and refreshes it:
//! the record gets a new key and the old one stops working at once. A key cannot be revoked in any
//! other way, so revoking means replacing and requires the caller's consent. The key is readable in
//! the responses to creation and refresh; listings show it masked.
//!
//! With [`Resource::Organization`] the account manages the service accounts of an organization
//! (`/orgs/{org}/services/`), as a manager of it. Each has one key: it is created with its service
//! account, refreshed in place, and revoked by deleting the service account. A new service account
//! is a `Member` of the organization without teams; `role`, `teams` and who created it are among
//! the attributes. An account that authenticates as a service account should not rotate or revoke
//! that very one: its access would end.
//!
//! ```no_run
//! use std::sync::Arc;
//! use tokenfleet_cloudsmith::{Cloudsmith, CloudsmithConfig};
//! use tokenfleet_core::{Credential, Query, Result, TokenProvider, TokenProviderExt};
//! use tokenfleet_http::Transport;
//!
//! async fn print_ids(transport: Arc<dyn Transport>) -> Result<()> {
//!     let config = CloudsmithConfig::new(Credential::from_env("CLOUDSMITH_API_KEY"));
//!     let cloudsmith = Cloudsmith::new("packages", config, transport);
//!     println!("{}", cloudsmith.whoami().await?.principal.id());
//!     for token in cloudsmith.list_all(Query::new()).await?.tokens {
//!         println!("{}", token.id);
//!     }
//!     Ok(())
//! }
//! ```

mod arguments;
mod config;
mod convert;
mod deletion;
mod login;
mod provider;
mod query;
mod rotating_credential;
mod wire;

pub use arguments::{CloudsmithArguments, Role};
pub use config::{CloudsmithConfig, Resource};
pub use login::{Login, LoginStep, TwoFactorChallenge};
pub use provider::{Cloudsmith, NAME, capabilities};
