//! The rotations in the ledger of the configuration.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use tokenfleet::journal::OperationId;
use tokenfleet::{Account, Error, ErrorKind, Fact, Fate, Result, Timestamp, TokenProvider};
use tokenfleet_ledger::{Ledger, Tasks};
use tokenfleet_rotation::runner::{
    LedgerRotationStore, RotationRecord, RotationStore, StoredRotation,
};
use tokenfleet_rotation::sink::SecretSink;

use super::allowed;
use super::journal::OperationJournal;
use super::places::OpenPlaces;
use super::prepared::Prepared;
use super::unreadable::UnreadableRotations;
use crate::accounts::Accounts;
use crate::ledger::turned_off;
use crate::policies::Policies;
use crate::program_name::command_line;
use crate::sinks::Sinks;

/// The rotations in the ledger of the configuration, and what it takes to carry them on.
pub(crate) struct Rotations<'a> {
    pub(crate) accounts: &'a Accounts,
    pub(crate) sinks: Sinks,
    pub(crate) store: Arc<LedgerRotationStore>,
    ledger: Arc<dyn Ledger>,
    /// The accounts of the policies with their places, once they are asked for.
    of_policies: OnceLock<HashMap<String, Account>>,
}

impl<'a> Rotations<'a> {
    /// Opens the ledger, which is created if it does not exist, and reads the sinks.
    ///
    /// # Errors
    ///
    /// There is no ledger: what is not recorded would be forgotten in a crash.
    pub(crate) async fn open(accounts: &'a Accounts) -> Result<Self> {
        Self::with_ledger(accounts, accounts.journals().shared_ledger().await?).await
    }

