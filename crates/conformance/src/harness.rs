//! The harness of one case: a fresh fixture, and the steps that many cases share.

mod calls;
mod ids;
mod platform;
mod setup;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokenfleet_core::capability::TokenField;
use tokenfleet_core::{
    Capabilities, Fact, IssuedToken, RequestedExpiry, Secret, Timestamp, TokenId, TokenProvider,
    TokenState,
};

use crate::case_result::{CaseResult, not_applicable};
use crate::inspector::Inspector;
use crate::recording_fixture::RecordingFixture;
use crate::recording_provider::RecordingProvider;
use crate::{Fixture, InsertedToken};

pub(crate) use calls::full_consent;
pub(crate) use ids::{collect_ids, format_ids, ids_of, next_id};

const SECONDS_PER_DAY: u64 = 86_400;

/// Everything that one case works with.
pub(crate) struct Harness {
    fixture: Arc<RecordingFixture>,
    provider: RecordingProvider,
    inspector: Arc<Inspector>,
}

/// A token that works, with its secret.
#[derive(Debug)]
pub(crate) struct LiveToken {
    pub(crate) id: TokenId,
    pub(crate) secret: Secret,
}

impl LiveToken {
    /// Returns the id and the secret of an inserted token, if the fixture knows the secret.
    pub(crate) fn from_inserted(inserted: InsertedToken) -> Option<Self> {
        let secret = inserted.secret?;
        Some(Self {
            id: inserted.id,
            secret,
        })
    }

    /// Returns the id and the secret of an issued token.
    pub(crate) fn from_issued(issued: IssuedToken) -> Self {
        Self {
            id: issued.token.id,
            secret: issued.secret,
        }
    }
}

impl Harness {
    pub(crate) fn new(fixture: Box<dyn Fixture>) -> Self {
        let inspector = Arc::new(Inspector::default());
        for credential in fixture.credentials() {
            inspector.remember(&credential);
        }
        let fixture = Arc::new(RecordingFixture::new(fixture));
        let provider = RecordingProvider::new(
            fixture.provider(),
            Arc::clone(&fixture),
            Arc::clone(&inspector),
        );
        Self {
            fixture,
            provider,
            inspector,
        }
    }

    /// Notes a step that the case does without, and why: the report shows it beside the case.
    ///
    /// What the fixture was asked for in vain is noted without this.
    pub(crate) fn left_out(&self, step: impl Into<String>) {
        self.fixture.left_out(step);
    }

    /// Returns the steps that the case did without.
    pub(crate) fn take_left_out(&self) -> Vec<String> {
        self.fixture.take_left_out()
    }

    pub(crate) fn fixture(&self) -> &dyn Fixture {
        &*self.fixture
    }

    /// Returns the provider under test, whose results are inspected.
    pub(crate) fn provider(&self) -> &RecordingProvider {
        &self.provider
    }

    pub(crate) fn capabilities(&self) -> &Capabilities {
        self.provider.capabilities()
    }

    pub(crate) fn inspector(&self) -> &Inspector {
        &self.inspector
    }

    /// Returns the provider with a wrong credential, whose results are inspected.
    pub(crate) fn intruder(&self) -> CaseResult<RecordingProvider> {
        match self.fixture.intruder() {
            Some(provider) => Ok(RecordingProvider::new(
                provider,
                Arc::clone(&self.fixture),
                Arc::clone(&self.inspector),
            )),
            None => not_applicable("the fixture has no provider with a wrong credential"),
        }
    }

    /// Returns `true` if the provider declares that it reports this field.
    pub(crate) fn reports(&self, field: TokenField) -> bool {
        self.capabilities().reported_fields.contains(&field)
    }

    /// Returns `true` if the provider revokes by id.
    pub(crate) fn revokes_by_id(&self) -> bool {
        let revoke = self.capabilities().revoke.as_ref();
        revoke.is_some_and(|revoke| revoke.by_id)
    }

