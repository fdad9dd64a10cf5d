//! The configuration of an account.

use tokenfleet_core::config::Settings;
use tokenfleet_core::{Credential, Result};
use tokenfleet_http::BaseUrl;

const HOST: &str = "api.cloudsmith.io";

/// The configuration of a [`Cloudsmith`](crate::Cloudsmith) account: the credential, and how to
/// reach the API.
///
/// The base URL may end in `/v1` or not: both reach the same API.
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

/// The way in which the credential is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// The API key in `X-Api-Key`.
    ApiKey,
    /// The API key in `Authorization: token …`.
    Token,
    /// The password in `Authorization: Basic …`, with this e-mail address.
    Basic(String),
}

impl CloudsmithConfig {
    /// Creates a configuration with an API key, sent in `X-Api-Key` to `https://api.cloudsmith.io`.
    #[must_use]
    pub fn new(api_key: Credential) -> Self {
        Self::with_scheme(Scheme::ApiKey, api_key)
    }

    /// Creates a configuration with an e-mail address and a password. Cloudsmith is phasing this
    /// out.
    #[must_use]
    pub fn for_user(email: impl Into<String>, password: Credential) -> Self {
        Self::with_scheme(Scheme::Basic(email.into()), password)
    }

    fn with_scheme(scheme: Scheme, credential: Credential) -> Self {
        Self {
            base_url: BaseUrl::from_host(HOST),
            scheme,
            credential,
            accept_lockout: false,
        }
    }

    /// Sends the API key in `Authorization: token` instead.
    #[must_use]
    pub fn with_authorization_header(mut self) -> Self {
        self.scheme = Scheme::Token;
        self
    }

    /// Allows rotating and revoking even though a lost response may lock this account out (decision
    /// 0010).
    ///
    /// The key that is replaced is the one that the account authenticates with: if the response
    /// with the new key is lost, nobody has a working key, and someone must log in to repair that.
    /// Without this option, rotating and revoking are available only with an e-mail address and a
    /// password, which can log in again.
    #[must_use]
    pub fn with_lockout_accepted(mut self) -> Self {
        self.accept_lockout = true;
        self
    }

    /// Returns `true` if rotating and revoking are available.
    pub(crate) fn may_rotate(&self) -> bool {
        self.accept_lockout || matches!(self.scheme, Scheme::Basic(_))
    }

    /// Returns the address of the keys, with the user if the credential names one.
    pub(crate) fn place(&self) -> String {
        let address = self.base_url.address(["user", "tokens"]);
        match &self.scheme {
            Scheme::Basic(email) => format!("{address} of {email}"),
            Scheme::ApiKey | Scheme::Token => address,
        }
    }

    /// Sets the base URL.
    #[must_use]
    pub fn with_base_url(mut self, base_url: BaseUrl) -> Self {
        self.base_url = base_url;
        self
    }

    /// Reads `base_url`, one of `api_key`, `token` (the same key in `Authorization`) or `email`
    /// with `password`, and `accept_lockout` from an account's settings.
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
            (None, Some(key), None, None) => Self::new(key).with_authorization_header(),
            (None, None, Some(email), Some(password)) => Self::for_user(email, password),
            _ => {
                return Err(settings
                    .error("needs exactly one credential")
                    .with_advice("set api_key, or token, or email with password"));
            }
        };
        let config = if settings.boolean("accept_lockout")?.unwrap_or_default() {
            config.with_lockout_accepted()
        } else {
            config
        };
        Ok(config.with_base_url(base_url))
    }
}
