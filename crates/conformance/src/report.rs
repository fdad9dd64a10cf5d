//! What a run of the suite found.

use std::fmt;

use tokenfleet_core::Account;

use crate::Failure;

/// What became of every case.
#[derive(Debug, Clone)]
#[must_use = "a report that nobody reads finds nothing"]
pub struct Report {
    account: Account,
    entries: Vec<Entry>,
}

/// What became of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// What the case is about.
    pub group: &'static str,
    /// The law that it checks.
    pub law: u8,
    /// Its name, a sentence that holds when it passes.
    pub name: &'static str,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It ran and the provider kept the law.
    Ran,
    /// The provider does not declare what the case needs, and refuses it as it must: without any request.
    Refused,
    /// It makes no sense with what is declared, or the fixture cannot set it up.
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

    /// All cases, in the order of the suite.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The cases that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(|entry| matches!(entry.outcome, Outcome::Failed(_)))
    }

    /// Whether no case failed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The names of the cases that ran and passed. Compare them with a list of your own, so that a case that silently
    /// became inapplicable is noticed.
    pub fn ran(&self) -> impl Iterator<Item = &'static str> {
        self.names(|outcome| *outcome == Outcome::Ran)
    }

    /// The names of the cases whose refusal was demanded and given.
    pub fn refused(&self) -> impl Iterator<Item = &'static str> {
        self.names(|outcome| *outcome == Outcome::Refused)
    }

    /// The names of the cases that did not apply, each with the reason.
    pub fn not_applicable(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.entries
            .iter()
            .filter_map(|entry| match &entry.outcome {
                Outcome::NotApplicable(reason) => Some((entry.name, reason.as_str())),
                _ => None,
            })
    }

    /// What became of the case of that name.
    #[must_use]
    pub fn outcome(&self, name: &str) -> Option<&Outcome> {
        self.entries
            .iter()
            .find(|entry| entry.name == name)
            .map(|entry| &entry.outcome)
    }

    /// Ends a test with the whole report unless every case passed.
    ///
    /// # Panics
    ///
    /// When a case failed.
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
            "\n{} ran, {} refused as they must, {} not applicable, {} failed",
            self.ran().count(),
            self.refused().count(),
            self.not_applicable().count(),
            self.failures().count()
        )
    }
}
