//! An account whose token is rotated into a file, over and over, by processes that are killed.

mod checked;
mod stopped;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Output, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;
use tokenfleet::Timestamp;
use tokenfleet_ledger::{SqliteLedger, Tasks};
use tokenfleet_rotation::runner::{LedgerRotationStore, StoredRotation};
use tokenfleet_simulators::{Action, Fault, NewToken, Server, Simulator, State};
use tokio::runtime::Runtime;

use crate::consumer::Consumer;
use crate::moment::Moment;
use crate::random::Random;
use crate::scaled_waits::{self, DIVIDED_BY};
use crate::support::account::table;
use crate::support::{program, temporary_file};

/// The servers and the ledgers of the tests run in it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// The time that an answer takes, so that a kill can come before it.
const LATENCY: Duration = Duration::from_millis(5);

/// The number by which the waits are divided, unless the environment sets it: the claim of a
/// process that was killed ends after 0.25 s in place of 25 s.
const DIVISOR: u32 = 100;

/// The maximum number of signals that strike one rotation. Each costs an attempt at most, and there
/// are five.
const MOST_STRIKES: u64 = 3;

/// The time for which a worker that serves may be struck while it waits.
const WAITING: Duration = Duration::from_secs(2 * 60);

pub(crate) fn divisor() -> u32 {
    scaled_waits::divisor(DIVISOR)
}

/// Returns a time within which any rotation ends, however often its workers are killed.
fn limit() -> Duration {
    Duration::from_secs(15 * 60) + Duration::from_secs(8 * 3_600) / divisor()
}

/// The rotations of an account, and the signals that struck their processes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tried {
    pub(crate) rotations: u64,
    pub(crate) kills: u64,
    /// The number of times that a process was stopped and then continued.
    pub(crate) stops: u64,
    /// The number of tokens that a process created after it had lost its claim.
    pub(crate) late: u64,
    /// The time that the longest rotation took.
    pub(crate) longest: Duration,
}

/// An account on a simulated platform, with a ledger, a file for the secret, and a consumer of it.
pub(crate) struct Trial {
    pub(crate) provider: &'static str,
    pub(crate) consumer: Consumer,
    pub(crate) tried: Tried,
    simulator: Arc<dyn Simulator>,
    _server: Server,
    directory: TempDir,
    file: PathBuf,
    configuration: String,
    variables: Vec<(String, String)>,
    ledger: Arc<SqliteLedger>,
    store: LedgerRotationStore,
    /// The id of the token to rotate next, where tokens have ids.
    subject: String,
    /// The states of the tokens that are none of the rotation's business.
    foreign: BTreeMap<String, State>,
    /// The number of secrets that the ledger says may be alive and in no sink.
    counted: usize,
    /// The time that a process takes at most in a rotation that nobody disturbs.
    busy: Duration,
    random: Random,
    /// The story of the rotation at hand, for whoever looks into a failure.
    story: Vec<String>,
}

impl Trial {
    /// Creates an account, and rotates its token once so that the file holds a secret.
    pub(crate) fn new(provider: &'static str, seed: u64) -> Self {
        let options: &[&str] = match provider {
            // A user has one key, which is rotated.
            "cloudsmith" => &["tokens=1", "rate_limit=none"],
            _ => &["tokens=3"],
        };
        let simulator = tokenfleet_simulators::build(provider, options).unwrap();
        let is_listed = simulator.listing_shape().is_some();
        let mut foreign: BTreeMap<String, State> = BTreeMap::new();
        let mut subject = String::new();
        if provider != "cloudsmith" {
            // One of them has the same name.
            simulator.insert(NewToken::named("ci").scopes(["all.User.read"]));
            let tokens = simulator.tokens().into_iter();
            foreign.extend(tokens.map(|token| (token.id, token.state)));
            if is_listed {
                let token = NewToken::named("ci").scopes(["all.User.read"]);
                subject = simulator.insert(token).id;
            }
        }
        let latency = Fault::new(Action::DelayAnswer(LATENCY)).always();
        simulator.faults().add(latency);

        let start = Server::start_shared(Arc::clone(&simulator), "127.0.0.1:0");
        let server = RUNTIME.block_on(start).unwrap();
        let mut credentials = json!(simulator.credentials());
        if provider == "cloudsmith" {
            // What acts is not what is rotated.
            let defaults = tokenfleet_simulators::cloudsmith::Options::default();
            credentials = json!({"email": defaults.email, "password": defaults.password});
        }
        let account = json!({
            "provider": provider,
            "url": server.url(),
            "credentials": credentials,
        });
        let mut variables = Vec::new();
        let text = table("mine", &account, &mut variables).replace("accept_lockout = true\n", "");
        let directory = TempDir::new().unwrap();
        let folder = directory.path().to_str().unwrap();
        let configuration = temporary_file(&format!(
            "{text}\n[ledger]\npath = '{folder}/ledger.db'\n\
             [audit]\nfile = '{folder}/audit.jsonl'\n"
        ));
        // Writers of files in one folder wait for each other.
        let secrets = directory.path().join("secrets");
        std::fs::create_dir(&secrets).unwrap();
        let file = secrets.join("ci");
        let path = directory.path().join("ledger.db");
        let (ledger, store) = RUNTIME.block_on(async {
            let ledger = Arc::new(SqliteLedger::open(path).await.unwrap());
            let tasks: Arc<dyn Tasks> = ledger.clone();
            (ledger, LedgerRotationStore::open(tasks).await.unwrap())
        });
        let mut trial = Self {
            provider,
            consumer: Consumer::start(&simulator, &file),
            tried: Tried::default(),
            simulator,
            _server: server,
            directory,
            file,
            configuration,
            variables,
            ledger,
            store,
            subject,
            foreign,
            counted: 0,
            busy: Duration::ZERO,
            random: Random::new(seed ^ (u64::from(std::process::id()) << 32)),
            story: Vec::new(),
        };
        trial.rotate(&[]);
        trial.tried = Tried::default();
        trial
    }

