//! The accounts that a command works on.

use std::path::Path;
use std::sync::Arc;

use tokenfleet::transport::Transport;
use tokenfleet::{
    Account, AccountConfiguration, AccountReport, Configuration, Error, Fleet, Query, Registry,
    Result, RevocationEffect, Secret, TokenProvider, Verdict, cloudsmith,
};

use crate::arguments::GlobalArguments;
use crate::output::print_warning;
#[cfg(feature = "simulate")]
use crate::simulation::Simulation;

const DEFAULT_FILE: &str = "tokenfleet.toml";

/// The configured or simulated accounts, and which of them `--account` selects.
pub(crate) struct Accounts {
    configuration: Configuration,
    selection: Vec<String>,
    registry: Registry,
    transport: Arc<dyn Transport>,
    /// The simulated platforms, which run until this is dropped.
    #[cfg(feature = "simulate")]
    _simulation: Option<Simulation>,
}

impl Accounts {
    /// Reads the configuration, or starts the simulators, and checks the selection.
    #[cfg(feature = "simulate")]
    pub(crate) async fn open(arguments: &GlobalArguments, registry: Registry) -> Result<Self> {
        if !arguments.simulate {
            let configuration = read(arguments.config.as_deref())?;
            return Self::new(configuration, &arguments.accounts, registry).await;
        }
        if arguments.config.is_some() {
            return Err(Error::invalid_input(
                "--simulate and --config cannot be used together",
            ));
        }
        let (simulation, configuration) = Simulation::start().await?;
        let mut accounts = Self::new(configuration, &arguments.accounts, registry).await?;
        accounts._simulation = Some(simulation);
        Ok(accounts)
    }

    /// Reads the configuration and checks the selection.
    #[cfg(not(feature = "simulate"))]
    pub(crate) async fn open(arguments: &GlobalArguments, registry: Registry) -> Result<Self> {
        let configuration = read(arguments.config.as_deref())?;
        Self::new(configuration, &arguments.accounts, registry).await
    }

    async fn new(
        configuration: Configuration,
        names: &[String],
        registry: Registry,
    ) -> Result<Self> {
        if configuration.accounts().is_empty() {
            return Err(Error::configuration("no account is configured")
                .with_advice("add a table [accounts.NAME] for each account"));
        }
        let mut selection = Vec::new();
        for name in names {
            configuration.account(name)?;
            if !selection.contains(name) {
                selection.push(name.clone());
            }
        }
        let transport = Arc::new(configuration.transport().await?);
        let accounts = Self {
            configuration,
            selection,
            registry,
            transport,
            #[cfg(feature = "simulate")]
            _simulation: None,
        };
        let selected = accounts.selected().into_iter();
        let warnings = selected.flat_map(AccountConfiguration::warnings);
        let warnings = warnings.chain(accounts.configuration.transport_warnings());
        warnings.for_each(|text| print_warning(&text));
        Ok(accounts)
    }

    /// Returns the query of that name in the configuration.
    pub(crate) fn query(&self, name: &str) -> Result<Query> {
        self.configuration.query(name)
    }

    /// Opens the selected accounts, or all if none is selected.
    pub(crate) fn selected_or_all_fleet(&self) -> Fleet {
        self.open_fleet(self.selected())
    }

    /// Opens the selected accounts, or the only configured one.
    pub(crate) fn selected_fleet(&self) -> Result<Fleet> {
        match (self.selection.as_slice(), self.configuration.accounts()) {
            ([], accounts) if accounts.len() != 1 => Err(selection_required(accounts)),
            _ => Ok(self.open_fleet(self.selected())),
        }
    }

    /// Marks each account that cannot be listed as failed if one of its credentials cannot be read.
    ///
    /// Nothing was sent there, so nobody else would notice.
    pub(crate) async fn check_unlistable(&self, reports: &mut [AccountReport]) {
        for report in reports {
            if let Verdict::NotListable = report.verdict
                && let Ok(account) = self.configuration.account(report.account.name())
                && let Err(error) = account.check_credentials().await
            {
                report.verdict = Verdict::Failed(error);
            }
        }
    }

