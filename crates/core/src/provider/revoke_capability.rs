//! The support for revoking secrets: by id or by secret, and the effect on the record.

use crate::model::Token;
use crate::provider::RevocationEffect;
use crate::query::Filter;

/// The support for revoking secrets: by id or by secret, and the effect on the record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevokeCapability {
    /// `true` if a token can be revoked by its id.
    pub by_id: bool,
    /// `true` if a token can be revoked by its secret.
    pub by_secret: bool,
    /// The effect on the record. [`Replaced`](RevocationEffect::Replaced) needs the caller's
    /// consent: see
    /// [`RevokeOptions::accept_replacement`](crate::RevokeOptions::accept_replacement).
    pub effect: RevocationEffect,
    /// The other tokens that a revocation may revoke too, such as "the other tokens of the same
    /// OAuth client"; `None` if it revokes only one. They need the caller's consent: see
    /// [`RevokeOptions::accept_cascade`](crate::RevokeOptions::accept_cascade).
    pub cascade: Option<String>,
    /// The tokens that take no others along, as their records show; `None` if no record tells. They
    /// need no consent: see [`with_tokens_alone`](Self::with_tokens_alone).
    pub tokens_alone: Option<Filter>,
    /// `true` if a token that [`create`](crate::TokenProvider::create) made takes no others along.
    pub created_tokens_alone: bool,
    /// The things that go on working after a token is revoked, such as "sessions that it opened"; `None` if
    /// nothing is known to.
    pub survivors: Option<String>,
}

impl RevokeCapability {
    /// Creates a declaration of revoking by id.
    #[must_use]
    pub fn by_id(effect: RevocationEffect) -> Self {
        Self {
            by_id: true,
            by_secret: false,
            effect,
            cascade: None,
            tokens_alone: None,
            created_tokens_alone: false,
            survivors: None,
        }
    }

    /// Creates a declaration of revoking by secret.
    #[must_use]
    pub fn by_secret(effect: RevocationEffect) -> Self {
        Self {
            by_id: false,
            by_secret: true,
            effect,
            cascade: None,
            tokens_alone: None,
            created_tokens_alone: false,
            survivors: None,
        }
    }

    /// Creates a declaration of revoking by id and by secret, whichever the caller has.
    #[must_use]
    pub fn by_id_or_secret(effect: RevocationEffect) -> Self {
        Self {
            by_secret: true,
            ..Self::by_id(effect)
        }
    }

    /// Declares that revoking one token may revoke others too, and which.
    ///
    /// The words complete "revoking it may also revoke …".
    #[must_use]
    pub fn with_cascade(mut self, others: impl Into<String>) -> Self {
        self.cascade = Some(others.into());
        self
    }

    /// Declares which tokens take no others along, although others do.
    ///
    /// A revocation by id that comes without the consent then reads the token first, and is carried
    /// out if its record matches (decision 0053). That needs [`get`](crate::Capabilities::get). The
    /// filter must match no token whose record does not tell: `attribute.client = api` is right,
    /// `not attribute.session is reported` is not.
    ///
    /// ```
    /// use tokenfleet_core::capability::RevokeCapability;
    /// use tokenfleet_core::{Filter, RevocationEffect, Token, TokenId, TokenState};
    ///
    /// let revoke = RevokeCapability::by_id(RevocationEffect::Deleted)
    ///     .with_cascade("the other tokens of the same OAuth client")
    ///     .with_tokens_alone(Filter::attribute("oauth_client", "api"));
    ///
    /// let mut token = Token::new(TokenId::new("1"), TokenState::Active);
    /// assert!(!revoke.is_alone(&token));
    /// token.attributes.insert("oauth_client", "api".into());
    /// assert!(revoke.is_alone(&token));
    /// ```
    #[must_use]
    pub fn with_tokens_alone(mut self, tokens: Filter) -> Self {
        self.tokens_alone = Some(tokens);
        self
    }

    /// Returns `true` if revoking this token revokes no other one, as far as it is declared.
    #[must_use]
    pub fn is_alone(&self, token: &Token) -> bool {
        let mut alone = self.tokens_alone.iter();
        self.cascade.is_none() || alone.any(|alone| alone.matches(token))
    }

    /// Declares that a token that [`create`](crate::TokenProvider::create) made takes no others
    /// along, although a token of another origin may.
    ///
    /// A new token that is not as requested is then revoked, and
    /// [`ExactlyOnce`](crate::ExactlyOnce) may clean up after itself. Without this, both would need
    /// the consent that nobody gave them.
    #[must_use]
    pub fn with_created_tokens_alone(mut self) -> Self {
        self.created_tokens_alone = true;
        self
    }

    /// Declares what goes on working after a token is revoked.
    ///
    /// The words complete "what may still work: …".
    #[must_use]
    pub fn with_survivors(mut self, survivors: impl Into<String>) -> Self {
        self.survivors = Some(survivors.into());
        self
    }
}
