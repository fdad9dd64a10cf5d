//! The settings of a run, and the run of one case.

use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokenfleet_core::config::did_you_mean;
use tokenfleet_core::{Account, Capabilities, Timestamp};

use crate::case_result::{Failure, Stop};
use crate::harness::Harness;
use crate::request_limit::RequestLimit;
use crate::{Case, Decision, Entry, Fixture, Outcome, Report, cases};

/// The suite for one provider: how its fixtures are built, and what is special about it.
///
/// `make_fixture` builds the fixture of one case. It returns a fixture or a `Result` with one, so
/// that a server that does not respond is reported as that and not as a failure of the provider.
///
/// ```
/// use std::time::Duration;
/// use tokenfleet_conformance::{FixtureError, MemoryFixture, MemoryProfile, Suite};
///
/// # futures_executor::block_on(async {
/// let suite = Suite::new(async || {
///     Ok::<_, FixtureError>(MemoryFixture::new(MemoryProfile::deleting()))
/// })
/// .with_account_kind("a platform in memory")
/// .without_heavy_cases()
/// .with_request_limit(100_000, Duration::from_secs(900));
/// suite.run().await.assert_passed();
/// # });
/// ```
///
/// A suite of a test binary of its own, with a test for each case, is run by `main` (feature
/// `test-binary`).
pub struct Suite<M> {
    make_fixture: M,
    settings: Settings,
    declared: OnceLock<Declared>,
    /// The reason why the first fixture could not be built. Others are not tried.
    unbuildable: OnceLock<String>,
}

