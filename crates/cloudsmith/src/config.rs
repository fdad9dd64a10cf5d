//! The configuration of an account.

use tokenfleet_core::config::Settings;
use tokenfleet_core::{Credential, Error, Result};
use tokenfleet_http::BaseUrl;

const HOST: &str = "api.cloudsmith.io";

/// The configuration of a [`Cloudsmith`](crate::Cloudsmith) account: whose keys, and how to reach
/// them.
///
/// The base URL may end in `/v1` or not: both reach the same API.
///
/// ```
/// use tokenfleet_cloudsmith::{CloudsmithConfig, Resource};
/// use tokenfleet_core::Credential;
///
/// let own_key = CloudsmithConfig::new(Credential::from_env("CLOUDSMITH_API_KEY"));
/// let service_accounts = own_key.with_resource(Resource::Organization("acme".into()));
/// ```
#[derive(Debug, Clone)]
pub struct CloudsmithConfig {
    pub(crate) base_url: BaseUrl,
    pub(crate) scheme: Scheme,
    pub(crate) credential: Credential,
    pub(crate) resource: Resource,
    accept_lockout: bool,
}

/// The owner of the keys that an account manages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Resource {
    /// The user that the account authenticates as, who has at most one key.
    #[default]
    User,
    /// The organization with this slug, whose service accounts have one key each. The account must
    /// authenticate as a manager or an owner of it.
    Organization(String),
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
            resource: Resource::User,
            accept_lockout: false,
        }
    }

    /// Sends the API key in `Authorization: token` instead.
    #[must_use]
    pub fn with_authorization_header(mut self) -> Self {
        self.scheme = Scheme::Token;
        self
    }

    /// Sets the owner of the keys.
    #[must_use]
    pub fn with_resource(mut self, resource: Resource) -> Self {
        self.resource = resource;
        self
    }

    /// Allows rotating and revoking even though a lost response may lock this account out (decision
    /// 0010).
    ///
    /// The key that is replaced is the one that the account authenticates with: if the response
    /// with the new key is lost, nobody has a working key, and someone must log in to repair that.
    /// Without this option, rotating and revoking are available only with an e-mail address and a
    /// password, which can log in again. The keys of service accounts are always available.
    #[must_use]
    pub fn with_lockout_accepted(mut self) -> Self {
        self.accept_lockout = true;
        self
    }

    /// Returns `true` if rotating and revoking are available.
    pub(crate) fn may_rotate(&self) -> bool {
        self.accept_lockout
            || matches!(self.scheme, Scheme::Basic(_))
            || self.resource != Resource::User
    }

    /// Returns the address of the keys, with the user if they are those of a user whom the
    /// credential names.
    pub(crate) fn place(&self) -> String {
        let address = self.base_url.address(self.resource.path());
        match (&self.resource, &self.scheme) {
            (Resource::User, Scheme::Basic(email)) => format!("{address} of {email}"),
            _ => address,
        }
    }

    /// Sets the base URL.
    #[must_use]
    pub fn with_base_url(mut self, base_url: BaseUrl) -> Self {
        self.base_url = base_url;
        self
    }

    /// Reads `base_url`, one of `api_key`, `token` (the same key in `Authorization`) or `email`
    /// with `password`, `resource` and `accept_lockout` from an account's settings.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration), naming the key.
    pub fn from_settings(settings: &mut Settings) -> Result<Self> {
        let base_url = BaseUrl::from_settings(settings, Some(BaseUrl::from_host(HOST)))?;
        let api_key = settings.token("api_key")?;
        let token = settings.token("token")?;
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
        let resource = match settings.choice("resource", &["organization"])? {
            Some((_, slug)) if slug.is_empty() => {
                let place = settings.path();
                return Err(Error::configuration(format!(
                    "{place}.resource has an empty slug"
                )));
            }
            Some((_, slug)) => Resource::Organization(slug),
            None => Resource::User,
        };
        Ok(config.with_resource(resource).with_base_url(base_url))
    }
}

impl Resource {
    /// Returns the path of the collection of keys.
    pub(crate) fn path(&self) -> Vec<String> {
        let segments = match self {
            Self::User => vec!["user", "tokens"],
            Self::Organization(slug) => vec!["orgs", slug, "services"],
        };
        segments.into_iter().map(str::to_owned).collect()
    }
}