    /// Returns `true` if the provider declares that ids of deleted tokens are given again.
    pub(crate) fn reuses_ids(&self) -> bool {
        self.capabilities().reused_ids
    }

    /// Returns `true` if the provider declares that the platform never lists some tokens.
    pub(crate) fn hides_tokens(&self) -> bool {
        let list = self.capabilities().list.as_ref();
        list.is_some_and(|list| list.unlisted_tokens.is_some())
    }

    /// Returns the time this many days from now, on the platform's clock.
    pub(crate) fn in_days(&self, days: u64) -> Timestamp {
        let now = self.fixture.now().truncated_to_seconds();
        now.saturating_add(Duration::from_secs(days * SECONDS_PER_DAY))
    }

    /// Returns a page size that may be requested: the wanted one, or the largest.
    pub(crate) fn page_size(&self, wanted: u32) -> u32 {
        let list = self.capabilities().list.as_ref();
        let max = list.and_then(|list| list.max_page_size).unwrap_or(wanted);
        wanted.min(max)
    }

    /// Returns `true` if an expiry is as requested, as exactly as the platform keeps it: to the
    /// second for a time, and within the declared tolerance for a lifetime, which begins whenever
    /// the platform creates the token and is measured by its clock.
    ///
    /// `at` is the time on the platform's clock, and `since` the time here when it was computed.
    pub(crate) fn is_expiry(
        &self,
        fact: Fact<Timestamp>,
        requested: RequestedExpiry,
        at: Timestamp,
        since: Timestamp,
    ) -> bool {
        let create = self.capabilities().create.as_ref();
        let tolerance = create.and_then(|create| create.lifetime_tolerance);
        if tolerance.is_none() && !matches!(requested, RequestedExpiry::In(_)) {
            return is_at(fact, at);
        }
        let now = Timestamp::now();
        let inexact = tolerance.unwrap_or_default().max(Duration::from_secs(1))
            + distance(self.fixture.now(), now)
            + since.duration_until(now);
        (fact.known()).is_some_and(|known| distance(*known, at) <= inexact)
    }

    /// Returns a secret that no platform ever issued.
    pub(crate) fn never_issued_secret(&self) -> Secret {
        let secret = Secret::new("never0issued0by0anybody0a1b2c3d4");
        self.inspector.remember(&secret);
        secret
    }

    /// Returns an id that resembles this one and belongs to no token.
    pub(crate) async fn unknown_id(&self, like: &TokenId) -> CaseResult<TokenId> {
        let tokens = self.fixture.tokens().await.into_iter();
        let taken: BTreeSet<_> = tokens.map(|token| token.id).collect();
        let mut prefix = like.as_str().chars();
        prefix.next_back();
        let prefix = prefix.as_str();
        "9876543210fedcba"
            .chars()
            .map(|last| TokenId::new(format!("{prefix}{last}")))
            .find(|id| id != like && !taken.contains(id))
            .map_or_else(|| not_applicable("every similar id is taken"), Ok)
    }
}

/// The states that a fixture is asked to insert.
pub(crate) const STATES: [TokenState; 4] = [
    TokenState::Active,
    TokenState::Suspended,
    TokenState::Revoked,
    TokenState::Expired,
];

/// The states in which a token does not work.
pub(crate) const DEAD_STATES: [TokenState; 3] = [
    TokenState::Suspended,
    TokenState::Revoked,
    TokenState::Expired,
];

/// Returns the duration between two times, whichever is later.
fn distance(one: Timestamp, other: Timestamp) -> Duration {
    one.duration_until(other).max(other.duration_until(one))
}

/// Returns `true` if a fact is this time, to the second: platforms cut off fractions.
pub(crate) fn is_at(fact: Fact<Timestamp>, at: Timestamp) -> bool {
    fact.known().map(|known| known.truncated_to_seconds()) == Some(at.truncated_to_seconds())
}
