//! The effects of requests, observed past the platform's own API.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokenfleet_simulators::{Action, Fault, Hook, Simulator, State, Token};

/// The effects of all requests together, without those of the faults.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Effects {
    pub(crate) created: usize,
    pub(crate) deleted: usize,
    pub(crate) revoked: usize,
    pub(crate) rotated: usize,
    pub(crate) renewed: usize,
    pub(crate) renamed: usize,
}

impl Effects {
    fn named(&self) -> [(&'static str, usize); 6] {
        [
            ("created", self.created),
            ("deleted", self.deleted),
            ("revoked", self.revoked),
            ("rotated", self.rotated),
            ("renewed", self.renewed),
            ("renamed", self.renamed),
        ]
    }

    /// Returns `true` if one token was created and revoked again, as one that was not created as
    /// requested is.
    pub(crate) fn is_undone_creation(&self) -> bool {
        let revoked = self.deleted + self.revoked;
        self.created == 1 && revoked == 1 && self.count() == 2
    }

    /// Returns the number of effects.
    pub(crate) fn count(&self) -> usize {
        self.named().iter().map(|(_, count)| count).sum()
    }

    fn add(&mut self, before: &[Token], after: &[Token]) {
        let in_after = |id: &str| after.iter().find(|token| token.id == id);
        let is_new = |token: &&Token| before.iter().all(|old| old.id != token.id);
        self.created += after.iter().filter(is_new).count();
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

/// Observes the tokens after each request, before and after the fault changes them.
#[derive(Debug, Clone)]
pub(crate) struct EffectObserver(Arc<Mutex<Observed>>);

#[derive(Debug)]
struct Observed {
    tokens: Vec<Token>,
    effects: Effects,
}

impl EffectObserver {
    pub(crate) fn new(simulator: &dyn Simulator) -> Self {
        Self(Arc::new(Mutex::new(Observed {
            tokens: simulator.tokens(),
            effects: Effects::default(),
        })))
    }

    /// Adds a fault to the platform, between hooks that observe what requests do.
    pub(crate) fn observe(&self, simulator: &dyn Simulator, fault: Fault) {
        let observed = Arc::clone(&self.0);
        let before = Hook::new(move |simulator| {
            let Observed { tokens, effects } = &mut *lock(&observed);
            effects.add(tokens, &simulator.tokens());
        });
        let observed = Arc::clone(&self.0);
        let after = Hook::new(move |simulator| lock(&observed).tokens = simulator.tokens());
        let faults = simulator.faults();
        // Faults act in the order in which they were added.
        faults.add(Fault::new(Action::Run(before)).always());
        faults.add(fault);
        faults.add(Fault::new(Action::Run(after)).always());
    }

    pub(crate) fn effects(&self) -> Effects {
        lock(&self.0).effects
    }
}

fn lock(observed: &Mutex<Observed>) -> MutexGuard<'_, Observed> {
    observed.lock().unwrap_or_else(PoisonError::into_inner)
}
