//! The journal of writes: the intent before a request, and the outcome after it.

mod intent;
mod outcome;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use async_trait::async_trait;

use crate::error::Result;

pub use intent::Intent;
pub use outcome::{Effect, Outcome, Resolution};

use crate::provider::operation_id::random_bits;

/// A durable record of writes: what is about to be sent, and what became of it.
///
/// [`Journaled`](crate::journal::Journaled) calls it around every create, update, rotate, renew and
/// revoke. Neither an [`Intent`] nor an [`Outcome`] contains a [`Secret`](crate::Secret), and words
/// that look like a secret are masked in the texts of the caller: people confuse a secret with an
/// id.
///
/// # Calls that are dropped
///
/// The future of a write can be dropped at any await point. Whenever that is:
///
/// * What was sent has an intent, because nothing is sent before
///   [`record_intent`](Self::record_intent) has returned.
/// * An intent without an outcome is open: it may have been sent and applied or not, as after a
///   killed process. So a journal must treat every open intent as a write whose outcome is unknown,
///   and may never discard one for its age alone.
/// * Nothing can come between the result and [`record_outcome`](Self::record_outcome): it is polled
///   for the first time in the same poll in which the result arrives. An implementation that hands
///   the outcome over before its first await point, to a file or to a task of its own, records it
///   even if the call is dropped right after. One that awaits first leaves the intent open.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync + 'static {
    /// Records an intent. Returns once it survives a crash.
    ///
    /// # Errors
    ///
    /// Any error fails the write before anything is sent. Say in its advice how to repair the
    /// journal or how to do without it.
    async fn record_intent(&self, intent: &Intent) -> Result<()>;

    /// Records the outcome of an intent that was recorded before.
    ///
    /// It cannot fail, because the write has been sent: the caller gets the result, which may hold
    /// the only copy of a secret, in any case. A journal that cannot record it reports that by
    /// itself. Limit how long this waits: the result waits for it.
    async fn record_outcome(&self, intent: &Intent, outcome: &Outcome);

    /// Records what was found out about a write that is open, or that [may have been
    /// applied](crate::Fate::MaybeApplied): `intent` is the id of its intent.
    ///
    /// [`ExactlyOnce`](crate::ExactlyOnce) calls it, and whoever reconciles writes. If it cannot be
    /// recorded, the write stays unknown. The default records nothing, for journals that nothing is
    /// resumed from.
    async fn record_resolution(&self, _intent: &str, _resolution: &Resolution) {}
}

/// One run of a program or one job of a service, to which writes belong.
///
/// Clones are the same run, and number its writes together.
#[derive(Debug, Clone)]
pub struct Run {
    id: Arc<str>,
    /// The beginning of the ids of the intents, which no other process uses.
    prefix: Arc<str>,
    reason: Option<Arc<str>>,
    writes: Arc<AtomicU64>,
}

impl Run {
    /// Creates a run with a random id.
    #[must_use]
    pub fn new() -> Self {
        let id = Arc::<str>::from(random_id());
        Self {
            prefix: Arc::clone(&id),
            id,
            reason: None,
            writes: Arc::default(),
        }
    }

    /// Sets the id, such as that of a job or of a run that another process began.
    ///
    /// The ids of the intents stay unique: each contains the id of the run and a random part.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.prefix = format!("{id}-{}", random_id()).into();
        self.id = id.into();
        self
    }

    /// Sets the reason for the writes, for people who read the journal later.
    #[must_use]
    pub fn with_reason(mut self, reason: &str) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Returns the id: 32 hexadecimal digits, unless [`with_id`](Self::with_id) set another one.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the reason for the writes.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}

impl Default for Run {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns 128 random bits as hexadecimal digits.
fn random_id() -> String {
    format!("{:032x}", random_bits())
}

#[cfg(test)]
mod tests;
