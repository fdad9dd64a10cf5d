//! Rotations over the real adapters: the future is dropped at every boundary, every request is
//! lost, answered in vain or late, and two workers are interleaved.

mod boundary;
mod claims;
mod compared;
mod keeping;
mod kept;
mod ledgers;
mod orders;
mod services;
mod stores;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_cloudsmith::{Cloudsmith, CloudsmithArguments, CloudsmithConfig, Resource, Role};
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::workflow::{Marker, Timer};
use tokenfleet_core::{
    Account, CreateToken, Query, Secret, Timestamp, TokenProvider, TokenProviderExt,
};
use tokenfleet_rotation::machine::{
    PlannedSink, Preference, Rotation, RotationPlan, RotationState, Strategy,
};
use tokenfleet_rotation::policy::successor_request;
use tokenfleet_rotation::runner::{Advanced, Clock, RotationJob, RotationRecord, Runner};
use tokenfleet_rotation::sink::{MemorySink, Readable, SecretSink};
use tokenfleet_simulators::{NewToken, Simulator, State};
use tokenfleet_tests::{adapter, base_url, build, fixed_credential, immediate_retries};

use crate::boundary::{Boundaries, BoundarySink, BoundaryStore, Fault};
use crate::kept::Kept;

const DAY: Duration = Duration::from_secs(86_400);

/// The clock of the simulator, which moves only when a rotation waits.
#[derive(Debug)]
struct SimulatorClock(Arc<dyn Simulator>, Mutex<Timestamp>);

impl SimulatorClock {
    fn new(simulator: &Arc<dyn Simulator>) -> Self {
        simulator.clock().freeze();
        let now: Timestamp = simulator.clock().now().to_string().parse().unwrap();
        Self(Arc::clone(simulator), Mutex::new(now))
    }

    fn set(&self, at: Timestamp) {
        *self.1.lock().unwrap() = at;
        self.0.clock().set(at.to_string().parse().unwrap());
    }
}

#[async_trait]
impl Timer for SimulatorClock {
    async fn wait(&self, duration: Duration) {
        self.set(self.now().saturating_add(duration));
    }
}

#[async_trait]
impl Clock for SimulatorClock {
    fn now(&self) -> Timestamp {
        *self.1.lock().unwrap()
    }

    /// No time passes during a call.
    async fn wait_beside_call(&self, _: Duration) {
        std::future::pending().await
    }
}

/// A platform with a token to rotate, whose secret two sinks hold.
struct Trial {
    platform: &'static str,
    simulator: Arc<dyn Simulator>,
    clock: SimulatorClock,
    kept: Kept,
    boundaries: Boundaries,
    provider: Arc<dyn TokenProvider>,
    sinks: Vec<Arc<dyn SecretSink>>,
    job: RotationJob,
    /// The ids of the tokens that are none of the rotation's business.
    others: BTreeSet<String>,
}

/// The platforms, and the service accounts of one of them, which it keeps apart.
const PLATFORMS: [&str; 5] = ["losant", "foreman", "cloudsmith", SERVICES, "mindbody"];

/// The service accounts of an organization of Cloudsmith.
const SERVICES: &str = "services";

fn simulator_of(platform: &str) -> Arc<dyn Simulator> {
    match platform {
        SERVICES => build("cloudsmith", &["collection=services"]),
        platform => build(platform, &[]),
    }
}

fn provider_over(
    platform: &str,
    simulator: &Arc<dyn Simulator>,
    transport: Arc<dyn tokenfleet_http::Transport>,
) -> Arc<dyn TokenProvider> {
    let credentials = simulator.credentials();
    match platform {
        "cloudsmith" | SERVICES => {
            let defaults = tokenfleet_simulators::cloudsmith::Options::default();
            let password = fixed_credential(&defaults.password);
            let config = CloudsmithConfig::for_user(defaults.email.as_str(), password);
            let mut config = config.with_base_url(base_url());
            if platform == SERVICES {
                let organization = Resource::Organization(defaults.organization);
                config = config.with_resource(organization);
            }
            let cloudsmith = Cloudsmith::new("main", config, transport);
            Arc::new(cloudsmith.with_retry(immediate_retries()))
        }
        "mindbody" => adapter(
            simulator,
            fixed_credential(&credentials["api_key"]),
            transport,
        ),
        _ => adapter(
            simulator,
            fixed_credential(&credentials["token"]),
            transport,
        ),
    }
}

