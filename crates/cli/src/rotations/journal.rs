//! The journal of one rotation.

use std::sync::Arc;

use async_trait::async_trait;
use tokenfleet::Result;
use tokenfleet::journal::{Intent, Journal, OperationId, Outcome, Resolution};

use crate::journals::Journals;

/// Records the writes of a rotation as steps of its operation, also those whose calls name none.
#[derive(Debug)]
pub(super) struct OperationJournal {
    pub(super) journals: Arc<Journals>,
    pub(super) operation: OperationId,
}

impl OperationJournal {
    fn with_operation(&self, intent: &Intent) -> Intent {
        let mut intent = intent.clone();
        intent.operation_id = self.operation;
        intent
    }
}

#[async_trait]
impl Journal for OperationJournal {
    async fn record_intent(&self, intent: &Intent) -> Result<()> {
        let intent = self.with_operation(intent);
        self.journals.record_intent(&intent).await
    }

    async fn record_outcome(&self, intent: &Intent, outcome: &Outcome) {
        let intent = self.with_operation(intent);
        self.journals.record_outcome(&intent, outcome).await;
    }

    async fn record_resolution(&self, intent: &str, resolution: &Resolution) {
        self.journals.record_resolution(intent, resolution).await;
    }
}