/// A function that receives the progress of a run.
type OnProgress = dyn Fn(Progress<'_>) + Send + Sync;

#[derive(Default)]
struct Settings {
    account_kind: Option<String>,
    deviations: Vec<Deviation>,
    without_heavy_cases: bool,
    request_limit: Option<RequestLimit>,
    progress: Option<Box<OnProgress>>,
}

/// A case that the platform is known to fail.
struct Deviation {
    case: String,
    reason: String,
}

/// The declaration of the first fixture's provider.
struct Declared {
    account: Account,
    capabilities: Capabilities,
}

/// The progress of a run.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A case starts.
    Started(&'a Case),
    /// A case waits until the account may send more requests.
    Waiting(&'a Case, Duration),
    /// A case ended.
    Finished(&'a Entry),
}

/// A fixture, or the attempt to build one.
pub trait IntoFixture {
    /// The type of the fixture.
    type Fixture: Fixture + 'static;

    /// Returns the fixture, or the reason why there is none.
    ///
    /// # Errors
    ///
    /// The reason why the fixture could not be built.
    fn into_fixture(self) -> Result<Self::Fixture, String>;
}

impl<F: Fixture + 'static> IntoFixture for F {
    type Fixture = F;

    fn into_fixture(self) -> Result<F, String> {
        Ok(self)
    }
}

impl<F: Fixture + 'static, E: fmt::Display> IntoFixture for Result<F, E> {
    type Fixture = F;

    fn into_fixture(self) -> Result<F, String> {
        self.map_err(|error| error.to_string())
    }
}

impl<M> Suite<M> {
    /// Creates the suite for the provider of these fixtures.
    pub fn new(make_fixture: M) -> Self {
        Self {
            make_fixture,
            settings: Settings::default(),
            declared: OnceLock::new(),
            unbuildable: OnceLock::new(),
        }
    }

    /// Describes the account for readers of the report, such as `a fresh user of JupyterHub 5.2`.
    #[must_use]
    pub fn with_account_kind(mut self, kind: impl Into<String>) -> Self {
        self.settings.account_kind = Some(kind.into());
        self
    }

    /// Declares that the platform is known to fail the case of this name, for this reason.
    ///
    /// The case runs nevertheless. The report shows the failure as a deviation, with the reason. A
    /// declared case that does not fail is a failure, and so is a name that no case has.
    #[must_use]
    pub fn with_deviation(mut self, case: impl Into<String>, reason: impl Into<String>) -> Self {
        self.settings.deviations.push(Deviation {
            case: case.into(),
            reason: reason.into(),
        });
        self
    }

    /// Leaves the heavy cases out ([`Case::is_heavy`]). The report says so.
    #[must_use]
    pub fn without_heavy_cases(mut self) -> Self {
        self.settings.without_heavy_cases = true;
        self
    }

    /// Keeps the suite below the requests that the account may send: a case waits until it fits,
    /// and a case that needs more than the whole limit is left out.
    ///
    /// The suite counts what [`Fixture::total_requests`] returns, and reserves for each case the
    /// most that it may need. It waits between cases only, by blocking the thread, so that no wait
    /// disturbs a case. Test runners with a process for each test do not share the count.
    #[must_use]
    pub fn with_request_limit(mut self, requests: u64, period: Duration) -> Self {
        self.settings.request_limit = Some(RequestLimit::new(requests, period));
        self
    }

    /// Calls a function when a case starts, waits and ends, for example to print its name: so a
    /// case that hangs is known.
    #[must_use]
    pub fn with_progress(
        mut self,
        progress: impl Fn(Progress<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.settings.progress = Some(Box::new(progress));
        self
    }

    /// Sets the function of [`with_progress`](Self::with_progress) unless there is one.
    #[cfg(feature = "test-binary")]
    pub(crate) fn with_default_progress(mut self, progress: fn(Progress<'_>)) -> Self {
        let progress = Box::new(progress);
        self.settings.progress.get_or_insert(progress);
        self
    }

    /// Returns a sentence for each declared deviation whose case does not exist.
    pub(crate) fn unknown_deviations(&self) -> Vec<String> {
        let names: Vec<_> = cases().map(Case::name).collect();
        let unknown = |deviation: &&Deviation| !names.contains(&deviation.case.as_str());
        let deviations = self.settings.deviations.iter();
        deviations
            .filter(unknown)
            .map(|Deviation { case, .. }| {
                // A list of all cases would hide the mistake.
                let hint = did_you_mean(case, &names);
                let hint = hint.starts_with("did").then_some(hint);
                let hint = hint.unwrap_or_else(|| "see `cases()`".to_owned());
                format!("a deviation is declared for the unknown case `{case}`; {hint}")
            })
            .collect()
    }

    /// Returns a report without entries yet.
    pub(crate) fn report(&self, started: Timestamp) -> Report {
        Report::new(
            self.declared.get().map(|declared| declared.account.clone()),
            self.settings.account_kind.clone(),
            started,
            self.unknown_deviations(),
        )
    }

    fn show(&self, progress: Progress<'_>) {
        if let Some(show) = &self.settings.progress {
            show(progress);
        }
    }

    /// Returns the reason to leave a case out before it runs.
    fn left_out_by_choice(&self, case: &Case) -> Option<String> {
        let expected = case.expected_requests();
        match &self.settings.request_limit {
            _ if self.settings.without_heavy_cases && case.is_heavy() => {
                Some("heavy cases are left out".to_owned())
            }
            Some(limit) if expected > limit.requests => Some(format!(
                "it may send {expected} requests, and the account {} in {} s",
                limit.requests,
                limit.period.as_secs()
            )),
            _ => None,
        }
    }

    /// Returns the outcome of a case as its declared deviation demands.
    fn hold_against_deviation(&self, case: &Case, outcome: Outcome) -> Outcome {
        let mut deviations = self.settings.deviations.iter();
        let Some(deviation) = deviations.find(|deviation| deviation.case == case.name()) else {
            return outcome;
        };
        let reason = &deviation.reason;
        let happened = match outcome {
            Outcome::Failed(failure) => {
                return Outcome::Deviates {
                    reason: reason.clone(),
                    failure,
                };
            }
            Outcome::Ran | Outcome::Refused => "the provider conforms".to_owned(),
            Outcome::NotApplicable(why) => format!("the case does not apply: {why}"),
            other => return other,
        };
        Outcome::Failed(Failure {
            expected: format!("the platform deviates as declared: {reason}"),
            happened: format!("{happened}; remove the declaration"),
        })
    }
}

impl<M, Made> Suite<M>
where
    M: Fn() -> Made,
    Made: Future,
    Made::Output: IntoFixture,
{
    /// Runs every case that the provider's capabilities call for, each on a fresh fixture.
    ///
    /// The suite needs no particular runtime: run it on the one that the provider needs. A case
    /// that fails or panics does not stop the others. A case that hangs is left to the test
    /// runner's timeout.
    pub async fn run(&self) -> Report {
        self.run_some(|_| true).await
    }

    /// Runs the selected cases, each on a fresh fixture.
    pub async fn run_some(&self, select: impl Fn(&Case) -> bool) -> Report {
        let started = Timestamp::now();
        let mut entries = Vec::new();
        for case in cases().filter(|case| select(case)) {
            entries.push(Box::pin(self.run_case(case, &|_| {})).await);
        }
        self.report(started).with_entries(entries)
    }

    /// Runs one case on a fresh fixture, and calls a function before each wait for the request
    /// limit.
    pub(crate) async fn run_case(&self, case: &Case, on_wait: &(dyn Fn(Duration) + Sync)) -> Entry {
        self.show(Progress::Started(case));
        let mut entry = Entry::new(case);
        let started = Instant::now();
        if let Some(reason) = self.left_out_by_choice(case) {
            entry.outcome = Outcome::NotApplicable(reason);
        } else {
            let outcome = self.try_case(case, &mut entry, on_wait).await;
            entry.outcome = self.hold_against_deviation(case, outcome);
        }
        entry.duration = started.elapsed().saturating_sub(entry.waited);
        self.show(Progress::Finished(&entry));
        entry
    }

    /// Builds the fixture of a case, runs the case and closes the fixture.
    async fn try_case(
        &self,
        case: &Case,
        entry: &mut Entry,
        on_wait: &(dyn Fn(Duration) + Sync),
    ) -> Outcome {
        if let Some(Declared { capabilities, .. }) = self.declared.get()
            && let Decision::NotApplicable(reason) = case.decide(capabilities)
        {
            return Outcome::NotApplicable(reason.to_owned());
        }
        let limit = self.settings.request_limit.as_ref();
        let reservation = limit.map(|limit| {
            loop {
                match limit.reserve(case.expected_requests(), Instant::now()) {
                    Ok(reservation) => break (limit, reservation),
                    Err(wait) => {
                        self.show(Progress::Waiting(case, wait));
                        on_wait(wait);
                        std::thread::sleep(wait);
                        entry.waited += wait;
                    }
                }
            }
        });
        let fixture = match self.build().await {
            Ok(fixture) => fixture,
            Err(reason) => return Outcome::NoFixture(reason),
        };
        let declared = self.declared.get_or_init(|| {
            let provider = fixture.provider();
            Declared {
                account: provider.account().clone(),
                capabilities: provider.capabilities().clone(),
            }
        });
        let account = fixture.provider().account().clone();
        entry.account = (account != declared.account).then_some(account);
        let decision = case.decide(&declared.capabilities);
        let harness = Harness::new(fixture);
        let outcome = match &decision {
            Decision::NotApplicable(reason) => Outcome::NotApplicable((*reason).to_owned()),
            _ => Box::pin(judge(case, &decision, &harness)).await,
        };
        if !matches!(outcome, Outcome::NotApplicable(_) | Outcome::Refused) {
            entry.left_out = harness.take_left_out();
        }
        let closed = catch_panic(harness.fixture().close()).await;
        entry.left_behind = match closed {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => Some(panic),
        };
        entry.requests = harness.fixture().total_requests();
        if let Some((limit, reservation)) = reservation {
            limit.settle(reservation, entry.requests, Instant::now());
        }
        outcome
    }

    /// Builds a fixture.
    async fn build(&self) -> Result<Box<dyn Fixture>, String> {
        if let Some(reason) = self.unbuildable.get() {
            return Err(reason.clone());
        }
        let made = catch_panic(Box::pin(async { (self.make_fixture)().await })).await;
        let fixture = made.and_then(IntoFixture::into_fixture);
        if let (Err(reason), None) = (&fixture, self.declared.get()) {
            // Nothing was ever built: to try it for every case would take long.
            let _ = self.unbuildable.set(reason.clone());
        }
        Ok(Box::new(fixture?))
    }
}

impl<M> fmt::Debug for Suite<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite").finish_non_exhaustive()
    }
}

/// Runs every case that the provider's capabilities call for, each on a fresh fixture: a [`Suite`]
/// without settings.
pub async fn run<M, Made>(make_fixture: M) -> Report
where
    M: Fn() -> Made,
    Made: Future,
    Made::Output: IntoFixture,
{
    Suite::new(make_fixture).run().await
}

/// Runs the selected cases, each on a fresh fixture.
pub async fn run_some<M, Made>(make_fixture: M, select: impl Fn(&Case) -> bool) -> Report
where
    M: Fn() -> Made,
    Made: Future,
    Made::Output: IntoFixture,
{
    Suite::new(make_fixture).run_some(select).await
}

/// Runs a case and judges its result.
async fn judge(case: &Case, decision: &Decision, harness: &Harness) -> Outcome {
    let (result, success) = match decision {
        Decision::Refuse(refusal) => (
            catch_panic(Box::pin(refusal.expect(harness))).await,
            Outcome::Refused,
        ),
        _ => (catch_panic((case.run)(harness)).await, Outcome::Ran),
    };
    let result = result.unwrap_or_else(|happened| {
        Err(Stop::Failed(Failure {
            expected: "no call panics".to_owned(),
            happened,
        }))
    });
    let inspector = harness.inspector();
    let failure = match (result, inspector.first_finding()) {
        (Err(Stop::Failed(failure)), _) => failure,
        (_, Some(finding)) => Failure {
            expected: "no result reveals a secret or reports an undeclared field".to_owned(),
            happened: finding,
        },
        (Err(Stop::NotApplicable(reason)), None) => return Outcome::NotApplicable(reason),
        (Ok(()), None) => return success,
    };
    Outcome::Failed(Failure {
        expected: inspector.redact(&failure.expected),
        happened: inspector.redact(&failure.happened),
    })
}

/// Runs a future to its end and turns a panic into a text.
async fn catch_panic<T>(mut future: impl Future<Output = T> + Unpin) -> Result<T, String> {
    poll_fn(|context| {
        let mut future = Pin::new(&mut future);
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        match polled {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(format!("it panicked: {}", panic_message(&*panic)))),
        }
    })
    .await
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