/// Returns a provider whose requests pass no boundary.
fn quiet_provider(platform: &str, simulator: &Arc<dyn Simulator>) -> Arc<dyn TokenProvider> {
    provider_over(platform, simulator, tokenfleet_tests::transport(simulator))
}

fn alive(simulator: &dyn Simulator) -> BTreeSet<String> {
    let tokens = simulator.tokens().into_iter();
    let alive = tokens.filter(|token| matches!(token.state, State::Active | State::Suspended));
    alive.map(|token| token.id).collect()
}

fn record(
    platform: &str,
    plan: RotationPlan,
    request: CreateToken,
    rotation: Rotation,
) -> RotationRecord {
    let account = Account::new(platform, "main");
    let places = ["memory:0", "memory:1"];
    RotationRecord::new(account, places, plan, request, rotation)
}

impl Trial {
    async fn new(platform: &'static str, stops: &[usize], faults: &[(usize, Fault)]) -> Self {
        Self::over(Kept::default(), platform, stops, faults).await
    }

    async fn over(
        kept: Kept,
        platform: &'static str,
        stops: &[usize],
        faults: &[(usize, Fault)],
    ) -> Self {
        Self::on(simulator_of(platform), kept, platform, stops, faults).await
    }

    async fn on(
        simulator: Arc<dyn Simulator>,
        kept: Kept,
        platform: &'static str,
        stops: &[usize],
        faults: &[(usize, Fault)],
    ) -> Self {
        let clock = SimulatorClock::new(&simulator);
        let quiet = quiet_provider(platform, &simulator);
        if platform == "cloudsmith" {
            simulator.insert(NewToken::default());
        }
        let before = alive(&*simulator);
        let (subject, secret) = if platform == "cloudsmith" {
            let listed = quiet.list_all(Query::new()).await.unwrap().tokens;
            let id = &listed.first().unwrap().id;
            let issued = quiet.rotate(id).await.unwrap();
            (Some(issued.token), issued.secret)
        } else {
            let create = quiet.capabilities().create.clone().unwrap();
            let mut request = CreateToken::unnamed();
            if create.name != tokenfleet_core::capability::ArgumentSupport::Unsupported {
                request = CreateToken::new("ci");
            }
            if create.scopes {
                request = request.with_scope("all.User.read");
            }
            if platform == SERVICES {
                request = request.with_role(Role::Manager);
            }
            let issued = quiet.create(request).await.unwrap();
            let is_listed = quiet.capabilities().list.is_some();
            (is_listed.then_some(issued.token), issued.secret)
        };
        let places: Vec<_> = (0..2)
            .map(|number| {
                let sink = MemorySink::new(&number.to_string()).with_adoption();
                sink.set(Some(secret.duplicate()));
                sink
            })
            .collect();
        let boundaries = Boundaries::new(Arc::clone(&simulator), places.clone(), stops, faults);
        let provider = provider_over(platform, &simulator, Arc::new(boundaries.clone()));
        let sinks = places
            .into_iter()
            .map(|place| Arc::new(BoundarySink(place, boundaries.clone())) as Arc<dyn SecretSink>);
        let strategy =
            Strategy::for_capabilities(provider.capabilities(), Preference::Overlap).unwrap();
        let planned = vec![PlannedSink::new(Readable::Secret).with_adoption(); 2];
        let plan = RotationPlan::new(strategy, planned)
            .unwrap()
            .with_soak(DAY)
            .with_rest(Duration::from_secs(3600), DAY * 3);
        let new_expiry = provider
            .capabilities()
            .create
            .as_ref()
            .is_some_and(|c| c.expiry);
        let request = successor_request(
            provider.capabilities(),
            subject.as_ref(),
            new_expiry.then_some(DAY * 120),
        );
        let id = OperationId::random();
        let rotation = match &subject {
            Some(subject) => Rotation::of_token(id, subject, clock.now()),
            None => Rotation::new(id, None, clock.now()),
        };
        let record = record(platform, plan, request.unwrap(), rotation);
        let job = record.job();
        kept.open(record).await;
        Self {
            platform,
            clock,
            kept,
            provider,
            sinks: sinks.collect(),
            job,
            others: before,
            boundaries,
            simulator,
        }
    }

