//! The rotations in a ledger.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{Error, ErrorKind, Fate, Result, Timestamp};
use tokenfleet_ledger::{NewTask, Task, TaskClaim, Tasks};

use super::fence::CLAIM;
use super::record::RotationRecord;
use super::store::{Claim, RotationStore};
use super::stored::{StoredRotation, StoredRotations, UnreadableRotation};
use crate::machine::{Change, Parked, RotationState};
use crate::waits::scaled;

/// The number of times that a rotation is opened anew because others were opened meanwhile.
const MAX_TRIES: u32 = 32;

/// The rotations in a ledger: each is a task, and the tasks of one queue are carried on by one
/// worker at a time.
///
/// A record that this version does not understand is an error, and nothing is done with it.
///
/// ```
/// use std::sync::Arc;
///
/// use tokenfleet_core::capability::{CreateCapability, ListCapability, RevokeCapability};
/// use tokenfleet_core::journal::OperationId;
/// use tokenfleet_core::{
///     Account, Capabilities, CreateToken, RevocationEffect, Timestamp, Token, TokenId, TokenState,
/// };
/// use tokenfleet_ledger::MemoryLedger;
/// use tokenfleet_rotation::machine::{PlannedSink, Preference, Rotation, RotationPlan, Strategy};
/// use tokenfleet_rotation::runner::{LedgerRotationStore, RotationRecord};
/// use tokenfleet_rotation::sink::Readable;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = LedgerRotationStore::open(Arc::new(MemoryLedger::new())).await?;
///
/// let capabilities = Capabilities::none()
///     .with_list(ListCapability::unpaged())
///     .with_create(CreateCapability::new().with_required_name())
///     .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted));
/// let strategy = Strategy::for_capabilities(&capabilities, Preference::Overlap)?;
/// let plan = RotationPlan::new(strategy, [PlannedSink::new(Readable::Secret)])?;
/// let token = Token::new(TokenId::new("65f0"), TokenState::Active);
/// let rotation = Rotation::of_token(OperationId::random(), &token, Timestamp::now());
/// let account = Account::new("losant", "iot");
/// let sinks = ["file:/run/secrets/ci"];
/// let record = RotationRecord::new(account, sinks, plan, CreateToken::new("ci"), rotation);
///
/// assert_eq!(store.open_rotation(&record, "iot", None).await?, None);
/// // There is one at a time of each token.
/// let open = store.open_rotation(&record, "iot", None).await?;
/// assert_eq!(open, Some(record.rotation.id));
/// # Ok::<(), tokenfleet_core::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct LedgerRotationStore {
    tasks: Arc<dyn Tasks>,
    ledger: String,
}

impl LedgerRotationStore {
    /// The kind of the tasks that are rotations.
    pub const KIND: &str = "rotation";

    /// Opens the rotations of a ledger.
    ///
    /// # Errors
    ///
    /// Fails if the id of the ledger cannot be read.
    pub async fn open(ledger: Arc<dyn Tasks>) -> Result<Self> {
        Ok(Self {
            ledger: ledger.ledger_id().await?,
            tasks: ledger,
        })
    }

