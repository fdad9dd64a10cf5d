//! `simulate`: the platforms as local servers, for tests and for a first look.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokenfleet::config::did_you_mean;
use tokenfleet::{Error, Result};
use tokenfleet_simulators::{Action, Credentials, Fault, Server, Simulator, StartError};

use super::simulated_configuration::SimulatedConfiguration;
use crate::arguments::{GlobalArguments, SimulateArguments};
use crate::exit::{Exit, Failure};
use crate::output::print_warning;
use crate::signal::stop_requested;
use crate::simulation::start_error;

const ALL: &str = "all";

/// The platform that holds at most one token.
const SINGLE_TOKEN: &str = "cloudsmith";

#[derive(Serialize)]
struct ServerObject<'a> {
    provider: &'a str,
    url: String,
    control: String,
    credentials: Credentials,
}

/// The number of tokens without `--tokens`.
const DEFAULT_TOKENS: u64 = 20;

pub(crate) async fn run(
    global: &GlobalArguments,
    arguments: &SimulateArguments,
) -> Result<Exit, Failure> {
    // There is no account, and only one format.
    super::reject_options(
        "simulate",
        &[
            ("--config", global.config.is_some()),
            ("--account", !global.accounts.is_empty()),
            ("--provider", !global.providers.is_empty()),
            ("--tag", !global.tags.is_empty()),
            ("--simulate", global.simulate),
            ("--output", global.output.is_some()),
            ("--verbose", global.verbose > 0),
        ],
    )?;
    let providers = providers(&arguments.provider)?;
    check_options(arguments, &providers)?;
    let mut servers = Vec::new();
    for (provider, offset) in providers.iter().zip(0_u16..) {
        let simulator = build(arguments, provider)?;
        let mut address: SocketAddr = arguments.listen;
        if address.port() != 0 {
            address.set_port(address.port().checked_add(offset).ok_or_else(|| {
                Error::invalid_input(format!(
                    "{} servers do not fit between port {} and the last port, 65535",
                    providers.len(),
                    address.port()
                ))
            })?);
        }
        servers.push(start(arguments, simulator, address).await?);
    }
    let configuration = arguments.write_config.as_deref();
    let configuration = configuration.map(|path| SimulatedConfiguration::write(path, &servers));
    // It is there before anybody reads that the servers are.
    let _configuration = configuration.transpose()?;
    for server in &servers {
        announce(server)?;
    }
    until_stopped().await?;
    for server in servers {
        server.stop().await;
    }
    Ok(Exit::Success)
}

async fn start(
    arguments: &SimulateArguments,
    simulator: Arc<dyn Simulator>,
    address: SocketAddr,
) -> Result<Server> {
    let started = if arguments.expose_to_network {
        Server::start_on_any_address(simulator, address).await
    } else {
        Server::start_shared(simulator, address).await
    };
    let server = started.map_err(|error| match error {
        StartError::NotLoopback(_) => start_error(error, address)
            .with_advice("pass --expose-to-network to listen there anyway"),
        other => start_error(other, address),
    })?;
    if !server.address().ip().is_loopback() {
        warn_about_exposure(&server);
    }
    Ok(server)
}

fn warn_about_exposure(server: &Server) {
    let address = server.address();
    print_warning(&format!(
        "anyone who can reach {address} can read and change every simulated token"
    ));
}

fn providers(name: &str) -> Result<Vec<&'static str>> {
    let known: Vec<_> = tokenfleet_simulators::providers().collect();
    if name == ALL {
        return Ok(known);
    }
    match known.iter().find(|provider| **provider == name) {
        Some(provider) => Ok(vec![provider]),
        None => {
            let words: Vec<_> = known.into_iter().chain([ALL]).collect();
            Err(Error::invalid_input(format!("unknown provider `{name}`"))
                .with_advice(did_you_mean(name, &words)))
        }
    }
}

/// Rejects an option that none of the chosen simulators has.
fn check_options(arguments: &SimulateArguments, providers: &[&str]) -> Result<()> {
    let keys: Vec<_> = providers
        .iter()
        .flat_map(|provider| keys(provider))
        .copied()
        .collect();
    for option in &arguments.options {
        let Some((key, _)) = option.split_once('=') else {
            return Err(Error::invalid_input(
                "--option must have the form KEY=VALUE",
            ));
        };
        if !keys.contains(&key) {
            return Err(
                Error::invalid_input(format!("unknown simulator option `{key}`"))
                    .with_advice(did_you_mean(key, &keys)),
            );
        }
        if (key == "tokens" && arguments.tokens.is_some())
            || (key == "seed" && arguments.seed.is_some())
        {
            return Err(Error::invalid_input(format!(
                "--{key} and --option {key}=… cannot be used together"
            )));
        }
    }
    Ok(())
}

fn keys(provider: &str) -> &'static [&'static str] {
    tokenfleet_simulators::option_keys(provider).unwrap_or_default()
}

fn build(arguments: &SimulateArguments, provider: &str) -> Result<Arc<dyn Simulator>> {
    let tokens = arguments.tokens.unwrap_or(DEFAULT_TOKENS);
    let tokens = if provider == SINGLE_TOKEN {
        tokens.min(1)
    } else {
        tokens
    };
    // The last value of a key counts, so an option replaces these.
    let mut options = vec![
        format!("tokens={tokens}"),
        format!("seed={}", arguments.seed.unwrap_or_default()),
    ];
    let is_known = |option: &&String| {
        let key = option.split_once('=').map(|(key, _)| key);
        key.is_some_and(|key| keys(provider).contains(&key))
    };
    options.extend(arguments.options.iter().filter(is_known).cloned());
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let simulator = tokenfleet_simulators::build(provider, &options)
        .map_err(|error| Error::invalid_input(error.to_string()))?;
    if arguments.latency > 0 {
        let delay = Action::DelayAnswer(Duration::from_millis(arguments.latency));
        simulator.faults().add(Fault::new(delay).always());
    }
    Ok(simulator)
}

/// Prints the line of a server and flushes it, because the caller waits for it.
fn announce(server: &Server) -> std::io::Result<()> {
    let object = ServerObject {
        provider: server.simulator().provider(),
        url: server.url(),
        control: server.control_url(),
        credentials: server.simulator().credentials(),
    };
    let mut line = serde_json::to_vec(&object)?;
    line.push(b'\n');
    let mut output = std::io::stdout().lock();
    output.write_all(&line)?;
    output.flush()
}

async fn until_stopped() -> std::io::Result<()> {
    if !is_input_a_pipe() {
        return stop_requested().await;
    }
    let (closed, closing) = tokio::sync::oneshot::channel();
    // A thread, because a blocking read cannot be cancelled: it ends with the program.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = closed.send(());
    });
    tokio::select! {
        _ = closing => Ok(()),
        requested = stop_requested() => requested,
    }
}

/// Returns `true` if standard input is a pipe or a socket, whose other end can close it.
///
/// A shell gives `/dev/null` to a command in the background.
fn is_input_a_pipe() -> bool {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        use std::os::unix::fs::FileTypeExt;

        let input = std::io::stdin().as_fd().try_clone_to_owned();
        let metadata = input.and_then(|input| std::fs::File::from(input).metadata());
        metadata.is_ok_and(|input| input.file_type().is_fifo() || input.file_type().is_socket())
    }
    #[cfg(not(unix))]
    {
        !std::io::IsTerminal::is_terminal(&std::io::stdin())
    }
}
