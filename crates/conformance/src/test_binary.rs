//! A test binary with a test for each case.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Completion, Failed, FormatSetting, Trial};
use tokenfleet_core::Timestamp;
use tokio::runtime::Runtime;

use crate::{Case, Entry, IntoFixture, Outcome, Progress, Report, Suite, cases};

/// The environment variable that names the folder for the reports.
const REPORTS: &str = "TOKENFLEET_CONFORMANCE_REPORTS";

/// The time after which a running case is named.
const SLOW_AFTER: Duration = Duration::from_secs(10);

/// The test that fails if the settings of a suite are wrong.
const SETTINGS: &str = "every declared deviation is one of a case";

/// The number of slow cases that the summary names.
const SLOWEST: usize = 5;

/// A function that receives the name and the report of each suite.
type Inspect = dyn Fn(&str, &Report);

/// A test binary that runs one suite or several, with a test for each case.
///
/// `cargo test` and nextest understand it: names can be filtered and listed, and cases run in
/// parallel (`--test-threads`). Give the test `harness = false` in `Cargo.toml`:
///
/// ```toml
/// [[test]]
/// name = "conformance"
/// harness = false
/// ```
///
/// and write in `tests/conformance.rs`:
///
/// ```no_run
/// use tokenfleet_conformance::{MemoryFixture, MemoryProfile, Suite};
///
/// fn main() -> std::process::ExitCode {
///     Suite::new(async || MemoryFixture::new(MemoryProfile::deleting())).main()
/// }
/// ```
///
/// A case that does not apply or deviates as declared is shown as ignored, with the reason. A
/// case that has been running for 10 seconds is named on standard error, again whenever that time
/// has doubled, so that one that hangs is known. A wait for the request limit of the account is
/// announced as that and does not count. A summary at the end names what was left out and what was
/// slow.
///
/// If the environment variable `TOKENFLEET_CONFORMANCE_REPORTS` names a folder, the report of each
/// suite is written there, as Markdown and as JSON. nextest runs a process for each case, so it
/// cannot write one.
///
/// All cases share one tokio runtime with all its features, so a fixture may keep connections and
/// servers that others use too.
#[derive(Default)]
pub struct TestBinary {
    suites: Vec<(String, Arc<dyn RunCase>)>,
    slow_after: Option<Duration>,
    inspect: Option<Box<Inspect>>,
}

impl TestBinary {
    /// Creates a test binary without suites.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a suite. Its name stands in brackets before the name of each case, and the report is
    /// named after it.
    #[must_use]
    pub fn with_suite<M, Made>(mut self, name: impl Into<String>, suite: Suite<M>) -> Self
    where
        M: Fn() -> Made + Send + Sync + 'static,
        Made: Future,
        Made::Output: IntoFixture,
        Made: 'static,
    {
        let suite = suite.with_default_progress(|progress| {
            if let Progress::Waiting(case, wait) = progress {
                let seconds = wait.as_secs_f64();
                warn(&format!(
                    "waiting {seconds:.0} s for the request limit: {}",
                    case.name()
                ));
            }
        });
        self.suites.push((name.into(), Arc::new(suite)));
        self
    }

    /// Sets the time after which a running case is named on standard error, 10 seconds unless it
    /// is set.
    #[must_use]
    pub fn with_slow_after(mut self, slow_after: Duration) -> Self {
        self.slow_after = Some(slow_after);
        self
    }

    /// Calls a function with the name and the report of each suite after its last case, for example
    /// to compare the report with an earlier one. A panic of the function fails the run.
    ///
    /// It is not called for a suite of which only some cases ran.
    #[must_use]
    pub fn with_inspection(mut self, inspect: impl Fn(&str, &Report) + 'static) -> Self {
        self.inspect = Some(Box::new(inspect));
        self
    }

