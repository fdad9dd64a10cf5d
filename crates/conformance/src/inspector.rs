//! Searching what a provider shows for secrets.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use tokenfleet_core::Secret;

/// Shorter secrets occur in ordinary text by chance.
const MIN_SECRET_LENGTH: usize = 6;

/// The secrets of a case, and the places where one was revealed.
#[derive(Default)]
pub(crate) struct Inspector {
    secrets: Mutex<Vec<Secret>>,
    findings: Mutex<Vec<String>>,
}

impl Inspector {
    /// Adds a secret to search for.
    pub(crate) fn remember(&self, secret: &Secret) {
        if secret.expose().len() >= MIN_SECRET_LENGTH {
            let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
            secrets.push(secret.duplicate());
        }
    }

    /// Reports a finding if a string contains a secret.
    pub(crate) fn search(&self, place: &str, text: &str) {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        if secrets.iter().any(|secret| text.contains(secret.expose())) {
            self.report(format!("{place} reveals a secret"));
        }
    }

    /// Adds a finding, which fails the case.
    pub(crate) fn report(&self, finding: String) {
        let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        findings.push(finding);
    }

    /// Returns the first finding.
    pub(crate) fn first_finding(&self) -> Option<String> {
        let findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        findings.first().cloned()
    }

    /// Returns the text without the secrets, so that the report does not leak what it found
    /// leaking.
    pub(crate) fn redact(&self, text: &str) -> String {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.expose(), "[secret]")
        })
    }
}

impl fmt::Debug for Inspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspector").finish_non_exhaustive()
    }
}
