//! The accounts that a command works on.

use std::sync::Arc;

use tokenfleet::journal::{Journal, Run};
use tokenfleet::transport::Transport;
use tokenfleet::{
    Account, AccountConfiguration, AccountReport, Annotations, Configuration, Error, Fact, Fleet,
    Query, Registry, Result, RevocationEffect, Secret, TokenId, TokenProvider, Verdict, cloudsmith,
};
use tokenfleet_ledger::Ledger;
use tokio::sync::OnceCell;

use crate::annotations::AnnotationFile;
use crate::arguments::{Command, GlobalArguments};
use crate::audit::AuditLog;
use crate::configuration::{self, Trust};
use crate::exit::Exit;
use crate::exposed_secret;
use crate::journals::Journals;
use crate::ledger::{Place, turned_off};
use crate::output::{print_warning, redact};
use crate::policies;
use crate::selection::{Selection, one_required};
#[cfg(feature = "simulate")]
use crate::simulation::Simulation;

/// The configured or simulated accounts, and which of them are selected.
pub(crate) struct Accounts {
    configuration: Configuration,
    selection: Selection,
    /// The names and patterns on the command line.
    named: Vec<String>,
    registry: Registry,
    transport: Arc<dyn Transport>,
    /// The log of writes, unless it is turned off.
    audit: Option<Arc<AuditLog>>,
    journals: Arc<Journals>,
    /// The ledger that snapshots are recorded in, once one is. A listing may hold a connection for
    /// minutes, for which no claim and no write waits: those have connections of their own.
    snapshots: Arc<OnceCell<Arc<dyn Ledger>>>,
    /// The run that all writes of this process belong to.
    run: Run,
    /// `true` if there are annotations of tokens.
    is_annotated: bool,
    /// The simulated platforms, which run until this is dropped.
    #[cfg(feature = "simulate")]
    _simulation: Option<Simulation>,
}

impl Accounts {
    /// Reads the configuration, or starts the simulators, and checks the selection.
    pub(crate) async fn open(arguments: &GlobalArguments, registry: Registry) -> Result<Self> {
        let opened = configuration::open(arguments, Trust::Required).await?;
        #[cfg(feature = "simulate")]
        let is_simulated = opened.simulation.is_some();
        #[cfg(not(feature = "simulate"))]
        let is_simulated = false;
        // What happens to tokens that do not exist is not worth recording.
        let audit = if is_simulated {
            None
        } else {
            AuditLog::new(&opened.configuration)?
        };
        let place = if is_simulated {
            Ok(None)
        } else {
            Place::read(&opened.configuration)
        };
        policies::check_tables(&opened.configuration)?;
        // The tokens of the simulated platforms are nobody's.
        let annotations = if is_simulated {
            Annotations::default()
        } else {
            AnnotationFile::new(&opened.configuration)?.read()?
        };
        let configuration = opened.configuration;
        #[cfg_attr(not(feature = "simulate"), expect(unused_mut))]
        let mut accounts = Self::new(
            configuration,
            arguments,
            registry,
            (audit, place),
            annotations,
        )
        .await?;
        #[cfg(feature = "simulate")]
        {
            accounts._simulation = opened.simulation;
        }
        Ok(accounts)
    }

    async fn new(
        configuration: Configuration,
        arguments: &GlobalArguments,
        mut registry: Registry,
        (audit, place): (Option<AuditLog>, Result<Option<Place>>),
        annotations: Annotations,
    ) -> Result<Self> {
        let is_annotated = !annotations.entries().is_empty();
        if is_annotated {
            registry = registry.with_annotations(annotations);
        }
        let audit = audit.map(Arc::new);
        let is_recorded = audit.is_some() || !matches!(place, Ok(None));
        let journals = Arc::new(Journals::new(audit.clone(), place));
        let run = match &arguments.reason {
            Some(reason) => Run::new().with_reason(reason),
            None => Run::new(),
        };
        if is_recorded {
            let journal = Arc::clone(&journals) as Arc<dyn Journal>;
            registry = registry.with_journal(journal, run.clone());
        }
        if arguments.read_only {
            registry = registry.with_read_only("--read-only");
        }
        let selection = Selection::new(&configuration, arguments)?;
        let transport = Arc::new(configuration.transport().await?);
        let accounts = Self {
            configuration,
            selection,
            named: arguments.accounts.clone(),
            registry,
            transport,
            audit,
            journals,
            snapshots: Arc::default(),
            run,
            is_annotated,
            #[cfg(feature = "simulate")]
            _simulation: None,
        };
        let selected = accounts.selected().into_iter();
        let warnings = selected.flat_map(AccountConfiguration::warnings);
        let warnings = warnings.chain(accounts.configuration.transport_warnings());
        warnings.for_each(|text| print_warning(&text));
        Ok(accounts)
    }

