//! The accounts that a command works on.

use std::path::Path;
use std::sync::Arc;

use tokenfleet::transport::Transport;
use tokenfleet::{
    Account, AccountConfiguration, Configuration, Error, Fleet, Query, Registry, Result, Secret,
    TokenProvider, cloudsmith,
};

use crate::arguments::GlobalArguments;
use crate::output::warn;
use crate::simulation::Simulation;

const DEFAULT_FILE: &str = "tokenfleet.toml";

/// The configured or simulated accounts, and which of them were chosen.
pub(crate) struct Accounts {
    configuration: Configuration,
    chosen: Vec<String>,
    registry: Registry,
    transport: Arc<dyn Transport>,
    _simulation: Option<Simulation>,
}

impl Accounts {
    pub(crate) async fn find(arguments: &GlobalArguments) -> Result<Self> {
        let (simulation, configuration) = match (arguments.simulate, &arguments.config) {
            (true, Some(_)) => {
                return Err(Error::invalid_input(
                    "--simulate stands for a configuration: --config has no place beside it",
                ));
            }
            (true, None) => {
                let (simulation, configuration) = Simulation::start().await?;
                (Some(simulation), configuration)
            }
            (false, path) => (None, read(path.as_deref())?),
        };
        if configuration.accounts().is_empty() {
            return Err(Error::configuration("no account is configured")
                .with_advice("write a table [accounts.NAME] for each"));
        }
        let mut chosen = Vec::new();
        for name in &arguments.accounts {
            configuration.account(name)?;
            if !chosen.contains(name) {
                chosen.push(name.clone());
            }
        }
        let transport = Arc::new(configuration.transport().await?);
        let accounts = Self {
            configuration,
            chosen,
            registry: Registry::with_builtin(),
            transport,
            _simulation: simulation,
        };
        let of_accounts = accounts.selected().into_iter();
        let warnings = of_accounts.flat_map(AccountConfiguration::warnings);
        let warnings = warnings.chain(accounts.configuration.transport_warnings());
        warnings.for_each(|text| warn(&text));
        Ok(accounts)
    }

    /// The configured query of that name.
    pub(crate) fn query(&self, name: &str) -> Result<Query> {
        self.configuration.query(name)
    }

    /// The chosen accounts; all where none was chosen.
    pub(crate) fn chosen_or_all(&self) -> Fleet {
        self.open(self.selected())
    }

    /// The chosen accounts, or all: each opened, or why it cannot be.
    pub(crate) fn each(&self) -> Vec<Result<Arc<dyn TokenProvider>>> {
        let open = |account| self.registry.open(account, Arc::clone(&self.transport));
        self.selected().into_iter().map(open).collect()
    }

    /// The account of that name: opened, or why it cannot be.
    pub(crate) fn named(&self, name: &str) -> Result<Vec<Result<Arc<dyn TokenProvider>>>> {
        let account = self.configuration.account(name)?;
        let opened = self.registry.open(account, Arc::clone(&self.transport));
        Ok(vec![opened])
    }

    fn selected(&self) -> Vec<&AccountConfiguration> {
        let accounts = self.configuration.accounts().iter();
        match self.chosen.is_empty() {
            true => accounts.collect(),
            // In the order of the command line.
            false => self
                .chosen
                .iter()
                .filter_map(|name| self.configuration.account(name).ok())
                .collect(),
        }
    }

    /// The chosen accounts, or the only one.
    pub(crate) fn chosen(&self) -> Result<Fleet> {
        match (self.chosen.as_slice(), self.configuration.accounts()) {
            ([], several) if several.len() != 1 => Err(unchosen(several)),
            _ => Ok(self.open(self.selected())),
        }
    }

    /// The one chosen account, or the only one.
    pub(crate) fn one(&self) -> Result<Arc<dyn TokenProvider>> {
        let account = match (self.chosen.as_slice(), self.configuration.accounts()) {
            ([], [only]) => only,
            ([], several) => return Err(unchosen(several)),
            ([name], _) => self.configuration.account(name)?,
            _ => {
                return Err(Error::invalid_input(
                    "this works on one account at a time: give --account once",
                ));
            }
        };
        self.registry.open(account, Arc::clone(&self.transport))
    }

    /// The one chosen account, or the one of that name.
    pub(crate) fn one_or(&self, name: &str) -> Result<Arc<dyn TokenProvider>> {
        if !self.chosen.is_empty() {
            return self.one();
        }
        let account = self.configuration.account(name)?;
        self.registry.open(account, Arc::clone(&self.transport))
    }

    /// The key that an account at Cloudsmith acts with, as a rule the very one that is replaced there. A password is none.
    pub(crate) async fn acting_key(&self, account: &Account) -> Option<Secret> {
        if account.provider() != cloudsmith::NAME {
            return None;
        }
        let configured = self.configuration.account(account.name()).ok()?;
        let keys = ["api_key", "token"].into_iter();
        let key = keys.filter_map(|key| configured.credential(key)).next()?;
        key.secret().await.ok()
    }

    /// Opens accounts. A mistake in one of them is its own failure and stops no other.
    fn open(&self, accounts: Vec<&AccountConfiguration>) -> Fleet {
        Fleet::open(&self.registry, accounts, Arc::clone(&self.transport))
    }
}

fn read(path: Option<&Path>) -> Result<Configuration> {
    match path {
        Some(path) => Configuration::read(path),
        None if Path::new(DEFAULT_FILE).exists() => Configuration::read(DEFAULT_FILE),
        None => Err(
            Error::configuration(format!("there is no {DEFAULT_FILE} in this directory"))
                .with_advice("name another file with --config, or try --simulate"),
        ),
    }
}

fn unchosen(accounts: &[AccountConfiguration]) -> Error {
    const SHOWN: usize = 20;
    let mut names: Vec<_> = accounts.iter().map(AccountConfiguration::name).collect();
    if names.len() > SHOWN {
        names.truncate(SHOWN);
        names.push("…");
    }
    Error::invalid_input("several accounts are configured")
        .with_advice(format!("choose with --account: {}", names.join(", ")))
}