    /// Opens a rotation, which is due at once. Returns the id of another one of the same
    /// [subject](RotationRecord::subject), and writes nothing, if one is open or was opened since
    /// the rotation was planned: its token may have been rotated and be dead by now. Rotations of
    /// one `queue`, which is usually the name of the account, are carried on one at a time.
    ///
    /// `previous` is the [last](StoredRotations::last_of) closed rotation of the subject that its
    /// planner has read before it looked at the token, `None` if there was none.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the sinks are not those of the plan,
    /// [`Conflict`](ErrorKind::Conflict) if an open rotation of another token writes one of them,
    /// or one that cannot be read may, because it is of the same queue or its record names one of
    /// them; also if that other one is opened at the same time; and if another account of the same
    /// [place](tokenfleet_core::Account::place) is rotating the token. Fails if the ledger cannot
    /// be written.
    pub async fn open_rotation(
        &self,
        record: &RotationRecord,
        queue: &str,
        previous: Option<OperationId>,
    ) -> Result<Option<OperationId>> {
        if record.sinks.len() != record.plan.sinks.len() {
            return Err(Error::configuration(format!(
                "the rotation names {} sinks, and its plan {}",
                record.sinks.len(),
                record.plan.sinks.len()
            )));
        }
        let (id, subject) = (record.rotation.id, record.subject());
        // By the clock of the ledger: that of this machine may be ahead of it.
        let now = self.tasks.due_queues().await?.at;
        let task = NewTask::new(id, Self::KIND, queue, &subject, record.to_json()?).with_due(now);
        let mut tries = 0;
        loop {
            let open = self.open_tasks().await?;
            if let Some(same) = open.iter().find(|task| task.subject == subject) {
                return Ok(Some(same.id));
            }
            let latest = open.last().map(|task| task.id);
            check_places(record, queue, &open.into_iter().collect())?;
            // Another one that was opened meanwhile may write the same sink.
            match (self.tasks.open_task_after(&task, latest, previous)).await {
                Err(error) if error.kind() == ErrorKind::Conflict && tries < MAX_TRIES => {
                    let last = self.closed_rotations().await?.last_of(&subject);
                    if last.is_some() && last != previous {
                        return Ok(last);
                    }
                    tries += 1;
                }
                opened => return Ok(opened?.map(|open| open.id)),
            }
        }
    }

    /// Returns a rotation, open or closed.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read, or this version does not understand the record.
    pub async fn rotation(&self, id: OperationId) -> Result<Option<StoredRotation>> {
        let task = self.tasks.task(id).await?;
        let task = task.filter(|task| task.kind == Self::KIND);
        task.map(StoredRotation::read).transpose()
    }