    /// Takes what was opened before, to read only. What is wrong with it was said, and nothing is
    /// recorded.
    pub(crate) fn to_read(
        configuration: &Configuration,
        arguments: &GlobalArguments,
        registry: Registry,
        transport: Arc<dyn Transport>,
    ) -> Result<Self> {
        let journals = Journals::new(None, Place::read(configuration));
        Ok(Self {
            selection: Selection::new(configuration, arguments)?,
            configuration: configuration.clone(),
            named: arguments.accounts.clone(),
            registry,
            transport,
            audit: None,
            journals: Arc::new(journals),
            snapshots: Arc::default(),
            run: Run::new(),
            is_annotated: false,
            #[cfg(feature = "simulate")]
            _simulation: None,
        })
    }

    pub(crate) fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Returns the ledger to record snapshots in, which is created if it does not exist. A worker
    /// opens it once.
    ///
    /// # Errors
    ///
    /// The ledger is turned off, or cannot be opened.
    pub(crate) async fn ledger_of_snapshots(&self) -> Result<Arc<dyn Ledger>> {
        let opened = self.snapshots.get_or_try_init(|| async {
            let place = Place::read(&self.configuration)?;
            place.ok_or_else(turned_off)?.open().await
        });
        opened.await.cloned()
    }

    /// Returns `true` if there are annotations of tokens.
    pub(crate) fn is_annotated(&self) -> bool {
        self.is_annotated
    }

    /// Rejects a command that has a secret in the place of a name or an id.
    pub(crate) async fn check_texts(&self, command: &Command, reason: Option<&str>) -> Result<()> {
        let mut texts = command.texts();
        texts.extend(reason.map(|reason| ("--reason", reason)));
        let Self {
            configuration,
            registry,
            transport,
            ..
        } = self;
        exposed_secret::check(&texts, configuration, registry, transport).await
    }

    /// Rejects a write without a reason if the configuration requires one.
    pub(crate) fn require_reason(&self, reason: Option<&str>) -> Result<()> {
        let audit = self.audit.iter();
        audit
            .map(|audit| audit.check_reason(reason))
            .find(Result::is_err)
            .unwrap_or(Ok(()))
    }

