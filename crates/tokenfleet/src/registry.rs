//! The registry of providers: the factories that turn accounts into providers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::annotated::Annotated;
use crate::config::{Settings, did_you_mean};
use crate::defaulted::Defaulted;
use crate::journal::{Journal, Journaled, Run};
use crate::transport::Transport;
use crate::{AccountConfiguration, Annotations, Error, ReadOnly, Result, TokenProvider};

/// Every provider that tokenfleet ships, and `true` if it is compiled in. Its Cargo feature has the
/// same name.
const SHIPPED: [(&str, bool); 4] = [
    ("cloudsmith", cfg!(feature = "cloudsmith")),
    ("foreman", cfg!(feature = "foreman")),
    ("losant", cfg!(feature = "losant")),
    ("mindbody", cfg!(feature = "mindbody")),
];

/// A function that builds the provider of an account from its name and settings.
type Factory =
    dyn Fn(&str, &mut Settings, Arc<dyn Transport>) -> Result<Arc<dyn TokenProvider>> + Send + Sync;

/// Maps provider names to the functions that open accounts.
///
/// A registry is an ordinary value; there is no global state.
///
/// ```
/// # #[cfg(feature = "reqwest")] {
/// use std::sync::Arc;
///
/// use tokenfleet::transport::ReqwestTransport;
/// use tokenfleet::{AccountConfiguration, Operation, Registry};
/// use tokenfleet_conformance::{MemoryProfile, MemoryProvider};
///
/// let mut registry = Registry::with_builtin();
/// registry.register("memory", |_account, settings, _transport| {
///     match settings.required_text("profile")?.as_str() {
///         "marking" => Ok(MemoryProvider::new(MemoryProfile::retaining())),
///         _ => Err(settings.error("has an unknown profile")),
///     }
/// });
///
/// let account = AccountConfiguration::new("mine", "memory")
///     .with("profile", "marking");
/// let provider = registry.open(&account, Arc::new(ReqwestTransport::new()?))?;
/// assert!(provider.capabilities().supports(Operation::List));
/// # }
/// # Ok::<(), tokenfleet::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    factories: BTreeMap<String, Arc<Factory>>,
    journal: Option<(Arc<dyn Journal>, Run)>,
    /// The setting that makes every account read-only.
    read_only: Option<String>,
    annotations: Option<Arc<Annotations>>,
}

impl Registry {
    /// Creates a registry without providers.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Registers a provider under the name that configurations use, replacing any other of that
    /// name.
    ///
    /// The factory gets the account's name and takes the settings that it knows. Any setting left
    /// over is an error, so that misspelled keys are noticed. The factory sends nothing, and its
    /// errors need not name the account. Every call to the provider that it returns is checked
    /// against the provider's [capabilities](TokenProvider::capabilities) first.
    pub fn register<P: TokenProvider>(
        &mut self,
        name: impl Into<String>,
        factory: impl Fn(&str, &mut Settings, Arc<dyn Transport>) -> Result<P> + Send + Sync + 'static,
    ) {
        let checked = move |account: &str, settings: &mut Settings, transport| {
            let provider = factory(account, settings, transport)?;
            // The provider may have been written without `Adapter` and check nothing (law 1).
            Ok(Arc::new(provider).checked())
        };
        self.factories.insert(name.into(), Arc::new(checked));
    }

