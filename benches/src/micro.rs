//! Micro-benchmarks that run within one process, without sockets or waits.
//!
//! They are timed (`cargo bench -p tokenfleet-benches`) and counted in instructions
//! (`cargo run --release -p tokenfleet-benches --bin instructions`).

mod calls;
mod decoding;
mod planning;
mod replay;

use std::fmt;
use std::rc::Rc;

use tokio::runtime::{Builder, Runtime};

/// A repeatable piece of work.
pub struct Micro {
    /// The amount of work of one repetition, for throughput.
    pub amount: Amount,
    work: Box<dyn FnMut()>,
}

/// The amount of work of one repetition.
#[derive(Debug, Clone, Copy)]
pub enum Amount {
    /// The number of tokens read.
    Tokens(u64),
    /// The number of times that the named work is done.
    Times(u64),
}

/// A function that prepares a piece of work.
type Prepare = fn(&Rc<Runtime>) -> Micro;

impl Micro {
    /// Returns the names of all micro-benchmarks.
    pub fn names() -> impl Iterator<Item = &'static str> {
        all().map(|(name, _)| name)
    }

    /// Prepares the micro-benchmark of that name, and runs it once so that caches are filled.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let (_, prepare) = all().find(|(known, _)| *known == name)?;
        let runtime = Builder::new_current_thread().enable_time().build().ok()?;
        let mut micro = prepare(&Rc::new(runtime));
        micro.run();
        Some(micro)
    }

    fn new(amount: Amount, work: impl FnMut() + 'static) -> Self {
        let work = Box::new(work);
        Self { amount, work }
    }

    /// Runs one repetition.
    pub fn run(&mut self) {
        (self.work)();
    }
}

fn all() -> impl Iterator<Item = (&'static str, Prepare)> {
    (decoding::ALL.into_iter())
        .chain(planning::ALL)
        .chain(calls::ALL)
}

impl fmt::Debug for Micro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Micro")
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}