    /// Calls `advance` until nothing is left to do, however often it stops.
    ///
    /// The provider is a new one, as in another process: a worker that pauses may hold a permit.
    async fn finish(&self) {
        self.finish_with(true).await;
    }

    /// Does the same, and lets requests that are late arrive meanwhile, or leaves them out.
    async fn finish_with(&self, late_ones_land: bool) {
        let transport = Arc::new(self.boundaries.clone());
        let provider = provider_over(self.platform, &self.simulator, transport);
        for _ in 0..100 {
            // As another process opens it.
            let store = BoundaryStore(self.kept.store().await, self.boundaries.clone());
            let runner = Runner::new(&*provider, &self.sinks, &store, &self.clock);
            let advance = runner.advance(&self.job);
            let advanced = tokio::select! {
                biased;
                advanced = advance => advanced.unwrap(),
                // Dropped, as by a crash.
                () = self.boundaries.reached.notified() => continue,
            };
            match advanced {
                Advanced::Done => return,
                Advanced::Waiting { until, .. } => {
                    self.clock.set(until);
                    if late_ones_land {
                        self.boundaries.land(false).await;
                    }
                }
                // A ledger has closed it, and the worker that did so told nobody.
                Advanced::NotOurs if self.rotation().await.state == RotationState::Done => return,
                other => panic!("{}: {other:?}", self.platform),
            }
        }
        panic!(
            "{}: it does not end: {:?}",
            self.platform,
            self.rotation().await
        );
    }

    /// Returns `true` where a token gets another secret instead of a successor.
    fn is_in_place(&self) -> bool {
        self.platform == "cloudsmith"
    }

    /// Returns the request for a successor, with a number in its name where it has one.
    fn numbered_request(&self) -> CreateToken {
        let mut request = self.job.request.clone();
        let name = request.name.take();
        request.name = name.map(|name| format!("{name} {}", fastrand::u32(..)));
        request
    }

    async fn rotation(&self) -> Rotation {
        self.kept.rotation(self.job.id).await
    }

    /// Checks that one secret is in every sink and works, and that nothing else of the rotation is
    /// alive. `may_be_marked` allows living tokens that bear a durable marker.
    async fn check(&self, may_be_marked: bool, schedule: &str) {
        let rotation = self.rotation().await;
        assert_eq!(rotation.state, RotationState::Done, "{schedule}");
        self.boundaries.land(true).await;
        let held: Vec<Secret> = self
            .boundaries
            .sinks
            .iter()
            .map(|s| s.secret().unwrap())
            .collect();
        assert!(held[0].is_same(&held[1]), "{schedule}: the sinks differ");
        let is_in_place = self.is_in_place();
        if !(is_in_place && may_be_marked) {
            assert!(
                self.simulator.accepts(held[0].expose()),
                "{schedule}: a dead end"
            );
        }
        if !is_in_place {
            let outages = self.boundaries.outages();
            assert!(outages.is_empty(), "{schedule}: {outages:?}");
        }
        let alive = alive(&*self.simulator);
        assert!(
            self.others.is_subset(&alive),
            "{schedule}: a foreign token was touched"
        );
        let left: BTreeSet<_> = alive.difference(&self.others).collect();
        match self.platform {
            "cloudsmith" => assert!(left.is_empty(), "{schedule}: {left:?}"),
            "mindbody" => {
                let unknown = rotation.unknown_secrets(DAY).at_most as usize;
                assert!(
                    left.len() <= 1 + unknown,
                    "{schedule}: {left:?}, {rotation:?}"
                );
                assert!(unknown <= 4, "{schedule}: {rotation:?}");
            }
            _ if may_be_marked => {
                let markers: Vec<&Marker> = rotation
                    .attempts
                    .iter()
                    .map(|attempt| &attempt.marker)
                    .collect();
                let quiet = quiet_provider(self.platform, &self.simulator);
                for token in quiet.list_all(Query::new()).await.unwrap() {
                    let is_left = left.iter().any(|id| *id == token.id.as_str());
                    let is_marked = markers.iter().any(|marker| marker.matches(&token));
                    assert!(!is_left || is_marked, "{schedule}: {token:?}");
                }
            }
            _ => assert_eq!(left.len(), 1, "{schedule}: {left:?} {rotation:?}"),
        }
    }
}

