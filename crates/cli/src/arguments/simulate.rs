//! The arguments of `simulate`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, value_parser};

pub(super) const EXAMPLES: &str = "\
Examples:
  tokenfleet simulate all
  tokenfleet simulate losant --listen 127.0.0.1:8080 --tokens 5000 --latency 200
  tokenfleet simulate foreman --tokens 0 --option user_id=7";

/// The largest number of tokens that fits into the memory of an ordinary machine.
const MAX_TOKENS: u64 = 10_000_000;

#[derive(Debug, Args)]
pub(crate) struct SimulateArguments {
    /// Provider to simulate: losant, foreman, cloudsmith, mindbody or all
    pub(crate) provider: String,
    /// Address to listen on, e.g. 127.0.0.1:8080; several servers take this port and the next ones,
    /// and with port 0 the system chooses
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:0",
        value_parser = address
    )]
    pub(crate) listen: SocketAddr,
    /// Allow an address that other machines can reach, which can then read and change every
    /// simulated token
    #[arg(long)]
    pub(crate) expose_to_network: bool,
    /// Number of tokens at the start, up to 10 million; Cloudsmith has at most one [default: 20]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(..=MAX_TOKENS))]
    pub(crate) tokens: Option<u64>,
    /// Seed of the generated tokens: the same seed gives the same tokens [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Delay every response by this many milliseconds; the control interface can remove this fault
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) latency: u64,
    /// Write a configuration for the simulated platforms to this new file, and their credentials to
    /// files beside it; those that nobody changes are removed when the simulators end
    #[arg(long, value_name = "FILE")]
    pub(crate) write_config: Option<PathBuf>,
    /// Option of the simulator, e.g. user_id=7; repeatable
    #[arg(long = "option", value_name = "KEY=VALUE")]
    pub(crate) options: Vec<String>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "expected an address and a port, such as 127.0.0.1:8080".to_owned())
}
