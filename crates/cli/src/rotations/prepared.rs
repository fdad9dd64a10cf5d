//! One rotation with its account and its sinks opened.

use std::sync::Arc;
use std::time::Duration;

use tokenfleet::journal::OperationId;
use tokenfleet::{Error, Result, TokenProvider};
use tokenfleet_ledger::Ledger;
use tokenfleet_rotation::machine::{PlannedSink, RotationState, WaitReason};
use tokenfleet_rotation::runner::{
    Advanced, LedgerRotationStore, RotationRecord, Runner, StoredRotation,
};
use tokenfleet_rotation::sink::SecretSink;

use super::clock::SystemClock;
use super::step_store::StepStore;
use super::stop::Stop;
use crate::exit::Exit;
use crate::journals::Journals;

/// A rotation with its account and its sinks opened.
pub(crate) struct Prepared {
    pub(super) id: OperationId,
    pub(super) queue: String,
    pub(super) record: RotationRecord,
    pub(super) provider: Arc<dyn TokenProvider>,
    pub(super) sinks: Vec<Arc<dyn SecretSink>>,
    pub(super) store: Arc<LedgerRotationStore>,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) journals: Arc<Journals>,
    /// `true` if a person has mended what failed.
    pub(super) retries_now: bool,
}

/// A rotation after it was carried on.
pub(crate) struct Progressed {
    pub(crate) stored: StoredRotation,
    /// The state in which it was left, or `None` if the program was asked to stop.
    pub(crate) advanced: Result<Option<Advanced>>,
}

impl Prepared {
    /// Lets the next attempt be made at once, because a person has mended what failed.
    pub(crate) fn retrying_now(mut self) -> Self {
        self.retries_now = true;
        self
    }

    /// Does what can be done now, and waits for the rest for up to `patience`.
    pub(crate) async fn advance(&self, patience: Duration, stop: &Stop) -> Result<Progressed> {
        // A future of 24 kB, which each caller would hold.
        let advanced = Box::pin(self.run(patience, stop)).await;
        let stored = self.store.rotation(self.id).await?;
        let Some(stored) = stored else {
            return Err(Error::invalid_input(format!(
                "the ledger has no rotation {} any more",
                self.id
            )));
        };
        let advanced = advanced.map_err(|error| error.with_account(&stored.record.account));
        Ok(Progressed { stored, advanced })
    }

    async fn run(&self, patience: Duration, stop: &Stop) -> Result<Option<Advanced>> {
        let store = StepStore::new(
            Arc::clone(&self.store),
            Arc::clone(&self.ledger),
            Arc::clone(&self.journals),
            self.record.account.clone(),
            stop.clone(),
        );
        let clock = SystemClock::new();
        let mut job = self.record.job();
        // Sinks say themselves whether they adopt, and what can be read of them.
        job.plan.sinks = (self.sinks.iter())
            .map(|sink| PlannedSink::from(sink.capabilities()))
            .collect();
        let runner = Runner::new(&*self.provider, &self.sinks, &store, &clock);
        let mut runner = runner.with_patience(patience);
        if self.retries_now {
            runner = runner.with_retry_now();
        }
        let is_over = async {
            tokio::select! {
                () = stop.insisted() => {}
                () = async {
                    stop.requested().await;
                    waits_without_secret(&clock, &store).await;
                } => {}
            }
        };
        tokio::select! {
            // A response that has arrived is never dropped.
            biased;
            advanced = runner.advance(&job) => match advanced {
                Err(_) if stop.is_requested() => Ok(None),
                advanced => advanced.map(Some),
            },
            () = is_over => {
                store.release_now(self.id).await?;
                Ok(None)
            }
        }
    }
}

/// Completes when a run waits and may be dropped: no new secret is in its memory alone.
async fn waits_without_secret(clock: &SystemClock, store: &StepStore) {
    let mut waits = clock.waits();
    loop {
        if waits.wait_for(|is_waiting| *is_waiting).await.is_ok() && !store.is_attempting() {
            return;
        }
        // Fails only without the clock, which outlives the run.
        if waits.changed().await.is_err() {
            return;
        }
    }
}

impl Progressed {
    /// Returns `true` if nothing was done because another worker holds the queue.
    pub(crate) fn is_in_other_hands(&self) -> bool {
        matches!(self.advanced, Ok(Some(Advanced::NotOurs)))
    }

    /// Returns `true` if a step of it failed, which may be tried again.
    pub(crate) fn is_failed(&self) -> bool {
        let reason = match &self.advanced {
            Ok(Some(Advanced::Waiting { reason, .. })) => Some(*reason),
            _ => None,
        };
        self.advanced.is_err() || reason == Some(WaitReason::Backoff)
    }

    /// Returns `true` if the program was asked to stop before all was done that can be done now.
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.advanced, Ok(None))
    }

    /// Returns the exit code: 7 while a sink may lack the new secret and after a request to stop,
    /// and 8 if a person is needed.
    pub(crate) fn exit(&self) -> Exit {
        let is_delivered = self.stored.record.rotation.state != RotationState::Issuing;
        match &self.advanced {
            Err(error) => Exit::from_error(error),
            Ok(Some(Advanced::Done)) => Exit::Success,
            Ok(Some(Advanced::Parked(_))) => Exit::AnswerIsNo,
            // The old token should be revoked by now.
            Ok(Some(Advanced::Waiting {
                reason: WaitReason::Backoff,
                ..
            })) => Exit::OutcomeUnknown,
            Ok(Some(_)) if is_delivered => Exit::Success,
            Ok(_) => Exit::OutcomeUnknown,
        }
    }
}
