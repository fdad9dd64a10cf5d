//! A consumer of a secret: it authenticates with whatever a file holds.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokenfleet_simulators::Simulator;

/// The time between two uses of the secret.
const INTERVAL: Duration = Duration::from_millis(5);

/// A consumer that uses the secret in a file every 5 ms, and reads it once more when it is refused.
pub(crate) struct Consumer {
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    seen: Arc<Mutex<Seen>>,
}

/// The experience of a consumer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// The number of times that it used the secret.
    pub(crate) uses: u64,
    /// The times for which it was refused, although it had read the file once more.
    pub(crate) gaps: Vec<Duration>,
    /// `true` while it is refused.
    pub(crate) is_refused: bool,
}

impl Consumer {
    pub(crate) fn start(simulator: &Arc<dyn Simulator>, file: &Path) -> Self {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let using = Using {
            simulator: Arc::clone(simulator),
            file: file.to_owned(),
            is_stopped: Arc::clone(&is_stopped),
            seen: Arc::clone(&seen),
        };
        Self {
            is_stopped,
            thread: Some(std::thread::spawn(move || using.run())),
            seen,
        }
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Using {
    simulator: Arc<dyn Simulator>,
    file: PathBuf,
    is_stopped: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
}

impl Using {
    fn run(&self) {
        // It begins when there is a secret for the first time.
        while !self.is_stopped.load(Ordering::SeqCst) && !self.file.exists() {
            std::thread::sleep(INTERVAL);
        }
        let mut refused_since = None;
        while !self.is_stopped.load(Ordering::SeqCst) {
            let is_accepted = self.is_accepted() || self.is_accepted();
            let mut seen = self.seen.lock().unwrap();
            seen.uses += 1;
            seen.is_refused = !is_accepted;
            if !is_accepted {
                refused_since.get_or_insert_with(Instant::now);
            } else if let Some(since) = refused_since.take() {
                seen.gaps.push(since.elapsed());
            }
            drop(seen);
            std::thread::sleep(INTERVAL);
        }
    }

    fn is_accepted(&self) -> bool {
        let held = std::fs::read_to_string(&self.file).unwrap_or_default();
        self.simulator.accepts(&held)
    }
}
