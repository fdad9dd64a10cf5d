//! A run: workers rotate under faults, and then without.

use std::time::{Duration, Instant};

use crate::divisor;
use crate::experience::Experience;
use crate::fault::{Fault, pause};
use crate::fleet::Fleet;

/// The time for which there are faults.
fn faulty_time() -> Duration {
    Duration::from_secs(8).max(Duration::from_secs(4 * 60) / divisor())
}

/// A time within which everything ends when there are no faults any more.
fn patience() -> Duration {
    Duration::from_secs(180) + Duration::from_secs(3 * 3_600) / divisor()
}

impl Fleet<'_> {
    /// Rotates all tokens under faults, and checks what must hold afterwards.
    pub(crate) fn run(mut self) -> Experience {
        self.start_workers();
        let until = self.begun + faulty_time();
        let mut next = self.begun + pause(&mut self.random);
        while Instant::now() < until {
            self.supervise();
            if next <= Instant::now() {
                let fault = Fault::draw(self.workers.len(), &mut self.random);
                self.suffer(fault);
                next = Instant::now() + pause(&mut self.random);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.end_workers();
        self.start_workers();
        self.wait_until_done();
        let rotations = self.count_rotations();
        // Everything is listed once more, and nothing is due.
        let once = self.run_program(&["worker", "--once"]);
        self.note(format!("worker --once: {once:?}"));
        self.end_workers();
        let again = self.count_rotations() - rotations;
        assert_eq!(again, 0, "rotated once more: {}", self.tell());
        self.check();
        self.experience.runs = 1;
        self.experience.longest = self.begun.elapsed();
        std::mem::take(&mut self.experience)
    }

    fn count_rotations(&mut self) -> usize {
        self.closed_rotations().len() + self.open_rotations().len()
    }

    fn suffer(&mut self, fault: Fault) {
        self.experience.long_stops += u64::from(fault.outlasts_a_claim());
        self.note(format!("{fault:?}"));
        match fault {
            Fault::Kill(number) => {
                let worker = self.workers.remove(number);
                self.note_errors(&worker);
                worker.kill();
                self.experience.kills += 1;
                self.start_workers();
            }
            Fault::Stop(number, time) => {
                self.workers[number].stop_for(time);
                self.experience.stops += 1;
            }
            Fault::Restart { is_immediate, away } => {
                self.lane.restart(is_immediate, away);
                self.experience.restarts += 1;
                self.note("Postgres is back");
            }
            Fault::CutAll => {
                self.lane.cut_all();
                self.experience.cuts += 1;
            }
            Fault::CutNext => {
                self.lane.cut_next();
                self.experience.cuts += 1;
            }
        }
    }

    /// Does what a supervisor does: starts workers again that have ended, which they do only if
    /// there is no ledger when they start.
    fn supervise(&mut self) {
        for number in (0..self.workers.len()).rev() {
            self.workers[number].continue_if_due();
            let Some(status) = self.workers[number].ended() else {
                continue;
            };
            let worker = self.workers.remove(number);
            self.note_errors(&worker);
            self.note(format!("{} has ended: {status}", worker.name));
            let is_locked_out = status.code() == Some(1);
            assert!(is_locked_out, "a worker has ended: {}", self.tell());
            self.experience.locked_out += 1;
        }
        self.start_workers();
    }

    /// Asks the workers to end, and waits until they have.
    fn end_workers(&mut self) {
        self.note("the workers are asked to end");
        for worker in &mut self.workers {
            worker.ask_to_end();
        }
        let asked = Instant::now();
        while let Some(mut worker) = self.workers.pop() {
            let status = loop {
                if let Some(status) = worker.ended() {
                    break status;
                }
                let errors = worker.errors();
                assert!(
                    asked.elapsed() < patience(),
                    "{} does not end: {errors}\n{}",
                    worker.name,
                    self.tell()
                );
                std::thread::sleep(Duration::from_millis(10));
            };
            self.note_errors(&worker);
            self.note(format!("{} has ended: {status}", worker.name));
        }
    }

    /// Waits until every token was rotated, and nothing is open but what waits for a person, which
    /// is a failure.
    fn wait_until_done(&mut self) {
        let begun = Instant::now();
        loop {
            self.supervise();
            let mut open = self.open_rotations();
            let parked = open.len();
            open.retain(|stored| stored.record.rotation.parked.is_none());
            let parked = parked - open.len();
            if open.is_empty() && self.closed_rotations().len() + parked >= self.to_rotate() {
                return;
            }
            let is_late = begun.elapsed() > patience();
            assert!(!is_late, "it does not end: {}", self.tell());
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
