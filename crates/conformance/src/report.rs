//! The report of a run.

mod json;
mod markdown;

use std::fmt;
use std::time::Duration;

use tokenfleet_core::{Account, Timestamp};

use crate::{Case, Failure};

/// The outcome of every case of a run.
#[derive(Debug, Clone)]
#[must_use = "a report has no effect unless it is read"]
pub struct Report {
    account: Option<Account>,
    account_kind: Option<String>,
    started: Timestamp,
    entries: Vec<Entry>,
    problems: Vec<String>,
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
    /// The file and the line where the case is defined.
    pub location: String,
    /// The outcome of the case.
    pub outcome: Outcome,
    /// The time that the case took, with building and closing its fixture, without `waited`.
    pub duration: Duration,
    /// The time that the case waited until the account could send more requests.
    pub waited: Duration,
    /// The number of requests that were sent for the case ([`Fixture::total_requests`]).
    ///
    /// [`Fixture::total_requests`]: crate::Fixture::total_requests
    pub requests: u64,
    /// The steps that the case did without, and why.
    pub left_out: Vec<String>,
    /// The account that the case had to itself, if it is not the one of the report.
    pub account: Option<Account>,
    /// The reason why the fixture could not be closed.
    pub left_behind: Option<String>,
}

impl Entry {
    /// Creates the entry of a case that did not run yet.
    pub(crate) fn new(case: &Case) -> Self {
        Self {
            group: case.group(),
            law: case.law(),
            name: case.name(),
            location: case.location(),
            outcome: Outcome::NotApplicable("it did not run".to_owned()),
            duration: Duration::ZERO,
            waited: Duration::ZERO,
            requests: 0,
            left_out: Vec::new(),
            account: None,
            left_behind: None,
        }
    }

    /// Returns the place of the case in the source of the suite, without the folder of this
    /// machine.
    fn place(&self) -> &str {
        let start = self.location.rfind("src/").unwrap_or(0);
        &self.location[start..]
    }

    /// Returns the lines of the case in the text of a report.
    #[cfg(feature = "test-binary")]
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = write_entry(&mut text, self);
        text
    }

    /// Returns `true` if the outcome fails the run.
    pub(crate) fn failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed(_) | Outcome::NoFixture(_))
    }
}

/// The outcome of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The case ran and the provider kept the law.
    Ran,
    /// The provider does not declare what the case needs, and refused it without a request.
    Refused,
    /// The declared capabilities rule the case out, the fixture cannot set it up, or it was left
    /// out by choice.
    NotApplicable(String),
    /// The provider broke the law, as was declared.
    Deviates {
        /// The declared reason.
        reason: String,
        /// The details of the failure.
        failure: Failure,
    },
    /// The provider broke the law, or did not deviate from it as was declared.
    Failed(Failure),
    /// The fixture could not be built, for this reason.
    NoFixture(String),
}

impl Outcome {
    /// Returns the name of the outcome, as in JSON.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ran => "ran",
            Self::Refused => "refused",
            Self::NotApplicable(_) => "not_applicable",
            Self::Deviates { .. } => "deviates",
            Self::Failed(_) => "failed",
            Self::NoFixture(_) => "no_fixture",
        }
    }

    /// Returns the reason, if the outcome has one.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::NotApplicable(reason)
            | Self::Deviates { reason, .. }
            | Self::NoFixture(reason) => Some(reason),
            _ => None,
        }
    }

    /// Returns the details of the failure, declared or not.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Deviates { failure, .. } | Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }
}

impl Report {
    pub(crate) fn new(
        account: Option<Account>,
        account_kind: Option<String>,
        started: Timestamp,
        problems: Vec<String>,
    ) -> Self {
        Self {
            account,
            account_kind,
            started,
            entries: Vec::new(),
            problems,
        }
    }

    /// Sets the entries.
    pub(crate) fn with_entries(mut self, entries: Vec<Entry>) -> Self {
        self.entries = entries;
        self
    }