    /// Records every write of the accounts that are opened from now on in a journal, as the writes
    /// of this run.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// use async_trait::async_trait;
    /// use tokenfleet::journal::{Intent, Journal, Outcome, Run};
    /// use tokenfleet::{Registry, Result};
    ///
    /// /// A journal for a test. One that is used must write to a disk or a database.
    /// #[derive(Debug, Default)]
    /// struct Lines(Mutex<Vec<String>>);
    ///
    /// #[async_trait]
    /// impl Journal for Lines {
    ///     async fn record_intent(&self, intent: &Intent) -> Result<()> {
    ///         let line = format!("{}: {} {}", intent.id, intent.operation, intent.account);
    ///         self.0.lock().unwrap().push(line);
    ///         Ok(())
    ///     }
    ///
    ///     async fn record_outcome(&self, intent: &Intent, outcome: &Outcome) {
    ///         let line = format!("{}: {}", intent.id, outcome.fate().as_str());
    ///         self.0.lock().unwrap().push(line);
    ///     }
    /// }
    ///
    /// let run = Run::new().with_reason("the quarterly rotation");
    /// let registry = Registry::with_builtin().with_journal(Arc::new(Lines::default()), run);
    /// ```
    #[must_use]
    pub fn with_journal(mut self, journal: Arc<dyn Journal>, run: Run) -> Self {
        self.journal = Some((journal, run));
        self
    }

    /// Makes every account that is opened from now on [read-only](ReadOnly), because of this
    /// setting, which completes "to allow changes, remove …".
    #[must_use]
    pub fn with_read_only(mut self, setting: impl Into<String>) -> Self {
        self.read_only = Some(setting.into());
        self
    }

    /// Adds these annotations to the tokens of the accounts that are opened from now on.
    #[must_use]
    pub fn with_annotations(mut self, annotations: Annotations) -> Self {
        self.annotations = Some(Arc::new(annotations));
        self
    }

    /// Returns the names of the providers, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.factories.keys().map(String::as_str)
    }

    /// Opens a configured account: builds its provider. Nothing is sent, and no credential is read
    /// before it is used.
    ///
    /// The provider refuses writes if the account, or the registry, is read-only. Otherwise it
    /// creates tokens with the default lifetime and scopes of the account, unless others are
    /// requested.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) for an unknown provider, for one whose
    /// Cargo feature is disabled, and for settings that the provider rejects.
    pub fn open(
        &self,
        account: &AccountConfiguration,
        transport: Arc<dyn Transport>,
    ) -> Result<Arc<dyn TokenProvider>> {
        let mut settings = account.settings().clone();
        let factory = self
            .factory(account.provider())
            .ok_or_else(|| account.provider_error(|provider| self.unknown(provider)));
        let opened = factory.and_then(|factory| {
            account.check_options(&mut settings)?;
            match factory(account.name(), &mut settings, transport) {
                Ok(provider) => settings.finish().map(|()| provider),
                // A key that seems to be missing may be there but misspelled.
                Err(error) => Err(settings.misspelled_key().unwrap_or(error)),
            }
        });
        let mut provider = opened.map_err(|error| account.locate(error))?;
        if let Some(annotations) = &self.annotations {
            provider = Arc::new(Annotated::new(provider, Arc::clone(annotations)));
        }
        let setting = self
            .read_only
            .clone()
            .or_else(|| account.read_only_setting());
        if let Some(setting) = setting {
            return Ok(Arc::new(ReadOnly::new(provider, setting)));
        }
        if let Some((journal, run)) = &self.journal {
            provider = Arc::new(Journaled::new(provider, Arc::clone(journal), run.clone()));
        }
        // Outside the journal, which records what is sent.
        let defaults = account.creation_defaults();
        if !defaults.is_empty() {
            let path = account.settings().path().to_owned();
            provider = Arc::new(Defaulted::new(provider, defaults.clone(), path));
        }
        Ok(provider)
    }

    fn factory(&self, name: &str) -> Option<&Factory> {
        self.factories.get(name).map(|factory| &**factory)
    }

    /// Creates an error for a provider name that is not registered.
    fn unknown(&self, name: &str) -> Error {
        if let Some((known, false)) = SHIPPED.iter().find(|(known, _)| *known == name) {
            return Error::configuration(format!("provider `{known}` is not compiled in"))
                .with_advice(format!(
                    "rebuild with the Cargo feature `{known}` of tokenfleet"
                ));
        }
        let known: Vec<_> = self.names().collect();
        let advice = match known.as_slice() {
            [] => "no providers are registered".to_owned(),
            known => did_you_mean(name, known),
        };
        Error::configuration(format!("unknown provider `{name}`")).with_advice(advice)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests;
