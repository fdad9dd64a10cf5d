//! Many accounts of simulated platforms, the tokens of which are revoked by workers.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokenfleet_simulators::{Action, Fault, NewToken, Server};
use tokio::runtime::Runtime;

use crate::postgres_server::PostgresServer;
use crate::support::rotating::lines;
use crate::support::{Run, program, temporary_file, tokenfleet_with_env};

/// The servers run in it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// Returns the number by which the waits are divided: a claim lasts for two seconds, and not for
/// 20, unless the environment says otherwise.
fn divisor() -> String {
    std::env::var("TOKENFLEET_WAITS_DIVIDED_BY").unwrap_or_else(|_| "10".to_owned())
}

/// The time within which anything ends.
const PATIENCE: Duration = Duration::from_secs(120);

/// The tokens of the canary wave.
pub(crate) const CANARY: usize = 5;

/// The place of the ledger.
pub(crate) enum Place {
    File,
    Postgres(PostgresServer),
}

/// An account, its platform and its tokens.
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) server: Server,
    pub(crate) tokens: Vec<String>,
    /// The tokens that may create others.
    pub(crate) makers: Vec<String>,
    /// The token that the account authenticates with, if it is one of its tokens.
    pub(crate) acting: Option<String>,
}

/// A request to delete a token.
#[derive(Debug, Clone)]
pub(crate) struct Deletion {
    pub(crate) id: String,
    /// The time of receipt, in microseconds.
    pub(crate) received: i64,
    pub(crate) is_processed: bool,
    pub(crate) status: Option<u16>,
}

/// Accounts with tokens that are all to be revoked. The first account has the fewest, and each
/// fifth one authenticates with a token of its own.
pub(crate) struct Incident {
    pub(crate) accounts: Vec<Account>,
    pub(crate) directory: TempDir,
    variables: Vec<(String, String)>,
    path: String,
    _postgres: Option<PostgresServer>,
}

impl Incident {
    pub(crate) fn new(accounts: usize, tokens: usize, place: Place) -> Self {
        let directory = TempDir::new().unwrap();
        let folder = directory.path().to_str().unwrap();
        let mut variables = vec![("TOKENFLEET_WAITS_DIVIDED_BY".to_owned(), divisor())];
        let mut text = format!("[audit]\nfile = '{folder}/audit.jsonl'\n[ledger]\n");
        let postgres = match place {
            Place::File => {
                text += &format!("path = '{folder}/state/ledger.db'\n");
                None
            }
            Place::Postgres(server) => {
                text += "url = { env = 'LEDGER_URL' }\n";
                variables.push(("LEDGER_URL".to_owned(), server.url().expose().to_owned()));
                Some(server)
            }
        };
        let mut all = Vec::new();
        for number in 0..accounts {
            let count = if number == 0 { tokens - 1 } else { tokens };
            let account = account(number, count, number % 5 == 4);
            let (variable, token) = account.1;
            text += &format!(
                "[accounts.{}]\nprovider = 'losant'\nbase_url = '{}'\ntoken = {{ env = '{variable}' }}\n",
                account.0.name,
                account.0.server.url()
            );
            variables.push((variable, token));
            all.push(account.0);
        }
        Self {
            accounts: all,
            path: temporary_file(&text),
            directory,
            variables,
            _postgres: postgres,
        }
    }

    pub(crate) fn environment(&self) -> Vec<(&str, &str)> {
        let variables = self.variables.iter();
        variables.map(|(name, value)| (&**name, &**value)).collect()
    }

    /// Runs the program. Asserts that it shows no credential.
    pub(crate) fn run(&self, words: &[&str]) -> Run {
        let words = [words, &["--config", &self.path]].concat();
        let run = tokenfleet_with_env(&self.environment(), &words);
        let credentials = self.variables.iter().skip(1).map(|(_, value)| &**value);
        run.hiding(&credentials.collect::<Vec<_>>())
    }

    /// Starts a command whose output goes to files: nobody reads a pipe meanwhile.
    pub(crate) fn spawn(&self, words: &[&str]) -> Spawned {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file = |name: &str| self.directory.path().join(format!("{name}-{number}"));
        let (stdout, stderr) = (file("stdout"), file("stderr"));
        let mut program = program(&[words, &["--config", &self.path]].concat());
        let program = program.envs(self.environment());
        let program = program.stdout(File::create(&stdout).unwrap());
        let child = program
            .stderr(File::create(&stderr).unwrap())
            .spawn()
            .unwrap();
        Spawned {
            child,
            stdout,
            stderr,
        }
    }

