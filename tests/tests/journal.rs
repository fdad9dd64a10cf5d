//! No request that changes something leaves an adapter before its intent is recorded.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_conformance::Fixture;
use tokenfleet_core::capability::RevokeCapability;
use tokenfleet_core::journal::{Intent, Journal, Journaled, Outcome, Run};
use tokenfleet_core::workflow::{RevocationVerdict, RevokeManyOptions, Timer};
use tokenfleet_core::{
    Error, ExactlyOnce, Fate, Operation, Query, Result, RevocationEffect, RevokeOptions, TokenId,
    TokenProvider, TokenProviderExt, TokenRef,
};
use tokenfleet_foreman::Release;
use tokenfleet_simulators::Simulator;
use tokenfleet_tests::{
    SimulatedFixture, Target, cloudsmith, create_request, foreman, losant, mindbody, perform,
};

/// A journal that watches what the platform receives.
#[derive(Debug)]
struct Watching {
    simulator: Arc<dyn Simulator>,
    intents: Mutex<Vec<Intent>>,
    outcomes: Mutex<Vec<Outcome>>,
    /// The number of writes that have an intent and no outcome.
    open: AtomicUsize,
    /// The number of requests for which there was an open write.
    covered: AtomicUsize,
    is_full: AtomicBool,
}

impl Watching {
    fn new(simulator: &Arc<dyn Simulator>) -> Arc<Self> {
        let journal = Self {
            simulator: Arc::clone(simulator),
            intents: Mutex::default(),
            outcomes: Mutex::default(),
            open: AtomicUsize::new(0),
            covered: AtomicUsize::new(0),
            is_full: AtomicBool::new(false),
        };
        journal.covered.store(journal.received(), Ordering::SeqCst);
        Arc::new(journal)
    }

    /// Returns the number of requests that may change something, so far.
    fn received(&self) -> usize {
        let entries = self.simulator.log().entries();
        let may_change = entries.iter().filter(|entry| !entry.method.is_safe());
        may_change.count()
    }

    /// Asserts that no request came while no write was open.
    fn assert_covered(&self) {
        if self.open.load(Ordering::SeqCst) == 0 {
            let covered = self.covered.load(Ordering::SeqCst);
            assert_eq!(self.received(), covered, "a request without an intent");
        }
    }
}

#[async_trait]
impl Journal for Watching {
    async fn record_intent(&self, intent: &Intent) -> Result<()> {
        self.assert_covered();
        if self.is_full.load(Ordering::SeqCst) {
            return Err(Error::configuration("the journal is full"));
        }
        self.intents.lock().unwrap().push(intent.clone());
        self.open.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn record_outcome(&self, _: &Intent, outcome: &Outcome) {
        self.outcomes.lock().unwrap().push(outcome.clone());
        if self.open.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.covered.store(self.received(), Ordering::SeqCst);
        }
    }
}

/// A timer that does not wait.
#[derive(Debug)]
struct NoWait;

#[async_trait]
impl Timer for NoWait {
    async fn wait(&self, _duration: Duration) {}
}

fn can_create_exactly_once(provider: &dyn TokenProvider) -> bool {
    let declared = provider.capabilities();
    let revoke = declared.revoke.as_ref();
    let can_revoke =
        |revoke: &RevokeCapability| revoke.by_id && revoke.effect != RevocationEffect::Replaced;
    declared.list.is_some() && revoke.is_some_and(can_revoke)
}

/// Does everything that changes something, once by one and as workflows do it.
async fn write_everything(provider: &dyn TokenProvider, fixture: &SimulatedFixture) {
    use Operation::{Renew, Revoke, Rotate, Update};

    let issued = provider.create(create_request(provider, "one")).await;
    let issued = issued.unwrap();
    let target = Target {
        id: issued.token.id,
        secret: issued.secret,
    };
    for operation in [Update, Renew, Rotate, Revoke] {
        if provider.capabilities().supports(operation) {
            let written = perform(provider, operation, &target, "two").await;
            written.unwrap();
        }
    }
    if can_create_exactly_once(provider) {
        let lost = tokenfleet_conformance::Fault::LoseResponse;
        assert!(fixture.inject(lost).await);
        let once = ExactlyOnce::new(provider, &NoWait);
        let request = create_request(provider, "once");
        once.create(request).await.unwrap();
    }
    if provider.capabilities().list.is_some() {
        let tokens = provider.list_all(Query::new()).await.unwrap().tokens;
        let ids = tokens.into_iter().map(|token| token.id).collect();
        let plan = provider.plan_revocation(ids).await.unwrap();
        let options = RevokeOptions::accept_replacement();
        let options = RevokeManyOptions::default().with_revoke_options(options);
        let mut revocations = provider.revoke_many(plan, options).unwrap();
        while revocations.next().await.is_some() {}
    }
}

