//! Measures lists of many sizes, each in a process of its own, and prints the tables of
//! `docs/PERFORMANCE.md`; with `--write` it writes them there.
//!
//! `cargo run --release -p tokenfleet-benches --bin scaling`

use std::error::Error;

use tokenfleet_benches::{
    Arguments, Chart, Conditions, Cost, Figures, Headline, Job, Median, Platform, Simulated, Table,
    Work, build_programs, run_tokenfleet, write,
};

/// The numbers of tokens of an account.
const TOKENS: [u64; 4] = [1000, 10_000, 100_000, 1_000_000];

/// The numbers of accounts of an inventory.
const ACCOUNTS: [u64; 5] = [1, 10, 100, 1000, 10_000];
/// The number of tokens of each account.
const TOKENS_EACH: usize = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::from_env(5)?;
    build_programs()?;
    let conditions = Conditions::now()?;
    let mut recorded = Figures::recorded()?;
    let (tokens, accounts) = (
        tokens(arguments.runs, &mut recorded).await?,
        accounts(arguments.runs).await?,
    );
    let figures = format!(
        "{}\n\nTokens of one account, streamed:\n\n{tokens}\n\
         Accounts of {TOKENS_EACH} tokens each, in one inventory at Losant:\n\n{accounts}",
        conditions.after(arguments.runs)?,
    );
    print!("{figures}");
    if arguments.write {
        write("scaling", &figures)?;
        recorded.write()?;
    }
    Ok(())
}

async fn tokens(runs: usize, recorded: &mut Figures) -> Result<Table, Box<dyn Error>> {
    let mut table = Table::new(HEADINGS);
    for platform in Platform::WITH_PAGES {
        let mut simulated = Vec::new();
        for tokens in TOKENS {
            simulated.push(Simulated::start(platform, tokens as usize).await?);
        }
        let job = |(simulated, tokens): (&Simulated, u64)| {
            simulated.job(Work::List {
                tokens,
                page_size: None,
                max_concurrency: None,
            })
        };
        let jobs = Vec::from_iter(simulated.iter().zip(TOKENS).map(job));
        let sizes = Sizes::measure(&jobs, &TOKENS, runs).await?;
        if platform == Platform::Losant {
            let memory = sizes.medians(mebibytes);
            if let Some(most) = memory.last() {
                recorded.set(Headline::Million, format!("{most:.1} MiB"));
            }
            let label = |tokens| format!("{tokens} tokens");
            let series = TOKENS.into_iter().map(label).zip(memory);
            recorded.draw(Chart::Growth, series.collect());
        }
        sizes.add_to(&mut table, platform.name());
    }
    Ok(table)
}

async fn accounts(runs: usize) -> Result<Table, Box<dyn Error>> {
    let mut table = Table::new(HEADINGS);
    let simulated = Simulated::start(Platform::Losant, TOKENS_EACH).await?;
    let job = |accounts| simulated.job(Work::Inventory { accounts });
    let sizes = Sizes::measure(&ACCOUNTS.map(job), &ACCOUNTS, runs).await?;
    sizes.add_to(&mut table, "accounts");
    Ok(table)
}

/// The columns; the rows are the sizes, the slope of all sizes, and that of the last two.
const HEADINGS: [&str; 5] = ["of", "number", "wall", "processor", "peak memory"];

/// The cost of each size, run by run.
struct Sizes<'a> {
    sizes: &'a [u64],
    runs: Vec<Vec<Cost>>,
}

impl<'a> Sizes<'a> {
    async fn measure(jobs: &[Job], sizes: &'a [u64], runs: usize) -> Result<Self, Box<dyn Error>> {
        let mut measured = Vec::new();
        for _ in 0..runs {
            let mut costs = Vec::new();
            for job in jobs {
                costs.push(run_tokenfleet(job).await?);
            }
            measured.push(costs);
        }
        Ok(Self {
            sizes,
            runs: measured,
        })
    }

    /// Returns the median of each size.
    fn medians(&self, figure: fn(&Cost) -> f64) -> Vec<f64> {
        let median = |place: usize| {
            Median::from_values(self.runs.iter().map(|run| figure(&run[place]))).middle
        };
        (0..self.sizes.len()).map(median).collect()
    }

    fn add_to(&self, table: &mut Table, what: &str) {
        for (place, size) in self.sizes.iter().enumerate() {
            let median = |figure: fn(&Cost) -> f64| {
                Median::from_values(self.runs.iter().map(|run| figure(&run[place])))
            };
            let seconds =
                |figure: Median| format!("{:.3} s ± {:.3} s", figure.middle, figure.spread);
            let memory = median(mebibytes);
            table.add([
                what.to_owned(),
                size.to_string(),
                seconds(median(|cost| cost.wall)),
                seconds(median(|cost| cost.processor)),
                format!("{:.1} MiB ± {:.1} MiB", memory.middle, memory.spread),
            ]);
        }
        for (name, from) in [("slope", 0), ("slope at the end", self.sizes.len() - 2)] {
            table.add([
                what.to_owned(),
                name.to_owned(),
                self.slope(from, |cost| cost.wall).to_string(),
                self.slope(from, |cost| cost.processor).to_string(),
                self.slope(from, mebibytes).to_string(),
            ]);
        }
    }

    /// Returns the slope of the regression line of the logarithms, from the size at that index on:
    /// 0 if the cost is constant, 1 if it is linear.
    fn slope(&self, from: usize, figure: fn(&Cost) -> f64) -> Median {
        Median::from_values(self.runs.iter().map(|run| {
            let points = self.sizes.iter().zip(run).skip(from);
            slope(points.map(|(size, cost)| ((*size as f64).ln(), figure(cost).ln())))
        }))
    }
}

fn mebibytes(cost: &Cost) -> f64 {
    cost.peak_memory as f64 / 1024.0
}

/// Returns the slope of the regression line, by least squares.
fn slope(points: impl Iterator<Item = (f64, f64)>) -> f64 {
    let points = Vec::from_iter(points);
    let mean =
        |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let (middle_x, middle_y) = (mean(|point| point.0), mean(|point| point.1));
    let covariances = points.iter().map(|(x, y)| (x - middle_x) * (y - middle_y));
    let variances = points.iter().map(|(x, _)| (x - middle_x).powi(2));
    covariances.sum::<f64>() / variances.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_a_power_is_its_exponent() {
        for exponent in [0.0, 0.5, 1.0, 2.0] {
            let points =
                [1.0, 10.0, 1000.0_f64].map(|size| (size.ln(), (3.0 * size.powf(exponent)).ln()));
            assert!(
                (slope(points.into_iter()) - exponent).abs() < 1e-9,
                "{exponent}"
            );
        }
    }
}
