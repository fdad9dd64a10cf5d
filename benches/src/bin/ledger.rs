//! Measures ledgers of many tokens beside what one would do without, and prints the table of
//! `docs/PERFORMANCE.md`; with `--write` it writes it there.
//!
//! `cargo run --release -p tokenfleet-benches --bin ledger`
//!
//! The number of tokens is 1,000,000, or what `TOKENS` says. Each step runs in a process of its
//! own, so that its memory is its own; the first step of a ledger leaves it to the next.

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::Command;

use tokenfleet_benches::remembered::{Figure, Keeper, STEPS, Step, TemporaryPostgres, carry_out};
use tokenfleet_benches::{Arguments, Conditions, Table, write};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    if let [keeper, step, tokens, place] = &env::args().skip(1).collect::<Vec<_>>()[..] {
        let figure = carry_out(keeper.parse()?, step.parse()?, tokens.parse()?, place).await?;
        println!("{}", serde_json::to_string(&figure)?);
        return Ok(());
    }
    let arguments = Arguments::from_env(1)?;
    let tokens = env::var("TOKENS").unwrap_or_else(|_| "1000000".to_owned());
    let conditions = Conditions::now()?;
    let mut table = Table::new(["what", "step", "wall", "processor", "peak memory", "size"]);
    for keeper in Keeper::ALL {
        let folder = tempfile::tempdir()?;
        let server = match keeper.needs_postgres() {
            true => match TemporaryPostgres::start(folder.path())? {
                Some(server) => Some(server),
                None => continue,
            },
            false => None,
        };
        let place = match &server {
            Some(server) => server.url(),
            None => folder.path().join("kept").display().to_string(),
        };
        for step in STEPS {
            let figure = measure(keeper, step, &tokens, &place)?;
            let size = match &server {
                Some(server) => server.size()?,
                None => size_of(folder.path())?,
            };
            table.add([
                keeper.to_string(),
                step.to_string(),
                format!("{:.2} s", figure.wall),
                format!("{:.2} s", figure.processor),
                format!("{:.1} MiB", figure.peak_memory as f64 / 1024.0),
                format!("{:.2} MB", size as f64 / 1e6),
            ]);
            eprintln!("{keeper}: {step}: {:.2} s", figure.wall);
        }
    }
    let figures = format!("{}\n\n{tokens} tokens:\n\n{table}", conditions.after(1)?);
    print!("{figures}");
    if arguments.write {
        write("ledger", &figures)?;
    }
    Ok(())
}

/// Carries out a step in a process of its own.
fn measure(
    keeper: Keeper,
    step: Step,
    tokens: &str,
    place: &str,
) -> Result<Figure, Box<dyn Error>> {
    let output = Command::new(env::current_exe()?)
        .args([&keeper.to_string(), &step.to_string(), tokens, place])
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Returns the size of all files in a folder.
fn size_of(folder: &Path) -> std::io::Result<u64> {
    let mut size = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.metadata()?;
        size += if kind.is_dir() {
            size_of(&entry.path())?
        } else {
            kind.len()
        };
    }
    Ok(size)
}