/// Tries everything that changes something, with a journal that records nothing.
async fn write_nothing(provider: &dyn TokenProvider, target: &Target) {
    use Operation::{Create, Renew, Revoke, Rotate, Update};

    for operation in [Create, Update, Rotate, Renew, Revoke] {
        if provider.capabilities().supports(operation) {
            let written = perform(provider, operation, target, "never").await;
            let error = written.expect_err("nothing was recorded");
            assert_eq!(error.fate(), Fate::NotSent, "{error}");
        }
    }
    if can_create_exactly_once(provider) {
        let once = ExactlyOnce::new(provider, &NoWait);
        let request = create_request(provider, "never");
        let error = once.create(request).await.unwrap_err();
        assert_eq!(error.fate(), Fate::NotSent, "{error}");
    }
    if provider.capabilities().list.is_some() {
        let plan = provider.plan_revocation(vec![target.id.clone()]).await;
        let options = RevokeOptions::accept_replacement();
        let options = RevokeManyOptions::default().with_revoke_options(options);
        let mut revocations = provider.revoke_many(plan.unwrap(), options).unwrap();
        while let Some((_, verdict)) = revocations.next().await {
            assert!(!matches!(verdict, RevocationVerdict::Revoked(_)));
        }
    }
}

async fn assert_journaled(fixture: SimulatedFixture) {
    let journal = Watching::new(fixture.simulator());
    let provider = Journaled::new(fixture.provider(), journal.clone(), Run::new());
    write_everything(&provider, &fixture).await;
    journal.assert_covered();
    assert_eq!(journal.open.load(Ordering::SeqCst), 0);
    let issued = provider.create(create_request(&provider, "last")).await;
    let target = match issued {
        Ok(issued) => Target {
            id: issued.token.id,
            secret: issued.secret,
        },
        // The account holds its only token.
        Err(_) => Target {
            id: provider.list_all(Query::new()).await.unwrap().tokens[0]
                .id
                .clone(),
            secret: tokenfleet_core::Secret::new("unknown-1f2e3d4c"),
        },
    };
    journal.is_full.store(true, Ordering::SeqCst);
    let sent = journal.received();
    write_nothing(&provider, &target).await;
    assert_eq!(journal.received(), sent, "a request without an intent");

    // Nothing that was recorded is a secret, and each revocation of a token that was created here
    // names the token by the same id.
    let intents = journal.intents.lock().unwrap();
    let outcomes = journal.outcomes.lock().unwrap();
    let recorded = serde_json::to_string(&(&*intents, &*outcomes)).unwrap();
    assert!(!recorded.contains(target.secret.expose()));
    for token in fixture.simulator().tokens() {
        assert!(!recorded.contains(&token.secret));
    }
}

#[tokio::test(start_paused = true)]
async fn losant_sends_no_write_without_an_intent() {
    assert_journaled(losant(&[])).await;
    assert_journaled(losant(&["collection=application"])).await;
}

#[tokio::test(start_paused = true)]
async fn foreman_sends_no_write_without_an_intent() {
    assert_journaled(foreman(&[], Some(Release::new(3, 9)))).await;
    assert_journaled(foreman(&[], None)).await;
}

#[tokio::test(start_paused = true)]
async fn cloudsmith_sends_no_write_without_an_intent() {
    assert_journaled(cloudsmith(&["rate_limit=none"], true)).await;
    let services = ["rate_limit=none", "collection=services"];
    assert_journaled(cloudsmith(&services, false)).await;
}

#[tokio::test(start_paused = true)]
async fn mindbody_sends_no_write_without_an_intent() {
    assert_journaled(mindbody(&[], false)).await;
}

#[tokio::test(start_paused = true)]
async fn a_revocation_by_secret_names_the_token_that_was_created() {
    let fixture = mindbody(&[], false);
    let journal = Watching::new(fixture.simulator());
    let provider = Journaled::new(fixture.provider(), journal.clone(), Run::new());
    let issued = provider
        .create(create_request(&provider, ""))
        .await
        .unwrap();
    let token = TokenRef::Secret(&issued.secret);
    provider
        .revoke(token, RevokeOptions::default())
        .await
        .unwrap();
    let outcomes = journal.outcomes.lock().unwrap();
    let named =
        |outcome: &Outcome| -> Option<TokenId> { outcome.result.as_ref().unwrap().token.clone() };
    assert_eq!(named(&outcomes[0]), Some(issued.token.id.clone()));
    assert_eq!(named(&outcomes[1]), Some(issued.token.id));
    // A lost token of a platform that lists none is dead by a known time.
    let intents = journal.intents.lock().unwrap();
    assert!(intents[0].dead_by >= outcomes[0].dead_by && outcomes[0].dead_by.is_some());
}
