//! Counts the instructions of the micro-benchmarks, of the program's listings and its start, and of
//! whole listings beside a loop by hand.
//!
//! - `instructions` prints the counts
//! - `instructions --check` counts the micro-benchmarks, the program's listings and its start, and
//!   fails if one differs from `benches/instructions.json`
//! - `instructions --write` records them there, and writes all counts into `docs/PERFORMANCE.md`
//!
//! `cargo run --release -p tokenfleet-benches --bin instructions`

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tokenfleet_benches::{
    Amount, Figures, Headline, Micro, Platform, Simulated, Table, Work, build_program,
    build_programs, compiler, instructions, listed_instructions, listed_names, program,
    started_instructions, started_names, write,
};

/// The tolerance in percent: each process seeds its hash tables anew, so counts vary.
const MARGIN: u64 = 3;
/// The minimum number of instructions to count, so that the cost of the process itself is
/// negligible.
const MIN_INSTRUCTIONS: u64 = 3_000_000;
/// The option that runs a micro-benchmark in this process, followed by its name and repetitions.
const RUN: &str = "--run";
/// The number of tokens that whole processes list, 1,000 a page.
const LISTED: u64 = 50_000;

type Counts = BTreeMap<&'static str, u64>;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [RUN, name, times] => {
            let mut micro = Micro::by_name(name).ok_or("unknown micro-benchmark")?;
            (0..times.parse()?).for_each(|_: u64| micro.run());
        }
        ["--check"] => return check(&pieces()?),
        [] => {
            let listings = listings(&mut Figures::default())?;
            print!("{}\n{listings}", table(&pieces()?));
        }
        ["--write"] => {
            let pieces = pieces()?;
            let recorded = serde_json::to_string_pretty(&pieces)? + "\n";
            std::fs::write(record(), recorded)?;
            let mut figures = Figures::recorded()?;
            let listings = listings(&mut figures)?;
            let page = format!("{}.\n\n{listings}\n{}", compiler()?, table(&pieces));
            write("instructions", &page)?;
            let of_program = listed_names().filter(|name| name.ends_with("ndjson")).rev();
            let of_program = of_program
                .filter_map(|name| pieces.get(name))
                .map(u64::to_string);
            figures.set(Headline::Program, Vec::from_iter(of_program).join(" and "));
            figures.write()?;
        }
        _ => return Err("the only arguments are --check and --write".into()),
    }
    Ok(ExitCode::SUCCESS)
}

fn record() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.json")
}

fn check(counted: &Counts) -> Result<ExitCode, Box<dyn Error>> {
    let recorded: BTreeMap<String, u64> = serde_json::from_slice(&std::fs::read(record())?)?;
    let mut differences = Vec::new();
    for (name, before) in &recorded {
        match counted.get(name.as_str()) {
            Some(now) if now.abs_diff(*before) * 100 <= before * MARGIN => {}
            Some(now) => differences.push(format!("{name}: {before} before, {now} now")),
            None => differences.push(format!("{name}: no longer exists")),
        }
    }
    let new = counted.keys().filter(|name| !recorded.contains_key(**name));
    differences.extend(new.map(|name| format!("{name}: not recorded")));
    if differences.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let differences = differences.join("\n");
    eprintln!("Instructions differ by more than {MARGIN} % from those recorded:\n{differences}");
    eprintln!(
        "If the change is intended, or the compiler differs from the one in docs/PERFORMANCE.md, \
         record the counts with --write."
    );
    Ok(ExitCode::FAILURE)
}

/// Returns the instructions of each micro-benchmark, and of the program for each token it lists and
/// for each short command.
fn pieces() -> Result<Counts, Box<dyn Error>> {
    let this = std::env::current_exe()?;
    let count = |name: &str, times: u64| instructions(&this, [RUN, name, &times.to_string()]);
    let mut counts = Counts::new();
    for name in Micro::names() {
        let nothing = count(name, 0)?;
        let once = count(name, 1)?.saturating_sub(nothing).max(1);
        let each = match MIN_INSTRUCTIONS / once {
            0 | 1 => once,
            times => count(name, times)?.saturating_sub(nothing) / times,
        };
        counts.insert(name, each);
    }
    build_program()?;
    for name in listed_names() {
        counts.extend(listed_instructions(name)?.map(|count| (name, count)));
    }
    for name in started_names() {
        counts.extend(started_instructions(name)?.map(|count| (name, count)));
    }
    Ok(counts)
}

fn table(counts: &Counts) -> Table {
    let mut table = Table::new(["work", "instructions"]);
    for (name, count) in counts {
        let amount = Micro::by_name(name).map(|micro| micro.amount);
        table.add([
            (*name).to_owned(),
            match amount {
                Some(Amount::Tokens(tokens)) => format!("{} a token", count / tokens.max(1)),
                Some(Amount::Times(times)) => (count / times.max(1)).to_string(),
                None if started_names().any(|started| started == *name) => count.to_string(),
                None => format!("{count} a token"),
            },
        ]);
    }
    table
}

/// Returns the instructions of whole processes that list the same tokens.
#[tokio::main]
async fn listings(figures: &mut Figures) -> Result<Table, Box<dyn Error>> {
    let heads = [
        "instructions a token",
        "tokenfleet",
        "by hand: reqwest and serde",
        "by hand: received and skipped with serde_json",
        "by hand: received and discarded",
    ];
    build_programs()?;
    let mut table = Table::new(heads);
    let mut of_library = Vec::new();
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
            // The simulator runs in this process, which must not block.
            let counting = tokio::task::spawn_blocking(move || {
                instructions(&program, [job]).map_err(|error| error.to_string())
            });
            *count = counting.await?? / LISTED;
        }
        let [ours, by_hand, skipped, discarded] = counts;
        let times = |count: u64| format!("{count}, × {:.2}", count as f64 / ours as f64);
        of_library.push(ours.to_string());
        table.add([
            platform.name().to_owned(),
            ours.to_string(),
            times(by_hand),
            times(skipped),
            times(discarded),
        ]);
    }
    figures.set(Headline::Library, of_library.join(" and "));
    Ok(table)
}
