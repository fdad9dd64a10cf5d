//! What a runner keeps to: the claim that covers each call, the sinks of the plan, and the secret
//! that nobody else has.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{Error, ErrorKind, Fate, Result, Secret, Timestamp, TokenId};
use tokenfleet_rotation::machine::{Change, Parked, Rotation, RotationState, WaitReason};
use tokenfleet_rotation::runner::{
    Advanced, Claim, Clock, MemoryRotationStore, RotationStore, Runner,
};
use tokenfleet_rotation::sink::{
    MemorySink, SecretSink, SinkCapabilities, SinkState, Stamp, Version,
};

use crate::Trial;

/// A sink that fails for a number of writes, which it compares or not.
#[derive(Debug)]
struct Failing {
    place: MemorySink,
    failures: AtomicUsize,
    compares: bool,
}

fn failure() -> Error {
    Error::new(ErrorKind::Unavailable, Fate::NotSent, "it is down")
}

/// Takes one of a number of failures.
fn fails(left: &AtomicUsize) -> bool {
    let taken = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
        left.checked_sub(1)
    });
    taken.is_ok()
}

#[async_trait]
impl SecretSink for Failing {
    fn place(&self) -> &str {
        self.place.place()
    }

    fn capabilities(&self) -> SinkCapabilities {
        let mut capabilities = self.place.capabilities();
        capabilities.compare_and_swap = self.compares;
        capabilities
    }

    fn longest_call(&self) -> Duration {
        Duration::from_secs(1000)
    }

    async fn read(&self) -> Result<SinkState> {
        self.place.read().await
    }

    async fn check(&self) -> Result<()> {
        self.place.check().await
    }

    async fn write(&self, secret: &Secret, expected: &Version, stamp: &Stamp) -> Result<Version> {
        if fails(&self.failures) {
            return Err(failure());
        }
        self.place.write(secret, expected, stamp).await
    }
}

/// A store that notes what it is asked, and fails for a number of times once a token was issued.
#[derive(Debug)]
struct Noting<'a> {
    store: &'a MemoryRotationStore,
    failures: AtomicUsize,
    extended: Mutex<Vec<Duration>>,
    released: AtomicUsize,
    claimed: AtomicUsize,
    changes: Mutex<Vec<Change>>,
}

impl<'a> Noting<'a> {
    fn new(store: &'a MemoryRotationStore, failures: usize) -> Self {
        Self {
            store,
            failures: failures.into(),
            extended: Mutex::default(),
            released: AtomicUsize::default(),
            claimed: AtomicUsize::default(),
            changes: Mutex::default(),
        }
    }
}

#[async_trait]
impl RotationStore for Noting<'_> {
    fn ledger(&self) -> &str {
        self.store.ledger()
    }

    async fn claim(&self, rotation: OperationId) -> Result<Option<Claim>> {
        self.claimed.fetch_add(1, Ordering::SeqCst);
        self.store.claim(rotation).await
    }

    async fn extend(&self, rotation: OperationId, epoch: u64, by: Duration) -> Result<bool> {
        self.extended.lock().unwrap().push(by);
        let is_attempting = (self.store.rotation(rotation)).is_some_and(|r| !r.attempts.is_empty());
        // The first one after the attempt is that of the rotation itself.
        let extensions = self.extended.lock().unwrap().len();
        if is_attempting && extensions > 3 && fails(&self.failures) {
            return Err(failure());
        }
        self.store.extend(rotation, epoch, by).await
    }

    async fn release(
        &self,
        rotation: OperationId,
        epoch: u64,
        due: Option<Timestamp>,
    ) -> Result<()> {
        self.released.fetch_add(1, Ordering::SeqCst);
        self.store.release(rotation, epoch, due).await
    }

    async fn record(&self, rotation: OperationId, epoch: u64, change: &Change) -> Result<bool> {
        self.changes.lock().unwrap().push(change.clone());
        self.store.record(rotation, epoch, change).await
    }

    async fn is_open(&self, operation: &str) -> Result<bool> {
        self.store.is_open(operation).await
    }
}

/// A store that tells the time of each claim.
#[derive(Debug)]
struct Telling<'a>(&'a MemoryRotationStore, Timestamp);

