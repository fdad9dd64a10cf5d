//! The runner: it carries the steps of a [machine](crate::machine) out.
//!
//! [`advance`](Runner::advance) may be called by anybody, at any time, twice at once, and its
//! future may be dropped at any point. It claims the rotation, does what can be done now, and says
//! when to come again.

mod carry_out;
mod clock;
mod fence;
#[cfg(feature = "ledger")]
mod ledger_store;
mod memory_store;
mod record;
mod secrets;
mod store;
#[cfg(feature = "ledger")]
mod stored;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{CreateToken, Error, Result, Timestamp, TokenProvider};

pub use clock::Clock;
#[cfg(feature = "ledger")]
pub use ledger_store::LedgerRotationStore;
pub use memory_store::MemoryRotationStore;
pub use record::RotationRecord;
pub use store::{Claim, RotationStore};
#[cfg(feature = "ledger")]
pub use stored::{StoredRotation, StoredRotations, UnreadableRotation};

use crate::machine::{
    Answer, Change, Machine, Parked, PlannedSink, RotationPlan, Step, WaitReason,
};
use crate::sink::{LONGEST_CALL, SecretSink, Version};
use crate::waits::scaled;
use clock::StoreClock;
use fence::{CLAIM, HEARTBEAT, MARGIN};
use secrets::Secrets;

/// The rotation that a runner carries out: with what, and for which token.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RotationJob {
    /// The id of the rotation.
    pub id: OperationId,
    /// The parameters.
    pub plan: RotationPlan,
    /// The request for a successor, without a marker.
    pub request: CreateToken,
}

impl RotationJob {
    /// Creates the job of a rotation that was opened before.
    #[must_use]
    pub fn new(id: OperationId, plan: RotationPlan, request: CreateToken) -> Self {
        Self { id, plan, request }
    }
}

/// The state in which a runner left a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advanced {
    /// Nothing is left to do.
    Done,
    /// There is nothing to do until this time.
    Waiting {
        /// The time.
        until: Timestamp,
        /// The reason, to be shown.
        reason: WaitReason,
    },
    /// A person is needed.
    Parked(Parked),
    /// Another worker carries it out, nobody has opened it, or the store has closed it.
    NotOurs,
}

/// The number of times that a rotation is claimed in a row, because the answer came too late.
const MAX_CLAIMS: u32 = 3;

/// The time for which a store that fails is asked again by the worker that has the only secret that
/// works.
const STORE_OUTAGE: Duration = Duration::from_secs(15 * 60);

/// Carries rotations out, on one account.
pub struct Runner<'a> {
    provider: &'a dyn TokenProvider,
    sinks: &'a [Arc<dyn SecretSink>],
    store: &'a dyn RotationStore,
    clock: &'a dyn Clock,
    longest_call: Duration,
    patience: Duration,
    retries_now: bool,
}

impl<'a> Runner<'a> {
    /// Creates a runner. The sinks are in the order of the plan.
    #[must_use]
    pub fn new(
        provider: &'a dyn TokenProvider,
        sinks: &'a [Arc<dyn SecretSink>],
        store: &'a dyn RotationStore,
        clock: &'a dyn Clock,
    ) -> Self {
        Self {
            provider,
            sinks,
            store,
            clock,
            longest_call: LONGEST_CALL,
            patience: Duration::ZERO,
            retries_now: false,
        }
    }

    /// Sets the longest time that a call of the provider may take, all its requests and their
    /// repetitions together; five minutes if it is not set. One that takes longer is given up, as
    /// one whose answer is lost; a listing may take any time. Each sink
    /// [declares](SecretSink::longest_call) its own.
    #[must_use]
    pub fn with_longest_call(mut self, longest_call: Duration) -> Self {
        self.longest_call = longest_call;
        self
    }

    /// Waits for up to this long instead of returning, and so keeps a secret that could not be
    /// delivered yet in memory. One whose predecessor is dead is kept as long as the claim lasts,
    /// and a platform that does not accept a new secret yet is asked again for some seconds in any
    /// case.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Makes the next attempt at once, even if another worker has just made one that failed: a
    /// person says that it will succeed now.
    #[must_use]
    pub fn with_retry_now(mut self) -> Self {
        self.retries_now = true;
        self
    }

    /// Does what can be done now.
    ///
    /// The claim lasts for 25 seconds, and is extended every five while a call or a wait is under
    /// way, so a worker that is killed keeps others away for no longer, except in the write of a
    /// sink without [compare-and-swap](crate::sink::SinkCapabilities::compare_and_swap). A
    /// call goes on only while the claim lasts, by a [clock](Clock::elapsed) that runs on while the
    /// machine sleeps: a process that was stopped for longer sends nothing more when it comes back,
    /// but for a request that was under way.
    ///
    /// All times are those of the store's clock, if it [tells](Claim::claimed_at) one: workers
    /// whose clocks differ agree about when an overlap is over.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration), before anything is claimed, if
    /// the sinks are not those of the plan; errors of the store; and an error of
    /// [unknown fate](tokenfleet_core::Fate::MaybeApplied) if the claim ran out during a call: the
    /// next worker decides. What the platform and the sinks answer is never an error: it decides
    /// about the next step.
    pub async fn advance(&self, job: &RotationJob) -> Result<Advanced> {
        self.check(&job.plan)?;
        let Some((claim, clock)) = self.claim(job.id).await? else {
            return Ok(Advanced::NotOurs);
        };
        let epoch = claim.epoch;
        let advanced = match self.run(job, claim, clock).await {
            Ok(advanced) => advanced,
            Err(error) => {
                // It is over for this worker, so another one need not wait for the claim to run
                // out.
                let now = Some(clock.now());
                let _ = self.store.release(job.id, epoch, now).await;
                return Err(error);
            }
        };
        let due = match &advanced {
            Advanced::NotOurs => return Ok(advanced),
            Advanced::Waiting { until, .. } => Some(*until),
            Advanced::Done | Advanced::Parked(_) => None,
        };
        self.store.release(job.id, epoch, due).await?;
        Ok(advanced)
    }

