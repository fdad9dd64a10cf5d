//! Workers that are stopped, and go on when another one may have taken over.

use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokenfleet::Timestamp;

use super::{RUNTIME, Trial, described, divisor, limit};
use crate::moment::Moment;

/// The limit of the time for which a worker is stopped at random, which is longer than any claim.
/// Others wait for 30 s for a ledger or a folder that the stopped one keeps locked, so the waits
/// have to be divided by more than 20.
const PAUSE: Duration = Duration::from_secs(10 * 60);

/// The same for a token that is rotated in place, which is within any claim: what arrives after it
/// kills the secret of the worker that has taken over.
const PAUSE_IN_PLACE: Duration = Duration::from_secs(30);

/// The time between two looks at a rotation whose worker is stopped.
const LOOK: Duration = Duration::from_millis(10);

impl Trial {
    /// Leaves a process that was stopped alone for a random time, and then continues it, or kills
    /// it in one case of four. Returns the workers that were started meanwhile.
    pub(super) fn pause(&mut self, stopped: &Child) -> Vec<Child> {
        let longest = match self.provider {
            "cloudsmith" => PAUSE_IN_PLACE,
            _ => PAUSE,
        };
        let longest = u64::try_from((longest / divisor()).as_micros()).unwrap();
        let length = Duration::from_micros(self.random.below(longest));
        let kills = self.random.below(4) == 0;
        let signal = if kills { Signal::KILL } else { Signal::CONT };
        let (process, started) = (Pid::from_child(stopped), Instant::now());
        let mut others: Vec<Child> = Vec::new();
        std::thread::scope(|scope| {
            // Whoever opens or writes a ledger may have to wait for the process.
            scope.spawn(move || {
                std::thread::sleep(length);
                kill_process(process, signal).unwrap();
            });
            while started.elapsed() < length {
                let last = others.last_mut();
                let is_free = last.is_none_or(|other| other.try_wait().unwrap().is_some());
                if is_free && self.can_be_claimed() {
                    others.push(self.spawn(&["worker".to_owned(), "--once".to_owned()]));
                }
                std::thread::sleep(LOOK);
            }
        });
        others
    }

    /// Waits until the workers have ended that were started while another one was stopped.
    pub(super) fn wait_for_others(&mut self, others: Vec<Child>) {
        for other in others {
            let output = other.wait_with_output().unwrap();
            self.story
                .push(format!("worker meanwhile: {}", described(&output)));
            self.check_end(&output);
        }
    }

    /// Returns `true` if there is something to do for another worker.
    fn can_be_claimed(&self) -> bool {
        let Ok(open) = RUNTIME.block_on(self.store.open_rotations()) else {
            return false;
        };
        let now = Timestamp::now();
        open.rotations.first().is_some_and(|open| {
            let times = [open.task.claimed_until, open.task.due];
            times.into_iter().flatten().all(|time| time <= now)
        })
    }

    /// Rotates the token once by two workers: the first one is stopped at one of its requests for
    /// longer than its claim lasts, the second one goes on, and then the first one does. Returns
    /// `true` if the first one was stopped while it was at the rotation.
    pub(crate) fn rotate_by_two(&mut self) -> bool {
        let (beginning, closed) = (self.beginning(), self.closed_rotations().len());
        self.story.clear();
        let moment = Moment::AfterRequest(self.random.below(6));
        let armed = moment.arm(Signal::STOP, &self.simulator, &self.file);
        let mut first = self.spawn(&beginning);
        let mut is_interleaved = false;
        if armed.strike(&mut first, || false) {
            self.story.push(format!("stopped at {moment:?}"));
            let started = Instant::now();
            // A process that is stopped while it writes the ledger keeps others from it.
            while let Ok(open) = RUNTIME.block_on(self.store.open_rotations()) {
                let Some(open) = open.rotations.first() else {
                    break;
                };
                assert!(
                    started.elapsed() < limit(),
                    "it does not end: {}",
                    self.tell()
                );
                is_interleaved = true;
                Self::wait_for(open);
                self.run(&["worker".to_owned(), "--once".to_owned()], None, closed);
            }
            kill_process(Pid::from_child(&first), Signal::CONT).unwrap();
        }
        let output = first.wait_with_output().unwrap();
        self.story
            .push(format!("the first one ends: {}", described(&output)));
        self.check_end(&output);
        while let Some(open) = self.open_rotation() {
            Self::wait_for(&open);
            self.run(&["worker".to_owned(), "--once".to_owned()], None, closed);
        }
        if self.provider != "mindbody" {
            self.settle();
        }
        self.check(1);
        is_interleaved
    }
}
