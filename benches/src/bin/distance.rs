//! Compares clients at a distance, over TLS, and prints the table of `docs/PERFORMANCE.md`; with
//! `--write` it writes it there.
//!
//! `cargo run --release -p tokenfleet-benches --bin distance`

use std::error::Error;
use std::time::Duration;

use tokenfleet_benches::{
    Arguments, Chart, Client, Conditions, Cost, Distance, Figures, Headline, Median, Packages,
    Platform, Simulated, Table, Traffic, Work, build_programs, write,
};

const ROUND_TRIP: Duration = Duration::from_millis(50);

/// The tokens of the longest list.
const MANY: usize = 2_000;

/// The tokens of each list, and whether the platform compresses its responses.
const LISTS: [(usize, bool); 4] = [(1, false), (100, false), (MANY, false), (MANY, true)];

/// The page size of the clients that read one page after another, which is the largest that the
/// vendor's own tools ask for.
const PAGE_SIZE: u32 = 1_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::from_env(5)?;
    build_programs()?;
    let packages = Packages::install()?;
    let conditions = Conditions::now()?;
    let mut tables = String::new();
    let mut recorded = Figures::recorded()?;
    let losant = [
        Client::TokenfleetPages,
        Client::ByHand,
        Client::LosantNpm,
        Client::LosantPypi,
    ];
    let foreman = [Client::TokenfleetPages, Client::ByHand, Client::Apypie];
    for (platform, clients) in [
        (Platform::Losant, &losant[..]),
        (Platform::Foreman39, &foreman),
    ] {
        for (tokens, is_compressed) in LISTS {
            let simulated = if is_compressed {
                Simulated::start_compressed(platform, tokens).await?
            } else {
                Simulated::start(platform, tokens).await?
            };
            let contest = contest(&simulated, tokens, clients, &packages, arguments.runs).await?;
            if platform == Platform::Losant && tokens == MANY {
                record(&mut recorded, &contest, is_compressed);
            }
            let table = rows(&contest, tokens);
            let name = platform.name();
            let noun = if tokens == 1 { "token" } else { "tokens" };
            let how = if is_compressed {
                ", where the platform compresses"
            } else {
                ""
            };
            tables.push_str(&format!("\n\n{name}, {tokens} {noun}{how}:\n\n{table}"));
        }
    }
    let figures = format!(
        "{}\n\nRound trips of {} ms:{tables}",
        conditions.after(arguments.runs)?,
        ROUND_TRIP.as_millis(),
    );
    print!("{figures}");
    if arguments.write {
        write("distance", &figures)?;
        recorded.write()?;
    }
    Ok(())
}

/// The costs of clients that took turns, with what went over the network.
type Contest = Vec<(Client, Vec<(Cost, Traffic)>)>;

async fn contest(
    simulated: &Simulated,
    tokens: usize,
    clients: &[Client],
    packages: &Packages,
    runs: usize,
) -> Result<Contest, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let distance = Distance::start(simulated.address(), ROUND_TRIP, directory.path()).await?;
    let mut entries = Vec::from_iter(clients.iter().map(|client| (*client, Vec::new())));
    // The first process of each fills the caches that later ones use.
    for run in 0..=runs {
        for (client, costs) in &mut entries {
            let work = Work::List {
                tokens: tokens as u64,
                page_size: (*client != Client::TokenfleetPages).then_some(PAGE_SIZE),
                max_concurrency: None,
            };
            let before = simulated.requests();
            distance.take_traffic();
            let mut cost = client
                .run(packages, &simulated.job_at(&distance, work))
                .await?;
            cost.requests = simulated.requests() - before;
            if run > 0 {
                costs.push((cost, distance.take_traffic()));
            }
        }
    }
    Ok(entries)
}

fn median(costs: &[(Cost, Traffic)], figure: fn(&(Cost, Traffic)) -> f64) -> f64 {
    Median::from_values(costs.iter().map(figure)).middle
}

/// Records what matters of the longest list.
fn record(recorded: &mut Figures, entries: &Contest, is_compressed: bool) {
    let ours = &entries[0].1;
    if is_compressed {
        let bytes = median(ours, |(_, traffic)| traffic.received as f64) / MANY as f64;
        recorded.set(Headline::Bytes, format!("{bytes:.0}"));
        return;
    }
    let official = entries.iter().filter(|(client, _)| client.is_official());
    let official = Vec::from_iter(official.map(|(_, costs)| costs));
    let times = Median::from_values(ours.iter().enumerate().map(|(run, (our, _))| {
        let theirs = official.iter().map(|costs| costs[run].0.wall);
        theirs.fold(f64::INFINITY, f64::min) / our.wall
    }));
    recorded.set(Headline::Distance, format!("{times} times as long"));
    let requests = median(ours, |(cost, _)| cost.requests as f64);
    let connections = median(ours, |(_, traffic)| traffic.connections as f64);
    recorded.set(Headline::Requests, format!("{requests} and {connections}"));
    let series = entries.iter().map(|(client, costs)| {
        let wall = median(costs, |(cost, _)| cost.wall);
        (client.name().to_owned(), wall)
    });
    recorded.draw(Chart::Distance, series.collect());
}

fn rows(entries: &Contest, tokens: usize) -> Table {
    let mut table = Table::new([
        "client",
        "requests",
        "connections",
        "full handshakes",
        "bytes a token",
        "wall",
        "round trips",
    ]);
    let first = &entries[0].1;
    for (client, costs) in entries {
        let wall = median(costs, |(cost, _)| cost.wall);
        let ratios = costs.iter().zip(first);
        let times = Median::from_values(ratios.map(|((their, _), (our, _))| their.wall / our.wall));
        let wall_cell = if *client == entries[0].0 {
            format!("{wall:.3} s")
        } else {
            format!("{wall:.3} s, × {times}")
        };
        table.add([
            client.name().to_owned(),
            median(costs, |(cost, _)| cost.requests as f64).to_string(),
            median(costs, |(_, traffic)| traffic.connections as f64).to_string(),
            median(costs, |(_, traffic)| traffic.handshakes as f64).to_string(),
            format!(
                "{:.0}",
                median(costs, |(_, traffic)| traffic.received as f64) / tokens as f64
            ),
            wall_cell,
            format!("{:.1}", wall / ROUND_TRIP.as_secs_f64()),
        ]);
    }
    table
}