#[async_trait]
impl RotationStore for Telling<'_> {
    fn ledger(&self) -> &str {
        self.0.ledger()
    }

    async fn claim(&self, rotation: OperationId) -> Result<Option<Claim>> {
        let claim = self.0.claim(rotation).await?;
        Ok(claim.map(|claim| claim.with_claimed_at(self.1)))
    }

    async fn extend(&self, rotation: OperationId, epoch: u64, by: Duration) -> Result<bool> {
        self.0.extend(rotation, epoch, by).await
    }

    async fn release(
        &self,
        rotation: OperationId,
        epoch: u64,
        due: Option<Timestamp>,
    ) -> Result<()> {
        self.0.release(rotation, epoch, due).await
    }

    async fn record(&self, rotation: OperationId, epoch: u64, change: &Change) -> Result<bool> {
        self.0.record(rotation, epoch, change).await
    }

    async fn is_open(&self, operation: &str) -> Result<bool> {
        self.0.is_open(operation).await
    }
}

/// Replaces the first sink of a trial by one that fails for a number of writes.
fn fail_writes(trial: &mut Trial, failures: usize) {
    let place = trial.boundaries.sinks[0].clone();
    trial.sinks[0] = Arc::new(Failing {
        place,
        failures: failures.into(),
        compares: true,
    });
}

#[tokio::test]
async fn the_only_secret_that_works_is_delivered_however_long_a_sink_or_the_store_is_down() {
    for (sink_failures, store_failures) in [(12, 0), (0, 12), (5, 5)] {
        let mut trial = Trial::new("cloudsmith", &[], &[]).await;
        fail_writes(&mut trial, sink_failures);
        let store = Noting::new(trial.kept.memory(), store_failures);
        let runner = Runner::new(&*trial.provider, &trial.sinks, &store, &trial.clock);
        // Without patience.
        let advanced = runner.advance(&trial.job).await.unwrap();
        assert_eq!(advanced, Advanced::Done);
        let rotation = trial.rotation().await;
        assert_eq!(rotation.attempts.len(), 1, "no second key");
        trial.check(false, "down").await;
    }
}

/// Workers of one rotation may be on machines whose clocks differ.
#[tokio::test]
async fn the_times_of_a_rotation_are_those_of_its_store_whatever_the_machine_shows() {
    const HOUR: Duration = Duration::from_secs(3600);

    let trial = Trial::new("losant", &[], &[]).await;
    let claimed_at = trial.clock.now();
    for is_ahead in [true, false] {
        trial.clock.set(if is_ahead {
            claimed_at.saturating_add(HOUR)
        } else {
            claimed_at.checked_sub(HOUR).unwrap()
        });
        let store = Telling(trial.kept.memory(), claimed_at);
        let runner = Runner::new(&*trial.provider, &trial.sinks, &store, &trial.clock);
        let advanced = runner.advance(&trial.job).await.unwrap();
        let rotation = trial.rotation().await;
        let delivered_at = rotation.successor.unwrap().delivered_at;
        let minute = Duration::from_secs(60);
        assert!(claimed_at.duration_until(delivered_at) < minute);
        assert!(delivered_at.duration_until(claimed_at) < minute);
        let until = delivered_at.saturating_add(trial.job.plan.overlap);
        let reason = WaitReason::Overlap;
        assert_eq!(advanced, Advanced::Waiting { until, reason });
    }
}

#[tokio::test]
async fn where_the_old_secret_works_a_worker_returns_and_gives_the_claim_back() {
    let mut trial = Trial::new("losant", &[], &[]).await;
    fail_writes(&mut trial, 12);
    let store = trial.kept.memory();
    let runner = Runner::new(&*trial.provider, &trial.sinks, store, &trial.clock);
    let advanced = runner.advance(&trial.job).await.unwrap();
    assert!(matches!(advanced, Advanced::Waiting { .. }), "{advanced:?}");

    let trial = Trial::new("losant", &[], &[]).await;
    let store = Noting::new(trial.kept.memory(), 1);
    let runner = Runner::new(&*trial.provider, &trial.sinks, &store, &trial.clock);
    runner.advance(&trial.job).await.unwrap_err();
    assert_eq!(store.released.load(Ordering::SeqCst), 1);
    assert_eq!(trial.rotation().await.starts, 0);
    trial.finish().await;
}

