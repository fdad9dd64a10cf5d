//! The journals of the program: the audit log, for people, and the ledger, which operations are
//! resumed from.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokenfleet::journal::{Intent, Journal, Outcome, Resolution};
use tokenfleet::{Account, Error, Fate, IssuedToken, Operation, Result, TokenId};
use tokenfleet_ledger::{Ledger, MemoryLedger};
use tokio::sync::OnceCell;

use crate::audit::AuditLog;
use crate::ledger::Place;
use crate::output::print_warning;
use crate::running::{self, Mark};

/// Records each write in the ledger and in the audit log.
///
/// A secret that was issued is not yet where it should be. Until [`delivered`](Self::delivered) is
/// called, the ledger says that the token is active and that nobody has its secret.
#[derive(Debug)]
pub(crate) struct Journals {
    audit: Option<Arc<AuditLog>>,
    /// The place of the ledger, unless it is turned off.
    place: Result<Option<Place>>,
    ledger: OnceCell<Arc<dyn Ledger>>,
    /// The names of tokens that were read before they are changed, by account and id.
    names: Mutex<HashMap<(String, TokenId), String>>,
    /// The outcomes of the writes whose secrets are not delivered yet.
    undelivered: Mutex<Vec<(Intent, Outcome)>>,
    /// The mark of this process, once it has changed something.
    mark: OnceCell<Option<Mark>>,
    /// `true` once the ledger could not record an outcome.
    is_incomplete: AtomicBool,
}

impl Journals {
    /// Creates the journals. Nothing is opened yet.
    pub(crate) fn new(audit: Option<Arc<AuditLog>>, place: Result<Option<Place>>) -> Self {
        Self {
            audit,
            place,
            ledger: OnceCell::new(),
            names: Mutex::default(),
            undelivered: Mutex::default(),
            mark: OnceCell::new(),
            is_incomplete: AtomicBool::new(false),
        }
    }

    /// Remembers the name of a token, to record it with what is done to the token.
    pub(crate) fn remember_name(&self, account: &Account, id: &TokenId, name: &str) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.insert((account.name().to_owned(), id.clone()), name.to_owned());
    }

    /// Returns an intent with the name of its token, if that was read before.
    fn named(&self, intent: &Intent) -> Intent {
        let mut intent = intent.clone();
        if let (None, Some(id)) = (&intent.name, &intent.token) {
            let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            let key = (intent.account.name().to_owned(), id.clone());
            intent.name = names.get(&key).cloned();
        }
        intent
    }

    /// Returns the ledger, which is created if it does not exist, or `None` if it is turned off.
    pub(crate) async fn ledger(&self) -> Result<Option<&dyn Ledger>> {
        let ledger = self.opened_ledger().await?;
        Ok(ledger.map(|ledger| &**ledger))
    }

    /// Returns the ledger like [`ledger`](Self::ledger), to be kept.
    pub(crate) async fn shared_ledger(&self) -> Result<Option<Arc<dyn Ledger>>> {
        self.opened_ledger().await.map(|ledger| ledger.cloned())
    }

    /// Returns the ledger to be read, or `None` if it is turned off. One that does not exist yet is
    /// empty, and is not created.
    pub(crate) async fn existing_ledger(&self) -> Result<Option<Arc<dyn Ledger>>> {
        match &self.place {
            Ok(Some(place)) if !place.exists() => Ok(Some(Arc::new(MemoryLedger::new()))),
            _ => self.shared_ledger().await,
        }
    }

    async fn opened_ledger(&self) -> Result<Option<&Arc<dyn Ledger>>> {
        let Some(place) = self.place.as_ref().map_err(Error::clone)? else {
            return Ok(None);
        };
        self.ledger.get_or_try_init(|| place.open()).await.map(Some)
    }

    /// Returns the ledger if it is open.
    fn open_ledger(&self) -> Option<&dyn Ledger> {
        self.ledger.get().map(|ledger| &**ledger)
    }

    /// Returns `true` if an outcome could not be recorded.
    pub(crate) fn is_incomplete(&self) -> bool {
        let mut audit = self.audit.iter();
        let is_lost = audit.any(|audit| audit.is_incomplete());
        is_lost || self.is_incomplete.load(Ordering::SeqCst)
    }

    /// Records that somebody has the secret of an issued token.
    pub(crate) async fn delivered(&self, account: &Account, token: &TokenId) {
        let delivered = self.take_undelivered(account, token);
        if let Some(ledger) = self.open_ledger() {
            for (intent, outcome) in delivered {
                ledger.record_outcome(&intent, &outcome).await;
            }
        }
        self.report();
    }

    /// Records that a token was revoked because its secret could not be delivered.
    pub(crate) async fn taken_back(&self, account: &Account, issued: &IssuedToken) {
        let id = &issued.token.id;
        let resolution = Resolution::TakenBack(vec![id.clone()]);
        for (intent, _) in self.take_undelivered(account, id) {
            self.record_resolution(&intent.id, &resolution).await;
        }
    }

    /// Returns `true` if a process of this machine is at work on the run.
    pub(crate) fn is_running(&self, run: &str) -> bool {
        let place = self.place.as_ref().ok().and_then(Option::as_ref);
        let directory = place.and_then(Place::marks);
        directory.is_some_and(|directory| running::is_running(&directory, run))
    }

    /// Sets the mark of this process, unless it is set.
    async fn set_mark(&self, run: &str) -> Result<()> {
        let Ok(Some(place)) = &self.place else {
            return Ok(());
        };
        let set = || async {
            let Some(directory) = place.marks() else {
                return Ok(None);
            };
            match Mark::set(&directory, run) {
                Ok(mark) => Ok(mark),
                Err(error) => place.without_mark(&directory, error).map(|()| None),
            }
        };
        self.mark.get_or_try_init(set).await.map(drop)
    }

    /// Takes the writes that issued this token and are not delivered.
    fn take_undelivered(&self, account: &Account, token: &TokenId) -> Vec<(Intent, Outcome)> {
        let mut undelivered = self.undelivered();
        let all = std::mem::take(&mut *undelivered).into_iter();
        let (taken, rest) = all.partition(|(intent, outcome)| {
            intent.account == *account && issued(intent, outcome) == Some(token)
        });
        *undelivered = rest;
        taken
    }

    fn undelivered(&self) -> MutexGuard<'_, Vec<(Intent, Outcome)>> {
        self.undelivered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows what the ledger could not record.
    fn report(&self) {
        for report in self
            .open_ledger()
            .into_iter()
            .flat_map(Ledger::take_reports)
        {
            self.is_incomplete.store(true, Ordering::SeqCst);
            print_warning(&report);
        }
    }
}

