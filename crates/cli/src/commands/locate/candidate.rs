//! An account that a found secret may belong to.

use std::sync::Arc;

use tokenfleet::{Account, SecretShape, Token, TokenProvider};

/// The answer of an account about the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing was sent.
    NotAsked,
    Alive,
    Dead,
    Unknown,
    /// The account could not be asked.
    Failed,
}

impl Answer {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NotAsked => "not_asked",
            Self::Alive => "alive",
            Self::Dead => "dead",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }
}

/// An account that a found secret may belong to, with everything that is known about that.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) account: Account,
    /// The opened account, unless it cannot be opened.
    pub(super) provider: Option<Arc<dyn TokenProvider>>,
    pub(super) shape: Option<SecretShape>,
    /// `true` if the platform documents no form: anything may be one of its secrets.
    pub(super) may_be_anything: bool,
    pub(super) answer: Answer,
    /// The reason for the answer, or for not knowing whose token it is.
    pub(super) reason: Option<String>,
    /// `true` if the account itself is configured with the secret.
    pub(super) is_own_credential: bool,
    /// `true` if the secret was not sent because nobody recognizes it and nobody named the account.
    pub(super) waits_for_name: bool,
    /// The token that has the secret.
    pub(super) token: Option<Token>,
    /// The tokens of which one has the secret, if nothing tells which.
    pub(super) suspects: Vec<Token>,
}

impl Candidate {
    /// Creates a candidate that nobody has asked.
    pub(super) fn new(account: &Account) -> Self {
        Self {
            account: account.clone(),
            provider: None,
            shape: None,
            may_be_anything: false,
            answer: Answer::NotAsked,
            reason: None,
            is_own_credential: false,
            waits_for_name: false,
            token: None,
            suspects: Vec::new(),
        }
    }

    /// Sets the answer and its reason.
    pub(super) fn answers(&mut self, answer: Answer, reason: impl Into<Option<String>>) {
        self.answer = answer;
        self.reason = reason.into();
    }

    /// Returns how unlikely the secret is to be one of this platform's, judged from the secret.
    pub(super) fn unlikeliness(&self) -> u8 {
        match self.shape {
            _ if self.is_own_credential => 0,
            Some(SecretShape::Recognized { .. }) => 0,
            Some(SecretShape::Impossible) => 3,
            _ if !self.may_be_anything => 1,
            _ => 2,
        }
    }

    /// Returns `true` if the other account is known to have the same tokens.
    pub(super) fn has_tokens_of(&self, other: &Account) -> bool {
        self.account.provider() == other.provider()
            && self.account.place().is_some()
            && self.account.place() == other.place()
    }

    /// Returns `true` if the account is configured with the secret, which is no token there but a
    /// password.
    pub(super) fn is_own_password(&self) -> bool {
        self.is_own_credential && self.shape == Some(SecretShape::Impossible)
    }

    pub(super) fn is_recognized(&self) -> bool {
        matches!(self.shape, Some(SecretShape::Recognized { .. }))
    }
}
