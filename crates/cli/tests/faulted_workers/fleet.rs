//! A fleet: accounts, a ledger in Postgres, and the workers that share it.

use std::process::Output;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;
use tokenfleet_ledger::{PostgresLedger, Tasks};
use tokenfleet_rotation::runner::{LedgerRotationStore, StoredRotation};

use crate::account::Account;
use crate::experience::Experience;
use crate::lane::Lane;
use crate::random::Random;
use crate::scaled_waits::DIVIDED_BY;
use crate::support::program;
use crate::worker::Worker;
use crate::{RUNTIME, divisor};

/// The accounts of a fleet, where each has several tokens and where each has one.
const ACCOUNTS: usize = 3;

/// The workers at a time.
const WORKERS: usize = 3;

/// Accounts of one platform, a ledger, and workers.
pub(crate) struct Fleet<'a> {
    pub(crate) lane: &'a mut Lane,
    pub(crate) provider: &'static str,
    pub(crate) accounts: Vec<Account>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) random: Random,
    pub(crate) experience: Experience,
    pub(crate) begun: Instant,
    seed: u64,
    database: String,
    directory: TempDir,
    path: String,
    /// The number of workers that were started.
    started: usize,
    /// The events, for whoever looks into a failure.
    story: Vec<String>,
    /// The reports of workers that have ended.
    errors: Vec<String>,
    store: Option<LedgerRotationStore>,
}

impl<'a> Fleet<'a> {
    pub(crate) fn new(lane: &'a mut Lane, provider: &'static str, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let database = format!("run_{seed}");
        lane.create(&database);
        let directory = TempDir::new().unwrap();
        let folder = directory.path().to_str().unwrap();
        let secrets = directory.path().join("secrets");
        std::fs::create_dir(&secrets).unwrap();
        let names = (0..ACCOUNTS).map(|number| format!("a{number}"));
        let accounts = names.map(|name| Account::new(provider, &name, &secrets, &mut random));
        let accounts: Vec<_> = accounts.collect();
        let place = match provider {
            "losant" | "foreman" => "{account}-{name}",
            _ => "{account}",
        };
        let tables: String = accounts.iter().map(|account| &*account.text).collect();
        let path = directory.path().join("tokenfleet.toml");
        let text = format!(
            "{tables}[ledger]\nurl = {{ env = 'LEDGER_URL' }}\n\
             [audit]\nfile = '{folder}/audit.jsonl'\n\
             [sinks.files]\nkind = 'file'\npath = '{folder}/secrets/{place}'\nadopt = true\n"
        );
        std::fs::write(&path, text).unwrap();
        Self {
            provider,
            accounts,
            workers: Vec::new(),
            random,
            experience: Experience::default(),
            begun: Instant::now(),
            seed,
            database,
            path: path.to_str().unwrap().to_owned(),
            directory,
            started: 0,
            story: Vec::new(),
            errors: Vec::new(),
            store: None,
            lane,
        }
    }

    /// Adds a line to the story.
    pub(crate) fn note(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.story
            .push(format!("{:.2?} {what}", self.begun.elapsed()));
    }

    /// Notes what a worker reported that has ended.
    pub(crate) fn note_errors(&mut self, worker: &Worker) {
        let text = worker.errors();
        assert!(!text.contains("panicked"), "{text}");
        if !text.is_empty() {
            self.errors.push(format!("{}:\n{text}", worker.name));
        }
    }

    fn command(&self, words: &[&str]) -> std::process::Command {
        let mut program = program(&[words, &["--config", &self.path]].concat());
        for account in &self.accounts {
            let variables = account.variables.iter();
            program.envs(variables.map(|(name, value)| (name, value)));
        }
        program
            .env("LEDGER_URL", self.lane.url(&self.database))
            .env(DIVIDED_BY, divisor().to_string())
            .env("XDG_STATE_HOME", self.directory.path());
        program
    }