    /// Runs the tests that the arguments of the process select.
    #[must_use = "the exit code says whether all tests passed"]
    pub fn main(self) -> ExitCode {
        let arguments = Arguments::from_args();
        let runtime = match Runtime::new() {
            Ok(runtime) => Arc::new(runtime),
            Err(error) => return fail(&format!("no runtime: {error}")),
        };
        let started = Timestamp::now();
        let running = Arc::new(Running::default());
        let finished = Arc::new(Mutex::new(Vec::new()));
        let mut trials = Vec::new();
        for (index, (name, suite)) in self.suites.iter().enumerate() {
            let problems = suite.report(started, Vec::new()).problems().join("\n");
            if !problems.is_empty() {
                let trial = Trial::test(SETTINGS, move || Err(problems.into()));
                trials.push(trial.with_kind(name.clone()));
            }
            for (position, case) in cases().enumerate() {
                let (suite, runtime) = (Arc::clone(suite), Arc::clone(&runtime));
                let (running, finished) = (Arc::clone(&running), Arc::clone(&finished));
                let suite_name = name.clone();
                let label = match name.as_str() {
                    "" => case.name().to_owned(),
                    name => format!("[{name}] {}", case.name()),
                };
                let run = move || {
                    let running = running.enter((index, position), label, case);
                    let entry = suite.run_case(case, &runtime, &|wait| running.wait(wait));
                    let result = completion(&suite_name, &entry);
                    lock(&finished).push((index, position, entry));
                    result
                };
                trials.push(Trial::ignorable_test(case.name(), run).with_kind(name.clone()));
            }
        }
        let (stop, stopped) = mpsc::channel::<()>();
        let slow_after = self.slow_after.unwrap_or(SLOW_AFTER);
        let watcher = std::thread::spawn(move || running.watch(slow_after, &stopped));
        let conclusion = libtest_mimic::run(&arguments, trials);
        drop(stop);
        let _ = watcher.join();
        if !arguments.list {
            let mut finished = std::mem::take(&mut *lock(&finished));
            finished.sort_by_key(|(index, position, _)| (*index, *position));
            let mut entries: BTreeMap<usize, Vec<Entry>> = BTreeMap::new();
            for (index, _, entry) in finished {
                entries.entry(index).or_default().push(entry);
            }
            for (index, entries) in entries {
                let (name, suite) = &self.suites[index];
                let report = suite.report(started, entries);
                if arguments.format != Some(FormatSetting::Json) {
                    print(&summary(name, &report));
                }
                if let (Some(folder), false) = (std::env::var_os(REPORTS), arguments.exact)
                    && let Err(error) = write_reports(Path::new(&folder), name, &report)
                {
                    return fail(&format!("the report cannot be written: {error}"));
                }
                if report.entries().len() == cases().count()
                    && let Some(inspect) = &self.inspect
                {
                    inspect(name, &report);
                }
            }
        }
        conclusion.exit_code()
    }
}

impl fmt::Debug for TestBinary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestBinary").finish_non_exhaustive()
    }
}

impl<M, Made> Suite<M>
where
    M: Fn() -> Made + Send + Sync + 'static,
    Made: Future + 'static,
    Made::Output: IntoFixture,
{
    /// Runs the suite as a test binary of its own: a [`TestBinary`] with this suite only.
    #[must_use = "the exit code says whether all tests passed"]
    pub fn main(self) -> ExitCode {
        TestBinary::new().with_suite("", self).main()
    }
}

/// A suite whose fixtures' type is forgotten.
trait RunCase: Send + Sync {
    fn run_case(
        &self,
        case: &Case,
        runtime: &Runtime,
        on_wait: &(dyn Fn(Duration) + Sync),
    ) -> Entry;

    fn report(&self, started: Timestamp, entries: Vec<Entry>) -> Report;
}

impl<M, Made> RunCase for Suite<M>
where
    M: Fn() -> Made + Send + Sync,
    Made: Future,
    Made::Output: IntoFixture,
{
    fn run_case(
        &self,
        case: &Case,
        runtime: &Runtime,
        on_wait: &(dyn Fn(Duration) + Sync),
    ) -> Entry {
        runtime.block_on(Box::pin(Suite::run_case(self, case, on_wait)))
    }

    fn report(&self, started: Timestamp, entries: Vec<Entry>) -> Report {
        Suite::report(self, started).with_entries(entries)
    }
}

/// Returns the result of a test for a case. The heading of a failure does not name the suite.
fn completion(suite: &str, entry: &Entry) -> Result<Completion, Failed> {
    match &entry.outcome {
        Outcome::NotApplicable(reason) => Ok(Completion::ignored_with(reason)),
        Outcome::Deviates { reason, .. } => {
            Ok(Completion::ignored_with(format!("deviates: {reason}")))
        }
        _ if entry.failed() && suite.is_empty() => Err(entry.text().into()),
        _ if entry.failed() => Err(format!("[{suite}]\n{}", entry.text()).into()),
        _ => Ok(Completion::Completed),
    }
}

/// The cases that run now.
#[derive(Default)]
struct Running(Mutex<BTreeMap<(usize, usize), RunningCase>>);

struct RunningCase {
    label: String,
    location: String,
    /// When it started, or when the wait for the request limit ends.
    started: Instant,
    /// The time after which the case is named next.
    named_after: Option<Duration>,
}