    /// Starts a worker, whose output nobody reads.
    pub(crate) fn worker(&self, queues: usize) -> Child {
        let words = [
            "worker",
            "--max-queues",
            &queues.to_string(),
            "--config",
            &self.path,
        ];
        let mut program = program(&words);
        let program = program.envs(self.environment());
        program
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Writes the plan for all tokens into a file, and returns its path and its text.
    pub(crate) fn plan(&self) -> (String, String) {
        let own: Vec<_> = self
            .accounts
            .iter()
            .filter_map(|account| account.acting.as_ref())
            .collect();
        let mut words = vec!["plan"];
        for id in own {
            words.extend(["--own-token", id]);
        }
        let text = self.run(&words).ends_with(0).stdout;
        let path: PathBuf = self.directory.path().join("plan.txt");
        std::fs::write(&path, &text).unwrap();
        (path.to_str().unwrap().to_owned(), text)
    }

    /// Replaces a text of the configuration, which it has.
    pub(crate) fn reconfigure(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(&self.path).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&self.path, text.replace(from, to)).unwrap();
    }

    /// Adds a fault to an account: what happens to each request with that method.
    pub(crate) fn add_fault(&self, account: usize, method: &str, action: Action) {
        let faults = self.accounts[account].server.simulator().faults();
        faults.add(Fault::new(action).method(method).always());
    }

    pub(crate) fn clear_faults(&self, account: usize) {
        self.accounts[account].server.simulator().faults().clear();
    }

    /// Returns the number of tokens.
    pub(crate) fn count(&self) -> usize {
        self.accounts
            .iter()
            .map(|account| account.tokens.len())
            .sum()
    }

    /// Returns the number of tokens that are alive.
    pub(crate) fn alive(&self) -> usize {
        let servers = self.accounts.iter().map(|account| &account.server);
        servers.map(|server| server.simulator().token_count()).sum()
    }

    /// Returns the id of the only plan that is open or closed.
    pub(crate) fn operation(&self) -> String {
        let open = self.run(&["operations", "--output=ndjson"]).ends_with(0);
        let mut open = lines(&open.stdout);
        if open.is_empty() {
            let done = self.run(&["operations", "list", "--done", "--output=ndjson"]);
            open = lines(&done.ends_with(0).stdout);
        }
        assert_eq!(open.len(), 1, "{open:?}");
        open[0]["operation"].as_str().unwrap().to_owned()
    }
}

impl Account {
    /// Returns the requests to delete a token, in the order in which they came.
    pub(crate) fn deletions(&self) -> Vec<Deletion> {
        let entries = self.server.simulator().log().entries().into_iter();
        let deletions = entries.filter(|entry| entry.method == "DELETE");
        deletions
            .map(|entry| {
                let path = entry.target.split('?').next().unwrap_or_default();
                Deletion {
                    id: path.rsplit('/').next().unwrap_or_default().to_owned(),
                    received: entry.received.as_microsecond(),
                    is_processed: entry.processed,
                    status: entry.status,
                }
            })
            .collect()
    }

    pub(crate) fn is_alive(&self, id: &str) -> bool {
        self.server.simulator().token(id).is_some()
    }
}

fn account(number: usize, tokens: usize, has_acting: bool) -> (Account, (String, String)) {
    let options = ["tokens=0".to_owned(), format!("seed={number}")];
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let simulator = tokenfleet_simulators::build("losant", &options).unwrap();
    let mut credential = simulator.credentials()["token"].clone();
    let (mut ids, mut makers, mut acting) = (Vec::new(), Vec::new(), None);
    for index in 0..tokens {
        let mut token = NewToken::named(format!("t-{index}"));
        token.created = Some("2020-01-01T00:00:00Z".parse().unwrap());
        let is_acting = has_acting && index == 1;
        // Neither the first nor the last of a listing.
        let is_maker = index == tokens / 2 || is_acting;
        token.scopes = vec![
            if is_maker {
                "all.User"
            } else {
                "all.User.read"
            }
            .to_owned(),
        ];
        let inserted = simulator.insert(token);
        if is_acting {
            credential = inserted.secret;
            acting = Some(inserted.id.clone());
        } else if is_maker {
            makers.push(inserted.id.clone());
        }
        ids.push(inserted.id);
    }
    let started = Server::start_shared(simulator, ("127.0.0.1", 0));
    let account = Account {
        name: format!("a{number:03}"),
        server: RUNTIME.block_on(started).unwrap(),
        tokens: ids,
        makers,
        acting,
    };
    (account, (format!("TOKEN_{number}"), credential))
}

/// Returns the verdicts by token. Asserts that no token has two.
pub(crate) fn verdicts(stdout: &str) -> BTreeMap<String, Value> {
    let mut verdicts = BTreeMap::new();
    for line in lines(stdout) {
        let id = line["id"].as_str().unwrap().to_owned();
        assert!(verdicts.insert(id, line.clone()).is_none(), "twice: {line}");
    }
    verdicts
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "never: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A command that was started.
pub(crate) struct Spawned {
    pub(crate) child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Spawned {
    /// Waits until it has ended, or ends it after two minutes.
    pub(crate) fn ended(mut self) -> Run {
        let started = Instant::now();
        while self.child.try_wait().unwrap().is_none() && started.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        Run {
            code: self.child.wait().unwrap().code().unwrap_or(-1),
            stdout: std::fs::read_to_string(self.stdout).unwrap(),
            stderr: std::fs::read_to_string(self.stderr).unwrap(),
        }
    }
}
