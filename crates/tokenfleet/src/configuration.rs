//! The accounts and queries that someone configured.

use std::fmt;
#[cfg(feature = "toml")]
use std::path::Path;

use crate::config::{Setting, Settings, did_you_mean};
use crate::named_query::NamedQuery;
use crate::{Account, Credential, Error, Query, Result};

/// The accounts of a `tokenfleet.toml`, in the order of the file, its named queries, and how its network is reached.
///
/// Credentials are references, `{ env = "…" }` or `{ file = "…" }`, and read when they are used. Every mistake is an
/// error that names its line.
///
/// ```
/// # #[cfg(feature = "toml")] {
/// use tokenfleet::Configuration;
///
/// let configuration = Configuration::parse(r#"
///     [accounts.iot]
///     provider = "losant"
///     token = { env = "LOSANT_TOKEN" }
///
///     [queries.stale]
///     where = "last-used < now-90d"
///     sort = "last-used"
/// "#)?;
/// assert_eq!(configuration.accounts()[0].provider(), "losant");
/// assert!(configuration.query("stale")?.filter.is_some());
///
/// let error = configuration.account("ito").unwrap_err();
/// assert_eq!(error.to_string(), "there is no account \"ito\"; did you mean `iot`?");
/// # }
/// # Ok::<(), tokenfleet::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Configuration {
    pub(crate) accounts: Vec<AccountConfiguration>,
    pub(crate) queries: Vec<NamedQuery>,
    pub(crate) transport: Settings,
    /// The file it was read from.
    origin: Option<String>,
}

/// One configured account: its name, its provider and the provider's settings.
///
/// From a [`Configuration`], or put together by a program that keeps its accounts elsewhere:
///
/// ```
/// use tokenfleet::config::Setting;
/// use tokenfleet::{AccountConfiguration, Credential, Secret};
///
/// let secret = Secret::new("from the vault");
/// let account = AccountConfiguration::new("iot", "losant")
///     .with("token", Setting::Credential(Credential::from_secret(secret)));
/// assert_eq!(account.account().to_string(), "iot (losant)");
/// ```
#[derive(Debug, Clone)]
pub struct AccountConfiguration {
    account: Account,
    settings: Settings,
    /// The file it was read from.
    origin: Option<String>,
    /// The line that names its provider.
    line: Option<usize>,
}

impl Configuration {
    /// Reads accounts and queries from the text of a `tokenfleet.toml`.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the line. The text of the error holds nothing of the
    /// document but keys, so no credential that someone wrote into it.
    #[cfg(feature = "toml")]
    pub fn parse(text: &str) -> Result<Self> {
        crate::document::configuration(text)
    }

    /// Reads accounts and queries from a file.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), naming the file, and when it cannot be read.
    #[cfg(feature = "toml")]
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let origin = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::configuration(format!("{origin} cannot be read ({error})")).with_source(error)
        })?;
        let mut configuration =
            Self::parse(&text).map_err(|error| error.with_message_prefix(&origin))?;
        for account in &mut configuration.accounts {
            account.origin = Some(origin.clone());
        }
        configuration.origin = Some(origin);
        Ok(configuration)
    }

    /// The accounts, in the order of the file.
    #[must_use]
    pub fn accounts(&self) -> &[AccountConfiguration] {
        &self.accounts
    }

    /// The account of that name.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the nearest one or all.
    pub fn account(&self, name: &str) -> Result<&AccountConfiguration> {
        let found = self.accounts.iter().find(|account| account.name() == name);
        found.ok_or_else(|| {
            let known: Vec<_> = self
                .accounts
                .iter()
                .map(AccountConfiguration::name)
                .collect();
            missing("account", "no account is configured", name, &known)
        })
    }

    /// The query of that name, a table `[queries.NAME]` with the keys `where`, `sort`, `limit` and `offset`; `now` in it is
    /// the present time.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the nearest one or all.
    pub fn query(&self, name: &str) -> Result<Query> {
        let found = self.queries.iter().find(|query| query.name() == name);
        match found {
            Some(query) => query.read(),
            None => {
                let known: Vec<_> = self.queries.iter().map(NamedQuery::name).collect();
                Err(missing("query", "no query is configured", name, &known))
            }
        }
    }
}

