//! The secrets in the memory of one run.

use tokenfleet_core::Secret;

use crate::machine::SecretNumber;

/// The secrets in the memory of one run. Equal secrets have one number.
#[derive(Debug, Default)]
pub(super) struct Secrets(Vec<Secret>);

impl Secrets {
    /// Keeps a secret and returns its number.
    pub(super) fn keep(&mut self, secret: Secret) -> SecretNumber {
        let known = self.0.iter().position(|known| known.is_same(&secret));
        let at = known.unwrap_or_else(|| {
            self.0.push(secret);
            self.0.len() - 1
        });
        SecretNumber::new(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// Returns the secret of a number.
    pub(super) fn get(&self, number: SecretNumber) -> Option<&Secret> {
        self.0.get(usize::try_from(number.get()).ok()?)
    }
}
