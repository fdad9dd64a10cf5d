//! Reports on what could not be recorded.

use std::sync::{Arc, Mutex, PoisonError};

/// The reports since they were last taken. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reports(Arc<Mutex<Vec<String>>>);

impl Reports {
    /// Adds a report, and writes it to the log.
    pub(crate) fn add(&self, report: String) {
        tracing::error!(target: "tokenfleet", "{report}");
        let mut reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reports.push(report);
    }

    pub(crate) fn take(&self) -> Vec<String> {
        let mut reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut reports)
    }
}
