//! Compares listings of whole client processes, by ratios in one run, and prints the tables of `docs/PERFORMANCE.md`;
//! with `--write` it writes them there.
//!
//! `cargo build --release -p tokenfleet-benches && cargo run --release -p tokenfleet-benches --bin listing`

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use tokenfleet_benches::{Cost, Job, Platform, Table, load, machine, median, write};
use tokenfleet_simulators::{Action, Fault, Server};

const RUNS: usize = 5;

/// How long each answer takes where pages are counted.
const DELAY: Duration = Duration::from_millis(50);

/// How many tokens are streamed where memory is measured.
const STREAMED: [usize; 3] = [10_000, 100_000, 1_000_000];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (machine, before) = (machine()?, load()?);
    let (latency, memory) = (latency().await?, memory().await?);
    let tables = format!(
        "{RUNS} runs on {machine}, load {before} before and {} after; medians, and how far the farthest run is from \
         its median.\n\n\
         2,000 tokens on 100 pages, each answer after {} ms:\n\n{latency}\n\
         Streams of so many tokens, beside the first one of the same run:\n\n{memory}",
        load()?,
        DELAY.as_millis(),
    );
    print!("{tables}");
    match std::env::args().any(|argument| argument == "--write") {
        true => Ok(write("listing", &tables)?),
        false => Ok(()),
    }
}

/// One page after another against several at a time.
async fn latency() -> Result<Table, Box<dyn Error>> {
    let mut table = Table::of([
        "platform",
        "one by one",
        "16 at a time",
        "times faster",
        "spread",
        "first token after",
    ]);
    for platform in Platform::ALL {
        let (server, mut job) = serve(platform, 2000).await?;
        let delay = Action::DelayAnswer(DELAY);
        server.simulator().faults().add(Fault::new(delay).always());
        job.page_size = Some(20);
        let (mut alone, mut together, mut ratios, mut first) = (vec![], vec![], vec![], vec![]);
        for _ in 0..RUNS {
            let mut cost = Vec::new();
            for pages in [1, 16] {
                job.pages_at_a_time = Some(pages);
                cost.push(spawn(&job).await?);
            }
            let (one, many) = (cost[0].wall.as_secs_f64(), cost[1].wall.as_secs_f64());
            alone.push(one);
            together.push(many);
            ratios.push(one / many);
            first.push(cost[1].first_token.as_secs_f64() / DELAY.as_secs_f64());
        }
        let (ratio, spread) = median(ratios);
        table.add([
            platform.name().to_owned(),
            format!("{:.2} s", median(alone).0),
            format!("{:.2} s", median(together).0),
            format!("{ratio:.1}"),
            format!("± {spread:.1}"),
            format!("{:.1} answers", median(first).0),
        ]);
    }
    Ok(table)
}

/// What a process holds at the most that streams so many tokens, and what each of them costs.
async fn memory() -> Result<Table, Box<dyn Error>> {
    let mut table = Table::of([
        "platform",
        "tokens",
        "peak memory",
        "times as much",
        "spread",
        "processor time per token, times as much",
        "spread",
    ]);
    for platform in Platform::ALL {
        let mut jobs = Vec::new();
        for tokens in STREAMED {
            jobs.push(serve(platform, tokens).await?);
        }
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            let mut run = Vec::new();
            for (_server, job) in &jobs {
                run.push(spawn(job).await?);
            }
            runs.push(run);
        }
        for (place, tokens) in STREAMED.into_iter().enumerate() {
            let of_each = |of: fn(&Cost) -> f64| median(runs.iter().map(|run| of(&run[place])));
            let beside_first =
                |of: fn(&Cost) -> f64| median(runs.iter().map(|run| of(&run[place]) / of(&run[0])));
            let peak = |cost: &Cost| cost.peak_memory as f64;
            let per_token = |cost: &Cost| cost.processor.as_secs_f64() / cost.tokens as f64;
            let (held, held_spread) = beside_first(peak);
            let (worked, worked_spread) = beside_first(per_token);
            table.add([
                platform.name().to_owned(),
                tokens.to_string(),
                format!("{:.1} MiB", of_each(peak).0 / 1024.0),
                format!("{held:.2}"),
                format!("± {held_spread:.2}"),
                format!("{worked:.2}"),
                format!("± {worked_spread:.2}"),
            ]);
        }
    }
    Ok(table)
}

/// A simulator of that platform on a port, and the job of listing it.
async fn serve(platform: Platform, tokens: usize) -> Result<(Server, Job), Box<dyn Error>> {
    let (name, options) = platform.simulator();
    let tokens = format!("tokens={tokens}");
    let options: Vec<_> = options.iter().copied().chain([tokens.as_str()]).collect();
    let simulator = tokenfleet_simulators::build(name, &options)?;
    let credentials = simulator.credentials();
    let server = Server::start_shared(simulator, "127.0.0.1:0").await?;
    let job = Job {
        platform,
        url: server.url(),
        credentials,
        page_size: None,
        pages_at_a_time: None,
    };
    Ok((server, job))
}

/// Runs a client beside this process.
async fn spawn(job: &Job) -> Result<Cost, Box<dyn Error>> {
    let client: PathBuf = std::env::current_exe()?.with_file_name("client");
    let output = tokio::process::Command::new(client)
        .arg(serde_json::to_string(job)?)
        .output()
        .await?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let cost: Cost = serde_json::from_slice(&output.stdout)?;
    if !cost.complete {
        return Err("the listing was not complete".into());
    }
    Ok(cost)
}
