//! The configuration of an account.

use tokenfleet_core::config::Settings;
use tokenfleet_core::{Credential, Error, Result};
use tokenfleet_http::BaseUrl;

const HOST: &str = "api.mindbodyonline.com";

/// The version of the Public API that this adapter supports.
const API_VERSION: &str = "6";

/// The configuration of a [`Mindbody`](crate::Mindbody) account: the site, the staff member whose
/// tokens it manages, and how to reach them.
///
/// ```
/// use tokenfleet_core::Credential;
/// use tokenfleet_mindbody::MindbodyConfig;
///
/// let config = MindbodyConfig::new(
///     "-99",
///     Credential::from_env("MINDBODY_API_KEY"),
///     "Siteowner",
///     Credential::from_env("MINDBODY_PASSWORD"),
/// );
/// ```
#[derive(Debug, Clone)]
pub struct MindbodyConfig {
    pub(crate) base_url: BaseUrl,
    pub(crate) api_version: String,
    pub(crate) site_id: String,
    pub(crate) api_key: Credential,
    pub(crate) username: String,
    pub(crate) password: Credential,
    pub(crate) no_bearer_prefix: bool,
}

impl MindbodyConfig {
    /// Creates a configuration for the tokens of a staff member at a site (`-99` is the public
    /// sandbox), at `https://api.mindbodyonline.com`.
    pub fn new(
        site_id: impl Into<String>,
        api_key: Credential,
        username: impl Into<String>,
        password: Credential,
    ) -> Self {
        Self {
            base_url: BaseUrl::from_host(HOST),
            api_version: API_VERSION.to_owned(),
            site_id: site_id.into(),
            api_key,
            username: username.into(),
            password,
            no_bearer_prefix: false,
        }
    }

    /// Sets the base URL.
    #[must_use]
    pub fn with_base_url(mut self, base_url: BaseUrl) -> Self {
        self.base_url = base_url;
        self
    }

    /// Sets the version of the Public API; 6 by default.
    #[must_use]
    pub fn with_api_version(mut self, version: impl Into<String>) -> Self {
        self.api_version = version.into();
        self
    }

    /// Sends the token alone in `Authorization`, without `Bearer`. Mindbody accepts both.
    #[must_use]
    pub fn without_bearer_prefix(mut self) -> Self {
        self.no_bearer_prefix = true;
        self
    }

    /// Reads `base_url`, `api_version`, `site_id`, `api_key`, `username`, `password` and
    /// `no_bearer_prefix` from an account's settings.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration), naming the key.
    pub fn from_settings(settings: &mut Settings) -> Result<Self> {
        let base_url = BaseUrl::from_settings(settings, Some(BaseUrl::from_host(HOST)))?;
        let site_id = settings.required_identifier("site_id")?;
        if site_id.parse::<i64>().is_err() {
            let place = settings.place("site_id");
            return Err(Error::configuration(format!(
                "{place} is not a whole number"
            )));
        }
        let api_key = settings.required_token("api_key")?;
        let username = settings.required_text("username")?;
        let password = settings.required_credential("password")?;
        let mut config = Self::new(site_id, api_key, username, password).with_base_url(base_url);
        if let Some(version) = settings.identifier("api_version")? {
            config.api_version = version;
        }
        config.no_bearer_prefix = settings.boolean("no_bearer_prefix")?.unwrap_or(false);
        Ok(config)
    }
}
