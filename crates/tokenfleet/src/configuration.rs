//! The configuration: accounts, named queries and network settings.

use std::fmt;
use std::time::Duration;

use crate::account_options::{AccountOptions, CreationDefaults};
use crate::capability::CreateCapability;
use crate::config::{Setting, Settings, did_you_mean, quoted};
use crate::named_query::NamedQuery;
use crate::{Account, CreateToken, Credential, Error, Query, Result};

/// The contents of a `tokenfleet.toml`: accounts in the order of the file, named queries and
/// network settings.
///
/// Credentials are references, such as `{ env = "…" }` or `{ file = "…" }`, and are read when they are
/// used. Every mistake is an error that names its line.
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
///     where = "last_used < now-90d"
///     sort = "last_used"
/// "#)?;
/// assert_eq!(configuration.accounts()[0].provider(), "losant");
/// assert!(configuration.query("stale")?.filter.is_some());
///
/// let error = configuration.account("ito").unwrap_err();
/// assert!(error.to_string().starts_with("unknown account `ito`; did you mean"));
/// # }
/// # Ok::<(), tokenfleet::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Configuration {
    pub(crate) accounts: Vec<AccountConfiguration>,
    pub(crate) queries: Vec<NamedQuery>,
    pub(crate) transport: Settings,
    /// The tables that the program has declared, with their names.
    pub(crate) tables: Vec<(String, Settings)>,
    /// The tables of declared groups, each with its group and its name.
    pub(crate) named_tables: Vec<(String, String, Settings)>,
    /// The path of the file that the configuration was read from.
    origin: Option<String>,
}

/// A configured account: its name, its provider and the provider's settings.
///
/// It comes from a [`Configuration`], or is built by a program that keeps its accounts elsewhere:
///
/// ```
/// use tokenfleet::{AccountConfiguration, Secret};
///
/// let account = AccountConfiguration::new("iot", "losant")
///     .with("token", Secret::new("from the vault"))
///     .with("resource", [("application", "575ec8687ae143cd83dc4a97")])
///     .with("attempts", 2);
/// assert_eq!(account.account().to_string(), "iot (losant)");
/// ```
#[derive(Debug, Clone)]
pub struct AccountConfiguration {
    account: Account,
    settings: Settings,
    options: AccountOptions,
    /// The path of the file that the account was read from.
    origin: Option<String>,
    /// The line of the provider's name.
    provider_line: Option<usize>,
}

impl Configuration {
    /// Sets the path of the file that it was read from, for error messages, and the directory that
    /// relative paths in it start from.
    #[cfg(feature = "toml")]
    pub(crate) fn set_origin(&mut self, origin: String, directory: &std::path::Path) {
        self.transport.set_directory(directory);
        let tables = self.tables.iter_mut().map(|(_, settings)| settings);
        let named_tables = self.named_tables.iter_mut();
        tables
            .chain(named_tables.map(|(_, _, settings)| settings))
            .for_each(|settings| settings.set_directory(directory));
        for account in &mut self.accounts {
            account.settings.set_directory(directory);
            account.origin = Some(origin.clone());
        }
        self.origin = Some(origin);
    }

    /// Returns the accounts, in the order of the file.
    #[must_use]
    pub fn accounts(&self) -> &[AccountConfiguration] {
        &self.accounts
    }

    /// Returns the account of that name.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) for an unknown name. The error suggests
    /// the nearest name or lists all of them.
    pub fn account(&self, name: &str) -> Result<&AccountConfiguration> {
        let found = self.accounts.iter().find(|account| account.name() == name);
        found.ok_or_else(|| {
            let known: Vec<_> = self
                .accounts
                .iter()
                .map(AccountConfiguration::name)
                .collect();
            unknown("account", "accounts", name, &known)
        })
    }

    /// Returns the query of that name: a table `[queries.NAME]` with the keys `where`, `sort`,
    /// `limit` and `offset`. `now` in it is the present time.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) for an unknown name. The error suggests
    /// the nearest name or lists all of them.
    pub fn query(&self, name: &str) -> Result<Query> {
        let found = self.queries.iter().find(|query| query.name() == name);
        match found {
            Some(query) => query.parse(),
            None => {
                let known: Vec<_> = self.queries.iter().map(NamedQuery::name).collect();
                Err(unknown("query", "queries", name, &known))
            }
        }
    }