    /// Returns a moment for a signal to strike: half of them at random times, the others at a
    /// request or a write.
    fn any_moment(&mut self, signal: Signal, serves: bool) -> Moment {
        match self.random.below(8) {
            // The answer to a process that goes on would not come.
            4 if signal == Signal::KILL => Moment::BeforeRequest(self.random.below(6)),
            0..=4 => {
                let mut limit = self.busy * 5 / 4;
                if serves && self.random.below(2) == 0 {
                    limit += WAITING / divisor();
                }
                let limit = u64::try_from(limit.as_micros()).unwrap();
                Moment::Time(Duration::from_micros(self.random.below(limit)))
            }
            5 | 6 => Moment::AfterRequest(self.random.below(6)),
            _ => Moment::AfterWrite,
        }
    }

    /// Returns one of these signals, unless there is none.
    fn random_of(&mut self, signals: &[Signal]) -> Option<Signal> {
        let count = u64::try_from(signals.len()).unwrap();
        let number = (count > 0).then(|| self.random.below(count))?;
        signals.get(usize::try_from(number).unwrap()).copied()
    }

    /// Returns the words that begin a rotation.
    fn beginning(&mut self) -> Vec<String> {
        let to = format!("--to=file:{}", self.file.display());
        let mut words = vec!["rotate".to_owned(), to, "--yes".to_owned()];
        if !self.subject.is_empty() {
            words.extend(["--id".to_owned(), self.subject.clone()]);
            words.push("--expires-in=90d".to_owned());
            // With the waits of production, only the first rotation has none.
            let waits = divisor() == 1 && !self.busy.is_zero();
            if waits || self.random.below(4) == 0 {
                words.push("--overlap=1m".to_owned());
                if self.provider == "losant" {
                    words.push("--soak=1m".to_owned());
                }
            } else {
                words.push("--overlap=0s".to_owned());
            }
        }
        words
    }

