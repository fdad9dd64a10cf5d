//! Measures workers that share a ledger in Postgres, and prints the tables of
//! `docs/PERFORMANCE.md`; with `--write` it writes them there.
//!
//! `cargo run --release -p tokenfleet-benches --bin workers`
//!
//! The number of accounts is 1,000, or what `ACCOUNTS` says, each with 100 tokens. The program is
//! the one beside this one, or `PROGRAM`.

use std::env;
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use tokenfleet::Timestamp;
use tokenfleet_benches::{
    Arguments, Conditions, Fleet, Platform, Simulated, Table, Workers, measured_program, write,
};
use tokenfleet_ledger::{Task, Tasks};

/// The time that a platform takes for a response.
const LATENCY: Duration = Duration::from_millis(100);

const TOKENS: usize = 100;

/// The number of workers that are killed.
const KILLS: u32 = 5;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::from_env(1)?;
    let accounts: usize = env::var("ACCOUNTS").map_or(Ok(1_000), |count| count.parse())?;
    let program = measured_program()?;
    let conditions = Conditions::now()?;
    let mut listed = Table::new([
        "processes",
        "wall",
        "accounts a second",
        "times one process",
    ]);
    let mut first = None;
    for processes in [0, 1, 2, 4, 8] {
        let simulated = Simulated::start(Platform::Losant, TOKENS)
            .await?
            .with_delay(LATENCY);
        let Some(fleet) = Recorded::new(&program, &simulated, accounts).await? else {
            return Ok(());
        };
        let wall = match processes {
            0 => fleet.snapshot()?,
            processes => fleet.inventory(processes).await?,
        };
        let seconds = wall.as_secs_f64();
        let first = *first.get_or_insert(seconds);
        listed.add([
            match processes {
                0 => "`tokenfleet snapshot`, without workers".to_owned(),
                processes => processes.to_string(),
            },
            format!("{seconds:.1} s"),
            format!("{:.0}", accounts as f64 / seconds),
            format!("{:.2}", first / seconds),
        ]);
        eprintln!("{processes} processes: {seconds:.1} s");
    }
    let mut taken = Vec::new();
    for kill in 0..KILLS {
        // Nothing ends meanwhile.
        let simulated = Simulated::start(Platform::Losant, TOKENS).await?;
        let simulated = simulated.with_delay(Duration::from_secs(3_600));
        let Some(fleet) = Recorded::new(&program, &simulated, 16).await? else {
            return Ok(());
        };
        // Anywhere between two heartbeats.
        let after = Duration::from_millis(6_000) + Duration::from_millis(1_100) * kill;
        taken.extend(fleet.taken_after_a_kill(after).await?);
    }
    taken.sort();
    let seconds = |index: usize| taken.get(index).map_or(0.0, Duration::as_secs_f64);
    let figures = format!(
        "{}\n\nAn inventory of {accounts} accounts with {TOKENS} tokens each:\n\n{listed}\n\
         Taken up by another worker after `SIGKILL`, {} queues of {KILLS} workers: p50 {:.1} s, \
         longest {:.1} s.\n",
        conditions.after(1)?,
        taken.len(),
        seconds(taken.len() / 2),
        seconds(taken.len().saturating_sub(1)),
    );
    print!("{figures}");
    if arguments.write {
        write("workers", &figures)?;
    }
    Ok(())
}

/// Many accounts on one simulated platform, with a ledger in a Postgres of their own.
struct Recorded {
    fleet: Fleet,
    accounts: usize,
}

impl Recorded {
    /// Returns `None` where Postgres is not installed.
    async fn new(
        program: &Path,
        simulated: &Simulated,
        accounts: usize,
    ) -> Result<Option<Self>, Box<dyn Error>> {
        let job = simulated.job(tokenfleet_benches::Work::Nothing);
        let url = &job.url;
        let mut text = "[schedules.all]\nrun = 'snapshot'\nevery = '7d'\n".to_owned();
        for number in 0..accounts {
            text += &format!(
                "[accounts.number-{number}]\nprovider = 'losant'\nbase_url = '{url}'\n\
                 token = {{ env = 'TOKEN' }}\n"
            );
        }
        let variables = vec![("TOKEN".to_owned(), job.credentials["token"].clone())];
        let fleet = Fleet::new(program, &text, variables).await?;
        Ok(fleet.map(|fleet| Self { fleet, accounts }))
    }

    /// Records all accounts with one command.
    fn snapshot(&self) -> Result<Duration, Box<dyn Error>> {
        let started = Instant::now();
        if !self.fleet.start(&["snapshot"])?.wait()?.success() {
            return Err("the snapshot was not taken".into());
        }
        Ok(started.elapsed())
    }

    /// Lets workers record all accounts.
    async fn inventory(&self, processes: usize) -> Result<Duration, Box<dyn Error>> {
        let started = Instant::now();
        let mut workers = Workers::default();
        for _ in 0..processes {
            workers.0.push(self.fleet.start(&["worker"])?);
        }
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let now = Timestamp::now();
            let open = self.fleet.ledger.open_tasks().await?;
            let is_done = |task: &Task| task.due.is_some_and(|due| due > now);
            if open.len() == self.accounts && open.iter().all(is_done) {
                return Ok(started.elapsed());
            }
        }
    }

    /// Kills a worker that has claims, and returns how long it takes until another one has each.
    async fn taken_after_a_kill(&self, after: Duration) -> Result<Vec<Duration>, Box<dyn Error>> {
        let mut workers = Workers(vec![self.fleet.start(&["worker"])?]);
        tokio::time::sleep(after).await;
        workers.0.push(self.fleet.start(&["worker"])?);
        let killed = workers.0.first_mut().ok_or("no worker")?;
        killed.kill()?;
        killed.wait()?;
        let at = Instant::now();
        let claims = self.fleet.ledger.open_tasks().await?;
        let mut claims: Vec<_> = (claims.into_iter())
            .filter_map(|task| Some((task.id, task.claimed_until?)))
            .collect();
        let mut taken = Vec::new();
        while !claims.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            for task in self.fleet.ledger.open_tasks().await? {
                let is_taken = |(id, until): &(_, Timestamp)| {
                    *id == task.id && task.claimed_until.is_some_and(|now| now > *until)
                };
                let before = claims.len();
                claims.retain(|claim| !is_taken(claim));
                if claims.len() < before {
                    taken.push(at.elapsed());
                }
            }
        }
        Ok(taken)
    }
}
