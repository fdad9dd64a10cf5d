//! Measures how much of what platforms allow is used by workers that carry a plan of revocations
//! out, and prints the table of `docs/PERFORMANCE.md`; with `--write` it writes it there.
//!
//! `cargo run --release -p tokenfleet-benches --bin rates`
//!
//! The number of accounts is 200, or what `ACCOUNTS` says. The program is the one beside this one,
//! or `PROGRAM`.

use std::env;
use std::error::Error;
use std::time::Duration;

use tokenfleet_benches::{
    Arguments, Conditions, Fleet, Rate, RateLimited, Table, Use, Workers, measured_program, write,
};
use tokenfleet_simulators::{Server, Simulator};

/// The rate of each account: three requests a second.
const RATE: Rate = Rate {
    requests: 180,
    period: Duration::from_secs(60),
};

/// The periods that are measured.
const PERIODS: u32 = 2;

/// The tokens of an account, more than can be revoked meanwhile: each takes a request that reads it
/// and one that deletes it.
const TOKENS: usize = 200;

const WORKERS: usize = 16;

/// The time within which the accounts have begun.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::from_env(1)?;
    let accounts: usize = env::var("ACCOUNTS").map_or(Ok(200), |count| count.parse())?;
    let program = measured_program()?;
    let conditions = Conditions::now()?;
    let (mut text, mut variables) = (String::new(), Vec::new());
    let (mut platforms, mut servers) = (Vec::new(), Vec::new());
    for number in 0..accounts {
        let options = [format!("tokens={TOKENS}"), format!("seed={number}")];
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        let platform = RateLimited::new(tokenfleet_simulators::build("losant", &options)?, RATE);
        platform.log().keep_last(0);
        variables.push((
            format!("TOKEN_{number}"),
            platform.credentials()["token"].clone(),
        ));
        let server = Server::start_shared(platform.to_arc(), "127.0.0.1:0").await?;
        text += &format!(
            "[accounts.number-{number}]\nprovider = 'losant'\nbase_url = '{}'\n\
             token = {{ env = 'TOKEN_{number}' }}\n",
            server.url()
        );
        platforms.push(platform);
        servers.push(server);
    }
    let Some(fleet) = Fleet::new(&program, &text, variables).await? else {
        return Ok(());
    };
    // What is waited for here blocks a thread of the runtime, and the platforms need the others.
    let plan = tokio::task::block_in_place(|| fleet.print(&["plan"], "plan.txt"))?;
    let plan = plan.to_string_lossy();
    let open = [
        "revoke",
        "--by-workers",
        "--no-wait",
        "--yes",
        "--plan",
        &plan,
    ];
    tokio::task::block_in_place(|| fleet.print(&open, "opened.txt"))?;
    platforms.iter().for_each(RateLimited::begin);
    let mut workers = Workers::default();
    for _ in 0..WORKERS {
        workers.0.push(fleet.start(&["worker"])?);
    }
    let uses = || platforms.iter().map(|platform| platform.of_first(PERIODS));
    let waiting = async {
        while !uses().all(|of_account| of_account.is_over) {
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    let longest = PATIENCE + RATE.period * PERIODS;
    tokio::time::timeout(longest, waiting)
        .await
        .map_err(|_| "some account was never begun")?;
    let table = table(&uses().collect::<Vec<_>>());
    let figures = format!(
        "{}\n\n{WORKERS} workers, {accounts} accounts, {} requests in each {} s, over {} s:\n\n{table}\n",
        conditions.after(1)?,
        RATE.requests,
        RATE.period.as_secs(),
        (RATE.period * PERIODS).as_secs(),
    );
    print!("{figures}");
    if arguments.write {
        write("rates", &figures)?;
    }
    Ok(())
}

fn table(uses: &[Use]) -> Table {
    let allowed = f64::from(RATE.requests * PERIODS);
    let shares = uses
        .iter()
        .map(|of_account| f64::from(of_account.allowed) / allowed);
    let refused: u32 = uses.iter().map(|of_account| of_account.refused).sum();
    let sum: f64 = shares.clone().sum();
    let mut table = Table::new(["of what the platforms allow", "goal", "measured"]);
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let count = uses.len() as f64;
    table.add([
        "used by all accounts together".to_owned(),
        "≥ 95 %".to_owned(),
        percent(sum / count),
    ]);
    table.add([
        "used by the account that used least".to_owned(),
        "none starves".to_owned(),
        percent(shares.fold(f64::INFINITY, f64::min)),
    ]);
    table.add([
        "requested beyond it, and refused".to_owned(),
        "≤ 1 %".to_owned(),
        percent(f64::from(refused) / (allowed * count)),
    ]);
    table
}