    fn spawn(&self, words: &[String]) -> Child {
        let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        arguments.extend(["--config", &self.configuration]);
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        program(&arguments)
            .envs(variables)
            .env(DIVIDED_BY, divisor().to_string())
            .env("XDG_STATE_HOME", self.directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn run_program(&self, words: &[&str]) -> Output {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        self.spawn(&words).wait_with_output().unwrap()
    }

    /// Returns the rotation that is under way.
    fn open_rotation(&self) -> Option<StoredRotation> {
        let open = RUNTIME.block_on(self.store.open_rotations());
        let open = open.unwrap_or_else(|error| panic!("{error}: {:#?}", self.story));
        let (mut open, unreadable) = (open.rotations, open.unreadable);
        assert!(
            open.len() <= 1 && unreadable.is_empty(),
            "{open:?} {unreadable:?}"
        );
        open.pop()
    }

    fn closed_rotations(&self) -> Vec<StoredRotation> {
        let closed = RUNTIME.block_on(self.store.closed_rotations()).unwrap();
        assert!(closed.unreadable.is_empty(), "{closed:?}");
        closed.rotations
    }

    /// Waits until another worker can claim a rotation, and there is something to do.
    fn wait_for(open: &StoredRotation) {
        let times = [open.task.claimed_until, open.task.due];
        if let Some(latest) = times.into_iter().flatten().max() {
            std::thread::sleep(Timestamp::now().duration_until(latest));
        }
    }

    /// Rotates the token once, strikes its workers with these signals, and returns how often.
    pub(crate) fn rotate(&mut self, signals: &[Signal]) -> u64 {
        let (beginning, closed) = (self.beginning(), self.closed_rotations().len());
        let (started, stops, mut strikes) = (Instant::now(), self.tried.stops, 0);
        self.story.clear();
        loop {
            assert!(
                started.elapsed() < limit(),
                "it does not end: {}",
                self.tell()
            );
            let signal = (strikes < MOST_STRIKES)
                .then(|| self.random_of(signals))
                .flatten();
            let words = match self.open_rotation() {
                Some(open) => {
                    assert_eq!(open.record.rotation.parked, None, "{}", self.tell());
                    Self::wait_for(&open);
                    self.worker(signal)
                }
                None if self.closed_rotations().len() > closed => break,
                None => beginning.clone(),
            };
            let begun = Instant::now();
            if self.run(&words, signal, closed) {
                strikes += 1;
            } else {
                if signals.is_empty() {
                    self.busy = self.busy.max(begun.elapsed());
                }
                // The queue may still be claimed for a rotation that is done.
                std::thread::sleep(Duration::from_secs(20) / divisor());
            }
        }
        self.tried.longest = self.tried.longest.max(started.elapsed());
        let stops = self.tried.stops - stops;
        if stops > 0 && self.provider != "mindbody" {
            self.revoke_late(stops);
            self.settle();
        }
        self.check(strikes + self.given_up());
        strikes
    }

    /// Returns the number of calls that were given up because the claim ran out first: with waits
    /// as short as these, a machine with too much to do is enough. Each is a loss like a kill.
    fn given_up(&self) -> u64 {
        let lines = self.story.iter();
        let given_up = lines.filter(|line| line.contains("ran out during a call"));
        u64::try_from(given_up.count()).unwrap()
    }

    /// Returns the words of a worker, which ends when nothing is due, or serves. One that is to be
    /// stopped does not serve: to see when it is done, the ledger is read, which it may keep
    /// locked.
    fn worker(&mut self, signal: Option<Signal>) -> Vec<String> {
        let is_once = self.random.below(4) > 0 || signal == Some(Signal::STOP);
        let once = is_once.then(|| "--once".to_owned());
        ["worker".to_owned()].into_iter().chain(once).collect()
    }

    /// Runs a process until it ends or is killed, and returns `true` if a signal struck it. A
    /// worker that serves is asked to stop when there are more closed rotations than before.
    fn run(&mut self, words: &[String], signal: Option<Signal>, closed: usize) -> bool {
        let serves = words == ["worker"];
        let moment = signal.map(|signal| self.any_moment(signal, serves));
        let or_never = moment.unwrap_or(Moment::Time(limit()));
        let armed = or_never.arm(signal.unwrap_or(Signal::KILL), &self.simulator, &self.file);
        let mut child = self.spawn(words);
        let mut last_look = Instant::now();
        let is_over = || {
            if !serves || last_look.elapsed() < Duration::from_millis(50) {
                return false;
            }
            last_look = Instant::now();
            self.closed_rotations().len() > closed
        };
        let has_struck = armed.strike(&mut child, is_over);
        let others = if has_struck && signal == Some(Signal::STOP) {
            self.pause(&child)
        } else {
            Vec::new()
        };
        if serves && !has_struck && child.try_wait().unwrap().is_none() {
            kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        }
        let output = child.wait_with_output().unwrap();
        let is_killed = output.status.signal() == Some(9);
        let is_continued = has_struck && signal == Some(Signal::STOP) && !is_killed;
        let action = &words[..words.len().min(2)].join(" ");
        let end = if is_killed {
            format!("killed at {moment:?}")
        } else if is_continued {
            format!("stopped at {moment:?}, {}", described(&output))
        } else {
            described(&output)
        };
        self.story.push(format!("{action}: {end}"));
        if !is_killed {
            self.check_end(&output);
        }
        self.wait_for_others(others);
        self.tried.kills += u64::from(is_killed);
        self.tried.stops += u64::from(is_continued);
        is_killed || is_continued
    }

    /// Checks that a process that nobody killed has ended well, or with work left, or has not got
    /// the ledger, which one that was stopped may keep locked.
    fn check_end(&self, output: &Output) {
        let errors = String::from_utf8_lossy(&output.stderr);
        let is_locked_out = errors.contains("is in use by another process");
        let is_expected = match output.status.code() {
            Some(0 | 7) => true,
            Some(1) => is_locked_out,
            _ => false,
        };
        assert!(is_expected, "{output:?}: {}", self.tell());
    }

    /// Returns the story of the rotation, and what the ledger has of it.
    fn tell(&self) -> String {
        let open = self.open_rotation();
        let last = open.or_else(|| self.closed_rotations().pop());
        format!(
            "{}, {:#?}\n{:#?}",
            self.provider,
            self.story,
            last.map(|stored| stored.record.rotation)
        )
    }
}

/// Returns the exit code and the errors of a process.
fn described(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    format!("{:?} {}", output.status.code(), errors.trim())
}
