//! What to connect to, and with which credential.

use tokenfleet_core::config::Settings;
use tokenfleet_core::{Credential, Result};
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
/// let config = CloudsmithConfig::new(Credential::from_env("CLOUDSMITH_API_KEY"));
/// ```
#[derive(Debug, Clone)]
pub struct CloudsmithConfig {
    pub(crate) base_url: BaseUrl,
    pub(crate) scheme: Scheme,
    pub(crate) credential: Credential,
    accept_lockout: bool,
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
    pub fn new(api_key: Credential) -> Self {
        Self::by(Scheme::ApiKey, api_key)
    }

    /// With an e-mail address and a password. Cloudsmith is switching this off.
    #[must_use]
    pub fn of_user(email: impl Into<String>, password: Credential) -> Self {
        Self::by(Scheme::Basic(email.into()), password)
    }

    fn by(scheme: Scheme, credential: Credential) -> Self {
        Self {
            base_url: BaseUrl::from_host(HOST),
            scheme,
            credential,
            accept_lockout: false,
        }
    }

    /// With the API key in `Authorization: token` instead.
    #[must_use]
    pub fn in_authorization(mut self) -> Self {
        self.scheme = Scheme::Token;
        self
    }

    /// Rotating and revoking although a lost answer may lock this account out.
    ///
    /// The key that is replaced is the one that acts: if the answer with the new one is lost, nobody has a working key,
    /// and only somebody who logs in can repair that. Without this, rotating and revoking are offered only to an e-mail
    /// address with a password, which can log in again.
    #[must_use]
    pub fn accepting_lockout(mut self) -> Self {
        self.accept_lockout = true;
        self
    }

    /// Whether a key may be replaced.
    pub(crate) fn may_replace(&self) -> bool {
        self.accept_lockout || matches!(self.scheme, Scheme::Basic(_))
    }

    /// At another address.
    #[must_use]
    pub fn with_base_url(mut self, base_url: BaseUrl) -> Self {
        self.base_url = base_url;
        self
    }

    /// Takes `base_url`, and one of `api_key`, `token` (the same key in `Authorization`) or `email` with `password` from
    /// an account's settings; with a key also `accept_lockout`.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration), naming the key.
    pub fn from_settings(settings: &mut Settings) -> Result<Self> {
        let base_url = BaseUrl::from_settings(settings, Some(BaseUrl::from_host(HOST)))?;
        let api_key = settings.credential("api_key")?;
        let token = settings.credential("token")?;
        let password = settings.credential("password")?;
        let email = settings.text("email")?;
        let config = match (api_key, token, email, password) {
            (Some(key), None, None, None) => Self::new(key),
            (None, Some(key), None, None) => Self::new(key).in_authorization(),
            (None, None, Some(email), Some(password)) => Self::of_user(email, password),
            _ => {
                return Err(settings
                    .error("needs exactly one credential")
                    .with_advice("give api_key, or token, or email with password"));
            }
        };
        let config = match settings.boolean("accept_lockout")?.unwrap_or_default() {
            true => config.accepting_lockout(),
            false => config,
        };
        Ok(config.with_base_url(base_url))
    }
}
