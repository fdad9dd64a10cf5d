//! Compares whole clients at the same simulated platforms by ratios within one run, and prints the
//! tables of `docs/PERFORMANCE.md`; with `--write` it writes them there.
//!
//! `cargo run --release -p tokenfleet-benches --bin compare`

use std::error::Error;
use std::fmt::Write;
use std::time::Duration;

use tokenfleet_benches::{
    Arguments, Chart, Client, Conditions, Contest, Figures, Goal, Headline, Job, Measure, Packages,
    Platform, Simulated, Starts, Work, build_programs, goals, write,
};

use Client::{
    Apypie, ApypieOnePage, ByHand, CloudsmithApi, Discard, LosantNpm, LosantPypi, Skip, Tokenfleet,
    TokenfleetPages,
};

/// The number of tokens of a long list.
const MANY: u64 = 100_000;

/// The number of tokens that are listed on small, slow pages.
const SOME: u64 = 2000;
const DELAY: Duration = Duration::from_millis(50);

/// The number of tokens that are created, read and deleted.
const LIVES: u64 = 1000;

/// The number of times that the only token of an account is listed and rotated.
const REFRESHES: u64 = 200;

/// Runs the clients and collects the text of the page.
struct Comparison {
    packages: Packages,
    starts: Starts,
    runs: usize,
    page: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::from_env(5)?;
    let packages = Packages::install()?;
    build_programs()?;
    let conditions = Conditions::now()?;
    let mut comparison = Comparison {
        starts: Starts::measure(&packages, arguments.runs).await?,
        packages,
        runs: arguments.runs,
        page: String::new(),
    };
    let mut reached = Vec::new();
    let mut recorded = Figures::recorded()?;
    for platform in [Platform::Losant, Platform::Foreman39] {
        let long = comparison.long_list(platform).await?;
        let slow = comparison.slow_list(platform).await?;
        if platform == Platform::Losant {
            let times = |measure| format!("{} times as much", long.best_official(measure));
            recorded.set(Headline::Processor, times(Measure::Processor));
            recorded.set(Headline::Memory, times(Measure::PeakMemory));
            recorded.draw(Chart::Clients, long.series(Measure::Processor));
        }
        reached.extend(goals(platform, &long, &slow));
    }
    for platform in [Platform::Losant, Platform::Foreman39] {
        comparison.lives(platform).await?;
    }
    comparison.refreshes().await?;
    let figures = format!(
        "{} {}.\n\n{}\nProcesses that do nothing:\n\n{}\n{}",
        conditions.after(arguments.runs)?,
        comparison.packages.versions()?,
        Goal::table(&reached),
        comparison.starts.table(),
        comparison.page,
    );
    print!("{figures}");
    if arguments.write {
        write("compare", figures.trim_end())?;
        recorded.write()?;
    }
    Ok(())
}

impl Comparison {
    /// Lists many tokens on the largest pages of the platform.
    async fn long_list(&mut self, platform: Platform) -> Result<Contest, Box<dyn Error>> {
        let simulated = Simulated::start(platform, MANY as usize).await?;
        let clients: &[_] = match platform {
            Platform::Losant => &[
                Tokenfleet,
                TokenfleetPages,
                LosantNpm,
                LosantPypi,
                ByHand,
                Skip,
                Discard,
            ],
            _ => &[Tokenfleet, Apypie, ApypieOnePage, ByHand, Skip, Discard],
        };
        let title = format!("{}: listing {MANY} tokens, 1,000 a page", platform.name());
        let job = |client, _| list(&simulated, client, MANY, 1000);
        self.run(&title, clients, &simulated, job).await
    }

    /// Lists tokens on small, slow pages.
    async fn slow_list(&mut self, platform: Platform) -> Result<Contest, Box<dyn Error>> {
        let simulated = Simulated::start(platform, SOME as usize)
            .await?
            .with_delay(DELAY);
        let clients: &[_] = match platform {
            Platform::Losant => &[Tokenfleet, LosantNpm, LosantPypi, ByHand],
            _ => &[Tokenfleet, Apypie, ByHand],
        };
        let title = format!(
            "{}: listing {SOME} tokens, 20 a page, each response after {} ms",
            platform.name(),
            DELAY.as_millis()
        );
        let job = |client, _| list(&simulated, client, SOME, 20);
        self.run(&title, clients, &simulated, job).await
    }

    /// Creates, reads and deletes tokens, sequentially and concurrently.
    async fn lives(&mut self, platform: Platform) -> Result<(), Box<dyn Error>> {
        let clients: &[_] = match platform {
            Platform::Losant => &[Tokenfleet, LosantNpm, LosantPypi],
            _ => &[Tokenfleet, Apypie],
        };
        for (at_a_time, how) in [(1, "one after another"), (16, "16 at a time")] {
            let simulated = Simulated::start(platform, 0).await?;
            let title = format!(
                "{}: creating, reading and deleting {LIVES} tokens, {how}",
                platform.name()
            );
            let job = |_, names| {
                let tokens = LIVES;
                simulated.job(Work::Live {
                    tokens,
                    at_a_time,
                    names,
                })
            };
            self.run(&title, clients, &simulated, job).await?;
        }
        Ok(())
    }

    /// Lists and rotates the only token of an account.
    async fn refreshes(&mut self) -> Result<(), Box<dyn Error>> {
        let simulated = Simulated::start(Platform::Cloudsmith, 1).await?;
        let title = format!("Cloudsmith: listing and refreshing the only token, {REFRESHES} times");
        let job = |_, _| simulated.job(Work::Refresh { times: REFRESHES });
        let clients = [Tokenfleet, CloudsmithApi];
        self.run(&title, &clients, &simulated, job).await?;
        Ok(())
    }

    async fn run(
        &mut self,
        title: &str,
        clients: &[Client],
        simulated: &Simulated,
        job: impl Fn(Client, String) -> Job,
    ) -> Result<Contest, Box<dyn Error>> {
        eprintln!("{title}");
        let start = |client| self.starts.processor_time(client);
        let contest =
            Contest::run(clients, &self.packages, self.runs, simulated, start, job).await?;
        write!(self.page, "{title}:\n\n{}\n", contest.table())?;
        Ok(contest)
    }
}

fn list(simulated: &Simulated, client: Client, tokens: u64, page_size: u32) -> Job {
    simulated.job(Work::List {
        tokens,
        page_size: (client == client.ignoring_page_size()).then_some(page_size),
        max_concurrency: None,
    })
}