    /// Returns the open rotations, the oldest first.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    pub async fn open_rotations(&self) -> Result<StoredRotations> {
        Ok(self.open_tasks().await?.into_iter().collect())
    }

    /// Returns the tasks that are open rotations, in the order in which they were opened.
    async fn open_tasks(&self) -> Result<Vec<Task>> {
        self.tasks.open_tasks_of(Self::KIND).await
    }

    /// Returns the rotations that are done or were abandoned, the oldest first.
    ///
    /// # Errors
    ///
    /// Fails if the ledger cannot be read.
    pub async fn closed_rotations(&self) -> Result<StoredRotations> {
        let tasks = self.tasks.closed_tasks(Self::KIND).await?;
        Ok(tasks.into_iter().collect())
    }

    /// Lets a rotation go on that waits for a person, and makes it due now. Returns `false`, and
    /// changes nothing, if somebody is at work on its queue.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is no such rotation,
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is closed. Fails if the ledger cannot be
    /// written, or this version does not understand the record.
    pub async fn resume(&self, id: OperationId) -> Result<bool> {
        let Some(claim) = self.take(id).await? else {
            return Ok(false);
        };
        let is_resumed = match claim.rotation.parked {
            Some(_) => self.record(id, claim.epoch, &Change::Resumed).await?,
            None => true,
        };
        let now = claim.claimed_at.unwrap_or_else(Timestamp::now);
        self.tasks.release_claim(id, claim.epoch, Some(now)).await?;
        Ok(is_resumed)
    }

    /// Does the same for a rotation that is [ahead of the ledger](Parked::SinkAhead) because the
    /// ledger was restored from a backup: raises its epoch to that of the sink first. Whoever calls
    /// it has made sure that nobody uses the ledger that wrote the sink.
    ///
    /// # Errors
    ///
    /// As those of [`resume`](Self::resume), and [`InvalidInput`](ErrorKind::InvalidInput) if the
    /// rotation does not wait for that reason.
    pub async fn resume_after_restore(&self, id: OperationId) -> Result<bool> {
        self.check_open(id).await?;
        let stored = self.rotation(id).await?;
        let Some(Parked::SinkAhead { epoch, .. }) =
            stored.and_then(|stored| stored.record.rotation.parked)
        else {
            return Err(Error::invalid_input(format!(
                "no sink of the rotation {id} is ahead of the ledger"
            )));
        };
        self.tasks.raise_epoch(epoch).await?;
        self.resume(id).await
    }

    /// Lets a rotation replace what somebody else has put into its sinks, from now on. It
    /// [goes on](Self::resume) then only if it does not wait for a person. Returns `false`, and
    /// changes nothing, if somebody is at work on its queue.
    ///
    /// The plan says so afterwards, and the sinks that a runner is given must declare it as well.
    ///
    /// # Errors
    ///
    /// As those of [`resume`](Self::resume).
    pub async fn adopt(&self, id: OperationId) -> Result<bool> {
        self.check_open(id).await?;
        let Some(claim) = self.tasks.claim_task(id, scaled(CLAIM)).await? else {
            return Ok(false);
        };
        let (epoch, due) = (claim.epoch, claim.task.due);
        let adopted = self.record_adoption(claim).await;
        self.tasks.release_claim(id, epoch, due).await?;
        adopted
    }

    async fn record_adoption(&self, claim: TaskClaim) -> Result<bool> {
        let (id, epoch) = (claim.task.id, claim.epoch);
        let mut record = StoredRotation::read(claim.task)?.record;
        for sink in &mut record.plan.sinks {
            sink.adopt = true;
        }
        let state = record.to_json()?;
        self.tasks.record_task(id, epoch, &state, false).await
    }

    /// Gives a rotation up. Nothing more is created, delivered or revoked, and the sinks keep what
    /// they hold: whether that is the old secret or one of this rotation is not known without
    /// reading them, so no token is revoked. What is left to be seen to by hand is
    /// [`left_behind`](crate::machine::Rotation::left_behind). Returns `false`, and changes
    /// nothing, if somebody is at work on its queue.
    ///
    /// A rotation whose record cannot be read is given up too, because there is no other way out.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is no such rotation,
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is closed. Fails if the ledger cannot be
    /// written.
    pub async fn abandon(&self, id: OperationId) -> Result<bool> {
        self.check_open(id).await?;
        let Some(claim) = self.tasks.claim_task(id, scaled(CLAIM)).await? else {
            return Ok(false);
        };
        let (tasks, epoch) = (&self.tasks, claim.epoch);
        let is_closed = tasks
            .record_task(id, epoch, &claim.task.state, true)
            .await?;
        tasks.release_claim(id, epoch, None).await?;
        Ok(is_closed)
    }

    /// Claims a rotation for a person; `None` if somebody is at work.
    async fn take(&self, id: OperationId) -> Result<Option<Claim>> {
        self.check_open(id).await?;
        self.claim(id).await
    }

    async fn check_open(&self, id: OperationId) -> Result<()> {
        let task = self.tasks.task(id).await?;
        match task.filter(|task| task.kind == Self::KIND) {
            None => Err(Error::new(
                ErrorKind::NotFound,
                Fate::NotSent,
                format!("the ledger has no rotation {id}"),
            )),
            Some(task) if !task.is_open() => {
                Err(Error::invalid_input(format!("the rotation {id} is closed")))
            }
            Some(_) => Ok(()),
        }
    }
}

/// Rejects a rotation that writes a sink of another one that is open, or may, or of which the token
/// is rotated under the name of another account.
fn check_places(record: &RotationRecord, queue: &str, open: &StoredRotations) -> Result<()> {
    for other in &open.rotations {
        if is_of_same_token(record, &other.record) {
            return Err(rotated_elsewhere(record, other));
        }
        if let Some(place) = record.shared_place(&other.record) {
            return Err(conflict(other, place));
        }
    }
    for other in &open.unreadable {
        if other.task.queue == queue {
            let why = "of the same queue cannot be read, and may write the same sink";
            return Err(unreadable(other, why));
        }
        if let Some(place) = other.named_place(record) {
            let why = format!("cannot be read, and names the sink {place}");
            return Err(unreadable(other, &why));
        }
    }
    Ok(())
}