    /// Claims a rotation, and returns the clock that the claim has set. Whoever was stopped
    /// meanwhile does not know when the claim was made, so it is given back and made again.
    async fn claim(&self, id: OperationId) -> Result<Option<(Claim, StoreClock<'_>)>> {
        for _ in 0..MAX_CLAIMS {
            let mut clock = StoreClock::before_claim(self.clock);
            let Some(claim) = self.store.claim(id).await? else {
                return Ok(None);
            };
            if claim.claimed_at.is_none() || clock.passed() < MARGIN {
                clock.set(claim.claimed_at);
                return Ok(Some((claim, clock)));
            }
            (self.store)
                .release(id, claim.epoch, claim.claimed_at)
                .await?;
        }
        Ok(None)
    }

    /// Refuses sinks that are not those of the plan: they would not be written, or be overwritten.
    fn check(&self, plan: &RotationPlan) -> Result<()> {
        plan.check()?;
        if plan.sinks.len() != self.sinks.len() {
            return Err(Error::configuration(format!(
                "the plan has {} sinks, and the runner {}",
                plan.sinks.len(),
                self.sinks.len()
            )));
        }
        for (planned, sink) in plan.sinks.iter().zip(self.sinks) {
            if *planned != PlannedSink::from(sink.capabilities()) {
                return Err(Error::configuration(format!(
                    "{} does not declare what the plan says of it",
                    sink.place()
                ))
                .with_advice("plan it with its own capabilities"));
            }
        }
        Ok(())
    }

    async fn run(
        &self,
        job: &RotationJob,
        claim: Claim,
        clock: StoreClock<'_>,
    ) -> Result<Advanced> {
        let mut worker = Worker {
            runner: self,
            job,
            versions: vec![None; self.sinks.len()],
            secrets: Secrets::default(),
            epoch: claim.epoch,
            subject_created_at: claim.rotation.subject_created_at,
            checks_sinks: false,
        };
        let (ledger, epoch) = (self.store.ledger(), claim.epoch);
        let mut machine = Machine::new(job.plan.clone(), claim.rotation, epoch).with_ledger(ledger);
        if self.retries_now {
            machine = machine.with_retry_now();
        }
        let mut failing_since = None;
        let mut failure = None;
        loop {
            let now = clock.now();
            let step = machine.next(now);
            worker.checks_sinks = machine.is_before_creation();
            let answer = match &step {
                Step::Finished => return Ok(Advanced::Done),
                Step::Parked(reason) => return Ok(Advanced::Parked(reason.clone())),
                Step::Wait { until, reason } => {
                    let wait = now.duration_until(*until);
                    // The platform may need a few seconds to accept what nobody else has.
                    let is_short = *reason == WaitReason::Acceptance;
                    if wait > self.patience && !is_short && !machine.holds_last_secret() {
                        let (until, reason) = (*until, *reason);
                        if reason == WaitReason::Backoff
                            && let Some(failure) = failure
                        {
                            let failed = Change::Failed(failure);
                            if !self.store.record(job.id, epoch, &failed).await? {
                                return Ok(Advanced::NotOurs);
                            }
                        }
                        return Ok(Advanced::Waiting { until, reason });
                    }
                    self.clock.wait(wait.min(scaled(HEARTBEAT))).await;
                    if wait <= scaled(HEARTBEAT) {
                        Answer::Waited
                    } else {
                        // If the store does not answer, it is asked again before anything is sent.
                        if let Ok(None) = worker.fence().extend(scaled(CLAIM)).await {
                            return Ok(Advanced::NotOurs);
                        }
                        continue;
                    }
                }
                step => match worker.carry_out(step, now).await {
                    Ok(Some(answer)) => {
                        failing_since = None;
                        answer
                    }
                    Ok(None) => return Ok(Advanced::NotOurs),
                    Err(error) => {
                        // Nothing is sent before the store says that the claim lasts.
                        let since = *failing_since.get_or_insert(now);
                        if !machine.holds_last_secret()
                            || since.duration_until(now) > scaled(STORE_OUTAGE)
                        {
                            return Err(error);
                        }
                        self.clock.wait(scaled(HEARTBEAT)).await;
                        continue;
                    }
                },
            };
            let now = clock.now();
            failure = worker.failure(&step, &answer, now).or(failure);
            // Whoever looks at the rotation learns why its successor is gone.
            if let (Step::Record(Change::Withdrawn { .. }), Some(failure)) = (&step, &failure) {
                let failed = Change::Failed(failure.clone());
                if !self.store.record(job.id, epoch, &failed).await? {
                    return Ok(Advanced::NotOurs);
                }
            }
            machine.answer(step, answer, now);
        }
    }
}

impl fmt::Debug for Runner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner")
            .field("account", self.provider.account())
            .field("sinks", &self.sinks)
            .finish_non_exhaustive()
    }
}

/// One run of a rotation, with all that is lost when it ends: the secrets above all.
struct Worker<'a> {
    runner: &'a Runner<'a>,
    job: &'a RotationJob,
    /// The version of each sink, as it was last read.
    versions: Vec<Option<Version>>,
    secrets: Secrets,
    epoch: u64,
    /// The time at which the old token was created.
    subject_created_at: Option<Timestamp>,
    /// `true` while nothing is issued, so that a sink that cannot be written costs no token.
    checks_sinks: bool,
}