impl Configuration {
    /// The transport that the table `[transport]` describes, and the usual one where there is none. It reads the files and
    /// credentials that are named there.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the line, for a setting that it does not know or cannot use.
    #[cfg(feature = "reqwest")]
    pub async fn transport(&self) -> Result<crate::transport::ReqwestTransport> {
        let mut settings = self.transport.clone();
        let read = crate::transport::ReqwestTransportBuilder::from_settings(&mut settings).await;
        let built = match read {
            Ok(builder) => settings.finish().and_then(|()| builder.build()),
            // What seems to be missing may be there under a misspelt key.
            Err(error) => Err(settings.misspelled_key().unwrap_or(error)),
        };
        built.map_err(|error| match &self.origin {
            Some(origin) => error.with_message_prefix(origin),
            None => error,
        })
    }

    /// What stands in the table `[transport]`, for a transport of your own.
    #[must_use]
    pub fn transport_settings(&self) -> &Settings {
        &self.transport
    }

    /// What is allowed and unwise in the table `[transport]`, a line each: credential files that others than their owner may
    /// read. Of an account [`AccountConfiguration::warnings`] tells.
    #[must_use]
    pub fn transport_warnings(&self) -> Vec<String> {
        located(self.transport.warnings(), self.origin.as_deref())
    }
}

impl FromIterator<AccountConfiguration> for Configuration {
    fn from_iter<I: IntoIterator<Item = AccountConfiguration>>(accounts: I) -> Self {
        Self {
            accounts: accounts.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// Says in which file what is warned of stands.
fn located(warnings: Vec<String>, origin: Option<&str>) -> Vec<String> {
    let located = |warning| match origin {
        Some(origin) => format!("{origin}: {warning}"),
        None => warning,
    };
    warnings.into_iter().map(located).collect()
}

fn missing(what: &str, none: &str, name: &str, known: &[&str]) -> Error {
    let advice = match known {
        [] => none.to_owned(),
        known => did_you_mean(name, known),
    };
    Error::configuration(format!("there is no {what} \"{name}\"")).with_advice(advice)
}

impl AccountConfiguration {
    /// An account of that name at that provider, without settings yet.
    #[must_use]
    pub fn new(name: &str, provider: &str) -> Self {
        let settings = Settings::new(format!("accounts.{name}"));
        Self::with_settings(name, provider, settings, None)
    }

    pub(crate) fn with_settings(
        name: &str,
        provider: &str,
        settings: Settings,
        line: Option<usize>,
    ) -> Self {
        Self {
            account: Account::new(provider, name),
            settings,
            origin: None,
            line,
        }
    }

    /// With one more setting.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: Setting) -> Self {
        self.settings.insert(key, value, None);
        self
    }

    /// Its name and its provider's name together.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.account.name()
    }

    /// Its provider's name.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.account.provider()
    }

    /// What is allowed and unwise in its settings, a line each: credential files that others than their owner may read.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        located(self.settings.warnings(), self.origin.as_deref())
    }

    /// The credential that stands under that key, if there is one.
    #[must_use]
    pub fn credential(&self, key: &'static str) -> Option<Credential> {
        self.settings.clone().credential(key).ok().flatten()
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Says that an error is about its provider, which does not exist. What looks like a credential, written in the wrong
    /// place, is not shown.
    pub(crate) fn without_provider(&self, error: impl FnOnce(&str) -> Error) -> Error {
        let masked = Error::configuration("").with_platform_message(self.provider(), &[]);
        let shown = masked.platform_message().unwrap_or_default();
        let error = error(shown).with_account(&Account::new(shown, self.name()));
        match self.line {
            Some(line) => error.with_message_prefix(&format!("line {line}")),
            None => error,
        }
    }

    /// Says which account an error is about, and in which file that is configured.
    pub(crate) fn locate(&self, error: Error) -> Error {
        let error = match &self.origin {
            Some(origin) => error.with_message_prefix(origin),
            None => error,
        };
        error.with_account(&self.account)
    }
}

impl fmt::Display for AccountConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.account.fmt(f)
    }
}
