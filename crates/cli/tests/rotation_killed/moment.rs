//! The moments at which a signal strikes a process.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokenfleet_simulators::{Action, Fault, Hook, Simulator};

/// The time between two looks at a process that has just been started.
const LOOK: Duration = Duration::from_millis(1);

/// A moment in the life of a process that talks to a platform and writes a file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    /// This long after it has started.
    Time(Duration),
    /// When the platform gets this one of its requests, from 0, which is not carried out.
    BeforeRequest(u64),
    /// When the platform has carried this one of its requests out, before the answer.
    AfterRequest(u64),
    /// When it has replaced the file.
    AfterWrite,
}

/// A signal that is prepared for the next process that talks to a platform.
pub(crate) struct ArmedSignal {
    moment: Moment,
    signal: Signal,
    simulator: Arc<dyn Simulator>,
    file: PathBuf,
    fault: Option<u64>,
    /// The process, once it is known.
    process: Arc<OnceLock<Pid>>,
    has_struck: Arc<AtomicBool>,
    started: Instant,
    /// The number of requests before the process, and the file.
    requests: u64,
    inode: Option<u64>,
}

impl Moment {
    /// Prepares a signal for this moment of a process that is not started yet.
    pub(crate) fn arm(
        self,
        signal: Signal,
        simulator: &Arc<dyn Simulator>,
        file: &Path,
    ) -> ArmedSignal {
        let process = Arc::new(OnceLock::<Pid>::new());
        let has_struck = Arc::new(AtomicBool::new(false));
        let fault = match self {
            Self::BeforeRequest(number) => {
                // It is not carried out if whoever sent it is gone.
                let delay = Action::Delay(Duration::from_secs(3_600));
                Some(Fault::new(delay).after(number))
            }
            Self::AfterRequest(number) => {
                let (process, has_struck) = (Arc::clone(&process), Arc::clone(&has_struck));
                let hook = Hook::new(move |_| {
                    // It is set while the process starts, long before its first request.
                    kill_process(*process.wait(), signal).unwrap();
                    has_struck.store(true, Ordering::SeqCst);
                });
                Some(Fault::new(Action::Run(hook)).after(number))
            }
            Self::Time(_) | Self::AfterWrite => None,
        };
        ArmedSignal {
            moment: self,
            signal,
            fault: fault.map(|fault| simulator.faults().add(fault)),
            simulator: Arc::clone(simulator),
            file: file.to_owned(),
            process,
            has_struck,
            started: Instant::now(),
            requests: simulator.log().total(),
            inode: inode(file),
        }
    }
}

impl ArmedSignal {
    /// Waits until the signal was sent to the process, and returns `true`, or until the process has
    /// ended or `is_over`.
    pub(crate) fn strike(self, child: &mut Child, mut is_over: impl FnMut() -> bool) -> bool {
        let process = Pid::from_child(child);
        self.process.set(process).unwrap();
        loop {
            if self.has_struck.load(Ordering::SeqCst) {
                return true;
            }
            if child.try_wait().unwrap().is_some() || is_over() {
                return false;
            }
            let is_due = match self.moment {
                Moment::Time(after) => self.started.elapsed() >= after,
                Moment::BeforeRequest(number) => {
                    self.simulator.log().total() > self.requests + number
                }
                Moment::AfterRequest(_) => false,
                Moment::AfterWrite => inode(&self.file) != self.inode,
            };
            if is_due {
                kill_process(process, self.signal).unwrap();
                return true;
            }
            // In proportion, because a worker that serves may wait for minutes.
            std::thread::sleep(LOOK.max(self.started.elapsed() / 100));
        }
    }
}

impl Drop for ArmedSignal {
    fn drop(&mut self) {
        if let Some(fault) = self.fault {
            self.simulator.faults().remove(fault);
        }
    }
}

/// Returns what changes when a file is replaced.
fn inode(file: &Path) -> Option<u64> {
    file.metadata().ok().map(|metadata| metadata.ino())
}
