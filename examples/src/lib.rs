//! What the examples share: accounts to try things on, without an account anywhere, and how an example ends.

use std::process::ExitCode;

use tokenfleet::config::Setting;
use tokenfleet::{
    AccountConfiguration, Configuration, Credential, Error, Registry, Result, Secret,
};
use tokenfleet_simulators::{Server, build};

/// Accounts of a `tokenfleet.toml`, or at simulators in this process.
#[derive(Debug)]
pub struct Accounts {
    /// The accounts.
    pub configuration: Configuration,
    /// Keeps the simulators running.
    pub servers: Vec<Server>,
}

/// The end of an example: an error is shown as people read it, on one line.
pub fn end(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The accounts of the configuration file that the command line names; without one, an account at a simulator of every
/// platform whose feature is on.
///
/// # Errors
///
/// When the file cannot be read, or a simulator cannot start.
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
        let (server, account) = simulated(provider).await?;
        servers.push(server);
        accounts.push(account);
    }
    Ok(Accounts {
        configuration: accounts.into_iter().collect(),
        servers,
    })
}

/// A simulator of that platform on a loopback port, and an account at it.
async fn simulated(provider: &str) -> Result<(Server, AccountConfiguration)> {
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
    let mut account =
        AccountConfiguration::new(provider, provider).with("base_url", Setting::Text(server.url()));
    if provider == "cloudsmith" {
        account = account.with("accept_lockout", Setting::Boolean(true));
    }
    for (key, value) in server.simulator().credentials() {
        let setting = match key.as_str() {
            "token" | "api_key" | "password" => {
                Setting::Credential(Credential::from_secret(Secret::new(value)))
            }
            _ => Setting::Text(value),
        };
        account = account.with(key, setting);
    }
    Ok((server, account))
}
