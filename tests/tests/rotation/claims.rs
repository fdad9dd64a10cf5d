//! How long a claim lasts: no longer than 25 seconds after a worker was killed, as long as one is
//! at work, and not a moment longer than its calls.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::workflow::Timer;
use tokenfleet_core::{Error, ErrorKind, Fate, Result, Secret, Timestamp};
use tokenfleet_losant::Losant;
use tokenfleet_rotation::machine::Change;
use tokenfleet_rotation::runner::{
    Advanced, Claim, Clock, MemoryRotationStore, RotationStore, Runner,
};
use tokenfleet_rotation::sink::{
    MemorySink, SecretSink, SinkCapabilities, SinkState, Stamp, Version,
};
use tokenfleet_tests::{fixed_credential, immediate_retries, losant_config};
use tokio::time::Instant;

use crate::boundary::BoundaryStore;
use crate::{PLATFORMS, SimulatorClock, Trial};

const CLAIM: Duration = Duration::from_secs(25);

/// The time of tokio, which passes by itself while nothing else goes on.
#[derive(Debug)]
struct PausedClock<'a> {
    simulator: &'a SimulatorClock,
    began_at: Timestamp,
    began: Instant,
}

impl<'a> PausedClock<'a> {
    fn new(simulator: &'a SimulatorClock) -> Self {
        Self {
            simulator,
            began_at: simulator.now(),
            began: Instant::now(),
        }
    }
}

#[async_trait]
impl Timer for PausedClock<'_> {
    async fn wait(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
        self.simulator.set(self.now());
    }
}

