//! The journal of one rotation.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokenfleet::journal::{Intent, Journal, OperationId, Outcome, Resolution};
use tokenfleet::{Operation, Result, TokenId};
use tokenfleet_rotation::runner::RotationRecord;

use crate::journals::Journals;
use crate::output::displayed_id;

/// Records the writes of a rotation as steps of its operation, also those whose calls name none,
/// and why they are sent, unless a person said that.
#[derive(Debug)]
pub(super) struct OperationJournal {
    journals: Arc<Journals>,
    operation: OperationId,
    policy: Option<String>,
    subject: Option<TokenId>,
    /// The last token that the rotation has created.
    successor: Mutex<Option<TokenId>>,
}

impl OperationJournal {
    pub(super) fn new(journals: Arc<Journals>, record: &RotationRecord) -> Self {
        let rotation = &record.rotation;
        let successor = rotation.successor.as_ref();
        Self {
            journals,
            operation: rotation.id,
            policy: record.policy.clone(),
            subject: rotation.subject.clone(),
            successor: Mutex::new(successor.map(|successor| successor.token.clone())),
        }
    }

    fn successor(&self) -> MutexGuard<'_, Option<TokenId>> {
        let successor = self.successor.lock();
        successor.unwrap_or_else(PoisonError::into_inner)
    }

    fn completed(&self, intent: &Intent) -> Intent {
        let mut intent = intent.clone();
        intent.operation_id = self.operation;
        if intent.reason.is_none() {
            intent.reason = self.reason(&intent);
        }
        intent
    }

    /// Returns the policy of the rotation, and what has replaced the token that is revoked.
    fn reason(&self, intent: &Intent) -> Option<String> {
        let policy = self.policy.as_ref().map(|name| format!("policies.{name}"));
        let is_old = intent.operation == Operation::Revoke && intent.token == self.subject;
        let successor = self.successor();
        let successor = successor
            .as_ref()
            .filter(|_| is_old && self.subject.is_some());
        let replaced = successor.map(|token| format!("replaced by token {}", displayed_id(token)));
        let parts: Vec<_> = policy.into_iter().chain(replaced).collect();
        (!parts.is_empty()).then(|| parts.join(": "))
    }
}

#[async_trait]
impl Journal for OperationJournal {
    async fn record_intent(&self, intent: &Intent) -> Result<()> {
        let intent = self.completed(intent);
        self.journals.record_intent(&intent).await
    }

    async fn record_outcome(&self, intent: &Intent, outcome: &Outcome) {
        if intent.operation == Operation::Create
            && let Ok(effect) = &outcome.result
        {
            *self.successor() = effect.token.clone();
        }
        let intent = self.completed(intent);
        self.journals.record_outcome(&intent, outcome).await;
    }

    async fn record_resolution(&self, intent: &str, resolution: &Resolution) {
        self.journals.record_resolution(intent, resolution).await;
    }
}
