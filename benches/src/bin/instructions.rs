//! Counts instructions: those of the small pieces of work, and those of whole listings beside a loop by hand.
//!
//! - `instructions` counts and prints
//! - `instructions --check` counts the small pieces, and fails when one differs from what `benches/instructions.json` records
//! - `instructions --write` records them, and writes all counts into `docs/PERFORMANCE.md`
//!
//! `cargo run --release -p tokenfleet-benches --bin instructions`

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tokenfleet_benches::{
    Amount, Micro, Platform, Simulated, Table, Work, build_programs, compiler, instructions,
    program, write,
};

/// By how many percent a count may differ from the recorded one: hash tables are seeded anew in each process.
const MARGIN: u64 = 3;
/// About as many instructions are counted for each, so that none drowns in what a process does anyway.
const ENOUGH: u64 = 3_000_000;
/// Runs a piece of work in this process: its name and how often.
const RUN: &str = "--run";
/// How many tokens whole processes list, 1,000 a page.
const LISTED: u64 = 50_000;

type Counts = BTreeMap<&'static str, u64>;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [RUN, name, times] => {
            let mut micro = Micro::of_name(name).ok_or("there is no such piece of work")?;
            (0..times.parse()?).for_each(|_: u64| micro.run());
        }
        ["--check"] => return check(&pieces()?),
        [] => print!("{}\n{}", table(&pieces()?), listings()?),
        ["--write"] => {
            let pieces = pieces()?;
            let recorded = serde_json::to_string_pretty(&pieces)? + "\n";
            std::fs::write(record(), recorded)?;
            let page = format!("{}.\n\n{}\n{}", compiler()?, listings()?, table(&pieces));
            write("instructions", &page)?;
        }
        _ => return Err("it takes nothing, --check or --write".into()),
    }
    Ok(ExitCode::SUCCESS)
}

fn record() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.json")
}

fn check(counted: &Counts) -> Result<ExitCode, Box<dyn Error>> {
    let recorded: BTreeMap<String, u64> = serde_json::from_slice(&std::fs::read(record())?)?;
    let mut differ = Vec::new();
    for (name, before) in &recorded {
        match counted.get(name.as_str()) {
            Some(now) if now.abs_diff(*before) * 100 <= before * MARGIN => {}
            Some(now) => differ.push(format!("{name}: {before} before, {now} now")),
            None => differ.push(format!("{name}: no longer there")),
        }
    }
    let new = counted.keys().filter(|name| !recorded.contains_key(**name));
    differ.extend(new.map(|name| format!("{name}: not recorded")));
    if differ.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let differ = differ.join("\n");
    eprintln!("Instructions differ by more than {MARGIN} % from those recorded:\n{differ}");
    eprintln!(
        "Where that is right, or the compiler is another one than docs/PERFORMANCE.md names, record them anew with --write."
    );
    Ok(ExitCode::FAILURE)
}

/// The instructions of each small piece of work.
fn pieces() -> Result<Counts, Box<dyn Error>> {
    let this = std::env::current_exe()?;
    let collected = |name: &str, times: u64| instructions(&this, [RUN, name, &times.to_string()]);
    let mut counts = Counts::new();
    for name in Micro::names() {
        let nothing = collected(name, 0)?;
        let once = collected(name, 1)?.saturating_sub(nothing).max(1);
        let each = match ENOUGH / once {
            0 | 1 => once,
            times => collected(name, times)?.saturating_sub(nothing) / times,
        };
        counts.insert(name, each);
    }
    Ok(counts)
}

fn table(counts: &Counts) -> Table {
    let mut table = Table::of(["work", "instructions"]);
    for (name, count) in counts {
        let amount = Micro::of_name(name).map(|micro| micro.amount);
        table.add([
            (*name).to_owned(),
            match amount {
                Some(Amount::Tokens(tokens)) => format!("{} a token", count / tokens.max(1)),
                Some(Amount::Times(times)) => (count / times.max(1)).to_string(),
                None => count.to_string(),
            },
        ]);
    }
    table
}

/// The instructions of whole processes that list the same tokens.
#[tokio::main]
async fn listings() -> Result<Table, Box<dyn Error>> {
    let heads = [
        "instructions a token",
        "tokenfleet",
        "by hand: reqwest and serde",
        "by hand: received and skipped with serde_json",
        "by hand: received and discarded",
    ];
    build_programs()?;
    let mut table = Table::of(heads);
    for platform in [Platform::Losant, Platform::Foreman39] {
        let simulated = Simulated::start(platform, usize::try_from(LISTED)?).await?;
        let job = serde_json::to_string(&simulated.job(Work::List {
            tokens: LISTED,
            page_size: Some(1000),
            max_concurrency: None,
        }))?;
        let mut counts = [0; 4];
        let programs = ["client", "by_hand", "skip", "discard"];
        for (count, name) in counts.iter_mut().zip(programs) {
            let (program, job) = (program(name)?, job.clone());
            // The simulator answers meanwhile.
            let counted = tokio::task::spawn_blocking(move || {
                instructions(&program, [job]).map_err(|error| error.to_string())
            });
            *count = counted.await?? / LISTED;
        }
        let [ours, by_hand, skipped, discarded] = counts;
        let times = |count: u64| format!("{count}, × {:.2}", count as f64 / ours as f64);
        table.add([
            platform.name().to_owned(),
            ours.to_string(),
            times(by_hand),
            times(skipped),
            times(discarded),
        ]);
    }
    Ok(table)
}
