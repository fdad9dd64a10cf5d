//! The configuration of an account.

use tokenfleet_core::config::Settings;
use tokenfleet_core::{Credential, Error, Result};
use tokenfleet_http::BaseUrl;

use crate::Release;

/// The configuration of a [`Foreman`](crate::Foreman) account: whose tokens, and how to reach them.
///
/// ```
/// use tokenfleet_core::Credential;
/// use tokenfleet_foreman::{ForemanConfig, Release};
/// use tokenfleet_http::BaseUrl;
///
/// let base_url = BaseUrl::parse("https://foreman.example.com")?;
/// let config = ForemanConfig::new(base_url, "admin", Credential::from_env("FOREMAN_TOKEN"), 4)
///     .with_release(Release::new(3, 1));
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ForemanConfig {
    pub(crate) base_url: BaseUrl,
    pub(crate) login: String,
    pub(crate) token: Credential,
    pub(crate) user_id: u32,
    pub(crate) token_login: Option<String>,
    pub(crate) organization_id: Option<String>,
    pub(crate) location_id: Option<String>,
    pub(crate) release: Option<Release>,
}

impl ForemanConfig {
    /// Creates a configuration for the tokens of the user `user_id`, authenticating as `login` with
    /// a personal access token or password.
    ///
    /// Foreman takes the numeric id here, never a login. Since 3.1 users may see and revoke their
    /// own tokens.
    pub fn new(
        base_url: BaseUrl,
        login: impl Into<String>,
        token: Credential,
        user_id: u32,
    ) -> Self {
        Self {
            base_url,
            login: login.into(),
            token,
            user_id,
            token_login: None,
            organization_id: None,
            location_id: None,
            release: None,
        }
    }

    /// Sets the base URL.
    #[must_use]
    pub fn with_base_url(mut self, base_url: BaseUrl) -> Self {
        self.base_url = base_url;
        self
    }

    /// Sets the login of the user whose tokens are managed, if the account authenticates as another
    /// user. Only [`verify`](tokenfleet_core::TokenProvider::verify) needs it: it calls a token
    /// dead only if Foreman confirms that this login, or the acting one, owns the tokens.
    #[must_use]
    pub fn with_token_login(mut self, login: impl Into<String>) -> Self {
        self.token_login = Some(login.into());
        self
    }

    /// Sets the organization, by id.
    #[must_use]
    pub fn with_organization(mut self, id: impl Into<String>) -> Self {
        self.organization_id = Some(id.into());
        self
    }

    /// Sets the location, by id.
    #[must_use]
    pub fn with_location(mut self, id: impl Into<String>) -> Self {
        self.location_id = Some(id.into());
        self
    }

    /// Sets the release of Foreman. Without it the adapter begins with what all releases can do,
    /// and learns the release from the first response that names it.
    #[must_use]
    pub fn with_release(mut self, release: Release) -> Self {
        self.release = Some(release);
        self
    }

    /// Returns the path of the collection of tokens.
    pub(crate) fn path(&self) -> [String; 4] {
        let user_id = self.user_id.to_string();
        ["api", "users", &user_id, "personal_access_tokens"].map(str::to_owned)
    }

    /// Reads `base_url`, `login`, `token`, `user_id`, `token_login`, `organization_id`,
    /// `location_id` and `version` from an account's settings.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration), naming the key.
    pub fn from_settings(settings: &mut Settings) -> Result<Self> {
        let base_url = BaseUrl::from_settings(settings, None)?;
        let login = settings.required_text("login")?;
        let token = settings.required_token("token")?;
        let user_id = settings.required_identifier("user_id")?;
        if login.is_empty() || login.contains(':') {
            let place = settings.place("login");
            return Err(Error::configuration(format!(
                "{place} must not be empty or contain a colon"
            )));
        }
        let user_id = user_id.parse().map_err(|_| {
            Error::configuration(format!("{} is not a number", settings.place("user_id")))
                .with_advice("Foreman takes the user's id here, not the login")
        })?;
        let mut config = Self::new(base_url, login, token, user_id);
        config.token_login = settings.text("token_login")?;
        config.organization_id = settings.identifier("organization_id")?;
        config.location_id = settings.identifier("location_id")?;
        config.release =
            match settings.version("version")? {
                Some(version) => Some(version.parse().map_err(|error: Error| {
                    error.with_message_prefix(&settings.place("version"))
                })?),
                None => None,
            };
        Ok(config)
    }
}
