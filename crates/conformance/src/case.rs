//! One thing to try on a provider.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use tokenfleet_core::Capabilities;

use crate::refusal::Refusal;
use crate::scene::Scene;
use crate::verdict::Verdict;

pub(crate) type CaseFuture<'a> = Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;

/// One thing to try on a provider: a law, made concrete.
#[derive(Clone, Copy)]
pub struct Case {
    group: &'static str,
    law: u8,
    name: &'static str,
    decide: fn(&Capabilities) -> Decision,
    pub(crate) run: for<'a> fn(&'a Scene) -> CaseFuture<'a>,
}

/// What to do with a case, given what a provider declares.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Run it.
    Run,
    /// Demand that what it needs is refused without any request.
    Refuse(Refusal),
    /// Leave it out, for this reason.
    NotApplicable(&'static str),
}

impl Decision {
    /// Runs a case where that is declared, and demands a refusal where it is not.
    pub(crate) fn run_or_refuse(declared: bool, refusal: Refusal) -> Self {
        if declared {
            Self::Run
        } else {
            Self::Refuse(refusal)
        }
    }

    /// Runs a case where that holds, and leaves it out where it does not.
    pub(crate) fn run_if(holds: bool, otherwise: &'static str) -> Self {
        if holds {
            Self::Run
        } else {
            Self::NotApplicable(otherwise)
        }
    }
}

impl Case {
    pub(crate) const fn new(
        group: &'static str,
        law: u8,
        name: &'static str,
        decide: fn(&Capabilities) -> Decision,
        run: for<'a> fn(&'a Scene) -> CaseFuture<'a>,
    ) -> Self {
        Self {
            group,
            law,
            name,
            decide,
            run,
        }
    }

    /// What it is about.
    #[must_use]
    pub fn group(&self) -> &'static str {
        self.group
    }

    /// The number of the law that it checks.
    #[must_use]
    pub fn law(&self) -> u8 {
        self.law
    }

    /// A sentence that holds when it passes.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What to do with it on a provider that declares this.
    #[must_use]
    pub fn decide(&self, capabilities: &Capabilities) -> Decision {
        (self.decide)(capabilities)
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("group", &self.group)
            .field("law", &self.law)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Names an asynchronous function as a case of the group `GROUP` of its file.
macro_rules! case {
    ($law:literal, $name:literal, $decide:expr, $run:path) => {
        $crate::Case::new(GROUP, $law, $name, $decide, |scene| Box::pin($run(scene)))
    };
}
pub(crate) use case;