    /// Runs a command of a person, whose clock is right.
    pub(crate) fn run_program(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Starts workers until there are as many as there should be.
    pub(crate) fn start_workers(&mut self) {
        while self.workers.len() < WORKERS {
            let program = self.command(&["worker"]);
            let folder = self.directory.path();
            // An older version leaves alone what it does not understand, so one of this goes on.
            let may_be_other = self.workers.iter().any(|worker| !worker.is_other);
            let (number, random) = (self.started, &mut self.random);
            let worker = Worker::start(number, folder, program, may_be_other, random);
            self.started += 1;
            self.experience.workers += 1;
            self.experience.skewed += u64::from(worker.is_skewed);
            self.experience.others += u64::from(worker.is_other);
            self.note(format!("{} begins", worker.name));
            self.workers.push(worker);
        }
    }

    /// Returns the number of tokens that are to be rotated.
    pub(crate) fn to_rotate(&self) -> usize {
        let originals = self.accounts.iter().map(|account| account.originals.len());
        originals.sum()
    }

    fn store(&mut self) -> LedgerRotationStore {
        let url = self.lane.direct_url(&self.database);
        let store = self.store.get_or_insert_with(|| {
            RUNTIME.block_on(async {
                let ledger: Arc<dyn Tasks> = Arc::new(PostgresLedger::open(&url).await.unwrap());
                LedgerRotationStore::open(ledger).await.unwrap()
            })
        });
        store.clone()
    }

    /// Returns the rotations that are open.
    pub(crate) fn open_rotations(&mut self) -> Vec<StoredRotation> {
        let store = self.store();
        let open = RUNTIME.block_on(store.open_rotations()).unwrap();
        assert!(open.unreadable.is_empty(), "{:?}", open.unreadable);
        open.rotations
    }

    /// Returns the rotations that are done or given up.
    pub(crate) fn closed_rotations(&mut self) -> Vec<StoredRotation> {
        let store = self.store();
        let closed = RUNTIME.block_on(store.closed_rotations()).unwrap();
        assert!(closed.unreadable.is_empty(), "{:?}", closed.unreadable);
        closed.rotations
    }

    /// Returns the tokens of an account that a snapshot reports as late.
    pub(crate) fn late_tokens(&self, account: &str) -> Vec<String> {
        let words = ["snapshot", "--account", account, "--output=json"];
        let output = self.run_program(&words);
        let snapshot: Value = serde_json::from_slice(&output.stdout).unwrap();
        let strays = snapshot["accounts"][0]["strays"].as_array().unwrap().iter();
        let late = strays.filter(|stray| stray["origin"] == "late");
        late.filter_map(|stray| stray["token"].as_str().map(str::to_owned))
            .collect()
    }

    /// Returns all that is needed to understand a failure.
    pub(crate) fn tell(&mut self) -> String {
        let mut rotations = self.open_rotations();
        rotations.extend(self.closed_rotations());
        let rotations: Vec<_> = rotations
            .iter()
            .map(|stored| {
                let (task, rotation) = (&stored.task, &stored.record.rotation);
                format!(
                    "{} {} of {:?}: {:?}, due {:?}, claimed until {:?}, closed {:?}, {} starts, \
                     successor {:?}, attempts {:#?}, parked {:?}, last failure {:?}",
                    task.queue,
                    task.id,
                    rotation.subject,
                    rotation.state,
                    task.due.map(|due| due.to_string()),
                    task.claimed_until.map(|until| until.to_string()),
                    task.closed_at.map(|at| at.to_string()),
                    task.starts,
                    rotation.successor,
                    rotation.attempts,
                    rotation.parked,
                    rotation.last_failure,
                )
            })
            .collect();
        let url = self.lane.direct_url(&self.database);
        let tasks = RUNTIME.block_on(async {
            let ledger = PostgresLedger::open(&url).await?;
            ledger.open_tasks().await
        });
        let last = self.workers.iter().map(|worker| {
            let errors = worker.errors();
            format!("{}:\n{errors}", worker.name)
        });
        let errors: Vec<_> = self.errors.iter().cloned().chain(last).collect();
        format!(
            "{} with the seed {}\n{}\n\nrotations:\n{}\n\nopen tasks:\n{tasks:#?}\n\nreports:\n{}",
            self.provider,
            self.seed,
            self.story.join("\n"),
            rotations.join("\n"),
            errors.join("\n"),
        )
    }
}

impl Drop for Fleet<'_> {
    fn drop(&mut self) {
        self.workers.clear();
        self.store = None;
        if !std::thread::panicking() {
            self.lane.remove(&self.database);
        }
    }
}
