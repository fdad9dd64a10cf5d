//! Compares listings of whole client processes, by ratios in one run.
//!
//! `cargo build --release -p tokenfleet-benches && cargo run --release -p tokenfleet-benches --bin listing`

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use tokenfleet_benches::{Cost, Job, Platform, median};
use tokenfleet_simulators::{Action, Fault, Server};

const RUNS: usize = 5;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    latency().await?;
    memory().await
}

/// One page after another against several at a time, over 100 pages and 50 ms.
async fn latency() -> Result<(), Box<dyn Error>> {
    println!(
        "2,000 tokens on 100 pages, each answer after 50 ms; {RUNS} runs of each, one after the other"
    );
    println!(
        "{:12}{:>12}{:>14}{:>9}{:>9}{:>15}",
        "platform", "one by one", "side by side", "ratio", "spread", "first token"
    );
    for platform in Platform::ALL {
        let (server, mut job) = serve(platform, 2000).await?;
        let delay = Action::DelayAnswer(Duration::from_millis(50));
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
            first.push(cost[1].first_token.as_secs_f64());
        }
        let (ratio, spread) = median(ratios);
        println!(
            "{:12}{:>10.2} s{:>12.2} s{ratio:>9.1}{spread:>9.1}{:>12.0} ms",
            format!("{platform:?}"),
            median(alone).0,
            median(together).0,
            median(first).0 * 1e3,
        );
    }
    Ok(())
}

/// What a process holds at the most that streams so many tokens.
async fn memory() -> Result<(), Box<dyn Error>> {
    println!("\npeak memory of a process that streams so many tokens");
    println!(
        "{:12}{:>12}{:>12}{:>12}{:>12}{:>12}",
        "platform", "tokens", "peak", "above", "wall", "processor"
    );
    for platform in Platform::ALL {
        let mut least = None;
        for tokens in [10_000, 100_000, 1_000_000] {
            let (_server, job) = serve(platform, tokens).await?;
            let cost = spawn(&job).await?;
            let least = *least.get_or_insert(cost.peak_memory);
            println!(
                "{:12}{:>12}{:>8.1} MiB{:>8.1} MiB{:>10.2} s{:>10.2} s",
                format!("{platform:?}"),
                cost.tokens,
                cost.peak_memory as f64 / 1024.0,
                cost.peak_memory.saturating_sub(least) as f64 / 1024.0,
                cost.wall.as_secs_f64(),
                cost.processor.as_secs_f64(),
            );
        }
    }
    Ok(())
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