/// Returns the token that a write issued, whose secret is not delivered yet.
fn issued<'a>(intent: &Intent, outcome: &'a Outcome) -> Option<&'a TokenId> {
    let effect = outcome.result.as_ref().ok()?;
    match intent.operation {
        Operation::Create | Operation::Rotate | Operation::Renew => effect.token.as_ref(),
        // A revocation may issue another token.
        _ => effect.replacement.as_ref(),
    }
}

#[async_trait]
impl Journal for Journals {
    async fn record_intent(&self, intent: &Intent) -> Result<()> {
        let named = self.named(intent);
        let ledger = self.ledger().await?;
        if let Some(ledger) = ledger {
            self.set_mark(&intent.run).await?;
            // The name in the intent of an update is the one to give.
            let kept = match intent.operation {
                Operation::Revoke => &named,
                _ => intent,
            };
            ledger.record_intent(kept).await?;
        }
        let Some(audit) = &self.audit else {
            return Ok(());
        };
        let recorded = audit.record_intent(&named).await;
        if let (Err(error), Some(ledger)) = (&recorded, ledger) {
            // It is not sent.
            let error = error.clone().with_fate(Fate::NotSent);
            let outcome = Outcome::new(intent, Err(error));
            ledger.record_outcome(intent, &outcome).await;
        }
        recorded
    }

    /// Hands the outcome to each journal before it waits for any.
    async fn record_outcome(&self, intent: &Intent, outcome: &Outcome) {
        if let Some(audit) = &self.audit {
            // It never waits.
            audit.record_outcome(intent, outcome).await;
        }
        let Some(ledger) = self.open_ledger() else {
            return;
        };
        match issued(intent, outcome) {
            Some(token) => {
                let resolution = Resolution::Applied(vec![token.clone()]);
                self.undelivered().push((intent.clone(), outcome.clone()));
                ledger.record_resolution(&intent.id, &resolution).await;
            }
            None => ledger.record_outcome(intent, outcome).await,
        }
        self.report();
    }

    async fn record_resolution(&self, intent: &str, resolution: &Resolution) {
        if let Some(audit) = &self.audit {
            audit.record_resolution(intent, resolution).await;
        }
        if let Some(ledger) = self.open_ledger() {
            ledger.record_resolution(intent, resolution).await;
            self.report();
        }
    }
}
