//! Counts the instructions of the small pieces of work, which do not depend on how busy the machine is.
//!
//! - `instructions` counts and prints, with `--only TEXT` those whose names hold the text
//! - `instructions --check` fails when a count is not what `benches/instructions.json` records
//! - `instructions --write` records what it counts
//!
//! It runs itself under valgrind, once with and once without the work.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};

use tokenfleet_benches::{Amount, Micro, Table};

/// By how many percent a count may differ from the recorded one: hash tables are seeded anew in each process.
const MARGIN: u64 = 3;
/// About as many instructions are counted for each, so that none drowns in what a process does anyway.
const ENOUGH: u64 = 3_000_000;
/// Runs a piece of work in this process: its name and how often.
const RUN: &str = "--run";

type Counts = BTreeMap<String, u64>;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [RUN, name, times] => {
            let mut micro = Micro::of_name(name).ok_or("there is no such piece of work")?;
            (0..times.parse()?).for_each(|_: u64| micro.run());
            Ok(ExitCode::SUCCESS)
        }
        [] => {
            count("")?;
            Ok(ExitCode::SUCCESS)
        }
        ["--only", text] => {
            count(text)?;
            Ok(ExitCode::SUCCESS)
        }
        ["--write"] => {
            let text = serde_json::to_string_pretty(&count("")?)?;
            std::fs::write(recorded(), text + "\n")?;
            Ok(ExitCode::SUCCESS)
        }
        ["--check"] => check(&serde_json::from_str(
            &std::fs::read_to_string(recorded())?,
        )?),
        _ => Err("it takes nothing, --only TEXT, --check or --write".into()),
    }
}

fn recorded() -> impl AsRef<Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.json")
}

fn check(recorded: &Counts) -> Result<ExitCode, Box<dyn Error>> {
    let counted = count("")?;
    let mut differ = Vec::new();
    for (name, before) in recorded {
        match counted.get(name) {
            Some(now) if now.abs_diff(*before) * 100 <= before * MARGIN => {}
            Some(now) => differ.push(format!("{name}: {before} before, {now} now")),
            None => differ.push(format!("{name}: no longer there")),
        }
    }
    let new = counted.keys().filter(|name| !recorded.contains_key(*name));
    differ.extend(new.map(|name| format!("{name}: not recorded")));
    if differ.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "Instructions differ by more than {MARGIN} % from those recorded:\n{}",
        differ.join("\n")
    );
    eprintln!("Where that is right, record them anew: instructions --write");
    Ok(ExitCode::FAILURE)
}

/// The instructions of each, which are printed as they are counted.
fn count(text: &str) -> Result<Counts, Box<dyn Error>> {
    let mut counts = Counts::new();
    print!("{}", Table::of(["work", "instructions", "each"]));
    for name in Micro::names().filter(|name| name.contains(text)) {
        let nothing = collected(name, 0)?;
        let once = collected(name, 1)?.saturating_sub(nothing).max(1);
        let times = ENOUGH / once;
        let each = match times {
            0 | 1 => once,
            times => collected(name, times)?.saturating_sub(nothing) / times,
        };
        let amount = Micro::of_name(name).map(|micro| micro.amount);
        let per = match amount {
            Some(Amount::Tokens(tokens)) => format!("{} a token", each / tokens.max(1)),
            Some(Amount::Times(times)) => format!("{} a time", each / times.max(1)),
            None => String::new(),
        };
        println!("| {name} | {each} | {per} |");
        counts.insert(name.to_owned(), each);
    }
    Ok(counts)
}

/// The instructions of a process that does it so many times.
fn collected(name: &str, times: u64) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args([RUN, name, &times.to_string()])
        .output()
        .map_err(|error| format!("valgrind, which counts, cannot be run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = (said.lines())
        .find_map(|line| line.split_once("Collected : "))
        .and_then(|(_, count)| count.trim().parse().ok());
    collected.ok_or_else(|| format!("valgrind counted nothing for {name:?}: {said}").into())
}
