//! An account whose token is rotated into a file, over and over, by processes that are killed.

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
use tokenfleet_ledger::{Ledger, SqliteLedger, Tasks};
use tokenfleet_rotation::machine::RotationState;
use tokenfleet_rotation::runner::{LedgerRotationStore, StoredRotation};
use tokenfleet_simulators::{Action, Fault, NewToken, Server, Simulator, State};
use tokio::runtime::Runtime;

use crate::consumer::Consumer;
use crate::moment::Moment;
use crate::support::account::table;
use crate::support::{program, temporary_file};

/// The servers and the ledgers of the tests run in it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// The time that an answer takes, so that a kill can come before it.
const LATENCY: Duration = Duration::from_millis(5);

/// The number by which the waits are divided, unless the environment sets it: the claim of a
/// process that was killed ends after 0.3 s in place of a minute.
const DIVISOR: u32 = 200;

/// Returns the number by which the waits of the processes are divided.
pub(crate) fn divisor() -> u32 {
    let text = std::env::var("TOKENFLEET_WAITS_DIVIDED_BY").ok();
    text.map_or(DIVISOR, |text| text.parse().unwrap())
}

/// Returns a time within which any rotation ends, however often its workers are killed.
fn limit() -> Duration {
    Duration::from_secs(90) + Duration::from_secs(8 * 3_600) / divisor()
}