    /// Opens the ledger to read it only. One that does not exist yet is empty, and is not created.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    pub(crate) async fn open_existing(accounts: &'a Accounts) -> Result<Self> {
        Self::with_ledger(accounts, accounts.journals().existing_ledger().await?).await
    }

    async fn with_ledger(accounts: &'a Accounts, ledger: Option<Arc<dyn Ledger>>) -> Result<Self> {
        let ledger = ledger.ok_or_else(|| {
            let error = turned_off();
            let advice = error.advice().unwrap_or_default().to_owned();
            error
                .with_message_prefix("a rotation needs the ledger")
                .with_advice(format!(
                    "{advice}, or rotate in place without --to; simulated accounts have none: \
                     configure those of `{}`",
                    command_line("simulate all")
                ))
        })?;
        let tasks: Arc<dyn Ledger> = Arc::clone(&ledger);
        Ok(Self {
            accounts,
            sinks: Sinks::read(accounts.configuration())?,
            store: Arc::new(LedgerRotationStore::open(tasks).await?),
            ledger,
            of_policies: OnceLock::new(),
        })
    }

    /// Returns the account of that name with its place, if a policy has it and it can be opened. It
    /// need not be selected.
    pub(super) fn account_of_policy(&self, policies: &Policies, name: &str) -> Option<&Account> {
        let of_policies = self.of_policies.get_or_init(|| {
            let names = policies.iter().map(|policy| &policy.config.account);
            let opened = names.filter_map(|name| self.accounts.open_any(name).ok());
            let opened = opened.map(|provider| provider.account().clone());
            let named = opened.map(|account| (account.name().to_owned(), account));
            named.collect()
        });
        of_policies.get(name)
    }

    /// Opens the sink of a place, which replaces what somebody else wrote if `adopts`, or if the
    /// configuration says so.
    pub(crate) async fn open_sink(&self, place: &str, adopts: bool) -> Result<Arc<dyn SecretSink>> {
        let adopts = adopts.then_some(true);
        let transport = self.accounts.transport();
        self.sinks.open(place, adopts, transport).await
    }

    pub(crate) fn ledger(&self) -> Arc<dyn Ledger> {
        Arc::clone(&self.ledger)
    }

    /// Returns the tasks of the ledger, whatever their kind.
    pub(crate) fn tasks(&self) -> Arc<dyn Tasks> {
        Arc::<dyn Ledger>::clone(&self.ledger)
    }

    /// Returns the time by the clock of the ledger.
    pub(crate) async fn now(&self) -> Result<Timestamp> {
        Ok(self.ledger.due_queues().await?.at)
    }

    /// Returns the rotations of the selected accounts that are due in a queue, the one that has
    /// been due for longest first.
    pub(crate) async fn due_in(&self, queue: &str) -> Result<Vec<StoredRotation>> {
        let mut due = Vec::new();
        for id in self.ledger.due_tasks(queue).await? {
            // One that cannot be read is reported by whoever lists all.
            if let Ok(Some(stored)) = self.store.rotation(id).await {
                due.push(stored);
            }
        }
        due.retain(|stored| self.is_selected(stored));
        Ok(due)
    }

    /// Returns the error about a rotation whose policy is not in the configuration any more: it
    /// waits for a person.
    pub(crate) fn lost_policy(&self, record: &RotationRecord) -> Option<Error> {
        // A mistake in the policies is reported where the rotation is opened.
        let policies = Policies::read(self.accounts.configuration(), &self.sinks).ok()?;
        let error = allowed::lost_policy(&policies, record)?;
        Some(error.with_account(&record.account))
    }

    /// Opens the sinks of a rotation that is in the ledger, whoever wrote it.
    ///
    /// # Errors
    ///
    /// The configuration does not name them, or one of them cannot be opened.
    pub(crate) async fn open_sinks(
        &self,
        record: &RotationRecord,
    ) -> Result<Vec<Arc<dyn SecretSink>>> {
        let open = async || {
            allowed::check(self.accounts, &self.sinks, record)?;
            allowed::check_locations(&self.sinks, record)?;
            self.open_own_sinks(record).await
        };
        open()
            .await
            .map_err(|error| error.with_account(&record.account))
    }

    async fn open_own_sinks(&self, record: &RotationRecord) -> Result<Vec<Arc<dyn SecretSink>>> {
        let mut sinks = Vec::new();
        for (place, planned) in record.sinks.iter().zip(&record.plan.sinks) {
            sinks.push(self.open_sink(place, planned.adopt).await?);
        }
        Ok(sinks)
    }

    /// Returns the id of the ledger, as it is in stamps.
    pub(crate) fn ledger_id(&self) -> &str {
        self.store.ledger()
    }

    /// Returns the open rotations of the selected accounts, the oldest first.
    pub(crate) async fn open_ones(&self) -> Result<Vec<StoredRotation>> {
        let mut all = self.store.open_rotations().await?.rotations;
        all.retain(|stored| self.is_selected(stored));
        Ok(all)
    }

    fn is_selected(&self, stored: &StoredRotation) -> bool {
        let name = stored.record.account.name();
        self.accounts.each().any(|account| account.name() == name)
    }

    /// Returns the errors of the open rotations that cannot be read, of whatever account.
    pub(crate) async fn unreadable(&self) -> Result<Vec<Error>> {
        let unreadable = self.store.open_rotations().await?.unreadable.into_iter();
        Ok(unreadable.map(|open| open.error).collect())
    }

    /// Returns the rotations of an account, open or closed, that cannot be read.
    ///
    /// # Errors
    ///
    /// Those of [`UnreadableRotations::of_account`].
    pub(crate) async fn unreadable_of(&self, account: &Account) -> Result<UnreadableRotations> {
        // In this order: one that is closed between the two is in both.
        let open = self.store.open_rotations().await?.unreadable;
        let over = self.store.closed_rotations().await?.unreadable;
        let configuration = self.accounts.configuration();
        let queue = configuration.account(account.name())?.queue();
        UnreadableRotations::of_account(account, queue, open.iter().chain(&over))
    }

    /// Returns a rotation, open or closed.
    pub(crate) async fn find(&self, id: OperationId) -> Result<StoredRotation> {
        let found = self.store.rotation(id).await?;
        found.ok_or_else(|| {
            let message = format!("the ledger has no rotation {id}");
            Error::new(ErrorKind::NotFound, Fate::NotSent, message)
        })
    }

    /// Opens a rotation in the queue of its account, or returns another one of the same token that
    /// is open or was opened since `previous`, the last one that its planner has read.
    ///
    /// # Errors
    ///
    /// [`Conflict`](ErrorKind::Conflict) if an open rotation of another token writes one of its
    /// places.
    pub(crate) async fn begin(
        &self,
        record: &RotationRecord,
        previous: Option<OperationId>,
    ) -> Result<Begun> {
        let open = self.store.open_rotations().await?.rotations;
        let places = OpenPlaces::new(&self.sinks, &open);
        if let Some(error) = places.conflict(&self.sinks, record) {
            return Err(error);
        }
        let configuration = self.accounts.configuration();
        let queue = configuration.account(record.account.name())?.queue();
        let (id, is_new) = match (self.store.open_rotation(record, queue, previous)).await? {
            None => (record.rotation.id, true),
            Some(open) => (open, false),
        };
        let stored = self.find(id).await?;
        Ok(Begun { stored, is_new })
    }

    /// Opens the account and the sinks of a rotation that is in the ledger, whoever wrote it.
    ///
    /// # Errors
    ///
    /// The configuration has another account of this name by now or does not name the sinks, the
    /// account is read-only, or a sink cannot be opened.
    pub(crate) async fn prepare(&self, stored: StoredRotation) -> Result<Prepared> {
        let sinks = self.open_sinks(&stored.record).await?;
        self.prepare_with(stored, sinks)
    }

    /// Opens the account and the sinks of a rotation that this process has begun.
    ///
    /// # Errors
    ///
    /// As those of [`prepare`](Self::prepare), except that its places are those that were asked
    /// for.
    pub(crate) async fn prepare_own(&self, stored: StoredRotation) -> Result<Prepared> {
        let sinks = self.open_own_sinks(&stored.record).await;
        let sinks = sinks.map_err(|error| error.with_account(&stored.record.account))?;
        self.prepare_with(stored, sinks)
    }

    fn prepare_with(
        &self,
        stored: StoredRotation,
        sinks: Vec<Arc<dyn SecretSink>>,
    ) -> Result<Prepared> {
        let StoredRotation { task, record, .. } = stored;
        let account = &record.account;
        let journal = OperationJournal::new(self.accounts.shared_journals(), &record);
        let reason = record.reason.as_deref();
        let configured = self.accounts.configuration().account(account.name())?;
        let provider = self
            .accounts
            .open_recorded(configured, Arc::new(journal), reason)?;
        check_place(&*provider, account)?;
        check_writable(&*provider)?;
        if let (Some(token), Some(name)) = (&record.rotation.subject, &record.token_name) {
            self.accounts
                .remember_name(account, token, &Fact::Known(name.clone()));
        }
        Ok(Prepared {
            id: task.id,
            queue: task.queue,
            record,
            provider,
            sinks,
            store: Arc::clone(&self.store),
            ledger: Arc::clone(&self.ledger),
            journals: self.accounts.shared_journals(),
            retries_now: false,
        })
    }
}

/// A rotation that was opened now or before, and may be closed by now.
pub(crate) struct Begun {
    pub(crate) stored: StoredRotation,
    /// `true` if it was opened now.
    pub(crate) is_new: bool,
}

/// Rejects an account that is read-only: nothing is rotated there.
pub(crate) fn check_writable(provider: &dyn TokenProvider) -> Result<()> {
    match &provider.capabilities().read_only {
        None => Ok(()),
        Some(setting) => Err(Error::configuration("the account is read-only")
            .with_account(provider.account())
            .with_advice(format!("to carry its rotations on, remove {setting}"))),
    }
}

/// Rejects an account that reaches another place than the one in which something was begun.
pub(crate) fn check_place(provider: &dyn TokenProvider, begun: &Account) -> Result<()> {
    let now = provider.account();
    if now == begun {
        return Ok(());
    }
    let place = |account: &Account| match account.place() {
        Some(place) => format!("{place:?} of {}", account.provider()),
        None => format!("an unnamed place of {}", account.provider()),
    };
    let message = format!(
        "the operation was begun in another place: {}, and this account reaches {}",
        place(begun),
        place(now)
    );
    Err(Error::invalid_input(message)
        .with_account(now)
        .with_advice("resume it with the configuration that it was begun with"))
}