/// Runs a schedule of crashes, with one request that fails.
async fn run(platform: &'static str, stops: &[usize], faults: &[(usize, Fault)]) -> Trial {
    let trial = Trial::new(platform, stops, faults).await;
    trial.finish().await;
    trial
        .check(false, &format!("{platform} {stops:?} {faults:?}"))
        .await;
    trial
}

#[tokio::test]
async fn a_rotation_ends_without_faults() {
    for platform in PLATFORMS {
        let trial = run(platform, &[], &[]).await;
        let rotation = trial.rotation().await;
        assert_eq!(rotation.attempts.len(), 1, "{platform}");
        let (boundaries, requests) = trial.boundaries.passed();
        println!("{platform}: {boundaries} boundaries, {requests} requests");
    }
}

#[tokio::test]
async fn a_rotation_that_waits_is_not_parked_however_often_it_is_asked() {
    let trial = Trial::new("losant", &[], &[]).await;
    let store = trial.kept.memory();
    let runner = Runner::new(&*trial.provider, &trial.sinks, store, &trial.clock);
    for _ in 0..30 {
        let advanced = runner.advance(&trial.job).await.unwrap();
        assert!(matches!(advanced, Advanced::Waiting { .. }), "{advanced:?}");
    }
    let (_, requests) = trial.boundaries.passed();
    let requested =
        "one creates the token, and one tries its secret; nothing is asked while it waits";
    assert_eq!(requests, 2, "{requested}");
    trial.finish().await;
    trial.check(false, "asked often").await;
}

#[tokio::test]
async fn a_successor_is_rotated_like_the_token_before_it() {
    for platform in ["losant", "foreman", "cloudsmith", SERVICES] {
        // The crashes raise the epoch, which rises from one rotation to the next, too.
        let mut trial = Trial::new(platform, &[3, 6], &[]).await;
        trial.finish().await;
        let mut names = Vec::new();
        for _ in 0..3 {
            let list = trial.provider.list_all(Query::new()).await.unwrap();
            let id = trial.rotation().await.successor.unwrap().token;
            let subject = list.into_iter().find(|token| token.id == id).unwrap();
            names.push(subject.name.known().cloned());
            let capabilities = trial.provider.capabilities();
            let takes_expiry = capabilities
                .create
                .as_ref()
                .is_some_and(|create| create.expiry);
            let expiry = takes_expiry.then_some(DAY * 120);
            let request = successor_request(capabilities, Some(&subject), expiry).unwrap();
            let rotation = Rotation::of_token(OperationId::random(), &subject, trial.clock.now());
            let record = record(platform, trial.job.plan.clone(), request, rotation);
            trial.job = record.job();
            trial.kept.open(record).await;
            trial.finish().await;
            trial.check(false, platform).await;
        }
        // A marker takes the place of the one before it.
        let lengths: BTreeSet<_> = names.iter().flatten().map(String::len).collect();
        assert!(lengths.len() <= 1, "{platform}: {names:?}");
    }
}

