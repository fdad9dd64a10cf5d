//! What an account held, remembered in several ways: in a ledger, and as one would without.

mod by_hand;
mod postgres;

use std::error::Error;
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use tokenfleet::model::{Attribute, Principal, Scopes};
use tokenfleet::{Account, Completeness, Fact, Secret, Timestamp, Token, TokenId, TokenState};
use tokenfleet_ledger::{Ledger, PageRequest, PostgresLedger, Source, Span, SqliteLedger, Verdict};

pub use postgres::TemporaryPostgres;

/// The tokens of a page of a listing.
const PAGE: u64 = 1_000;

/// A way to remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// The ledger in a file.
    Sqlite,
    /// The ledger in Postgres.
    Postgres,
    /// A file of JSON lines for each snapshot, which are compared in memory.
    Files,
    /// A table in SQLite with a row for each token and snapshot.
    Rows,
}

/// A step, in the order of [`STEPS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The first snapshot.
    First,
    /// One of the same tokens.
    Unchanged,
    /// One in which 1 % of them have another name.
    Changed,
    /// The difference between the last two.
    Diff,
}

/// The steps, each of which needs those before it.
pub const STEPS: [Step; 4] = [Step::First, Step::Unchanged, Step::Changed, Step::Diff];

const KEEPERS: [(Keeper, &str); 4] = [
    (Keeper::Sqlite, "ledger in SQLite"),
    (Keeper::Postgres, "ledger in Postgres"),
    (Keeper::Files, "by hand: a file of JSON lines each"),
    (
        Keeper::Rows,
        "by hand: a row for each token and snapshot, in SQLite",
    ),
];

const STEP_NAMES: [(Step, &str); 4] = [
    (Step::First, "first snapshot"),
    (Step::Unchanged, "unchanged"),
    (Step::Changed, "1 % changed"),
    (Step::Diff, "diff of 1 %"),
];

impl Keeper {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 4] = [Self::Sqlite, Self::Postgres, Self::Files, Self::Rows];

    /// Returns `true` if it needs a server.
    #[must_use]
    pub fn needs_postgres(self) -> bool {
        self == Self::Postgres
    }
}

impl fmt::Display for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name_of(*self, &KEEPERS, f)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name_of(*self, &STEP_NAMES, f)
    }
}

impl FromStr for Keeper {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        named(name, &KEEPERS)
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        named(name, &STEP_NAMES)
    }
}

fn name_of<T: PartialEq>(value: T, names: &[(T, &str)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let name = names.iter().find(|(other, _)| *other == value);
    f.write_str(name.map_or("", |(_, name)| name))
}

fn named<T: Copy>(name: &str, names: &[(T, &str)]) -> Result<T, String> {
    let value = names.iter().find(|(_, other)| *other == name);
    value
        .map(|(value, _)| *value)
        .ok_or_else(|| format!("unknown: {name}"))
}

/// The cost of a step.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Figure {
    /// The seconds that it took.
    pub wall: f64,
    /// The processor time of the process in seconds, without that of a server.
    pub processor: f64,
    /// The peak memory of the process, in KiB.
    pub peak_memory: u64,
}

/// Carries out a step in this process, and returns its cost.
///
/// # Errors
///
/// Returns an error if the step fails, or a difference is not what was changed.
pub async fn carry_out(
    keeper: Keeper,
    step: Step,
    tokens: u64,
    place: &str,
) -> Result<Figure, Box<dyn Error>> {
    let started = Instant::now();
    let changes = match keeper {
        Keeper::Sqlite => {
            let ledger = SqliteLedger::open(place).await?;
            in_ledger(Arc::new(ledger), step, tokens).await?
        }
        Keeper::Postgres => {
            let ledger = PostgresLedger::open(&Secret::new(place)).await?;
            in_ledger(Arc::new(ledger), step, tokens).await?
        }
        Keeper::Files => by_hand::in_files(place.as_ref(), step, tokens)?,
        Keeper::Rows => by_hand::in_rows(place.as_ref(), step, tokens)?,
    };
    let wall = started.elapsed().as_secs_f64();
    if step == Step::Diff && changes != tokens.div_ceil(100) {
        return Err(format!("{changes} tokens differ").into());
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak_memory = (status.lines())
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .ok_or("the kernel does not report the memory")?;
    let processor = clock_gettime(ClockId::ProcessCPUTime);
    Ok(Figure {
        wall,
        processor: processor.tv_sec as f64 + processor.tv_nsec as f64 / 1e9,
        peak_memory,
    })
}

/// Carries out a step in a ledger, and returns the number of differences.
async fn in_ledger(
    ledger: Arc<dyn Ledger>,
    step: Step,
    tokens: u64,
) -> Result<u64, Box<dyn Error>> {
    let source = Source::from(Account::new("losant", "measured"));
    if step == Step::Diff {
        let page = PageRequest::new(NonZeroUsize::MAX);
        let span = Span::new(time_of(Step::Unchanged)?, time_of(Step::Changed)?)?;
        return Ok(ledger.diff(&source, span, &page).await?.items.len() as u64);
    }
    let mut recorder = ledger.begin(&source, time_of(step)?).await?;
    for page in pages(step, tokens) {
        recorder.record(&page).await?;
    }
    let verdict = Verdict::Listed(Completeness::Complete);
    recorder.close(verdict).await?;
    Ok(0)
}

/// Returns the time of a snapshot.
fn time_of(step: Step) -> Result<Timestamp, Box<dyn Error>> {
    let start = Timestamp::from_unix_seconds(1_750_000_000).ok_or("not a time")?;
    Ok(start.saturating_add(Duration::from_secs(3_600 * step as u64)))
}

/// Returns what the account holds, as a listing reads it.
fn pages(step: Step, count: u64) -> impl Iterator<Item = Vec<Token>> {
    let starts = (0..count).step_by(PAGE as usize);
    starts.map(move |start| {
        let page = start..count.min(start + PAGE);
        page.map(|number| token(number, step == Step::Changed && number % 100 == 0))
            .collect()
    })
}

fn token(number: u64, is_renamed: bool) -> Token {
    // Ids are in no order, as on most platforms.
    let id = format!(
        "{:016x}{number:08x}",
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    );
    let created = Timestamp::from_unix_seconds(1_700_000_000 + number.cast_signed());
    let mut token = Token::new(TokenId::new(id), TokenState::Active);
    let suffix = if is_renamed { "-renamed" } else { "" };
    token.name = Fact::Known(format!("deployment-{number}{suffix}"));
    token.description = Fact::Known("Created for the deployment of a service".to_owned());
    token.created_at = Fact::from_optional(created);
    token.expiry = Fact::Absent;
    let owner = Principal::new(format!("user-{}", number % 500));
    token.owner = Fact::Known(owner.with_kind("user".to_owned()));
    token.scopes = Fact::Known(Scopes::from(vec!["all.User.read".to_owned()]));
    token.attributes.insert("team", Attribute::from("platform"));
    token
}
