//! Measures a ledger in a file: `measure [TOKENS]`.
//!
//! A first snapshot, an unchanged one, one with 1 % changed, and the difference; the time, the size
//! of the file and the largest memory after each.

use std::error::Error;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};
use std::{env, fs};

use tokenfleet_core::model::{Attribute, Principal, Scopes};
use tokenfleet_core::{Account, Completeness, Fact, Timestamp, Token, TokenId, TokenState};
use tokenfleet_ledger::{Ledger, PageRequest, Source, Span, SqliteLedger, Verdict};

/// The tokens of a page of a listing.
const PAGE: u64 = 1_000;

fn token(number: u64, renamed: bool) -> Token {
    // Ids are in no order, as on most platforms.
    let id = format!(
        "{:016x}{number:08x}",
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    );
    let created = Timestamp::from_unix_seconds(1_700_000_000 + number.cast_signed());
    let mut token = Token::new(TokenId::new(id), TokenState::Active);
    let suffix = if renamed { "-renamed" } else { "" };
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

/// Records a snapshot as a listing would.
async fn record(
    ledger: &SqliteLedger,
    at: Timestamp,
    count: u64,
    is_changed: impl Fn(u64) -> bool,
) -> Result<(), Box<dyn Error>> {
    let account = Source::from(Account::new("losant", "measured"));
    let mut recorder = ledger.begin(&account, at).await?;
    for start in (0..count).step_by(PAGE as usize) {
        let page = start..count.min(start + PAGE);
        let tokens: Vec<Token> = page
            .map(|number| token(number, is_changed(number)))
            .collect();
        recorder.record(&tokens).await?;
    }
    recorder
        .close(Verdict::Listed(Completeness::Complete))
        .await?;
    Ok(())
}

/// Returns the largest memory that this process ever had, in megabytes, where the system says so.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok());
    kilobytes.unwrap_or(0) / 1024
}

#[allow(clippy::print_stdout, reason = "this is the output of a measurement")]
fn print(what: &str, took: Duration, ledger: &SqliteLedger) {
    let size = fs::metadata(ledger.path()).map_or(0, |file| file.len());
    println!(
        "{what:<20} {:>8.2} s {:>10.2} MB {:>6} MB of memory at most",
        took.as_secs_f64(),
        size as f64 / 1e6,
        peak_memory()
    );
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let count = env::args()
        .nth(1)
        .map_or(Ok(100_000), |text| text.parse::<u64>())?;
    let folder = tempfile::tempdir()?;
    let ledger = SqliteLedger::open(folder.path().join("ledger.db")).await?;
    let start = Timestamp::now();
    let at = |hour: u64| start.saturating_add(Duration::from_secs(3_600 * hour));

    let now = Instant::now();
    for number in 0..count {
        std::hint::black_box(serde_json::to_string(&token(number, false))?);
    }
    print("records only", now.elapsed(), &ledger);
    let now = Instant::now();
    record(&ledger, at(0), count, |_| false).await?;
    print("first snapshot", now.elapsed(), &ledger);
    let now = Instant::now();
    record(&ledger, at(1), count, |_| false).await?;
    print("unchanged", now.elapsed(), &ledger);
    let now = Instant::now();
    record(&ledger, at(2), count, |number| number % 100 == 0).await?;
    print("1 % changed", now.elapsed(), &ledger);

    let account = Source::from(Account::new("losant", "measured"));
    let now = Instant::now();
    let page = PageRequest::new(NonZeroUsize::MAX);
    let changes = ledger
        .diff(&account, Span::new(at(1), at(2))?, &page)
        .await?;
    print("diff", now.elapsed(), &ledger);
    if changes.items.len() as u64 != count.div_ceil(100) {
        return Err("the difference is not what was changed".into());
    }
    Ok(())
}