    /// Returns the table `[NAME]` that a `ConfigurationReader` declared, if the file has it.
    ///
    /// Its settings know their lines. [`locate`](Self::locate) adds the path of the file to their
    /// errors.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Settings> {
        let found = self.tables.iter().find(|(known, _)| known == name);
        found.map(|(_, settings)| settings)
    }

    /// Returns the tables `[GROUP.NAME]` of a group that a `ConfigurationReader` declared, with
    /// their names, in the order of the file.
    pub fn named_tables(&self, group: &str) -> impl Iterator<Item = (&str, &Settings)> {
        let of_group = self
            .named_tables
            .iter()
            .filter(move |(of, _, _)| of == group);
        of_group.map(|(_, name, settings)| (name.as_str(), settings))
    }

    /// Returns the path of a file that is beside the configuration file, unless it is absolute.
    #[must_use]
    pub fn file_path(&self, path: impl AsRef<std::path::Path>) -> std::path::PathBuf {
        self.transport.file_path(path)
    }

    /// Adds the path of the file, if the configuration comes from one, to an error about it.
    #[must_use]
    pub fn locate(&self, error: Error) -> Error {
        match &self.origin {
            Some(origin) => error.with_message_prefix(origin),
            None => error,
        }
    }

    /// Builds the transport that the table `[transport]` configures, or the default transport
    /// without that table. Reads the files and credentials that the table names.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the line, for a setting that is
    /// unknown or unusable.
    #[cfg(feature = "reqwest")]
    pub async fn transport(&self) -> Result<crate::transport::ReqwestTransport> {
        let mut settings = self.transport.clone();
        let read = crate::transport::ReqwestTransportBuilder::from_settings(&mut settings).await;
        let built = match read {
            Ok(builder) => settings.finish().and_then(|()| builder.build()),
            // A key that seems to be missing may be there but misspelled.
            Err(error) => Err(settings.misspelled_key().unwrap_or(error)),
        };
        built.map_err(|error| self.locate(error))
    }

    /// Returns the table `[transport]`, for a transport of your own.
    #[must_use]
    pub fn transport_settings(&self) -> &Settings {
        &self.transport
    }

    /// Returns warnings about the table `[transport]`, one line each: credential files that users
    /// other than their owner may read. [`AccountConfiguration::warnings`] does so for an account.
    #[must_use]
    pub fn transport_warnings(&self) -> Vec<String> {
        with_origin(self.transport.warnings(), self.origin.as_deref())
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

/// Prefixes warnings with the path of the file that they are about.
fn with_origin(warnings: Vec<String>, origin: Option<&str>) -> Vec<String> {
    let prefixed = |warning| match origin {
        Some(origin) => format!("{origin}: {warning}"),
        None => warning,
    };
    warnings.into_iter().map(prefixed).collect()
}

/// Creates an error for the name of an account or a query that is not configured.
fn unknown(kind: &str, plural: &str, name: &str, known: &[&str]) -> Error {
    let advice = match known {
        [] => format!("no {plural} are configured"),
        known => did_you_mean(name, known),
    };
    Error::configuration(format!("unknown {kind}{}", quoted(name, known))).with_advice(advice)
}

impl AccountConfiguration {
    /// Creates an account of a provider, without settings.
    #[must_use]
    pub fn new(name: &str, provider: &str) -> Self {
        let settings = Settings::new(format!("accounts.{name}"));
        Self::from_settings(name, provider, settings, None)
    }

    /// Creates an account from its table in a document.
    pub(crate) fn from_settings(
        name: &str,
        provider: &str,
        settings: Settings,
        provider_line: Option<usize>,
    ) -> Self {
        Self {
            account: Account::new(provider, name),
            settings,
            options: AccountOptions::default(),
            origin: None,
            provider_line,
        }
    }

    /// Adds a setting, such as `.with("attempts", 2)`: a boolean, a number, a text, a list or a
    /// table of texts, or a [`Secret`](crate::Secret).
    ///
    /// The keys that every account has, such as `read_only`, mean what they mean in a file.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Setting>) -> Self {
        self.settings.insert(key, value.into(), None);
        let (mut options, mut settings) = (self.options.clone(), self.settings.clone());
        // An unusable value stays among the settings, and opening the account reports it.
        if options.read(&mut settings).is_ok() {
            (self.options, self.settings) = (options, settings);
        }
        self
    }

    /// Sets the settings that every account has.
    pub(crate) fn with_options(mut self, options: AccountOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the tags, by which a group of accounts is selected.
    #[must_use]
    pub fn with_tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.options.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    /// Returns the tags of the account: the key `tags`.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        &self.options.tags
    }

    /// Returns `true` if nothing may be changed in the account: the key `read_only`.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.options.read_only
    }

    /// Forbids every change in the account, as the key `read_only` does.
    #[must_use]
    pub fn with_read_only(mut self) -> Self {
        self.options.read_only = true;
        self.options.read_only_place = self.settings.place("read_only");
        self
    }

    /// Returns the setting that makes the account read-only, with its line and file.
    pub(crate) fn read_only_setting(&self) -> Option<String> {
        let place = self.options.read_only_place.as_str();
        let from = match &self.origin {
            Some(origin) => format!("{origin}: {place}"),
            None => place.to_owned(),
        };
        self.options
            .read_only
            .then(|| format!("`read_only = true` ({from})"))
    }

    /// Returns the lifetime of a created token for which no other is requested: the key
    /// `default_expires_in`.
    #[must_use]
    pub fn default_expires_in(&self) -> Option<Duration> {
        self.options.defaults.expires_in
    }

    /// Sets the lifetime of a created token for which no other is requested, as the key
    /// `default_expires_in` does. A creation fails where the platform takes no expiry.
    #[must_use]
    pub fn with_default_expires_in(mut self, period: Duration) -> Self {
        self.options.defaults.expires_in = Some(period);
        self
    }

    /// Returns the scopes of a created token for which no others are requested: the key
    /// `default_scopes`.
    #[must_use]
    pub fn default_scopes(&self) -> &[String] {
        &self.options.defaults.scopes
    }

    /// Sets the scopes of a created token for which no others are requested, as the key
    /// `default_scopes` does. A creation fails where the platform takes no scopes.
    #[must_use]
    pub fn with_default_scopes<S: Into<String>>(
        mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.options.defaults.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Returns the queue of the account: the key `queue`, or else its name.
    ///
    /// What takes hours, such as rotations, is done one after the other for all accounts of a
    /// queue, for example because they share the rate limit of a platform.
    #[must_use]
    pub fn queue(&self) -> &str {
        self.options.queue.as_deref().unwrap_or(self.name())
    }

    /// Returns a request as the account opened from this configuration sends it: with the default
    /// lifetime and scopes, unless it has its own.
    ///
    /// The opened account does this itself. It is for whoever compares the created token with what
    /// was requested.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the platform cannot apply a default.
    pub fn with_creation_defaults(
        &self,
        request: CreateToken,
        capability: Option<&CreateCapability>,
    ) -> Result<CreateToken> {
        let defaults = &self.options.defaults;
        defaults.apply(request, capability, self.settings.path())
    }

    /// Rejects an option of the account that is unusable, and is therefore still among these
    /// settings.
    pub(crate) fn check_options(&self, settings: &mut Settings) -> Result<()> {
        self.options.clone().read(settings)
    }

    pub(crate) fn creation_defaults(&self) -> &CreationDefaults {
        &self.options.defaults
    }

    /// Returns the name of the account together with the name of its provider.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Returns the name of the account.
    #[must_use]
    pub fn name(&self) -> &str {
        self.account.name()
    }

    /// Returns the name of the provider.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.account.provider()
    }

    /// Returns warnings about the settings, one line each: credential files that users other than
    /// their owner may read.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        with_origin(self.settings.warnings(), self.origin.as_deref())
    }

    /// Returns the credential of a setting, if the setting exists and is one.
    #[must_use]
    pub fn credential(&self, key: &'static str) -> Option<Credential> {
        self.settings.clone().credential(key).ok().flatten()
    }

    /// Returns the credentials that the account has, whatever their keys.
    #[must_use]
    pub fn credentials(&self) -> Vec<Credential> {
        self.settings.credentials()
    }

    /// Returns `true` if the account runs a command to get a credential.
    ///
    /// Ask before you use a configuration that somebody else may have written.
    /// [`transport_settings`](Configuration::transport_settings) tell the same of their table.
    #[must_use]
    pub fn runs_commands(&self) -> bool {
        self.settings.runs_commands()
    }

    /// Reads the credentials of the account, to find out whether all of them are there.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) for the first one that cannot be read.
    pub async fn check_credentials(&self) -> Result<()> {
        for credential in self.settings.credentials() {
            let read = credential.secret().await;
            read.map_err(|error| self.locate(error))?;
        }
        Ok(())
    }

    /// Returns the settings, of which the provider takes those that it knows.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Builds an error about the provider's name and attaches the account and the line. The name is
    /// masked unless it is a plain word: it may be a credential in the wrong place.
    pub(crate) fn provider_error(&self, error: impl FnOnce(&str) -> Error) -> Error {
        let provider = match quoted(self.provider(), &[]).as_str() {
            "" => "[masked]",
            _ => self.provider(),
        };
        let error = error(provider).with_account(&Account::new(provider, self.name()));
        match self.provider_line {
            Some(line) => error.with_message_prefix(&format!("line {line}")),
            None => error,
        }
    }

    /// Attaches the account to an error, and the path of the file that configures it.
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
