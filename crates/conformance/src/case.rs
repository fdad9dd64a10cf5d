//! The definition of a case, and the decision whether it runs.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use tokenfleet_core::{Capabilities, Operation};

use crate::case_result::CaseResult;
use crate::harness::Harness;
use crate::refusal::Refusal;
use crate::weight::{HEAVY, LIGHT};

pub(crate) type CaseFuture<'a> = Pin<Box<dyn Future<Output = CaseResult> + Send + 'a>>;

/// A single test of a provider: one concrete consequence of a law.
#[derive(Clone, Copy)]
pub struct Case {
    pub(crate) group: &'static str,
    pub(crate) law: u8,
    pub(crate) name: &'static str,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) when: fn(&Capabilities) -> Decision,
    pub(crate) run: for<'a> fn(&'a Harness) -> CaseFuture<'a>,
    /// The mutants that this case must fail.
    #[cfg(test)]
    pub(crate) killed_by: &'static [crate::mutants::Mutant],
}

/// The decision on whether a case runs, made from what a provider declares.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// The case runs.
    Run,
    /// The case does not run, and what it needs must be refused without a request.
    Refuse(Refusal),
    /// The case is skipped, for this reason.
    NotApplicable(&'static str),
}

impl Decision {
    /// Runs a case if its operation is declared, and expects a refusal otherwise.
    pub(crate) fn for_operation(declared: &Capabilities, operation: Operation) -> Self {
        Self::run_or_refuse(declared.supports(operation), Refusal::Operation(operation))
    }

    /// Runs a case if its precondition is declared, and expects a refusal otherwise.
    pub(crate) fn run_or_refuse(declared: bool, refusal: Refusal) -> Self {
        if declared {
            Self::Run
        } else {
            Self::Refuse(refusal)
        }
    }

    /// Runs a case if its precondition holds, and skips it otherwise.
    pub(crate) fn run_if(holds: bool, otherwise: &'static str) -> Self {
        if holds {
            Self::Run
        } else {
            Self::NotApplicable(otherwise)
        }
    }
}

impl Case {
    /// Returns the group of the case, such as "listing".
    #[must_use]
    pub fn group(&self) -> &'static str {
        self.group
    }

    /// Returns the number of the law that the case checks.
    #[must_use]
    pub fn law(&self) -> u8 {
        self.law
    }

    /// Returns the name of the case: a sentence that is true if the case passes.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the file and the line where the case is defined, such as
    /// `crates/conformance/src/cases/listing.rs:18`.
    #[must_use]
    pub fn location(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    /// Returns `true` if the case may send more than 250 requests, those of the fixture included.
    ///
    /// [`Suite::without_heavy_cases`](crate::Suite::without_heavy_cases) leaves these out.
    #[must_use]
    pub fn is_heavy(&self) -> bool {
        self.expected_requests() > LIGHT
    }

    /// Returns the number of requests that the case is expected to send at most, those of the
    /// fixture included.
    #[must_use]
    pub fn expected_requests(&self) -> u64 {
        let heavy = HEAVY.iter().find(|(name, _)| *name == self.name);
        heavy.map_or(LIGHT, |(_, requests)| *requests)
    }

    /// Returns what to do with the case for a provider with these capabilities.
    #[must_use]
    pub fn decide(&self, capabilities: &Capabilities) -> Decision {
        (self.when)(capabilities)
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

/// Declares a case of the group `GROUP` of its file.
///
/// `killed_by` lists the mutants that the case must fail, each as `Defect on profile`. Only the
/// crate's own tests see it.
macro_rules! case {
    (
        law $law:literal: $name:literal,
        when: $when:expr,
        run: $run:path,
        killed_by: [$($defect:ident on $profile:ident),* $(,)?] $(,)?
    ) => {
        $crate::Case {
            group: GROUP,
            law: $law,
            name: $name,
            file: file!(),
            line: line!(),
            when: $when,
            run: |harness| Box::pin($run(harness)),
            #[cfg(test)]
            killed_by: &[$($crate::mutants::Mutant {
                defect: $crate::mutants::Defect::$defect,
                profile: $crate::MemoryProfile::$profile,
            }),*],
        }
    };
}
pub(crate) use case;