/// Returns the time of a claim by the clock of the ledger.
fn claimed_at(claim: &TaskClaim) -> Option<Timestamp> {
    let until = claim.task.claimed_until?;
    until.checked_sub(scaled(CLAIM))
}

/// Returns `true` for two rotations of one token: the ids of a place are those of one collection,
/// whichever account lists it.
fn is_of_same_token(one: &RotationRecord, other: &RotationRecord) -> bool {
    let place = |record: &RotationRecord| {
        let place = record.account.place()?.to_owned();
        Some((record.account.provider().to_owned(), place))
    };
    let subject = |record: &RotationRecord| record.rotation.subject.clone();
    place(one).is_some()
        && place(one) == place(other)
        && subject(one).is_some()
        && subject(one) == subject(other)
}

fn rotated_elsewhere(record: &RotationRecord, open: &StoredRotation) -> Error {
    let (own, other) = (record.account.name(), open.record.account.name());
    let message = format!(
        "the account {other} is rotating the token by the operation {}, and {own} has the same \
         tokens",
        open.task.id
    );
    Error::new(ErrorKind::Conflict, Fate::NotSent, message)
        .with_advice("let one of the two accounts rotate it")
}

/// Creates the error about an open rotation that cannot be read.
fn unreadable(open: &UnreadableRotation, why: &str) -> Error {
    let message = format!("the open rotation {} {why}", open.task.id);
    Error::new(ErrorKind::Conflict, Fate::NotSent, message).with_advice(open.error.to_string())
}

fn conflict(open: &StoredRotation, place: &str) -> Error {
    let message = format!(
        "the open rotation {} writes the sink {place}, too",
        open.task.id
    );
    Error::new(ErrorKind::Conflict, Fate::NotSent, message).with_advice(
        "two tokens cannot be in one place: use `{name}` in the sink, or wait until the other \
         rotation is done",
    )
}

#[async_trait]
impl RotationStore for LedgerRotationStore {
    fn ledger(&self) -> &str {
        &self.ledger
    }

    async fn claim(&self, rotation: OperationId) -> Result<Option<Claim>> {
        // What this version does not understand is not even claimed.
        if self.rotation(rotation).await?.is_none() {
            return Ok(None);
        }
        let Some(claim) = self.tasks.claim_task(rotation, scaled(CLAIM)).await? else {
            return Ok(None);
        };
        let (epoch, due) = (claim.epoch, claim.task.due);
        let claimed_at = claimed_at(&claim);
        match StoredRotation::read(claim.task) {
            Ok(stored) => {
                let claim = Claim::new(stored.record.rotation, epoch);
                Ok(Some(match claimed_at {
                    Some(claimed_at) => claim.with_claimed_at(claimed_at),
                    None => claim,
                }))
            }
            Err(error) => {
                self.tasks.release_claim(rotation, epoch, due).await?;
                Err(error)
            }
        }
    }

    async fn extend(&self, rotation: OperationId, epoch: u64, by: Duration) -> Result<bool> {
        self.tasks.extend_claim(rotation, epoch, by).await
    }

    async fn release(
        &self,
        rotation: OperationId,
        epoch: u64,
        due: Option<Timestamp>,
    ) -> Result<()> {
        self.tasks.release_claim(rotation, epoch, due).await
    }

    /// Reads the record and writes it changed. Only the worker of the current epoch can write, so
    /// nobody can have changed it in between.
    async fn record(&self, rotation: OperationId, epoch: u64, change: &Change) -> Result<bool> {
        let Some(StoredRotation { mut record, .. }) = self.rotation(rotation).await? else {
            return Ok(false);
        };
        record.rotation.apply(change);
        let is_done = record.rotation.state == RotationState::Done;
        let state = record.to_json()?;
        self.tasks
            .record_task(rotation, epoch, &state, is_done)
            .await
    }

    async fn is_open(&self, operation: &str) -> Result<bool> {
        let Ok(id) = operation.parse() else {
            return Ok(false);
        };
        Ok(self
            .tasks
            .task(id)
            .await?
            .is_some_and(|task| task.is_open()))
    }
}