    /// Returns the transport of all accounts.
    pub(crate) fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }

    /// Returns the reason for the changes of this run.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.run.reason()
    }

    /// Returns the journals of the writes.
    pub(crate) fn journals(&self) -> &Journals {
        &self.journals
    }

    /// Returns the journals of the writes, to be kept.
    pub(crate) fn shared_journals(&self) -> Arc<Journals> {
        Arc::clone(&self.journals)
    }

    /// Returns the ledger, which is created if it does not exist, or `None` if there is none.
    pub(crate) async fn ledger(&self) -> Result<Option<&dyn Ledger>> {
        self.journals.ledger().await
    }

    /// Returns the exit code of a command: no success if an outcome was not recorded.
    pub(crate) fn exit_after_recording(&self, exit: Exit) -> Exit {
        if self.journals.is_incomplete() && exit == Exit::Success {
            Exit::Failed
        } else {
            exit
        }
    }

    /// Keeps the name of a token for the journals, if it is known.
    pub(crate) fn remember_name(&self, account: &Account, id: &TokenId, name: &Fact<String>) {
        if let Some(name) = name.known() {
            self.journals.remember_name(account, id, &redact(name));
        }
    }

    /// Returns the query of that name in the configuration.
    pub(crate) fn query(&self, name: &str) -> Result<Query> {
        self.configuration.query(name)
    }

    /// Opens the selected accounts. A mistake in one of them does not affect the others.
    pub(crate) fn fleet(&self) -> Fleet {
        let transport = Arc::clone(&self.transport);
        Fleet::open(&self.registry, self.selected(), transport)
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

    /// Returns the same accounts, of which only this one is selected.
    ///
    /// # Errors
    ///
    /// The configuration has no account of that name.
    pub(crate) fn narrowed_to(&self, name: &str) -> Result<Self> {
        Ok(Self {
            configuration: self.configuration.clone(),
            selection: Selection::single(&self.configuration, name)?,
            named: vec![name.to_owned()],
            registry: self.registry.clone(),
            transport: Arc::clone(&self.transport),
            audit: self.audit.clone(),
            journals: Arc::clone(&self.journals),
            snapshots: Arc::clone(&self.snapshots),
            run: self.run.clone(),
            is_annotated: self.is_annotated,
            #[cfg(feature = "simulate")]
            _simulation: None,
        })
    }

    /// Returns each selected account.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Account> {
        self.selected()
            .into_iter()
            .map(AccountConfiguration::account)
    }

    /// Opens each selected account; one that cannot be opened is an error.
    pub(crate) fn open_each(&self) -> Vec<Result<Arc<dyn TokenProvider>>> {
        let accounts = self.selected().into_iter();
        accounts.map(|account| self.open_account(account)).collect()
    }

    /// Opens the account of that name, in the form that [`open_each`](Self::open_each) has.
    pub(crate) fn open_named(&self, name: &str) -> Result<Vec<Result<Arc<dyn TokenProvider>>>> {
        Ok(vec![self.open_account(self.configuration.account(name)?)])
    }

    /// Opens the account of that name, which need not be selected.
    pub(crate) fn open_any(&self, name: &str) -> Result<Arc<dyn TokenProvider>> {
        self.open_account(self.configuration.account(name)?)
    }

    /// Opens the selected account of that name.
    pub(crate) fn open_one(&self, name: &str) -> Result<Arc<dyn TokenProvider>> {
        let account = self.configuration.account(name)?;
        let mut selected = self.selected().into_iter();
        if selected.any(|selected| selected.name() == account.name()) {
            return self.open_account(account);
        }
        let message = "this account is not among those selected";
        Err(Error::invalid_input(message).with_account(account.account()))
    }

    /// Opens the only selected account.
    pub(crate) fn single(&self) -> Result<Arc<dyn TokenProvider>> {
        match self.selected().as_slice() {
            [only] => self.open_account(only),
            several => Err(one_required(several, self.selection.is_narrowed)),
        }
    }

    /// Opens an account of the configuration whose writes go to another journal, with the reason
    /// for them.
    pub(crate) fn open_recorded(
        &self,
        account: &AccountConfiguration,
        journal: Arc<dyn Journal>,
        reason: Option<&str>,
    ) -> Result<Arc<dyn TokenProvider>> {
        // The same run, whose mark this process has set.
        let run = match reason {
            Some(reason) => self.run.clone().with_reason(reason),
            None => self.run.clone(),
        };
        let registry = self.registry.clone().with_journal(journal, run);
        registry.open(account, Arc::clone(&self.transport))
    }

    /// Returns the configuration of an account that was opened.
    pub(crate) fn configuration_of(
        &self,
        provider: &dyn TokenProvider,
    ) -> Result<&AccountConfiguration> {
        self.configuration.account(provider.account().name())
    }

    /// Opens the account that a plan names, which must be one of those selected.
    pub(crate) fn open_planned(&self, planned: &Account) -> Result<Arc<dyn TokenProvider>> {
        let account = self.configuration.account(planned.name())?;
        let mut selected = self.selected().into_iter();
        if selected.any(|selected| selected.name() == account.name()) {
            return self.open_account(account);
        }
        let message = "the plan names this account, which is not among those selected";
        Err(Error::invalid_input(message).with_account(account.account()))
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

    /// Returns the secrets that an account authenticates with, as far as they can be read.
    pub(crate) async fn secrets_of(&self, account: &Account) -> Vec<Secret> {
        let Ok(configured) = self.configuration.account(account.name()) else {
            return Vec::new();
        };
        let mut secrets = Vec::new();
        for credential in configured.credentials() {
            secrets.extend(credential.secret().await);
        }
        secrets
    }

    /// Returns the secrets that an account authenticates with, as far as no command need be run.
    pub(crate) async fn readable_secrets_of(&self, account: &Account) -> Vec<Secret> {
        match self.configuration.account(account.name()) {
            Ok(configured) if !configured.runs_commands() => self.secrets_of(account).await,
            _ => Vec::new(),
        }
    }

    /// Returns `true` if the command line names this very account, not only by a pattern.
    pub(crate) fn is_named(&self, account: &Account) -> bool {
        self.named.iter().any(|name| name == account.name())
    }

    /// Returns `true` if accounts were asked for, by whatever condition.
    pub(crate) fn is_narrowed(&self) -> bool {
        self.selection.is_narrowed
    }

    /// Returns the selected accounts.
    pub(crate) fn selected(&self) -> Vec<&AccountConfiguration> {
        self.selection.of(&self.configuration)
    }

    fn open_account(&self, account: &AccountConfiguration) -> Result<Arc<dyn TokenProvider>> {
        self.registry.open(account, Arc::clone(&self.transport))
    }

    /// Opens accounts. A mistake in one of them does not affect the others.
    pub(crate) fn open_fleet(&self, accounts: Vec<&AccountConfiguration>) -> Fleet {
        Fleet::open(&self.registry, accounts, Arc::clone(&self.transport))
    }
}
