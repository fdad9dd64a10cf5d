//! The loop of a worker.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokenfleet_core::Result;
use tokenfleet_ledger::{DueQueues, Tasks};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::rest::Rests;
use crate::{Advance, Advanced, WorkerStatus};

/// The shortest time between two requests for what is due, however often something happens.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// The time after which a listener that was lost is replaced.
const LISTEN_AGAIN: Duration = Duration::from_secs(5);

/// The least number of queues among which each free place is given by lot, if so many are due.
/// Workers that ask at the same moment get the same answer, and are not to take the same queue.
const LEAST_CANDIDATES: usize = 8;

/// The part of the time that a worker may spend on requests for what is due: one in so many. They
/// take longer the more is due, and where many workers ask.
const ASKING: u32 = 8;

/// A worker, which carries on the queues that are due.
///
/// It needs a tokio runtime with time.
#[derive(Debug, Clone)]
pub struct Worker {
    tasks: Arc<dyn Tasks>,
    max_queues: NonZeroUsize,
    interval: Duration,
    status: WorkerStatus,
    /// Rung whenever there may be something to do.
    bell: Arc<Notify>,
}

/// The end of something that the worker waits for.
enum Event {
    /// The queues that are due, and the time that the answer took.
    Asked(Result<DueQueues>, Duration),
    Advanced(String, Result<Advanced>),
}

type Pending<'a> = Pin<Box<dyn Future<Output = Event> + Send + 'a>>;

/// The run of a worker.
struct Run<'a> {
    worker: &'a Worker,
    advance: &'a dyn Advance,
    pending: FuturesUnordered<Pending<'a>>,
    running: BTreeSet<String>,
    rests: Rests,
}

impl Worker {
    /// Creates a worker that carries on up to 16 queues at a time, and asks what is due at least
    /// every five seconds.
    #[must_use]
    pub fn new(tasks: Arc<dyn Tasks>) -> Self {
        Self {
            tasks,
            max_queues: NonZeroUsize::MIN.saturating_add(15),
            interval: Duration::from_secs(5),
            status: WorkerStatus::new(),
            bell: Arc::default(),
        }
    }

    /// Sets the number of queues that are carried on at a time.
    #[must_use]
    pub fn with_max_queues(mut self, max_queues: NonZeroUsize) -> Self {
        self.max_queues = max_queues;
        self
    }

    /// Sets the longest time between two requests for what is due. Earlier ones come from what the
    /// ledger said would be due next, and from a listener.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Lets the worker ask what is due now, for whoever opens a task in the same process.
    pub fn wake(&self) {
        self.bell.notify_one();
    }

    /// Returns the status, which changes as the worker runs.
    #[must_use]
    pub fn status(&self) -> WorkerStatus {
        self.status.clone()
    }

    /// Carries on the queues that are due until `stop` completes, and then to the end what is under
    /// way. If the ledger does not answer, asks again after the interval, for as long as it takes.
    pub async fn run(&self, advance: &dyn Advance, stop: impl Future<Output = ()>) {
        let run = Run {
            worker: self,
            advance,
            pending: FuturesUnordered::new(),
            running: BTreeSet::new(),
            rests: Rests::default(),
        };
        tokio::select! {
            () = run.until(stop) => {}
            () = self.listen() => {}
        }
    }

    /// Wakes the worker for each task that others make due, for ever.
    async fn listen(&self) {
        loop {
            match self.tasks.listen().await {
                Ok(Some(mut listener)) => {
                    // Something may have become due before.
                    self.wake();
                    while listener.heard().await.is_ok() {
                        self.wake();
                    }
                }
                Ok(None) => std::future::pending().await,
                // The requests for what is due report that the ledger does not answer.
                Err(_) => {}
            }
            sleep(LISTEN_AGAIN).await;
        }
    }
}

impl<'a> Run<'a> {
    async fn until(mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        self.ask_after(Duration::ZERO, Duration::ZERO);
        loop {
            let event = tokio::select! {
                biased;
                () = &mut stop => break,
                event = self.pending.next() => event,
            };
            match event {
                Some(Event::Asked(answer, took)) => self.begin(answer, took),
                Some(Event::Advanced(queue, advanced)) => self.end(&queue, &advanced),
                // A request is always pending.
                None => self.ask_after(Duration::ZERO, Duration::ZERO),
            }
        }
        while !self.running.is_empty() {
            if let Some(Event::Advanced(queue, advanced)) = self.pending.next().await {
                self.end(&queue, &advanced);
            }
        }
    }

    /// Asks what is due after a pause, or when the bell rings, but not before the shortest pause.
    fn ask_after(&self, shortest: Duration, pause: Duration) {
        let (tasks, bell) = (&self.worker.tasks, &self.worker.bell);
        self.pending.push(Box::pin(async move {
            sleep(shortest).await;
            tokio::select! {
                () = sleep(pause.saturating_sub(shortest)) => {}
                () = bell.notified() => {}
            }
            let asked = Instant::now();
            let answer = tasks.due_queues().await;
            Event::Asked(answer, asked.elapsed())
        }));
    }

    /// Begins to carry on queues that are due, as many as there is room for.
    fn begin(&mut self, answer: Result<DueQueues>, took: Duration) {
        self.worker.status.asked(&answer);
        let interval = self.worker.interval;
        let found = match answer {
            Ok(found) => found,
            Err(error) => {
                self.advance.report(None, &error);
                return self.ask_after(interval, interval);
            }
        };
        let now = Instant::now();
        let names: BTreeSet<&str> = (found.queues.iter().map(|queue| &*queue.name)).collect();
        self.rests.keep(|queue| names.contains(queue), now);
        let mut free: Vec<&str> = (found.queues.iter().map(|queue| &*queue.name))
            .filter(|queue| !self.running.contains(*queue) && self.rests.is_over(queue, now))
            .collect();
        while self.running.len() < self.worker.max_queues.get() && !free.is_empty() {
            // The first ones have waited for longest. Among a few, many workers would choose the
            // same ones where many are due.
            let candidates = (free.len() / 2).max(LEAST_CANDIDATES).min(free.len());
            let queue = free.remove(fastrand::usize(..candidates));
            self.carry_on(queue.to_owned());
        }
        let next = found.next.map(|next| found.at.duration_until(next));
        let rested = self.rests.next(names.into_iter(), now);
        let pause = next.into_iter().chain(rested).fold(interval, Duration::min);
        let shortest = SHORTEST_PAUSE.max(took * ASKING).min(interval);
        self.ask_after(shortest, pause);
    }

    fn carry_on(&mut self, queue: String) {
        self.worker.status.begun();
        self.running.insert(queue.clone());
        let advance = self.advance;
        self.pending.push(Box::pin(async move {
            let advanced = advance.advance(&queue).await;
            Event::Advanced(queue, advanced)
        }));
    }

    /// Notes what became of a queue, and looks for the next one.
    fn end(&mut self, queue: &str, advanced: &Result<Advanced>) {
        self.worker.status.ended(advanced);
        self.running.remove(queue);
        match advanced {
            Ok(advanced) if advanced.is_anything_done() => self.rests.end(queue),
            Ok(_) => self.rests.begin(queue, Instant::now()),
            Err(error) => {
                self.advance.report(Some(queue), error);
                self.rests.begin(queue, Instant::now());
            }
        }
        self.worker.wake();
    }
}