#[tokio::test]
async fn a_successor_that_is_withdrawn_leaves_what_failed_when_and_why() {
    // Also while the worker itself waits for the next attempt.
    for patience in [Duration::ZERO, Duration::from_secs(3600)] {
        let mut trial = Trial::new("losant", &[], &[]).await;
        fail_writes(&mut trial, 3);
        let store = Noting::new(trial.kept.memory(), 0);
        let runner = Runner::new(&*trial.provider, &trial.sinks, &store, &trial.clock)
            .with_patience(patience);
        runner.advance(&trial.job).await.unwrap();
        let changes = store.changes.lock().unwrap().clone();
        let is_withdrawal = |change: &Change| matches!(change, Change::Withdrawn { .. });
        let withdrawn = changes.iter().position(is_withdrawal).unwrap();
        let Some(Change::Failed(failure)) = changes.get(withdrawn + 1) else {
            panic!("{changes:?}");
        };
        let expected = format!("write {}: it is down", trial.sinks[0].place());
        assert_eq!(failure.error, expected);
        assert!(failure.at >= trial.rotation().await.attempts[0].sent_at);
    }
}

#[tokio::test]
async fn only_the_claim_of_a_write_that_may_land_late_lasts_for_all_of_it() {
    for compares in [true, false] {
        let mut trial = Trial::new("losant", &[], &[]).await;
        trial.sinks[0] = Arc::new(Failing {
            place: trial.boundaries.sinks[0].clone(),
            failures: 0.into(),
            compares,
        });
        let store = Noting::new(trial.kept.memory(), 0);
        let runner = Runner::new(&*trial.provider, &trial.sinks, &store, &trial.clock)
            .with_longest_call(Duration::from_secs(2000));
        runner.advance(&trial.job).await.unwrap();
        let mut extended = store.extended.lock().unwrap().clone();
        if !compares {
            let write = extended.iter().position(|by| by.as_secs() > 1000).unwrap();
            extended.remove(write);
        }
        assert!(extended.len() > 5, "{extended:?}");
        let is_short = |by: &Duration| by.as_secs() == 25;
        assert!(extended.iter().all(is_short), "{extended:?}");
    }
}

#[tokio::test]
async fn sinks_that_are_not_those_of_the_plan_are_refused_before_anything_is_claimed() {
    for platform in ["losant", "cloudsmith"] {
        let mut trial = Trial::new(platform, &[], &[]).await;
        let all = trial.sinks.clone();
        // It holds a key that was made by hand, and does not adopt.
        let strict = MemorySink::new("0");
        strict.set(Some(Secret::new("by hand")));
        let strict: Arc<dyn SecretSink> = Arc::new(strict);
        let mut longer = all.clone();
        longer.push(Arc::clone(&all[0]));
        for sinks in [vec![strict, Arc::clone(&all[1])], longer, all[..1].to_vec()] {
            trial.sinks = sinks;
            let store = Noting::new(trial.kept.memory(), 0);
            let runner = Runner::new(&*trial.provider, &trial.sinks, &store, &trial.clock);
            let error = runner.advance(&trial.job).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert_eq!(store.claimed.load(Ordering::SeqCst), 0);
        }
        let (_, requests) = trial.boundaries.passed();
        assert_eq!(requests, 0);
        assert_eq!(trial.rotation().await.state, RotationState::Issuing);
    }
}

#[tokio::test]
async fn a_sink_that_another_open_rotation_writes_is_left_to_it() {
    let trial = Trial::new("losant", &[], &[]).await;
    let store = trial.kept.memory();
    let id = OperationId::random();
    let token = TokenId::new("other");
    store.open(Rotation::new(id, Some(token.clone()), trial.clock.now()));
    let place = &trial.boundaries.sinks[1];
    let version = place.read().await.unwrap().version;
    let stamp = Stamp::new(id.to_string(), 1, token).with_ledger(store.ledger());
    let secret = place.secret().unwrap();
    place.write(&secret, &version, &stamp).await.unwrap();

    let runner = Runner::new(&*trial.provider, &trial.sinks, store, &trial.clock);
    // Although both sinks were told to adopt what they hold.
    let parked = Advanced::Parked(Parked::Contested { sink: 1 });
    assert_eq!(runner.advance(&trial.job).await.unwrap(), parked);
    let (_, requests) = trial.boundaries.passed();
    assert_eq!(requests, 0, "nothing is created for it");

    for (rotation, change) in [(id, Change::Done), (trial.job.id, Change::Resumed)] {
        let epoch = store.claim(rotation).await.unwrap().unwrap().epoch;
        assert!(store.record(rotation, epoch, &change).await.unwrap());
    }
    trial.finish().await;
    trial.check(false, "contested").await;
}
