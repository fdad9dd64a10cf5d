//! Compares sequential with concurrent listings and prints the table of `docs/PERFORMANCE.md`; with
//! `--write` it writes it there.
//!
//! `cargo run --release -p tokenfleet-benches --bin listing`

use std::error::Error;
use std::time::Duration;

use tokenfleet_benches::{
    Arguments, Conditions, Cost, Figures, Headline, Median, Platform, Simulated, Table, Work,
    build_programs, run_tokenfleet, write,
};

/// The delay of each response.
const DELAY: Duration = Duration::from_millis(50);

const TOKENS: usize = 2000;
const PAGE_SIZE: u32 = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::from_env(5)?;
    build_programs()?;
    let conditions = Conditions::now()?;
    let mut recorded = Figures::recorded()?;
    let table = table(arguments.runs, &mut recorded).await?;
    let figures = format!(
        "{}\n\n{TOKENS} tokens on {} pages, each response after {} ms:\n\n{table}",
        conditions.after(arguments.runs)?,
        TOKENS / PAGE_SIZE as usize,
        DELAY.as_millis(),
    );
    print!("{figures}");
    if arguments.write {
        write("listing", &figures)?;
        recorded.write()?;
    }
    Ok(())
}

async fn table(runs: usize, recorded: &mut Figures) -> Result<Table, Box<dyn Error>> {
    let mut table = Table::new([
        "platform",
        "one by one",
        "16 at a time",
        "times faster",
        "first token after",
    ]);
    for platform in Platform::WITH_PAGES {
        let simulated = Simulated::start(platform, TOKENS).await?.with_delay(DELAY);
        let mut pairs = Vec::new();
        for _ in 0..runs {
            let mut pair = Vec::new();
            for pages in [1, 16] {
                let work = Work::List {
                    tokens: TOKENS as u64,
                    page_size: Some(PAGE_SIZE),
                    max_concurrency: Some(pages),
                };
                pair.push(run_tokenfleet(&simulated.job(work)).await?);
            }
            pairs.push(pair);
        }
        let median =
            |figure: fn(&[Cost]) -> f64| Median::from_values(pairs.iter().map(|pair| figure(pair)));
        let first_token = median(|pair| pair[1].first_token.unwrap_or_default());
        let times = median(|pair| pair[0].wall / pair[1].wall).to_string();
        if platform == Platform::Losant {
            let figure = format!("{times} times as fast as one after another");
            recorded.set(Headline::SideBySide, figure);
        }
        table.add([
            platform.name().to_owned(),
            format!("{:.2} s", median(|pair| pair[0].wall).middle),
            format!("{:.2} s", median(|pair| pair[1].wall).middle),
            times,
            format!("{:.1} responses", first_token.middle / DELAY.as_secs_f64()),
        ]);
    }
    Ok(table)
}
