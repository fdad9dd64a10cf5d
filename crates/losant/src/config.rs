//! What to connect to, and with which credential.

use tokenfleet_core::config::Settings;
use tokenfleet_core::{Credential, Error, Result};
use tokenfleet_http::BaseUrl;

const HOST: &str = "api.losant.com";

/// The API versions whose schemas this adapter knows: a semver range, sent as `Accept-Version`.
const ACCEPT_VERSION: &str = "^1.20.1";

/// Which tokens of Losant, and how to reach them.
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

/// Whose tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Resource {
    /// The user's own, to whom the acting token belongs.
    #[default]
    User,
    /// Those of the application with this id.
    Application(String),
    /// Those of the instance with this id.
    Instance(String),
}

impl LosantConfig {
    /// The user's own tokens at `https://api.losant.com`; `token` is a JWT of that user.
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

    /// At another address.
    #[must_use]
    pub fn with_base_url(mut self, base_url: BaseUrl) -> Self {
        self.base_url = base_url;
        self
    }

    /// The tokens of something else than the user.
    #[must_use]
    pub fn with_resource(mut self, resource: Resource) -> Self {
        self.resource = resource;
        self
    }

    /// For another range of API versions.
    #[must_use]
    pub fn with_accept_version(mut self, range: impl Into<String>) -> Self {
        self.accept_version = range.into();
        self
    }

    /// Within a domain, sent as `losantdomain`; rarely needed.
    #[must_use]
    pub fn with_domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Takes `base_url`, `token`, `resource`, `accept_version` and `losantdomain` from an account's settings.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration), naming the key.
    pub fn from_settings(settings: &mut Settings) -> Result<Self> {
        let mut config = Self::new(settings.required_credential("token")?);
        config.base_url = BaseUrl::from_settings(settings, Some(config.base_url))?;
        config.resource = match settings.choice("resource", &["application", "instance"])? {
            Some((_, id)) if id.is_empty() => {
                let place = settings.path();
                return Err(Error::configuration(format!(
                    "{place}.resource names no id"
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
