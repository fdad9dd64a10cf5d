//! Accounts for the examples to run against, simulated by default, their exit code, and a provider.

mod directory;

use std::process::ExitCode;

use tokenfleet::config::Setting;
use tokenfleet::{AccountConfiguration, Configuration, Error, Registry, Result, Secret};
use tokenfleet_simulators::{Server, build};

pub use directory::Directory;

/// Accounts from a `tokenfleet.toml`, or accounts of simulators that run in this process.
#[derive(Debug)]
pub struct Accounts {
    /// The configuration of the accounts.
    pub configuration: Configuration,
    /// The simulators, which stop when this value is dropped.
    pub servers: Vec<Server>,
}

/// Returns the exit code of an example. An error is printed on one line.
pub fn exit_code(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the accounts from the configuration file named on the command line. Without one, starts a
/// simulator for each enabled platform and returns an account of each.
///
/// # Errors
///
/// Fails if the file cannot be read or a simulator cannot start.
pub async fn accounts() -> Result<Accounts> {
    if let Some(path) = std::env::args().nth(1) {
        return Ok(Accounts {
            configuration: Configuration::read(path)?,
            servers: Vec::new(),
        });
    }
    let mut servers = Vec::new();
    let mut accounts = Vec::new();
    for provider in Registry::with_builtin().names() {
        let (server, account) = start_simulator(provider).await?;
        servers.push(server);
        accounts.push(account);
    }
    Ok(Accounts {
        configuration: accounts.into_iter().collect(),
        servers,
    })
}

/// Starts a simulator of a platform on a loopback port and returns it with an account of it.
async fn start_simulator(provider: &str) -> Result<(Server, AccountConfiguration)> {
    let tokens = if provider == "cloudsmith" {
        "tokens=1"
    } else {
        "tokens=5"
    };
    let failed =
        |error: String| Error::configuration("a simulator cannot start").with_advice(error);
    let simulator = build(provider, &[tokens]).map_err(|error| failed(error.to_string()))?;
    let server = Server::start_shared(simulator, "127.0.0.1:0")
        .await
        .map_err(|error| failed(error.to_string()))?;
    let mut account = AccountConfiguration::new(provider, provider).with("base_url", server.url());
    if provider == "cloudsmith" {
        account = account.with("accept_lockout", true);
    }
    for (key, value) in server.simulator().credentials() {
        let setting = match key.as_str() {
            "token" | "api_key" | "password" => Secret::new(value).into(),
            _ => Setting::from(value),
        };
        account = account.with(key, setting);
    }
    Ok((server, account))
}
