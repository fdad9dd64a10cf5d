//! The four platforms, simulated in this process.

use std::fmt::Display;

use tokenfleet::config::{Setting, cause_text};
use tokenfleet::{AccountConfiguration, Configuration, Error, ErrorKind, Fate, Result, Secret};
use tokenfleet_simulators::{Server, StartError};

/// The platforms in the order of their accounts, and the number of tokens each starts with.
const PLATFORMS: [(&str, &str); 4] = [
    ("losant", "12"),
    ("foreman", "8"),
    ("cloudsmith", "1"),
    ("mindbody", "3"),
];

/// A loopback address whose port the system chooses.
const LOOPBACK: &str = "127.0.0.1:0";

/// The servers behind the simulated accounts, which stop when this is dropped.
pub(crate) struct Simulation {
    _servers: Vec<Server>,
}

impl Simulation {
    /// Starts all four on loopback ports, each with an account named like the platform.
    pub(crate) async fn start() -> Result<(Self, Configuration)> {
        let mut servers = Vec::new();
        let mut accounts = Vec::new();
        for (provider, tokens) in PLATFORMS {
            let options = [format!("tokens={tokens}"), "seed=1".to_owned()];
            let options: Vec<_> = options.iter().map(String::as_str).collect();
            let simulator = tokenfleet_simulators::build(provider, &options)
                .map_err(|error| Error::configuration(error.to_string()))?;
            let server = Server::start_shared(simulator, LOOPBACK)
                .await
                .map_err(|error| start_error(error, LOOPBACK))?;
            accounts.push(account(&server));
            servers.push(server);
        }
        let simulation = Self { _servers: servers };
        Ok((simulation, accounts.into_iter().collect()))
    }
}

/// Returns the account that a simulator accepts.
fn account(server: &Server) -> AccountConfiguration {
    let provider = server.simulator().provider();
    let mut account = AccountConfiguration::new(provider, provider).with("base_url", server.url());
    if needs_lockout_accepted(provider) {
        account = account.with("accept_lockout", true);
    }
    let credentials = server.simulator().credentials();
    credentials
        .into_iter()
        .fold(account, |account, (key, value)| {
            let setting = if is_secret(&key) {
                Secret::new(value).into()
            } else {
                Setting::from(value)
            };
            account.with(key, setting)
        })
}

/// Returns `true` if the only key of an account is the one that it authenticates with, which may be
/// replaced here.
pub(crate) fn needs_lockout_accepted(provider: &str) -> bool {
    provider == "cloudsmith"
}

/// Returns `true` for a setting that is a credential.
pub(crate) fn is_secret(key: &str) -> bool {
    matches!(key, "token" | "api_key" | "password")
}

/// Converts the reason why a server did not start.
pub(crate) fn start_error(error: StartError, address: impl Display) -> Error {
    match &error {
        StartError::NotLoopback(_) => Error::invalid_input(error.to_string()),
        StartError::Io(cause) => {
            let message = format!(
                "the simulator cannot listen on {address} ({})",
                cause_text(cause)
            );
            Error::new(ErrorKind::Other, Fate::NotSent, message).with_source(error)
        }
        _ => Error::new(ErrorKind::Other, Fate::NotSent, error.to_string()),
    }
}
