//! Providers in a wrapper: one that records every write, and one that refuses every write.

#![allow(
    clippy::unwrap_used,
    reason = "clippy does not see that all of this is a test"
)]

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use async_trait::async_trait;
use futures_executor::block_on;
use tokenfleet_conformance::{
    ExistingToken, Fault, Fixture, FixtureError, InsertedToken, MemoryFixture, MemoryProfile,
    MemoryProvider, TokenSpec, run,
};
use tokenfleet_core::adapter::{Adapter, Page, PageRequest};
use tokenfleet_core::capability::{
    ArgumentDescription, ArgumentValue, CreateCapability, ListCapability, OperationCall,
    RevokeCapability, UpdateCapability,
};
use tokenfleet_core::journal::{Intent, Journal, Journaled, OperationId, Outcome, Resolution, Run};
use tokenfleet_core::workflow::{RevokeManyOptions, Timer};
use tokenfleet_core::*;

/// A journal in memory, which can be full.
#[derive(Debug, Default)]
struct Lines {
    intents: Mutex<Vec<Intent>>,
    outcomes: Mutex<Vec<(Intent, Outcome)>>,
    resolutions: Mutex<Vec<(String, Resolution)>>,
    is_full: AtomicBool,
}

#[async_trait]
impl Journal for Lines {
    async fn record_intent(&self, intent: &Intent) -> Result<()> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(Error::configuration("the journal is full").with_advice("make room"));
        }
        self.intents.lock().unwrap().push(intent.clone());
        Ok(())
    }

    async fn record_outcome(&self, intent: &Intent, outcome: &Outcome) {
        assert!(self.intents.lock().unwrap().contains(intent));
        let recorded = (intent.clone(), outcome.clone());
        self.outcomes.lock().unwrap().push(recorded);
    }

    async fn record_resolution(&self, intent: &str, resolution: &Resolution) {
        let recorded = (intent.to_owned(), resolution.clone());
        self.resolutions.lock().unwrap().push(recorded);
    }
}

impl Lines {
    /// Returns a word for each intent, in order, with the fate of its outcome.
    fn told(&self) -> Vec<(Operation, Option<Fate>)> {
        let outcomes = self.outcomes.lock().unwrap();
        let fate = |intent: &Intent| {
            let mut of_intent = outcomes.iter().filter(|(other, _)| other.id == intent.id);
            let fate = of_intent.next().map(|(_, outcome)| outcome.fate());
            assert!(of_intent.next().is_none(), "two outcomes of one intent");
            fate
        };
        let intents = self.intents.lock().unwrap();
        (intents.iter())
            .map(|intent| (intent.operation, fate(intent)))
            .collect()
    }
}

/// A fixture whose provider records its writes.
struct JournaledFixture {
    inner: MemoryFixture,
    provider: Arc<Watched>,
    journal: Arc<Lines>,
}

/// A provider that counts the writes whose futures are dropped.
#[derive(Debug)]
struct Watched {
    provider: Journaled,
    dropped: AtomicU64,
}

impl Watched {
    async fn watch<T>(&self, write: impl Future<Output = T>) -> T {
        self.dropped.fetch_add(1, Ordering::SeqCst);
        let result = write.await;
        self.dropped.fetch_sub(1, Ordering::SeqCst);
        result
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl TokenProvider for Watched {
    fn account(&self) -> &Account {
        self.provider.account()
    }

    fn capabilities(&self) -> &Capabilities {
        self.provider.capabilities()
    }

    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        self.provider.list_page(request).await
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        self.provider.get(id).await
    }

    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        self.watch(self.provider.create(request)).await
    }

    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        self.watch(self.provider.update(id, change)).await
    }

    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        self.watch(self.provider.rotate(id)).await
    }

    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        self.watch(self.provider.renew(secret)).await
    }

    async fn revoke(&self, token: TokenRef<'_>, options: RevokeOptions) -> Result<Revocation> {
        self.watch(self.provider.revoke(token, options)).await
    }

    fn secret_shape(&self, secret: &Secret) -> SecretShape {
        self.provider.secret_shape(secret)
    }

    async fn token_of(&self, secret: &Secret) -> Result<Option<Token>> {
        self.provider.token_of(secret).await
    }

    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        self.provider.verify(secret).await
    }

    async fn whoami(&self) -> Result<Identity> {
        self.provider.whoami().await
    }

    fn checked(self: Arc<Self>) -> Arc<dyn TokenProvider> {
        self
    }
}