/// The mark of a case that runs.
struct RunningMark<'a>(&'a Running, (usize, usize));

impl RunningMark<'_> {
    /// Notes that the case waits for the request limit. Then it is not slow.
    fn wait(&self, wait: Duration) {
        if let Some(case) = lock(&self.0.0).get_mut(&self.1) {
            case.started = case.started.checked_add(wait).unwrap_or(case.started);
        }
    }
}

impl Drop for RunningMark<'_> {
    fn drop(&mut self) {
        lock(&self.0.0).remove(&self.1);
    }
}

impl Running {
    fn enter(&self, key: (usize, usize), label: String, case: &Case) -> RunningMark<'_> {
        let running = RunningCase {
            label,
            location: case.location(),
            started: Instant::now(),
            named_after: None,
        };
        lock(&self.0).insert(key, running);
        RunningMark(self, key)
    }

    /// Names the cases that take long until the tests have ended.
    fn watch(&self, slow_after: Duration, stopped: &mpsc::Receiver<()>) {
        let pause = (slow_after / 10).max(Duration::from_millis(1));
        while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            for case in lock(&self.0).values_mut() {
                let elapsed = case.started.elapsed();
                let named_after = case.named_after.unwrap_or(slow_after);
                if elapsed >= named_after {
                    case.named_after = Some(named_after * 2);
                    let RunningCase {
                        label, location, ..
                    } = case;
                    warn(&format!(
                        "running for {} s: {label} ({location})",
                        elapsed.as_secs()
                    ));
                }
            }
        }
    }
}

/// Returns what a reader of the test results should know beside them.
fn summary(name: &str, report: &Report) -> String {
    let mut text = String::new();
    let account = report.account().map(ToString::to_string);
    let place = account.unwrap_or_else(|| "a provider without a fixture".to_owned());
    let name = if name.is_empty() {
        String::new()
    } else {
        format!("[{name}] ")
    };
    let _ = writeln!(
        text,
        "{name}conformance of {place}: {}",
        report.in_one_line()
    );
    let entries = report.entries();
    let mut list = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let _ = writeln!(text, "  {title}:");
            for line in lines {
                let _ = writeln!(text, "    {line}");
            }
        }
    };
    let deviations = report.deviations();
    list(
        "deviations",
        deviations
            .map(|(name, reason)| format!("{name} ({reason})"))
            .collect(),
    );
    let mut left_out: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entry in entries {
        for step in &entry.left_out {
            left_out.entry(step).or_default().push(entry.name);
        }
    }
    list(
        "left out",
        left_out
            .into_iter()
            .map(|(step, names)| match names.as_slice() {
                [name] => format!("{step}, in: {name}"),
                names => format!("{step}, in {} cases", names.len()),
            })
            .collect(),
    );
    let left_behind = entries.iter().filter_map(|entry| {
        let reason = entry.left_behind.as_ref()?;
        Some(format!("{reason}, by: {}", entry.name))
    });
    list("left behind", left_behind.collect());
    let mut slowest: Vec<_> = entries.iter().collect();
    slowest.sort_by_key(|entry| std::cmp::Reverse(entry.duration));
    let slowest = slowest.into_iter().take(SLOWEST).map(|entry| {
        let seconds = entry.duration.as_secs_f64();
        format!(
            "{seconds:.2} s, {} requests: {}",
            entry.requests, entry.name
        )
    });
    list("slowest", slowest.collect());
    text
}

/// Writes a report as Markdown and as JSON.
fn write_reports(folder: &Path, name: &str, report: &Report) -> std::io::Result<()> {
    let provider = report
        .account()
        .map_or("conformance", |account| account.provider());
    let name = if name.is_empty() { provider } else { name };
    let name: String = name
        .chars()
        .map(|character| {
            if character.is_alphanumeric() {
                character
            } else {
                '-'
            }
        })
        .collect();
    std::fs::create_dir_all(folder)?;
    let file = |extension: &str| -> PathBuf { folder.join(format!("{name}.{extension}")) };
    std::fs::write(file("md"), report.to_markdown())?;
    std::fs::write(file("json"), report.to_json())
}

#[allow(clippy::print_stdout, reason = "this is the output of a test binary")]
fn print(text: &str) {
    println!("{text}");
}

#[allow(clippy::print_stderr, reason = "this is the output of a test binary")]
fn warn(text: &str) {
    eprintln!("{text}");
}

fn fail(reason: &str) -> ExitCode {
    warn(reason);
    ExitCode::from(101)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