    /// Returns the account of the first fixture, or `None` if none could be built.
    #[must_use]
    pub fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// Returns what is wrong with the settings of the suite, which fails the run.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Returns all cases, in the order of the suite.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the cases that failed, or had no fixture.
    pub fn failures(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.failed())
    }

    /// Returns `true` if no case failed and the settings of the suite are right.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures().next().is_none() && self.problems.is_empty()
    }

    /// Returns the number of requests that were sent for all cases.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.entries.iter().map(|entry| entry.requests).sum()
    }

    /// Returns the time that all cases took, as if each ran after the other.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.entries.iter().map(|entry| entry.duration).sum()
    }

    /// Returns the names of the cases that failed as declared, each with the declared reason.
    pub fn deviations(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.entries
            .iter()
            .filter_map(|entry| match &entry.outcome {
                Outcome::Deviates { reason, .. } => Some((entry.name, reason.as_str())),
                _ => None,
            })
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

    /// Panics with the failures unless every case passed.
    ///
    /// # Panics
    ///
    /// Panics if a case failed or had no fixture, or if a deviation is declared for an unknown
    /// case.
    #[allow(clippy::panic, reason = "this is how a test fails")]
    #[track_caller]
    pub fn assert_passed(&self) {
        if !self.passed() {
            panic!("the provider does not conform\n{}", Failures(self));
        }
    }

    /// Returns the number of cases with each outcome, in the order in which reports show them.
    fn totals(&self) -> [(&'static str, usize); 6] {
        [
            "ran",
            "refused",
            "not_applicable",
            "deviates",
            "failed",
            "no_fixture",
        ]
        .map(|outcome| {
            let entries = self.entries.iter();
            let count = entries.filter(|entry| entry.outcome.as_str() == outcome);
            (outcome, count.count())
        })
    }

    fn names(&self, wanted: fn(&Outcome) -> bool) -> impl Iterator<Item = &'static str> {
        self.entries
            .iter()
            .filter(move |entry| wanted(&entry.outcome))
            .map(|entry| entry.name)
    }
}

/// The failures of a report as text.
struct Failures<'a>(&'a Report);

impl fmt::Display for Failures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        let mut former_reason = None;
        for entry in report.failures() {
            // A server that does not respond fails every case.
            if let Outcome::NoFixture(reason) = &entry.outcome {
                if former_reason == Some(reason) {
                    continue;
                }
                former_reason = Some(reason);
            }
            write_entry(f, entry)?;
        }
        report.write_end(f)
    }
}

impl Report {
    /// Writes the problems and the totals.
    fn write_end(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "\n{problem}")?;
        }
        write!(f, "\n{}", Totals(self))
    }

    /// Returns totals, time and requests.
    #[cfg(feature = "test-binary")]
    pub(crate) fn in_one_line(&self) -> String {
        let seconds = self.duration().as_secs_f64();
        format!(
            "{}; {} requests in {seconds:.1} s over all cases",
            Totals(self),
            self.requests()
        )
    }
}

/// The number of cases with each outcome as text.
struct Totals<'a>(&'a Report);

impl fmt::Display for Totals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        let (deviations, failures) = (report.deviations().count(), report.failures().count());
        write!(
            f,
            "{} ran, {} refused as required, {} not applicable",
            report.ran().count(),
            report.refused().count(),
            report.not_applicable().count(),
        )?;
        if deviations > 0 {
            write!(f, ", {deviations} deviate as declared")?;
        }
        write!(f, ", {failures} failed")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.account {
            Some(account) => writeln!(f, "conformance of {account}")?,
            None => writeln!(f, "conformance of a provider without a fixture")?,
        }
        let mut group = "";
        for entry in &self.entries {
            if entry.group != group {
                group = entry.group;
                writeln!(f, "\n{group}")?;
            }
            write_entry(f, entry)?;
        }
        self.write_end(f)
    }
}

/// Writes the lines of one case.
fn write_entry(f: &mut impl fmt::Write, entry: &Entry) -> fmt::Result {
    const INDENT: &str = "             ";
    let Entry { law, name, .. } = entry;
    let write_failure = |f: &mut dyn fmt::Write, failure: &Failure| {
        writeln!(f, "{INDENT}expected: {}", failure.expected)?;
        writeln!(f, "{INDENT}happened: {}", failure.happened)?;
        if let Some(account) = &entry.account {
            writeln!(f, "{INDENT}account:  {account}")?;
        }
        writeln!(f, "{INDENT}case:     {}", entry.location)
    };
    match &entry.outcome {
        Outcome::Ran => writeln!(f, "  ran      law {law:<2}  {name}")?,
        Outcome::Refused => writeln!(f, "  refused  law {law:<2}  {name}")?,
        Outcome::NotApplicable(reason) => {
            writeln!(f, "  -        law {law:<2}  {name} ({reason})")?;
        }
        Outcome::Deviates { reason, failure } => {
            writeln!(f, "  deviates law {law:<2}  {name} ({reason})")?;
            write_failure(f, failure)?;
        }
        Outcome::Failed(failure) => {
            writeln!(f, "  FAILED   law {law:<2}  {name}")?;
            write_failure(f, failure)?;
        }
        Outcome::NoFixture(reason) => {
            writeln!(f, "  FAILED   law {law:<2}  {name}")?;
            writeln!(f, "{INDENT}no fixture: {reason}")?;
        }
    }
    for step in &entry.left_out {
        writeln!(f, "{INDENT}left out: {step}")?;
    }
    if let Some(reason) = &entry.left_behind {
        writeln!(f, "{INDENT}left behind: {reason}")?;
    }
    Ok(())
}
