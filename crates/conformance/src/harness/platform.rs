//! Inspecting what exists on the platform.

use std::collections::BTreeSet;

use tokenfleet_core::capability::TokenField;
use tokenfleet_core::{Fact, Secret, Timestamp, TokenId};

use super::Harness;
use crate::case_result::{CaseResult, fail};
use crate::{ExistingToken, Fixture as _};

impl Harness {
    /// Returns a token as it exists on the platform.
    pub(crate) async fn existing(&self, id: &TokenId) -> Option<ExistingToken> {
        let tokens = self.fixture.tokens().await;
        tokens.into_iter().find(|token| token.id == *id)
    }

    /// Returns the expiry of a token as it exists on the platform.
    pub(crate) async fn existing_expiry(&self, id: &TokenId) -> Fact<Timestamp> {
        let existing = self.existing(id).await;
        let expiry = existing.map_or(Fact::NotReported, |existing| existing.expiry);
        if !expiry.is_reported() && self.reports(TokenField::Expiry) {
            self.left_out("the expiry on the platform: the fixture does not know it");
        }
        expiry
    }

    /// Returns the ids of all tokens that exist on the platform, without those that it never lists,
    /// if the provider declares such.
    pub(crate) async fn existing_ids(&self) -> BTreeSet<TokenId> {
        let hides_tokens = self.hides_tokens();
        let tokens = self.fixture.tokens().await.into_iter();
        tokens
            .filter(|token| !(hides_tokens && token.is_unlisted))
            .map(|token| token.id)
            .collect()
    }

    /// Returns how many tokens exist on the platform.
    pub(crate) async fn token_count(&self) -> usize {
        self.fixture.tokens().await.len()
    }

    /// Expects the platform to accept a secret.
    pub(crate) async fn expect_alive(&self, secret: &Secret, what: &str) -> CaseResult {
        if self.fixture.accepts(secret).await {
            return Ok(());
        }
        fail(format!("{what} works"), "the platform does not accept it")
    }

    /// Expects the platform not to accept a secret.
    pub(crate) async fn expect_dead(&self, secret: &Secret, what: &str) -> CaseResult {
        if self.fixture.accepts(secret).await {
            return fail(format!("{what} is dead"), "the platform still accepts it");
        }
        Ok(())
    }
}
