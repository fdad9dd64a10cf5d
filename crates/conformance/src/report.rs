//! The report of a run.

use std::fmt;

use tokenfleet_core::Account;

use crate::Failure;

/// The outcome of every case of a run.
#[derive(Debug, Clone)]
#[must_use = "a report has no effect unless it is read"]
pub struct Report {
    account: Account,
    entries: Vec<Entry>,
}

/// One case of a report, with its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The group of the case.
    pub group: &'static str,
    /// The number of the law that the case checks.
    pub law: u8,
    /// The name of the case: a sentence that is true if the case passes.
    pub name: &'static str,
    /// The outcome of the case.
    pub outcome: Outcome,
}

/// The outcome of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The case ran and the provider kept the law.
    Ran,
    /// The provider does not declare what the case needs, and refused it without a request.
    Refused,
    /// The declared capabilities rule the case out, or the fixture cannot set it up.
    NotApplicable(String),
    /// The provider broke the law.
    Failed(Failure),
}

impl Report {
    pub(crate) fn new(account: Account) -> Self {
        Self {
            account,
            entries: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Returns all cases, in the order of the suite.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the cases that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(|entry| matches!(entry.outcome, Outcome::Failed(_)))
    }

    /// Returns `true` if no case failed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Returns the names of the cases that ran and passed.
    ///
    /// Compare them with a list of your own, so that a case that no longer applies is noticed.
    pub fn ran(&self) -> impl Iterator<Item = &'static str> {
        self.names(|outcome| *outcome == Outcome::Ran)
    }

    /// Returns the names of the cases that had to be refused and were.
    pub fn refused(&self) -> impl Iterator<Item = &'static str> {
        self.names(|outcome| *outcome == Outcome::Refused)
    }

    /// Returns the names of the cases that did not apply, each with the reason.
    pub fn not_applicable(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.entries
            .iter()
            .filter_map(|entry| match &entry.outcome {
                Outcome::NotApplicable(reason) => Some((entry.name, reason.as_str())),
                _ => None,
            })
    }

    /// Returns the outcome of the case with this name.
    #[must_use]
    pub fn outcome(&self, name: &str) -> Option<&Outcome> {
        self.entries
            .iter()
            .find(|entry| entry.name == name)
            .map(|entry| &entry.outcome)
    }

    /// Panics with the whole report unless every case passed.
    ///
    /// # Panics
    ///
    /// Panics if a case failed.
    #[allow(clippy::panic, reason = "this is how a test fails")]
    #[track_caller]
    pub fn assert_passed(&self) {
        if !self.passed() {
            panic!("the provider does not conform\n{self}");
        }
    }

    fn names(&self, wanted: fn(&Outcome) -> bool) -> impl Iterator<Item = &'static str> {
        self.entries
            .iter()
            .filter(move |entry| wanted(&entry.outcome))
            .map(|entry| entry.name)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "conformance of {}", self.account)?;
        let mut group = "";
        for entry in &self.entries {
            if entry.group != group {
                group = entry.group;
                writeln!(f, "\n{group}")?;
            }
            let Entry { law, name, .. } = entry;
            match &entry.outcome {
                Outcome::Ran => writeln!(f, "  ran      law {law:<2}  {name}")?,
                Outcome::Refused => writeln!(f, "  refused  law {law:<2}  {name}")?,
                Outcome::NotApplicable(reason) => {
                    writeln!(f, "  -        law {law:<2}  {name} ({reason})")?;
                }
                Outcome::Failed(failure) => {
                    writeln!(f, "  FAILED   law {law:<2}  {name}")?;
                    writeln!(f, "             expected: {}", failure.expected)?;
                    writeln!(f, "             happened: {}", failure.happened)?;
                }
            }
        }
        write!(
            f,
            "\n{} ran, {} refused as required, {} not applicable, {} failed",
            self.ran().count(),
            self.refused().count(),
            self.not_applicable().count(),
            self.failures().count()
        )
    }
}
