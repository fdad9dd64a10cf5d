//! The configuration of an account.

use tokenfleet_core::config::Settings;
use tokenfleet_core::{Credential, Error, Result};
use tokenfleet_http::BaseUrl;

const HOST: &str = "api.losant.com";

/// The API versions that this adapter supports: a semver range, sent as `Accept-Version`.
const ACCEPT_VERSION: &str = "^1.20.1";
/// The first API version whose tokens have roles.
const ROLES_SINCE: (u32, u32) = (1, 30);

/// The configuration of a [`Losant`](crate::Losant) account: whose tokens, and how to reach them.
///
/// ```
/// use tokenfleet_core::Credential;
/// use tokenfleet_losant::{LosantConfig, Resource};
///
/// let config = LosantConfig::new(Credential::from_env("LOSANT_TOKEN"))
///     .with_resource(Resource::Application("575ec8687ae143cd83dc4a97".into()));
/// ```
#[derive(Debug, Clone)]
pub struct LosantConfig {
    pub(crate) base_url: BaseUrl,
    pub(crate) token: Credential,
    pub(crate) resource: Resource,
    pub(crate) accept_version: String,
    pub(crate) domain: Option<String>,
}

/// The owner of the tokens that an account manages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Resource {
    /// The user that owns the token that the account authenticates with.
    #[default]
    User,
    /// The application with this id.
    Application(String),
    /// The instance with this id.
    Instance(String),
}

impl LosantConfig {
    /// Creates a configuration for the user's own tokens at `https://api.losant.com`. `token` is a
    /// JWT of that user.
    #[must_use]
    pub fn new(token: Credential) -> Self {
        Self {
            base_url: BaseUrl::from_host(HOST),
            token,
            resource: Resource::User,
            accept_version: ACCEPT_VERSION.to_owned(),
            domain: None,
        }
    }

    /// Sets the base URL.
    #[must_use]
    pub fn with_base_url(mut self, base_url: BaseUrl) -> Self {
        self.base_url = base_url;
        self
    }

    /// Sets the owner of the tokens.
    #[must_use]
    pub fn with_resource(mut self, resource: Resource) -> Self {
        self.resource = resource;
        self
    }

    /// Sets the range of API versions, sent as `Accept-Version`.
    #[must_use]
    pub fn with_accept_version(mut self, range: impl Into<String>) -> Self {
        self.accept_version = range.into();
        self
    }

    /// Sets the domain, sent as `losantdomain`; rarely needed.
    #[must_use]
    pub fn with_domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Returns the path of the collection of tokens.
    pub(crate) fn path(&self) -> Vec<&str> {
        match &self.resource {
            Resource::User => vec!["me", "tokens"],
            Resource::Application(id) => vec!["applications", id, "tokens"],
            Resource::Instance(id) => vec!["instances", id, "tokens"],
        }
    }

    /// Returns the address of the collection, with the domain if one is set.
    pub(crate) fn place(&self) -> String {
        let address = self.base_url.address(self.path());
        match &self.domain {
            Some(domain) => format!("{address} of {domain}"),
            None => address,
        }
    }

    /// Returns `true` if the accepted API is new enough for the roles of a token.
    pub(crate) fn accepts_roles(&self) -> bool {
        let range = self.accept_version.trim_start_matches(['^', '~', '=', ' ']);
        let mut numbers = range.split('.').map(|part| part.parse::<u32>().ok());
        let version = (numbers.next().flatten(), numbers.next().flatten());
        matches!(version, (Some(major), Some(minor)) if (major, minor) >= ROLES_SINCE)
    }

    /// Reads `base_url`, `token`, `resource`, `accept_version` and `losantdomain` from an account's
    /// settings.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration), naming the key.
    pub fn from_settings(settings: &mut Settings) -> Result<Self> {
        let mut config = Self::new(settings.required_token("token")?);
        config.base_url = BaseUrl::from_settings(settings, Some(config.base_url))?;
        config.resource = match settings.choice("resource", &["application", "instance"])? {
            Some((_, id)) if id.is_empty() => {
                let place = settings.path();
                return Err(Error::configuration(format!(
                    "{place}.resource has an empty id"
                )));
            }
            Some(("application", id)) => Resource::Application(id),
            Some((_, id)) => Resource::Instance(id),
            None => Resource::User,
        };
        if let Some(range) = settings.text("accept_version")? {
            config.accept_version = range;
        }
        config.domain = settings.text("losantdomain")?;
        Ok(config)
    }
}
