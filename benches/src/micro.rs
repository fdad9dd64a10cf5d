//! Small pieces of work that run within one process, without sockets and without a clock that matters.
//!
//! The same pieces are timed (`cargo bench -p tokenfleet-benches`) and counted in instructions
//! (`cargo run --release -p tokenfleet-benches --bin instructions`).

mod calls;
mod decoding;
mod planning;
mod replay;

use std::fmt;
use std::rc::Rc;

use tokio::runtime::{Builder, Runtime};

/// A piece of work that can be repeated.
pub struct Micro {
    /// What one repetition counts as, for throughput.
    pub amount: Amount,
    work: Box<dyn FnMut()>,
}

/// How much one repetition gets done.
#[derive(Debug, Clone, Copy)]
pub enum Amount {
    /// It reads so many tokens.
    Tokens(u64),
    /// It does so many times what its name says.
    Times(u64),
}

/// Makes a piece of work ready.
type Prepare = fn(&Rc<Runtime>) -> Micro;

impl Micro {
    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        all().map(|(name, _)| name)
    }

    /// The one of that name, made ready: it has been done once, so that nothing is done for the first time.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
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

    /// Does it once.
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