#[tokio::test]
async fn a_future_that_is_dropped_anywhere_leaves_nothing_behind() {
    for platform in PLATFORMS {
        let (boundaries, _) = run(platform, &[], &[]).await.boundaries.passed();
        let mut schedules = 0;
        for first in 1..=boundaries {
            let (again, _) = run(platform, &[first], &[]).await.boundaries.passed();
            for second in first + 1..=again {
                run(platform, &[first, second], &[]).await;
                schedules += 1;
            }
        }
        println!("{platform}: {schedules} schedules of two crashes");
        assert!(schedules > 200, "{platform}: {schedules}");
    }
}

#[tokio::test]
async fn a_request_that_fails_anywhere_leaves_nothing_behind_even_with_a_crash() {
    for platform in PLATFORMS {
        let (_, requests) = run(platform, &[], &[]).await.boundaries.passed();
        let mut schedules = 0;
        for request in 0..requests {
            for fault in [Fault::Lost, Fault::AnswerLost, Fault::Late] {
                let fault = [(request, fault)];
                let (boundaries, _) = run(platform, &[], &fault).await.boundaries.passed();
                for crash in 1..=boundaries {
                    run(platform, &[crash], &fault).await;
                    schedules += 1;
                }
            }
        }
        println!("{platform}: {schedules} schedules of a fault and a crash");
        assert!(schedules > 100, "{platform}: {schedules}");
    }
}

/// Returns the number of random schedules of each platform. `TOKENFLEET_SCHEDULES` sets it.
fn schedules() -> u64 {
    let configured = std::env::var("TOKENFLEET_SCHEDULES").ok();
    configured.map_or(100, |count| count.parse().unwrap())
}

#[tokio::test]
async fn random_schedules_of_crashes_and_failing_requests_leave_nothing_behind() {
    for platform in PLATFORMS {
        let (boundaries, requests) = run(platform, &[], &[]).await.boundaries.passed();
        for seed in 0..schedules() {
            let mut random = fastrand::Rng::with_seed(seed);
            // Five attempts are allowed, and each of these costs one at most.
            let crashes = random.usize(..=4);
            let mut stops: Vec<_> = (0..crashes)
                .map(|_| random.usize(1..=boundaries * 2))
                .collect();
            stops.sort_unstable();
            stops.dedup();
            let faults: Vec<_> = (crashes..random.usize(crashes..=4))
                .map(|_| {
                    let faults = [Fault::Lost, Fault::AnswerLost, Fault::Late];
                    (random.usize(..requests * 2), faults[random.usize(..3)])
                })
                .collect();
            run(platform, &stops, &faults).await;
        }
    }
}

#[tokio::test]
async fn a_worker_that_pauses_while_another_one_finishes_kills_nothing() {
    for platform in PLATFORMS {
        let (boundaries, _) = run(platform, &[], &[]).await.boundaries.passed();
        for pause in 1..=boundaries {
            let trial = Trial::new(platform, &[pause], &[]).await;
            let store = BoundaryStore(trial.kept.store().await, trial.boundaries.clone());
            let runner = Runner::new(&*trial.provider, &trial.sinks, &store, &trial.clock);
            'paused: {
                let mut advance = Box::pin(runner.advance(&trial.job));
                loop {
                    tokio::select! {
                        biased;
                        advanced = &mut advance => match advanced.unwrap() {
                            Advanced::Waiting { until, .. } => {
                                trial.clock.set(until);
                                drop(advance);
                                advance = Box::pin(runner.advance(&trial.job));
                            }
                            Advanced::Done => break 'paused,
                            other => panic!("{other:?}"),
                        },
                        () = trial.boundaries.reached.notified() => break,
                    }
                }
                trial.finish().await;
                trial.boundaries.resumed.notify_one();
                let advanced = advance.await.unwrap();
                // It learns that it was superseded, unless nothing was left for it to do.
                assert!(
                    !matches!(advanced, Advanced::Parked(_)),
                    "{platform} {pause}"
                );
            }
            trial
                .check(true, &format!("{platform}, pause at {pause}"))
                .await;
        }
    }
}