/// An account on a simulated platform, with a ledger, a file for the secret, and a consumer of it.
pub(crate) struct Trial {
    pub(crate) provider: &'static str,
    pub(crate) consumer: Consumer,
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
    /// The time that a rotation takes that nobody disturbs.
    full: Duration,
    random: u64,
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
            full: Duration::ZERO,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(std::process::id()),
            story: Vec::new(),
        };
        let started = Instant::now();
        trial.rotate(0);
        trial.full = started.elapsed();
        trial
    }

    /// Returns a number below a limit.
    fn random_below(&mut self, limit: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % limit
    }

    /// Returns a moment: half of them at random times, the others at a request or a write.
    fn any_moment(&mut self) -> Moment {
        match self.random_below(8) {
            0..4 => {
                let limit = u64::try_from(self.full.as_micros()).unwrap() * 5 / 4;
                Moment::Time(Duration::from_micros(self.random_below(limit)))
            }
            4 => Moment::BeforeRequest(self.random_below(6)),
            5 | 6 => Moment::AfterRequest(self.random_below(6)),
            _ => Moment::AfterWrite,
        }
    }

    /// Returns the words that begin a rotation.
    fn beginning(&mut self) -> Vec<String> {
        let to = format!("--to=file:{}", self.file.display());
        let mut words = vec!["rotate".to_owned(), to, "--yes".to_owned()];
        if !self.subject.is_empty() {
            words.extend(["--id".to_owned(), self.subject.clone()]);
            words.push("--expires-in=90d".to_owned());
            if self.random_below(4) == 0 {
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
            .env("TOKENFLEET_WAITS_DIVIDED_BY", divisor().to_string())
            .env("XDG_STATE_HOME", self.directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
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

    /// Rotates the token once, kills its workers up to this number of times, and returns how often.
    pub(crate) fn rotate(&mut self, most: u64) -> u64 {
        let (beginning, closed) = (self.beginning(), self.closed_rotations().len());
        let (started, mut kills) = (Instant::now(), 0);
        self.story.clear();
        loop {
            assert!(
                started.elapsed() < limit(),
                "it does not end: {}",
                self.tell()
            );
            let words = match self.open_rotation() {
                Some(open) => {
                    assert_eq!(open.record.rotation.parked, None, "{}", self.tell());
                    Self::wait_for(&open);
                    self.worker()
                }
                None if self.closed_rotations().len() > closed => break,
                None => beginning.clone(),
            };
            let moment = (kills < most).then(|| self.any_moment());
            if self.run(&words, moment, closed) {
                kills += 1;
            } else {
                // The queue may still be claimed for a rotation that is done.
                std::thread::sleep(Duration::from_secs(20) / divisor());
            }
        }
        self.check(kills);
        kills
    }

    /// Returns the words of a worker, which ends when nothing is due, or serves.
    fn worker(&mut self) -> Vec<String> {
        let once = (self.random_below(4) > 0).then(|| "--once".to_owned());
        ["worker".to_owned()].into_iter().chain(once).collect()
    }

    /// Runs a process until it ends or is killed, and returns `true` if it was. A worker that
    /// serves is asked to stop when there are more closed rotations than before.
    fn run(&mut self, words: &[String], moment: Option<Moment>, closed: usize) -> bool {
        let or_never = moment.unwrap_or(Moment::Time(limit()));
        let armed = or_never.arm(Signal::KILL, &self.simulator, &self.file);
        let mut child = self.spawn(words);
        let serves = words == ["worker"];
        let mut last_look = Instant::now();
        let is_over = || {
            if !serves || last_look.elapsed() < Duration::from_millis(50) {
                return false;
            }
            last_look = Instant::now();
            self.closed_rotations().len() > closed
        };
        let has_struck = armed.strike(&mut child, is_over);
        if serves && !has_struck && child.try_wait().unwrap().is_none() {
            kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        }
        let output = child.wait_with_output().unwrap();
        let is_killed = output.status.signal() == Some(9);
        let action = &words[..words.len().min(2)].join(" ");
        let end = if is_killed {
            format!("killed at {moment:?}")
        } else {
            described(&output)
        };
        self.story.push(format!("{action}: {end}"));
        if !is_killed {
            self.check_end(&output);
        }
        is_killed
    }

    /// Checks that a process that nobody killed has ended well, or with work left.
    fn check_end(&self, output: &Output) {
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 7)), "{output:?}: {}", self.tell());
    }

    /// Rotates the token once by two workers: the first one is stopped at one of its requests for
    /// longer than its claim lasts, the second one goes on, and then the first one does. Returns
    /// `true` if the first one was stopped while it was at the rotation.
    pub(crate) fn rotate_by_two(&mut self) -> bool {
        let (beginning, closed) = (self.beginning(), self.closed_rotations().len());
        self.story.clear();
        let moment = Moment::AfterRequest(self.random_below(6));
        let armed = moment.arm(Signal::STOP, &self.simulator, &self.file);
        let mut first = self.spawn(&beginning);
        let mut is_interleaved = false;
        if armed.strike(&mut first, || false) {
            self.story.push(format!("stopped at {moment:?}"));
            let started = Instant::now();
            // A process that is stopped while it writes the ledger keeps others from it.
            while let Ok(open) = RUNTIME.block_on(self.store.open_rotations()) {
                let Some(open) = open.rotations.first() else {
                    break;
                };
                assert!(
                    started.elapsed() < limit(),
                    "it does not end: {}",
                    self.tell()
                );
                is_interleaved = true;
                Self::wait_for(open);
                self.run(&["worker".to_owned(), "--once".to_owned()], None, closed);
            }
            kill_process(Pid::from_child(&first), Signal::CONT).unwrap();
        }
        let output = first.wait_with_output().unwrap();
        self.story
            .push(format!("the first one ends: {}", described(&output)));
        self.check_end(&output);
        while let Some(open) = self.open_rotation() {
            Self::wait_for(&open);
            self.run(&["worker".to_owned(), "--once".to_owned()], None, closed);
        }
        if self.provider != "mindbody" {
            self.settle();
        }
        self.check(1);
        is_interleaved
    }

    /// Lets the program find out what became of the writes of a worker that was superseded: what it
    /// created was revoked before it could say that it had.
    fn settle(&self) {
        let resume = ["operations", "resume", "--all", "--yes"];
        let words = [&resume[..], &["--look-again-after=0s"]].concat();
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        let output = self.spawn(&words).wait_with_output().unwrap();
        let is_settled = output.status.success();
        assert!(is_settled, "{}: {}", described(&output), self.tell());
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

    /// Checks that the file holds the only living token of the rotation, and that nothing else was
    /// touched, after workers were lost or superseded this often.
    fn check(&mut self, losses: u64) {
        let rotation = self.closed_rotations().pop().unwrap().record.rotation;
        assert_eq!(rotation.state, RotationState::Done, "{}", self.tell());
        assert_eq!(rotation.parked, None, "{}", self.tell());
        let held = std::fs::read_to_string(&self.file).unwrap();
        assert!(
            self.simulator.accepts(&held),
            "the secret is lost: {}",
            self.tell()
        );

        let mut living = Vec::new();
        let mut foreign = BTreeMap::new();
        for token in self.simulator.tokens() {
            if self.foreign.contains_key(&token.id) {
                foreign.insert(token.id, token.state);
            } else if matches!(token.state, State::Active | State::Suspended) {
                living.push(token);
            }
        }
        assert_eq!(
            foreign,
            self.foreign,
            "somebody else's token: {}",
            self.tell()
        );
        let orphans: Vec<_> = living.iter().filter(|token| token.secret != held).collect();
        assert!(orphans.len() < living.len(), "{}", self.tell());
        let day = Duration::from_secs(86_400);
        if self.provider == "mindbody" {
            // What cannot be listed is counted.
            let at_most = rotation.unknown_secrets(day).at_most;
            assert!(
                u64::from(at_most) <= losses,
                "{at_most} counted: {}",
                self.tell()
            );
            self.counted += usize::try_from(at_most).unwrap();
        } else {
            let writes = RUNTIME.block_on(self.ledger.open_operations()).unwrap();
            assert!(
                writes.is_empty(),
                "open writes: {writes:#?}, {}",
                self.tell()
            );
        }
        assert!(
            orphans.len() <= self.counted,
            "{} orphans, {} counted: {orphans:?}, {}",
            orphans.len(),
            self.counted,
            self.tell()
        );
        if !self.subject.is_empty() {
            let successor = rotation.successor.as_ref().unwrap();
            self.subject = successor.token.as_str().to_owned();
        }
        if self.provider != "cloudsmith" {
            let seen = self.consumer.seen();
            let is_refused = seen.is_refused || !seen.gaps.is_empty();
            assert!(
                !is_refused,
                "a consumer was refused: {seen:?}, {}",
                self.tell()
            );
        }
    }
}

/// Returns the exit code and the errors of a process.
fn described(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    format!("{:?} {}", output.status.code(), errors.trim())
}
