//! Searching what a provider shows for secrets.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use tokenfleet_core::Secret;

/// Shorter secrets occur in ordinary text by chance.
const MIN_SECRET_LENGTH: usize = 6;

/// The number of characters at the end of a secret that are searched for first.
const END_LENGTH: usize = 16;

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
        let mut secrets = secrets.iter().map(Secret::expose);
        if secrets.any(|secret| text.contains(end(secret)) && text.contains(secret)) {
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

/// Returns the last characters of a secret. A text is searched for so few a hundred times as fast
/// as for a long secret, and hardly ever has them without the rest.
fn end(secret: &str) -> &str {
    let mut starts = secret.char_indices().rev().map(|(start, _)| start);
    let start = starts.nth(END_LENGTH - 1).unwrap_or_default();
    secret.get(start..).unwrap_or(secret)
}

impl fmt::Debug for Inspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspector").finish_non_exhaustive()
    }
}
