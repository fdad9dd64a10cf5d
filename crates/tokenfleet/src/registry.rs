//! Which providers there are, and how each is built.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::adapter::Checked;
use crate::builtin::{self, KNOWN};
use crate::config::{Settings, did_you_mean};
use crate::transport::Transport;
use crate::{AccountConfiguration, Error, Result, TokenProvider};

type Factory =
    dyn Fn(&str, &mut Settings, Arc<dyn Transport>) -> Result<Arc<dyn TokenProvider>> + Send + Sync;

/// The providers that accounts can be opened at: an ordinary value, no global state.
///
/// ```
/// use std::sync::Arc;
/// use async_trait::async_trait;
/// use bytes::Bytes;
/// use tokenfleet::adapter::Adapter;
/// use tokenfleet::config::Settings;
/// use tokenfleet::transport::{Body, Transport, TransportError};
/// use tokenfleet::*;
///
/// /// A platform of your own: what it does is left out here.
/// #[derive(Debug)]
/// struct Vault {
///     account: Account,
///     capabilities: Capabilities,
/// }
///
/// #[async_trait]
/// impl Adapter for Vault {
///     fn account(&self) -> &Account { &self.account }
///     fn capabilities(&self) -> &Capabilities { &self.capabilities }
/// }
///
/// # #[derive(Debug)]
/// # struct Silent;
/// # #[async_trait]
/// # impl Transport for Silent {
/// #     async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Body>, TransportError> {
/// #         Ok(http::Response::new(Body::full("{}")))
/// #     }
/// # }
/// # let transport: Arc<dyn Transport> = Arc::new(Silent);
/// let mut registry = Registry::with_builtin();
/// registry.register("vault", |account: &str, settings: &mut Settings, _transport| {
///     let _path = settings.required_text("path")?;
///     Ok(Vault {
///         account: Account::new("vault", account),
///         capabilities: Capabilities::none(),
///     })
/// });
///
/// let configuration = Configuration::parse("
///     [accounts.mine]
///     provider = 'vault'
///     path = 'secret/ci'
/// ")?;
/// let provider = registry.open(configuration.account("mine")?, transport)?;
/// assert_eq!(provider.account().to_string(), "mine (vault)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    factories: BTreeMap<String, Arc<Factory>>,
}

impl Registry {
    /// No providers.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The providers whose cargo features are enabled.
    #[must_use]
    pub fn with_builtin() -> Self {
        builtin::register_all(Self::empty())
    }

    /// Adds a provider under the name that configurations use, in the place of any other of that name.
    ///
    /// The factory gets the account's name and takes the settings that it knows; what it leaves is refused afterwards,
    /// so that no misspelt key goes unnoticed. It sends nothing. Its errors need not name the account.
    pub fn register<P: TokenProvider>(
        &mut self,
        name: impl Into<String>,
        factory: impl Fn(&str, &mut Settings, Arc<dyn Transport>) -> Result<P> + Send + Sync + 'static,
    ) {
        let checked = move |account: &str, settings: &mut Settings, transport| {
            let provider = factory(account, settings, transport)?;
            Ok(Arc::new(Checked::new(provider)) as Arc<dyn TokenProvider>)
        };
        self.factories.insert(name.into(), Arc::new(checked));
    }

    /// The names of the providers, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.factories.keys().map(String::as_str)
    }

    /// Builds the provider of a configured account. Nothing is sent, and no credential is read before it is used.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration): an unknown provider, one whose cargo feature is disabled, or
    /// settings that the provider refuses.
    pub fn open(
        &self,
        account: &AccountConfiguration,
        transport: Arc<dyn Transport>,
    ) -> Result<Arc<dyn TokenProvider>> {
        let mut settings = account.settings().clone();
        let factory = self
            .factory(account.provider())
            .ok_or_else(|| account.without_provider(|provider| self.unknown(provider)));
        let opened = factory.and_then(|factory| {
            match factory(account.name(), &mut settings, transport) {
                Ok(provider) => settings.finish().map(|()| provider),
                // What seems to be missing may be there under a misspelt key.
                Err(error) => Err(settings.misspelled_key().unwrap_or(error)),
            }
        });
        opened.map_err(|error| account.locate(error))
    }

    fn factory(&self, name: &str) -> Option<&Factory> {
        self.factories.get(name).map(|factory| &**factory)
    }

    fn unknown(&self, name: &str) -> Error {
        if let Some((known, false)) = KNOWN.iter().find(|(known, _)| *known == name) {
            return Error::configuration(format!(
                "the provider \"{known}\" is not compiled into this program"
            ))
            .with_advice(format!(
                "build tokenfleet with the cargo feature \"{known}\""
            ));
        }
        let known: Vec<_> = self.names().collect();
        let advice = match known.as_slice() {
            [] => "no provider is registered".to_owned(),
            known => did_you_mean(name, known),
        };
        Error::configuration(format!("there is no provider \"{name}\"")).with_advice(advice)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
