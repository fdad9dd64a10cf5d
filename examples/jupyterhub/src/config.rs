//! The configuration of an account: whose tokens, and how to reach them.

use tokenfleet_core::config::Settings;
use tokenfleet_core::{Credential, Result};
use tokenfleet_http::BaseUrl;

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) base_url: BaseUrl,
    pub(crate) user: String,
    /// A token of the user, or of a service that may manage the user's tokens.
    pub(crate) token: Credential,
}

impl Config {
    /// Reads `base_url`, `user` and `token`. The keys that are asked for are the keys that exist.
    pub(crate) fn from_settings(settings: &mut Settings) -> Result<Self> {
        let base_url = BaseUrl::from_settings(settings, None)?;
        Ok(Self {
            base_url: base_url.without_api_path(&["/hub/api", "/hub"]),
            user: settings.required_identifier("user")?,
            token: settings.required_token("token")?,
        })
    }

    /// Returns the path of the collection of tokens.
    pub(crate) fn path(&self) -> [&str; 5] {
        ["hub", "api", "users", &self.user, "tokens"]
    }
}