#[async_trait]
impl Clock for PausedClock<'_> {
    fn now(&self) -> Timestamp {
        self.began_at.saturating_add(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    async fn wait_beside_call(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A store whose claims last as long as those of a ledger.
#[derive(Debug)]
struct Leased {
    store: Arc<MemoryRotationStore>,
    until: Mutex<Instant>,
    /// `true` while it cannot be reached.
    is_down: AtomicBool,
    /// When it was made, by its own clock and by tokio's.
    made: (Timestamp, Instant),
    /// The time for which the next claim does not reach it, as if the worker were stopped.
    late: Mutex<Duration>,
    /// Held by the transaction in which a claim is extended.
    transaction: tokio::sync::Mutex<()>,
    /// `true` if the next extension during a call never gets its answer.
    is_stuck: AtomicBool,
}

impl Leased {
    fn new(trial: &Trial) -> Arc<Self> {
        Arc::new(Self {
            store: trial.kept.shared_memory(),
            until: Mutex::new(Instant::now()),
            is_down: AtomicBool::new(false),
            made: (trial.clock.now(), Instant::now()),
            late: Mutex::default(),
            transaction: tokio::sync::Mutex::default(),
            is_stuck: AtomicBool::new(false),
        })
    }

    fn now(&self) -> Timestamp {
        let (made_at, made) = self.made;
        made_at.saturating_add(made.elapsed())
    }

    /// Returns the time for which others are kept away.
    fn left(&self) -> Duration {
        let until = *self.until.lock().unwrap();
        until.saturating_duration_since(Instant::now())
    }

    fn check_up(&self) -> Result<()> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(Error::new(
                ErrorKind::Connection,
                Fate::NotSent,
                "it is down",
            ));
        }
        Ok(())
    }
}

#[async_trait]
impl RotationStore for Leased {
    fn ledger(&self) -> &str {
        self.store.ledger()
    }

    async fn claim(&self, rotation: OperationId) -> Result<Option<Claim>> {
        self.check_up()?;
        let late = std::mem::take(&mut *self.late.lock().unwrap());
        tokio::time::sleep(late).await;
        if !self.left().is_zero() {
            return Ok(None);
        }
        *self.until.lock().unwrap() = Instant::now() + CLAIM;
        let claim = self.store.claim(rotation).await?;
        Ok(claim.map(|claim| claim.with_claimed_at(self.now())))
    }

    async fn extend(&self, rotation: OperationId, epoch: u64, by: Duration) -> Result<bool> {
        self.check_up()?;
        let _transaction = self.transaction.lock().await;
        let is_current = self.store.extend(rotation, epoch, by).await?;
        if is_current {
            let mut until = self.until.lock().unwrap();
            *until = (*until).max(Instant::now() + by);
        }
        Ok(is_current)
    }

    async fn extend_call(&self, rotation: OperationId, epoch: u64, by: Duration) -> Result<bool> {
        if self.is_stuck.swap(false, Ordering::SeqCst) {
            let _transaction = self.transaction.lock().await;
            std::future::pending::<()>().await;
        }
        self.extend(rotation, epoch, by).await
    }

    async fn release(
        &self,
        rotation: OperationId,
        epoch: u64,
        due: Option<Timestamp>,
    ) -> Result<()> {
        self.check_up()?;
        if self.store.extend(rotation, epoch, Duration::ZERO).await? {
            *self.until.lock().unwrap() = Instant::now();
        }
        self.store.release(rotation, epoch, due).await
    }

    async fn record(&self, rotation: OperationId, epoch: u64, change: &Change) -> Result<bool> {
        self.check_up()?;
        self.store.record(rotation, epoch, change).await
    }

    async fn is_open(&self, operation: &str) -> Result<bool> {
        self.check_up()?;
        self.store.is_open(operation).await
    }
}

/// A sink whose writes take a long time.
#[derive(Debug)]
struct Slow(MemorySink, Duration);

#[async_trait]
impl SecretSink for Slow {
    fn place(&self) -> &str {
        self.0.place()
    }

    fn capabilities(&self) -> SinkCapabilities {
        self.0.capabilities()
    }

    fn longest_call(&self) -> Duration {
        self.0.longest_call()
    }

    async fn read(&self) -> Result<SinkState> {
        self.0.read().await
    }

    async fn check(&self) -> Result<()> {
        self.0.check().await
    }

    async fn write(&self, secret: &Secret, expected: &Version, stamp: &Stamp) -> Result<Version> {
        tokio::time::sleep(self.1).await;
        self.0.write(secret, expected, stamp).await
    }
}

/// Carries a rotation on until a boundary to stop at is reached, and returns the worker that stands
/// there; `None` if the rotation was done before.
macro_rules! until_stopped {
    ($trial:expr, $clock:expr, $runner:expr) => {{
        loop {
            let mut advance = Box::pin($runner.advance(&$trial.job));
            let advanced = tokio::select! {
                biased;
                () = $trial.boundaries.reached.notified() => break Some(advance),
                advanced = &mut advance => advanced.unwrap(),
            };
            match advanced {
                Advanced::Waiting { until, .. } => {
                    $clock.wait($clock.now().duration_until(until)).await;
                }
                Advanced::Done => break None,
                other => panic!("{}: {other:?}", $trial.platform),
            }
        }
    }};
}

#[tokio::test(start_paused = true)]
async fn the_queue_of_a_killed_worker_can_be_claimed_after_25_seconds_wherever_it_was() {
    for platform in PLATFORMS {
        let mut kills = 0;
        for boundary in 1.. {
            let trial = Trial::new(platform, &[boundary], &[]).await;
            let (clock, leased) = (PausedClock::new(&trial.clock), Leased::new(&trial));
            let store = BoundaryStore(leased.clone(), trial.boundaries.clone());
            let runner = Runner::new(&*trial.provider, &trial.sinks, &store, &clock);
            let Some(killed) = until_stopped!(trial, clock, runner) else {
                break;
            };
            drop(killed);
            kills += 1;
            assert!(leased.left() <= CLAIM, "{platform} {boundary}: {leased:?}");
            tokio::time::advance(CLAIM).await;
            let claim = leased.claim(trial.job.id).await.unwrap();
            assert!(claim.is_some(), "{platform} {boundary}");
        }
        assert!(kills > 10, "{platform}: {kills}");
    }
}

/// Otherwise it would be ahead of all others, and end overlaps before their time.
#[tokio::test(start_paused = true)]
async fn a_worker_that_was_stopped_while_it_claimed_goes_by_the_clock_of_the_store() {
    let trial = Trial::new("losant", &[], &[]).await;
    let (clock, leased) = (PausedClock::new(&trial.clock), Leased::new(&trial));
    *leased.late.lock().unwrap() = Duration::from_secs(3600);
    let runner = Runner::new(&*trial.provider, &trial.sinks, &*leased, &clock);
    let advanced = runner.advance(&trial.job).await.unwrap();
    assert!(matches!(advanced, Advanced::Waiting { .. }), "{advanced:?}");
    let delivered_at = trial.rotation().await.successor.unwrap().delivered_at;
    assert!(delivered_at <= leased.now(), "{delivered_at}");
    assert!(leased.left().is_zero(), "{leased:?}");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_was_stopped_for_longer_than_its_claim_sends_nothing_more() {
    for platform in PLATFORMS {
        let mut stops = 0;
        for boundary in 1.. {
            let trial = Trial::new(platform, &[boundary], &[]).await;
            let (clock, leased) = (PausedClock::new(&trial.clock), Leased::new(&trial));
            let store = BoundaryStore(leased.clone(), trial.boundaries.clone());
            let runner = Runner::new(&*trial.provider, &trial.sinks, &store, &clock);
            let Some(stopped) = until_stopped!(trial, clock, runner) else {
                break;
            };
            stops += 1;
            let (_, requests) = trial.boundaries.passed();
            let mut versions = Vec::new();
            for sink in &trial.boundaries.sinks {
                versions.push(sink.read().await.unwrap().version);
            }
            tokio::time::advance(CLAIM).await;
            let other = leased.claim(trial.job.id).await.unwrap();
            assert!(other.is_some(), "{platform} {boundary}");
            let rotation = trial.rotation().await;
            trial.boundaries.resumed.notify_one();
            let advanced = stopped.await;
            assert!(
                matches!(
                    advanced,
                    Ok(Advanced::NotOurs | Advanced::Waiting { .. } | Advanced::Done)
                ),
                "{platform} {boundary}: {advanced:?}"
            );
            let schedule = format!("{platform}, stopped at {boundary}");
            assert_eq!(trial.boundaries.passed().1, requests, "{schedule}");
            for (sink, version) in trial.boundaries.sinks.iter().zip(versions) {
                assert_eq!(sink.read().await.unwrap().version, version, "{schedule}");
            }
            assert_eq!(trial.rotation().await, rotation, "{schedule}");
        }
        assert!(stops > 10, "{platform}: {stops}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_claim_ran_out_is_given_up_and_taken_up_by_the_next_worker() {
    // The boundary before the creation, and before the first write.
    for boundary in [5, 7] {
        let trial = Trial::new("losant", &[boundary], &[]).await;
        let (clock, leased) = (PausedClock::new(&trial.clock), Leased::new(&trial));
        let store = BoundaryStore(leased.clone(), trial.boundaries.clone());
        let runner = Runner::new(&*trial.provider, &trial.sinks, &store, &clock);
        let stopped = until_stopped!(trial, clock, runner).unwrap();
        let (_, requests) = trial.boundaries.passed();
        tokio::time::advance(CLAIM).await;
        trial.boundaries.resumed.notify_one();
        // Nobody else has claimed it.
        let error = stopped.await.unwrap_err();
        assert_eq!(error.fate(), Fate::MaybeApplied, "{error}");
        assert!(error.advice().is_some());
        assert_eq!(trial.boundaries.passed().1, requests);
        assert!(leased.left().is_zero(), "it was given back");
        assert_eq!(trial.rotation().await.attempts.len(), 1, "its intent stays");
        trial.finish().await;
        trial.check(false, "given up").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_call_of_a_living_worker_keeps_its_claim() {
    const LONG: Duration = Duration::from_secs(200);

    let mut trial = Trial::new("losant", &[5], &[]).await;
    let acting = fixed_credential(&trial.simulator.credentials()["token"]);
    let retries = immediate_retries()
        .with_attempt_timeout(LONG * 2)
        .with_total_timeout(LONG * 2);
    let transport = Arc::new(trial.boundaries.clone());
    let losant = Losant::new("main", losant_config(acting), transport).with_retry(retries);
    trial.provider = Arc::new(losant);
    let place = trial.boundaries.sinks[0].clone();
    trial.sinks[0] = Arc::new(Slow(place, LONG));
    let (clock, leased) = (PausedClock::new(&trial.clock), Leased::new(&trial));
    let store = BoundaryStore(leased.clone(), trial.boundaries.clone());
    let runner = Runner::new(&*trial.provider, &trial.sinks, &store, &clock);
    let other = async {
        let began = Instant::now();
        // It is created after 200 s, and in the first sink after 200 s more.
        trial.boundaries.reached.notified().await;
        while trial.rotation().await.successor.is_none() {
            if began.elapsed() >= LONG {
                trial.boundaries.resumed.notify_one();
            }
            let claim = leased.claim(trial.job.id).await.unwrap();
            assert_eq!(claim, None, "after {:?}", began.elapsed());
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        began.elapsed()
    };
    let (advanced, took) = tokio::join!(runner.advance(&trial.job), other);
    assert!(matches!(advanced.unwrap(), Advanced::Waiting { .. }));
    assert!(took >= LONG * 2, "{took:?}");
    assert_eq!(trial.rotation().await.attempts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_on_without_the_ledger_only_while_the_claim_lasts() {
    let mut trial = Trial::new("losant", &[], &[]).await;
    let place = trial.boundaries.sinks[0].clone();
    trial.sinks[0] = Arc::new(Slow(place.clone(), Duration::from_secs(200)));
    let (clock, leased) = (PausedClock::new(&trial.clock), Leased::new(&trial));
    let runner = Runner::new(&*trial.provider, &trial.sinks, &*leased, &clock);
    let began = Instant::now();
    let outage = async {
        tokio::time::sleep(Duration::from_secs(23)).await;
        leased.is_down.store(true, Ordering::SeqCst);
    };
    let before = place.secret().unwrap();
    let (advanced, ()) = tokio::join!(runner.advance(&trial.job), outage);
    assert_eq!(advanced.unwrap_err().fate(), Fate::MaybeApplied);
    // The last heartbeat was after 20 s.
    assert_eq!(began.elapsed().as_secs(), 20 + 25 - 5);
    assert!(
        place.secret().unwrap().is_same(&before),
        "it was not written"
    );
}

/// Otherwise the queue is locked for everybody until the ledger gives up waiting.
#[tokio::test(start_paused = true)]
async fn a_claim_that_ran_out_in_the_middle_of_an_extension_is_given_back_at_once() {
    let mut trial = Trial::new("losant", &[], &[]).await;
    let place = trial.boundaries.sinks[0].clone();
    trial.sinks[0] = Arc::new(Slow(place, Duration::from_secs(200)));
    let (clock, leased) = (PausedClock::new(&trial.clock), Leased::new(&trial));
    let runner = Runner::new(&*trial.provider, &trial.sinks, &*leased, &clock);
    let began = Instant::now();
    let outage = async {
        tokio::time::sleep(Duration::from_secs(23)).await;
        leased.is_stuck.store(true, Ordering::SeqCst);
    };
    let advancing = tokio::time::timeout(CLAIM * 4, runner.advance(&trial.job));
    let (advanced, ()) = tokio::join!(advancing, outage);
    let error = advanced.expect("it waits for itself").unwrap_err();
    assert_eq!(error.fate(), Fate::MaybeApplied);
    // The last heartbeat with an answer was after 20 s.
    assert_eq!(began.elapsed().as_secs(), 20 + 25 - 5);
    assert!(leased.left().is_zero(), "it was given back");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_longer_than_it_may_is_given_up_as_one_without_an_answer() {
    let mut trial = Trial::new("losant", &[], &[]).await;
    let place = trial.boundaries.sinks[0].clone();
    trial.sinks[0] = Arc::new(Slow(place, Duration::MAX));
    let (clock, leased) = (PausedClock::new(&trial.clock), Leased::new(&trial));
    let runner = Runner::new(&*trial.provider, &trial.sinks, &*leased, &clock);
    let advanced = runner.advance(&trial.job).await.unwrap();
    assert!(matches!(advanced, Advanced::Waiting { .. }), "{advanced:?}");
    let began_at = clock.began_at;
    let took = began_at.duration_until(clock.now());
    // Three tries, and then it waits.
    assert_eq!(took.as_secs(), 3 * 300);
}
