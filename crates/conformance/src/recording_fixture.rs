//! A wrapper that notes what a fixture cannot do.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::capability::{ArgumentDescription, ArgumentValue, TokenField};
use tokenfleet_core::{
    Capabilities, RequestedExpiry, RevocationEffect, Secret, Timestamp, TokenId, TokenProvider,
    TokenState,
};

use crate::{ExistingToken, Fault, Fixture, FixtureError, InsertedToken, TokenSpec};

/// A fixture that notes each thing that it was asked for in vain, so that a case that goes on
/// without it says so.
pub(crate) struct RecordingFixture {
    inner: Box<dyn Fixture>,
    left_out: Mutex<Vec<String>>,
    /// `true` if there is a token that the platform may not show yet.
    has_new_token: AtomicBool,
}

impl RecordingFixture {
    pub(crate) fn new(inner: Box<dyn Fixture>) -> Self {
        Self {
            inner,
            left_out: Mutex::default(),
            // Building the fixture may have created one.
            has_new_token: AtomicBool::new(true),
        }
    }

    /// Notes that a token was created or inserted just now.
    pub(crate) fn note_new_token(&self) {
        self.has_new_token.store(true, Ordering::SeqCst);
    }

    /// Waits until the platform must show its newest token: by its clock, or really if that cannot
    /// be moved.
    pub(crate) async fn await_new_token(&self) {
        let Some(delay) = self.inner.provider().capabilities().read_delay else {
            return;
        };
        if self.has_new_token.swap(false, Ordering::SeqCst) && !self.inner.advance(delay).await {
            std::thread::sleep(delay);
        }
    }

    /// Returns the wrapped fixture, for what a case does not depend on.
    pub(crate) fn inner(&self) -> &dyn Fixture {
        &*self.inner
    }

    /// Notes a step that the case does without, and why.
    pub(crate) fn left_out(&self, step: impl Into<String>) {
        let step = step.into();
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        if !left_out.contains(&step) {
            left_out.push(step);
        }
    }

    /// Returns what was noted.
    pub(crate) fn take_left_out(&self) -> Vec<String> {
        std::mem::take(&mut *self.left_out.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for RecordingFixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingFixture").finish_non_exhaustive()
    }
}

#[async_trait]
impl Fixture for RecordingFixture {
    fn provider(&self) -> Arc<dyn TokenProvider> {
        self.inner.provider()
    }

    fn credentials(&self) -> Vec<Secret> {
        self.inner.credentials()
    }

    async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken> {
        let possible = is_possible(self.inner.provider().capabilities(), &spec);
        let (state, expiry) = (spec.state, spec.expiry);
        let inserted = self.inner.insert(spec).await;
        if inserted.is_none() && possible {
            self.left_out(match (state, expiry) {
                (TokenState::Active, RequestedExpiry::PlatformDefault) => {
                    "a token: the fixture could not insert it".to_owned()
                }
                (TokenState::Active, RequestedExpiry::Never) => {
                    "a token that never expires: the fixture could not insert it".to_owned()
                }
                (TokenState::Active, _) => {
                    "a token with a chosen expiry: the fixture could not insert it".to_owned()
                }
                _ => format!(
                    "a token that is {}: the fixture could not insert it",
                    state.as_str()
                ),
            });
        }
        inserted
    }

    async fn tokens(&self) -> Vec<ExistingToken> {
        self.inner.tokens().await
    }

    async fn accepts(&self, secret: &Secret) -> bool {
        self.inner.accepts(secret).await
    }

    fn request_count(&self) -> u64 {
        self.inner.request_count()
    }

    fn total_requests(&self) -> u64 {
        self.inner.total_requests()
    }

    async fn close(&self) -> Result<(), FixtureError> {
        self.inner.close().await
    }

    async fn remove(&self, id: &TokenId) -> bool {
        let removed = self.inner.remove(id).await;
        let provider = self.inner.provider();
        let list = provider.capabilities().list.as_ref();
        if !removed && list.is_none_or(|list| list.tokens_vanish) {
            self.left_out("a token that another client deletes: the fixture cannot delete it");
        }
        removed
    }

    fn intruder(&self) -> Option<Arc<dyn TokenProvider>> {
        let intruder = self.inner.intruder();
        if intruder.is_none() {
            self.left_out("a wrong credential: the fixture has no provider with one");
        }
        intruder
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    async fn advance(&self, by: Duration) -> bool {
        let advanced = self.inner.advance(by).await;
        if !advanced {
            self.left_out("what happens later: the fixture cannot move the clock");
        }
        advanced
    }

    async fn inject(&self, fault: Fault) -> bool {
        let injected = self.inner.inject(fault).await;
        if !injected {
            self.left_out(format!("{fault:?}: the fixture cannot inject this fault"));
        }
        injected
    }

    fn origin(&self) -> Option<String> {
        self.inner.origin()
    }

    fn stored_name(&self, name: &str) -> String {
        self.inner.stored_name(name)
    }

    fn argument(&self, argument: &ArgumentDescription) -> Option<ArgumentValue> {
        self.inner.argument(argument)
    }

    fn scopes(&self) -> Vec<String> {
        self.inner.scopes()
    }
}

/// Returns `true` if a platform with these capabilities has such tokens: otherwise the fixture is
/// right not to insert one.
fn is_possible(declared: &Capabilities, spec: &TokenSpec) -> bool {
    let create = declared.create.as_ref();
    let update = declared.update.as_ref();
    let revoke = declared.revoke.as_ref();
    let reports_expiry = declared.reported_fields.contains(&TokenField::Expiry);
    let has_state = match spec.state {
        TokenState::Active => true,
        TokenState::Suspended => {
            update.is_some_and(|update| update.suspension)
                || create.is_some_and(|create| create.suspended)
        }
        TokenState::Revoked => {
            revoke.is_some_and(|revoke| revoke.effect == RevocationEffect::Marked)
        }
        TokenState::Expired => reports_expiry,
        _ => false,
    };
    let has_expiry = match spec.expiry {
        RequestedExpiry::PlatformDefault => true,
        RequestedExpiry::Never => create.is_some_and(|create| create.never_expiring),
        _ => reports_expiry && create.is_none_or(|create| create.expiry),
    };
    has_state && has_expiry
}