    /// Returns each selected account, or each of all.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Account> {
        self.selected()
            .into_iter()
            .map(AccountConfiguration::account)
    }

    /// Opens each selected account, or each of all; an account that cannot be opened is an error.
    pub(crate) fn open_each(&self) -> Vec<Result<Arc<dyn TokenProvider>>> {
        let accounts = self.selected().into_iter();
        accounts.map(|account| self.open_account(account)).collect()
    }

    /// Opens the account of that name, in the form that [`open_each`](Self::open_each) has.
    pub(crate) fn open_named(&self, name: &str) -> Result<Vec<Result<Arc<dyn TokenProvider>>>> {
        Ok(vec![self.open_account(self.configuration.account(name)?)])
    }

    /// Opens the one selected account, or the only configured one.
    pub(crate) fn single(&self) -> Result<Arc<dyn TokenProvider>> {
        match (self.selection.as_slice(), self.configuration.accounts()) {
            ([], [only]) => self.open_account(only),
            ([], accounts) => Err(selection_required(accounts)),
            ([name], _) => self.open_account(self.configuration.account(name)?),
            _ => Err(Error::invalid_input(
                "this command works on one account; pass --account only once",
            )),
        }
    }

    /// Opens the one selected account, or else the one of that name.
    pub(crate) fn single_or(&self, name: &str) -> Result<Arc<dyn TokenProvider>> {
        if self.selection.is_empty() {
            self.open_account(self.configuration.account(name)?)
        } else {
            self.single()
        }
    }

    /// Returns the API key that a Cloudsmith user authenticates with, unless it uses a password.
    ///
    /// It is usually the very key that a rotation replaces there. That of a service account is not.
    pub(crate) async fn current_key(&self, provider: &dyn TokenProvider) -> Option<Secret> {
        let account = provider.account();
        let revoke = provider.capabilities().revoke.as_ref();
        let is_only_key = revoke.is_some_and(|revoke| revoke.effect == RevocationEffect::Replaced);
        if account.provider() != cloudsmith::NAME || !is_only_key {
            return None;
        }
        let configured = self.configuration.account(account.name()).ok()?;
        let keys = ["api_key", "token"].into_iter();
        let key = keys.filter_map(|key| configured.credential(key)).next()?;
        key.secret().await.ok()
    }

    fn selected(&self) -> Vec<&AccountConfiguration> {
        if self.selection.is_empty() {
            return self.configuration.accounts().iter().collect();
        }
        // In the order of the command line.
        self.selection
            .iter()
            .filter_map(|name| self.configuration.account(name).ok())
            .collect()
    }

    fn open_account(&self, account: &AccountConfiguration) -> Result<Arc<dyn TokenProvider>> {
        self.registry.open(account, Arc::clone(&self.transport))
    }

    /// Opens accounts. A mistake in one of them does not affect the others.
    fn open_fleet(&self, accounts: Vec<&AccountConfiguration>) -> Fleet {
        Fleet::open(&self.registry, accounts, Arc::clone(&self.transport))
    }
}

fn read(path: Option<&Path>) -> Result<Configuration> {
    match path {
        Some(path) if matches!(path.try_exists(), Ok(false)) => Configuration::read(path)
            .map_err(|error| error.with_advice("create it, or pass another file with --config")),
        Some(path) => Configuration::read(path),
        None if Path::new(DEFAULT_FILE).exists() => Configuration::read(DEFAULT_FILE),
        None => {
            let advice = if cfg!(feature = "simulate") {
                "create it, pass another file with --config, or try --simulate"
            } else {
                "create it, or pass another file with --config"
            };
            let message = format!("no {DEFAULT_FILE} in the current directory");
            Err(Error::configuration(message).with_advice(advice))
        }
    }
}

/// Creates an error for a command that needs `--account`, with the names to choose from.
fn selection_required(accounts: &[AccountConfiguration]) -> Error {
    const MAX_SHOWN: usize = 20;
    let mut names: Vec<_> = accounts.iter().map(AccountConfiguration::name).collect();
    if names.len() > MAX_SHOWN {
        names.truncate(MAX_SHOWN);
        names.push("…");
    }
    Error::invalid_input("several accounts are configured")
        .with_advice(format!("choose with --account: {}", names.join(", ")))
}
