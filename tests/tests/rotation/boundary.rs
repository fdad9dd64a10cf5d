//! Boundaries: the points before and after everything that a runner sends or records.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{Result, Secret, Timestamp};
use tokenfleet_http::{Body, Transport, TransportError};
use tokenfleet_rotation::machine::{Change, SETTLE};
use tokenfleet_rotation::runner::{Claim, RotationStore};
use tokenfleet_rotation::sink::{
    MemorySink, SecretSink, SinkCapabilities, SinkState, Stamp, Version,
};
use tokenfleet_simulators::Simulator;
use tokenfleet_tests::InProcess;
use tokio::sync::Notify;

/// A fault of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It never arrives.
    Lost,
    /// It is carried out, and its answer is lost.
    AnswerLost,
    /// It is given up, and arrives later.
    Late,
}

/// The faults that are still to come.
#[derive(Debug, Default)]
struct State {
    boundaries: usize,
    /// The boundaries at which the worker stops.
    stops: VecDeque<usize>,
    requests: usize,
    /// The faults of requests, by their numbers.
    faults: Vec<(usize, Fault)>,
    /// The requests that are late, each with the time at which it was sent.
    late: Vec<(jiff::Timestamp, Request<Bytes>)>,
    outages: Vec<String>,
}

/// Everything that a runner passes, shared by what it uses.
#[derive(Clone)]
pub struct Boundaries {
    state: Arc<Mutex<State>>,
    pub reached: Arc<Notify>,
    pub resumed: Arc<Notify>,
    pub simulator: Arc<dyn Simulator>,
    pub sinks: Vec<MemorySink>,
}

impl fmt::Debug for Boundaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Boundaries")
    }
}

impl Boundaries {
    pub fn new(
        simulator: Arc<dyn Simulator>,
        sinks: Vec<MemorySink>,
        stops: &[usize],
        faults: &[(usize, Fault)],
    ) -> Self {
        let state = State {
            stops: stops.iter().copied().collect(),
            faults: faults.to_vec(),
            ..State::default()
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            reached: Arc::default(),
            resumed: Arc::default(),
            simulator,
            sinks,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes a boundary, unless it is one to stop at: then whoever drives this is told, and may
    /// drop it or let it go on.
    pub async fn pass(&self, what: &str) {
        // A consumer reads the sink, and once more if it is refused: nothing changes in between.
        for sink in &self.sinks {
            let accepted = sink
                .secret()
                .is_some_and(|held| self.simulator.accepts(held.expose()));
            if !accepted {
                self.state().outages.push(what.to_owned());
            }
        }
        let stops = {
            let mut state = self.state();
            state.boundaries += 1;
            let stops = state.stops.front() == Some(&state.boundaries);
            if stops {
                state.stops.pop_front();
            }
            stops
        };
        if stops {
            self.reached.notify_one();
            self.resumed.notified().await;
        }
    }

    /// Returns the number of boundaries and of requests that were passed.
    pub fn passed(&self) -> (usize, usize) {
        let state = self.state();
        (state.boundaries, state.requests)
    }

    pub fn outages(&self) -> Vec<String> {
        self.state().outages.clone()
    }

    /// Lets the requests that are late arrive: those that cannot be any later, or all.
    pub async fn land(&self, all: bool) {
        let latest = SETTLE.as_secs() - 1;
        let now = self.simulator.clock().now();
        let late = std::mem::take(&mut self.state().late);
        for (sent_at, request) in late {
            if all || now.duration_since(sent_at).as_secs() >= latest.cast_signed() {
                let _ = InProcess(Arc::clone(&self.simulator))
                    .dispatch(request)
                    .await;
            } else {
                self.state().late.push((sent_at, request));
            }
        }
    }
}

#[async_trait]
impl Transport for Boundaries {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        self.pass("before a request").await;
        let fault = {
            let mut state = self.state();
            let number = state.requests;
            state.requests += 1;
            let fault = state.faults.iter().find(|(at, _)| *at == number);
            fault.map(|(_, fault)| *fault)
        };
        let inner = InProcess(Arc::clone(&self.simulator));
        let lost = || Err(TransportError::maybe_sent("connection lost"));
        let answer = match fault {
            None => inner
                .dispatch(request)
                .await
                .map(|answer| answer.map(Body::full)),
            Some(Fault::Lost) => lost(),
            Some(Fault::AnswerLost) => {
                let _ = inner.dispatch(request).await;
                lost()
            }
            Some(Fault::Late) => {
                let sent_at = self.simulator.clock().now();
                self.state().late.push((sent_at, request));
                lost()
            }
        };
        self.pass("after a request").await;
        answer
    }
}

/// A sink with boundaries.
#[derive(Debug)]
pub struct BoundarySink(pub MemorySink, pub Boundaries);

#[async_trait]
impl SecretSink for BoundarySink {
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
        self.1.pass("before a read").await;
        self.0.read().await
    }

    async fn check(&self) -> Result<()> {
        self.0.check().await
    }

    async fn write(&self, secret: &Secret, expected: &Version, stamp: &Stamp) -> Result<Version> {
        self.1.pass("before a write").await;
        let written = self.0.write(secret, expected, stamp).await;
        self.1.pass("after a write").await;
        written
    }
}

/// A store with boundaries.
#[derive(Debug)]
pub struct BoundaryStore(pub Arc<dyn RotationStore>, pub Boundaries);

#[async_trait]
impl RotationStore for BoundaryStore {
    fn ledger(&self) -> &str {
        self.0.ledger()
    }

    async fn claim(&self, rotation: OperationId) -> Result<Option<Claim>> {
        let claim = self.0.claim(rotation).await?;
        Ok(claim.map(|mut claim| {
            // The clock of a trial goes on by itself.
            claim.claimed_at = None;
            claim
        }))
    }

    async fn extend(&self, rotation: OperationId, epoch: u64, by: Duration) -> Result<bool> {
        self.0.extend(rotation, epoch, by).await
    }

    async fn extend_call(&self, rotation: OperationId, epoch: u64, by: Duration) -> Result<bool> {
        self.0.extend_call(rotation, epoch, by).await
    }

    fn ends_listings(&self) -> bool {
        self.0.ends_listings()
    }

    async fn release(
        &self,
        rotation: OperationId,
        epoch: u64,
        due: Option<Timestamp>,
    ) -> Result<()> {
        self.1.pass("before a release").await;
        self.0.release(rotation, epoch, due).await
    }

    async fn record(&self, rotation: OperationId, epoch: u64, change: &Change) -> Result<bool> {
        self.1.pass("before a record").await;
        let recorded = self.0.record(rotation, epoch, change).await;
        self.1.pass("after a record").await;
        recorded
    }

    async fn is_open(&self, operation: &str) -> Result<bool> {
        self.0.is_open(operation).await
    }
}
