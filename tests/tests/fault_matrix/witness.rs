//! What requests really did, past the platform's own interface.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokenfleet_simulators::{Action, Fault, Hook, Simulator, State, Token};

/// What all requests together did, without what the faults did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Effects {
    pub(crate) made: usize,
    pub(crate) deleted: usize,
    pub(crate) revoked: usize,
    pub(crate) rotated: usize,
    pub(crate) renewed: usize,
    pub(crate) renamed: usize,
}

impl Effects {
    fn named(&self) -> [(&'static str, usize); 6] {
        [
            ("made", self.made),
            ("deleted", self.deleted),
            ("revoked", self.revoked),
            ("rotated", self.rotated),
            ("renewed", self.renewed),
            ("renamed", self.renamed),
        ]
    }

    /// How often something was done.
    pub(crate) fn count(&self) -> usize {
        self.named().iter().map(|(_, count)| count).sum()
    }

    fn add(&mut self, before: &[Token], after: &[Token]) {
        let in_after = |id: &str| after.iter().find(|token| token.id == id);
        let is_new = |token: &&Token| before.iter().all(|old| old.id != token.id);
        self.made += after.iter().filter(is_new).count();
        for old in before {
            let Some(new) = in_after(&old.id) else {
                self.deleted += 1;
                continue;
            };
            let revoked = new.state == State::Revoked && old.state != State::Revoked;
            self.revoked += usize::from(revoked);
            self.rotated += usize::from(new.secret != old.secret);
            self.renewed += usize::from(new.expires != old.expires);
            self.renamed += usize::from(new.name != old.name);
        }
    }
}

impl fmt::Display for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in self.named() {
            if count > 0 {
                write!(f, " · {name} {count}")?;
            }
        }
        Ok(())
    }
}

/// Looks at the tokens after each request, before and after what a fault does to them.
#[derive(Debug, Clone)]
pub(crate) struct Witness(Arc<Mutex<Seen>>);

#[derive(Debug)]
struct Seen {
    tokens: Vec<Token>,
    effects: Effects,
}

impl Witness {
    pub(crate) fn new(simulator: &dyn Simulator) -> Self {
        Self(Arc::new(Mutex::new(Seen {
            tokens: simulator.tokens(),
            effects: Effects::default(),
        })))
    }

    /// Has the platform meet this fault, and sees what requests do.
    pub(crate) fn watch(&self, simulator: &dyn Simulator, fault: Fault) {
        let seen = Arc::clone(&self.0);
        let before = Hook::new(move |simulator| {
            let mut seen = lock(&seen);
            let tokens = simulator.tokens();
            let Seen {
                effects,
                tokens: known,
            } = &mut *seen;
            effects.add(known, &tokens);
        });
        let seen = Arc::clone(&self.0);
        let after = Hook::new(move |simulator| lock(&seen).tokens = simulator.tokens());
        let faults = simulator.faults();
        // They act in the order in which they were added.
        faults.add(Fault::new(Action::Run(before)).always());
        faults.add(fault);
        faults.add(Fault::new(Action::Run(after)).always());
    }

    pub(crate) fn effects(&self) -> Effects {
        lock(&self.0).effects
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
