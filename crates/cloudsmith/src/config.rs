//! What to connect to, and with which credential.

use tokenfleet_core::{Credential, Error, Result, Settings};
use tokenfleet_http::BaseUrl;

const HOST: &str = "api.cloudsmith.io";

/// Whose key at Cloudsmith, and how to reach it.
///
/// The base URL may end in `/v1` or not: Cloudsmith answers the same at both.
///
/// ```
/// use tokenfleet_cloudsmith::CloudsmithConfig;
/// use tokenfleet_core::Credential;
///
/// let config = CloudsmithConfig::with_api_key(Credential::from_env("CLOUDSMITH_API_KEY"));
/// ```
#[derive(Debug, Clone)]
pub struct CloudsmithConfig {
    pub(crate) base_url: BaseUrl,
    pub(crate) scheme: Scheme,
    pub(crate) credential: Credential,
}

/// How the credential is shown to Cloudsmith.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// `X-Api-Key: …`
    ApiKey,
    /// `Authorization: token …`
    Token,
    /// `Authorization: Basic …`, with this e-mail address.
    Basic(String),
}

impl CloudsmithConfig {
    /// With an API key in `X-Api-Key`, at `https://api.cloudsmith.io`.
    #[must_use]
    pub fn with_api_key(key: Credential) -> Self {
        Self::new(Scheme::ApiKey, key)
    }

    /// With an API key in `Authorization: token`.
    #[must_use]
    pub fn with_authorization_token(key: Credential) -> Self {
        Self::new(Scheme::Token, key)
    }

    /// With an e-mail address and a password. Cloudsmith is switching this off.
    #[must_use]
    pub fn with_password(email: impl Into<String>, password: Credential) -> Self {
        Self::new(Scheme::Basic(email.into()), password)
    }

    fn new(scheme: Scheme, credential: Credential) -> Self {
        Self {
            base_url: BaseUrl::of_host(HOST),
            scheme,
            credential,
        }
    }

    /// At another address.
    #[must_use]
    pub fn with_base_url(mut self, base_url: BaseUrl) -> Self {
        self.base_url = base_url;
        self
    }

    /// Takes `base_url`, and one of `api_key`, `token` (the same key in `Authorization`) or `email` with `password` from
    /// an account's settings.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration), naming the key.
    pub fn from_settings(settings: &mut Settings) -> Result<Self> {
        let base_url = BaseUrl::from_settings(settings, Some(BaseUrl::of_host(HOST)))?;
        let api_key = settings.credential("api_key")?;
        let token = settings.credential("token")?;
        let password = settings.credential("password")?;
        let email = settings.text("email")?;
        let config = match (api_key, token, email, password) {
            (Some(key), None, None, None) => Self::with_api_key(key),
            (None, Some(key), None, None) => Self::with_authorization_token(key),
            (None, None, Some(email), Some(password)) => Self::with_password(email, password),
            _ => {
                return Err(Error::configuration(format!(
                    "{} needs exactly one credential",
                    settings.path()
                ))
                .with_advice("give api_key, or token, or email with password"));
            }
        };
        Ok(config.with_base_url(base_url))
    }
}