impl JournaledFixture {
    fn new(profile: MemoryProfile) -> Self {
        let inner = MemoryFixture::new(profile);
        let journal = Arc::<Lines>::default();
        let provider = Journaled::new(inner.provider(), journal.clone(), Run::new());
        Self {
            inner,
            provider: Arc::new(Watched {
                provider,
                dropped: AtomicU64::new(0),
            }),
            journal,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Fixture for JournaledFixture {
    fn provider(&self) -> Arc<dyn TokenProvider> {
        Arc::clone(&self.provider) as _
    }

    fn credentials(&self) -> Vec<Secret> {
        self.inner.credentials()
    }

    async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken> {
        self.inner.insert(spec).await
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

    /// Checks the journal of the case: only a write that was dropped may have no outcome.
    async fn close(&self) -> std::result::Result<(), FixtureError> {
        let told = self.journal.told();
        let open = told.iter().filter(|(_, fate)| fate.is_none()).count() as u64;
        let dropped = self.provider.dropped.load(Ordering::SeqCst);
        assert!(open <= dropped, "{dropped} writes were dropped: {told:?}");
        self.inner.close().await
    }

    async fn remove(&self, id: &TokenId) -> bool {
        self.inner.remove(id).await
    }

    fn intruder(&self) -> Option<Arc<dyn TokenProvider>> {
        self.inner.intruder()
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    async fn advance(&self, by: Duration) -> bool {
        self.inner.advance(by).await
    }

    async fn inject(&self, fault: Fault) -> bool {
        self.inner.inject(fault).await
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

#[test]
fn a_journaled_provider_passes_the_suite_unchanged() {
    for profile in MemoryProfile::all() {
        let plain = block_on(run(async || MemoryFixture::new(profile.clone())));
        let journaled = block_on(run(async || JournaledFixture::new(profile.clone())));
        journaled.assert_passed();
        let ran = |report: &tokenfleet_conformance::Report| {
            report.ran().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(ran(&journaled), ran(&plain), "{}", profile.name());
    }
}

fn journaled(provider: Arc<dyn TokenProvider>) -> (Arc<Journaled>, Arc<Lines>) {
    let journal = Arc::<Lines>::default();
    let run = Run::new().with_reason("a test");
    let provider = Journaled::new(provider, journal.clone(), run);
    (Arc::new(provider), journal)
}

#[test]
fn a_write_whose_intent_cannot_be_recorded_is_not_sent() {
    let platform = Arc::new(MemoryProvider::new(MemoryProfile::full()));
    let (provider, journal) = journaled(platform.clone());
    let issued = block_on(provider.create(CreateToken::new("ci"))).unwrap();
    journal.is_full.store(true, Ordering::SeqCst);
    let sent = platform.request_count();
    let (id, secret) = (&issued.token.id, &issued.secret);
    let options = RevokeOptions::default();
    let errors = block_on(async {
        [
            provider.create(CreateToken::new("cd")).await.err(),
            (provider.update(id, UpdateToken::rename("cd")).await).err(),
            provider.rotate(id).await.err(),
            provider.renew(secret).await.err(),
            provider.revoke(id.into(), options).await.err(),
            provider.revoke(secret.into(), options).await.err(),
        ]
    });
    for error in errors.into_iter().flatten() {
        assert_eq!(error.fate(), Fate::NotSent);
        assert_eq!(error.account(), Some(provider.account()));
        assert!(error.operation().is_some_and(Operation::is_write));
    }
    assert_eq!(platform.request_count(), sent);
    block_on(provider.get(id)).unwrap();
    assert_eq!(journal.told(), [(Operation::Create, Some(Fate::Applied))]);
}

#[test]
fn an_intent_says_what_is_written_and_why_and_never_a_secret() {
    let platform = Arc::new(MemoryProvider::new(MemoryProfile::full()));
    let (provider, journal) = journaled(platform);
    block_on(async {
        let request = CreateToken::new("ci")
            .with_description("for builds")
            .with_lifetime(Duration::from_secs(3_600));
        let issued = provider.create(request).await.unwrap();
        let id = &issued.token.id;
        (provider.update(id, UpdateToken::suspend()).await).unwrap();
        let revoked = provider
            .revoke(id.into(), RevokeOptions::default().with_existed())
            .await;
        revoked.unwrap();
        let (intents, outcomes) = (&journal.intents, &journal.outcomes);
        let (intents, outcomes) = (intents.lock().unwrap(), outcomes.lock().unwrap());
        let [create, update, revoke] = &intents[..] else {
            panic!("{intents:?}");
        };
        assert_eq!(create.name.as_deref(), Some("ci"));
        assert_eq!(create.description.as_deref(), Some("for builds"));
        assert_eq!((&create.token, create.by_secret), (&None, false));
        assert!(create.dead_by >= issued.token.expiry.known().copied());
        assert_eq!(
            revoke.revoke_options.map(|options| options.existed),
            Some(true)
        );
        assert_eq!(update.suspension, Some(Suspension::Suspend));
        assert_eq!(revoke.token.as_ref(), Some(id));
        for (number, intent) in (1..).zip(intents.iter()) {
            assert_eq!(intent.id, format!("{}-{number}", intent.run));
            assert_eq!(intent.reason.as_deref(), Some("a test"));
            assert_eq!(&intent.account, provider.account());
        }
        let effect = outcomes[0].1.result.as_ref().unwrap();
        assert_eq!(effect.token.as_ref(), Some(id));
        assert_eq!(effect.record.as_ref(), Some(&issued.token));
        assert_eq!(outcomes[0].1.dead_by, issued.token.expiry.known().copied());
        let effect = outcomes[2].1.result.as_ref().unwrap();
        assert!(effect.revocation.is_some());
        let recorded = format!("{intents:?} {outcomes:?}");
        assert!(!recorded.contains(issued.secret.expose()));
    });
}

/// A platform that takes any id for one that is gone.
#[derive(Debug)]
struct Forgetful(Silent, RevocationOutcome);

#[async_trait]
impl Adapter for Forgetful {
    fn account(&self) -> &Account {
        &self.0.account
    }

    fn capabilities(&self) -> &Capabilities {
        &self.0.declared[1]
    }

    async fn revoke_by_id(&self, id: &TokenId, _options: RevokeOptions) -> Result<Revocation> {
        Ok(Revocation::new(self.1, RevocationEffect::Deleted).with_id(id.clone()))
    }
}

#[test]
fn a_secret_in_the_place_of_another_text_is_masked_in_every_journal() {
    const SECRET: &str = "SK-PrjW98OTY1h8QTY9hUA";
    let outcome = RevocationOutcome::AlreadyGone;
    let forgetful: Arc<dyn TokenProvider> = Arc::new(Forgetful(Silent::new(), outcome));
    for provider in [
        forgetful,
        Arc::new(MemoryProvider::new(MemoryProfile::full())),
    ] {
        let journal = Arc::<Lines>::default();
        let run = Run::new().with_reason(&format!("INC-42: {SECRET} leaked"));
        let provider = Journaled::new(provider, journal.clone(), run);
        let (id, options) = (TokenId::new(SECRET), RevokeOptions::default());
        block_on(async {
            let request = CreateToken::new(SECRET).with_description(format!("of {SECRET}"));
            let _ = provider.create(request).await;
            let _ = provider.update(&id, UpdateToken::rename(SECRET)).await;
            let _ = provider.rotate(&id).await;
            let _ = provider.revoke((&id).into(), options).await;
            let _ = provider.revoke((&id).into(), options.with_existed()).await;
        });
        let intents = journal.intents.lock().unwrap();
        let outcomes = journal.outcomes.lock().unwrap();
        assert!(intents.len() >= 3 && outcomes.len() == intents.len());
        let reason = intents[0].reason.as_deref();
        assert_eq!(reason, Some("INC-42: [masked] leaked"));
        let revoked = intents.last().unwrap().token.as_ref();
        assert_eq!(revoked.map(TokenId::as_str), Some("[masked]"));
        let recorded = format!("{intents:?} {outcomes:?}");
        assert!(!recorded.contains(SECRET), "{recorded}");
    }
}

#[test]
fn the_marker_of_a_creation_and_ids_of_platforms_are_recorded_as_they_are() {
    let platform = Arc::new(Forgetful(Silent::new(), RevocationOutcome::Revoked));
    let (provider, journal) = journaled(platform);
    let ids = [
        "575ec8687ae143cd83dc4a97",
        "123e4567-e89b-12d3-a456-426614174000",
        "aB3xK9qLm2Zr",
        "infra-eu-west-1-deployments",
    ];
    for id in ids.map(TokenId::new) {
        block_on(provider.revoke((&id).into(), RevokeOptions::default())).unwrap();
        let recorded = journal.intents.lock().unwrap().last().unwrap().clone();
        assert_eq!(recorded.token, Some(id));
    }
    let request = CreateToken::new("ci").with_description("for builds tf-0123456789abcdef");
    let intent = Intent::for_call(
        &Run::new(),
        provider.account(),
        provider.capabilities(),
        OperationCall::Create(&request),
    );
    assert_eq!(intent.description, request.description);
}

#[test]
fn a_revocation_that_found_nothing_to_revoke_was_not_applied() {
    for (outcome, fate) in [
        (RevocationOutcome::Revoked, Fate::Applied),
        (RevocationOutcome::AlreadyRevoked, Fate::Rejected),
        (RevocationOutcome::AlreadyGone, Fate::Rejected),
    ] {
        let (provider, journal) = journaled(Arc::new(Forgetful(Silent::new(), outcome)));
        let (id, options) = (TokenId::new("1"), RevokeOptions::default());
        block_on(provider.revoke((&id).into(), options)).unwrap();
        assert_eq!(journal.told(), [(Operation::Revoke, Some(fate))]);
    }
}

#[test]
fn ids_of_runs_have_128_bits_and_processes_that_share_a_run_share_no_intent() {
    let ids: std::collections::HashSet<_> =
        (0..1_000).map(|_| Run::new().id().to_owned()).collect();
    assert_eq!(ids.len(), 1_000);
    for id in ids {
        assert_eq!(id.len(), 32, "{id}");
        assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert_ne!(id[..16], id[16..]);
    }
    let account = Account::new("silent", "mine");
    let runs = [(); 2].map(|()| Run::new().with_id("nightly-7"));
    let [first, second] = runs.each_ref().map(|run| {
        let id = TokenId::new("1");
        let capabilities = Capabilities::none();
        Intent::for_call(run, &account, &capabilities, OperationCall::Rotate(&id))
    });
    assert_eq!((&*first.run, &*second.run), ("nightly-7", "nightly-7"));
    assert!(first.id.starts_with("nightly-7-") && first.id.ends_with("-1"));
    assert_ne!(first.id, second.id);
}

#[test]
fn a_revocation_by_secret_is_recorded_without_the_secret() {
    let platform = Arc::new(MemoryProvider::new(MemoryProfile::secret_only()));
    let (provider, journal) = journaled(platform);
    let issued = block_on(provider.create(CreateToken::unnamed())).unwrap();
    let options = RevokeOptions::default();
    block_on(provider.revoke((&issued.secret).into(), options)).unwrap();
    let intents = journal.intents.lock().unwrap();
    assert_eq!((&intents[1].token, intents[1].by_secret), (&None, true));
    let outcomes = journal.outcomes.lock().unwrap();
    let recorded = format!("{intents:?} {outcomes:?}");
    assert!(!recorded.contains(issued.secret.expose()));
    // Where the platform reports an id, it links the revocation to the creation.
    let effect = outcomes[1].1.result.as_ref().unwrap();
    if let Some(id) = &effect.token {
        assert_eq!(id, &issued.token.id);
    }
}

#[test]
fn what_is_refused_before_it_is_sent_is_no_write() {
    let platform = Arc::new(MemoryProvider::new(MemoryProfile::read_only()));
    let (provider, journal) = journaled(platform);
    block_on(provider.create(CreateToken::new("ci"))).unwrap_err();
    block_on(provider.rotate(&TokenId::new("1"))).unwrap_err();
    assert_eq!(journal.told(), []);
}

/// A platform that never answers a creation, and that learns what it supports.
#[derive(Debug)]
struct Silent {
    account: Account,
    declared: [Capabilities; 2],
    has_learned: AtomicBool,
    writes: AtomicU64,
}

impl Silent {
    fn new() -> Self {
        let first = Capabilities::none().with_create(CreateCapability::new());
        let more = first
            .clone()
            .with_list(ListCapability::unpaged())
            .with_update(UpdateCapability::new())
            .with_rotate()
            .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted));
        Self {
            account: Account::new("silent", "mine").with_place("https://example.com"),
            declared: [first, more],
            has_learned: AtomicBool::new(false),
            writes: AtomicU64::new(0),
        }
    }
}

#[async_trait]
impl Adapter for Silent {
    fn account(&self) -> &Account {
        &self.account
    }

    fn capabilities(&self) -> &Capabilities {
        &self.declared[usize::from(self.has_learned.load(Ordering::SeqCst))]
    }

    async fn list_page(&self, _request: PageRequest) -> Result<Page> {
        let token = Token::new(TokenId::new("1"), TokenState::Active);
        Ok(Page::last(vec![token]))
    }

    async fn create(&self, _request: CreateToken) -> Result<IssuedToken> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        pending().await
    }
}

#[test]
fn a_call_that_is_dropped_leaves_an_intent_without_outcome() {
    let (provider, journal) = journaled(Arc::new(Silent::new()));
    {
        let mut call = provider.create(CreateToken::unnamed());
        let mut context = Context::from_waker(Waker::noop());
        assert!(call.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(journal.told(), [(Operation::Create, None)]);
}

/// A timer that does not wait.
#[derive(Debug)]
struct NoWait;

#[async_trait]
impl Timer for NoWait {
    async fn wait(&self, _duration: Duration) {}
}

#[test]
fn the_steps_of_a_workflow_are_recorded_although_it_knows_nothing_of_the_journal() {
    let fixture = JournaledFixture::new(MemoryProfile::full());
    block_on(async {
        assert!(fixture.inject(Fault::LoseResponse).await);
        let provider = fixture.provider();
        let once = ExactlyOnce::new(&*provider, &NoWait);
        let issued = once.create(CreateToken::new("ci")).await.unwrap();
        let plan = provider.plan_revocation(vec![issued.token.id]).await;
        let options = RevokeManyOptions::default();
        let mut revocations = provider.revoke_many(plan.unwrap(), options).unwrap();
        while revocations.next().await.is_some() {}
    });
    let expected = [
        (Operation::Create, Some(Fate::MaybeApplied)),
        (Operation::Revoke, Some(Fate::Applied)),
        (Operation::Create, Some(Fate::Applied)),
        (Operation::Revoke, Some(Fate::Applied)),
    ];
    assert_eq!(fixture.journal.told(), expected);
    // The attempts of the creation are one operation, and the plan is another.
    let intents = fixture.journal.intents.lock().unwrap();
    let operations: Vec<_> = intents.iter().map(|intent| intent.operation_id).collect();
    let [lost, clean_up, created, planned] = operations[..] else {
        panic!("{intents:?}");
    };
    assert_eq!((lost, lost), (clean_up, created));
    assert_ne!(lost, planned);
    assert!(intents[0].marker().is_some() && intents[0].marker() != intents[2].marker());
}

#[test]
fn the_suspensions_of_a_plan_and_a_creation_continue_the_operation_that_is_given() {
    let id = OperationId::random();
    let fixture = JournaledFixture::new(MemoryProfile::full());
    block_on(async {
        let provider = fixture.provider();
        let request = CreateToken::new("ci").with_operation_id(id);
        let once = ExactlyOnce::new(&*provider, &NoWait);
        let issued = once.create(request).await.unwrap();
        let plan = provider.plan_revocation(vec![issued.token.id]).await;
        let revoke = RevokeOptions::default().with_operation_id(id);
        let options = RevokeManyOptions::default().with_revoke_options(revoke);
        let options = options.with_suspension_instead();
        let mut suspensions = provider.revoke_many(plan.unwrap(), options).unwrap();
        while suspensions.next().await.is_some() {}
    });
    let intents = fixture.journal.intents.lock().unwrap();
    let of_operation = intents.iter().filter(|intent| intent.operation_id == id);
    let told: Vec<_> = of_operation.map(|intent| intent.operation).collect();
    assert_eq!(told, [Operation::Create, Operation::Update]);
}

#[test]
fn the_revocations_of_a_plan_are_one_operation_and_those_of_the_next_plan_another() {
    let fixture = JournaledFixture::new(MemoryProfile::full());
    block_on(async {
        let provider = fixture.provider();
        for _ in 0..2 {
            for name in ["one", "two"] {
                fixture.insert(TokenSpec::active().with_name(name)).await;
            }
            let list = provider.list_all(Query::new()).await.unwrap();
            let plan = RevocationPlan::from_tokens(provider.account(), &list.tokens);
            let options = RevokeManyOptions::default();
            let mut revocations = provider.revoke_many(plan, options).unwrap();
            while revocations.next().await.is_some() {}
        }
    });
    let intents = fixture.journal.intents.lock().unwrap();
    let [first, second, third, fourth] = &intents[..] else {
        panic!("{intents:?}");
    };
    assert_eq!(first.operation_id, second.operation_id);
    assert_eq!(third.operation_id, fourth.operation_id);
    assert_ne!(first.operation_id, third.operation_id);
}

#[test]
fn an_attempt_whose_response_was_lost_is_settled_in_the_journal() {
    for (fault, taken_back) in [(Fault::LoseResponse, true), (Fault::LoseRequest, false)] {
        let fixture = JournaledFixture::new(MemoryProfile::full());
        block_on(async {
            assert!(fixture.inject(fault).await);
            let provider = fixture.provider();
            let once = ExactlyOnce::new(&*provider, &NoWait).with_journal(&*fixture.journal);
            once.create(CreateToken::new("ci")).await.unwrap();
        });
        let intents = fixture.journal.intents.lock().unwrap();
        let resolutions = fixture.journal.resolutions.lock().unwrap();
        let [(settled, resolution)] = &resolutions[..] else {
            panic!("{resolutions:?}");
        };
        assert_eq!(settled, &intents[0].id);
        match resolution {
            Resolution::TakenBack(tokens) => {
                assert!(taken_back);
                assert_eq!(Some(&tokens[0]), intents[1].token.as_ref());
            }
            other => assert!(!taken_back && *other == Resolution::NotApplied, "{other:?}"),
        }
    }
}

/// A platform that creates tokens with broader scopes than requested, and does not revoke them.
#[derive(Debug)]
struct Stubborn(Account, Capabilities);

#[async_trait]
impl Adapter for Stubborn {
    fn account(&self) -> &Account {
        &self.0
    }

    fn capabilities(&self) -> &Capabilities {
        &self.1
    }

    async fn create(&self, _request: CreateToken) -> Result<IssuedToken> {
        let mut token = Token::new(TokenId::new("orphan-1"), TokenState::Active);
        token.scopes = Fact::Known(vec!["all".to_owned()].into());
        Ok(IssuedToken::new(token, Secret::new("a-secret-of-mine")))
    }
}

#[test]
fn a_token_that_could_not_be_taken_back_is_in_the_error_and_in_the_journal() {
    let capabilities = Capabilities::none()
        .with_create(CreateCapability::new().with_scopes())
        .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted));
    let platform = Stubborn(Account::new("stubborn", "mine"), capabilities);
    let (provider, journal) = journaled(Arc::new(platform));
    let request = CreateToken::unnamed().with_scope("read");
    let error = block_on(provider.create(request)).unwrap_err();
    assert_eq!(error.left_behind(), ["orphan-1"]);
    let outcomes = journal.outcomes.lock().unwrap();
    let (intent, outcome) = &outcomes[0];
    assert_eq!(outcome.left_behind, [TokenId::new("orphan-1")]);
    assert_eq!(outcome.fate(), Fate::MaybeApplied);
    assert_eq!(error.intent(), Some(&*intent.id));
}

#[test]
fn a_read_only_provider_reads_and_refuses_every_write_before_it_is_sent() {
    let platform = Arc::new(Silent::new());
    let provider = Arc::new(ReadOnly::new(platform.clone(), "the brake")).checked();
    assert!(!provider.capabilities().supports(Operation::List));
    platform.has_learned.store(true, Ordering::SeqCst);
    let declared = provider.capabilities().clone();
    assert_eq!(
        declared,
        platform.declared[1].clone().with_read_only("the brake")
    );
    assert!(std::ptr::eq(
        provider.capabilities(),
        provider.capabilities()
    ));
    let (id, options) = (TokenId::new("1"), RevokeOptions::default());
    let suspend = UpdateToken::suspend();
    assert!(
        declared
            .check(OperationCall::Update(&id, &suspend))
            .is_err()
    );
    block_on(async {
        assert_eq!(
            provider.list_all(Query::new()).await.unwrap().tokens.len(),
            1
        );
        for error in [
            provider.create(CreateToken::unnamed()).await.err(),
            provider.update(&id, suspend).await.err(),
            provider.rotate(&id).await.err(),
            provider.revoke((&id).into(), options).await.err(),
        ] {
            let error = error.expect("a write was not refused");
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert_eq!(error.fate(), Fate::NotSent);
            assert_eq!(error.advice(), Some("to allow changes, remove the brake"));
            assert_eq!(error.account(), Some(provider.account()));
        }
        let renewed = provider.renew(&Secret::new("a-secret-of-mine")).await;
        assert_eq!(renewed.unwrap_err().kind(), ErrorKind::Unsupported);
    });
    assert_eq!(platform.writes.load(Ordering::SeqCst), 0);
}
