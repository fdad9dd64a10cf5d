//! The arguments of `rotate` and `worker`.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::Duration;

use clap::{ArgGroup, Args};
use tokenfleet::config::parse_duration;

use crate::written_place::WrittenPlace;

pub(super) const ROTATE_EXAMPLES: &str = "\
Examples:
  tokenfleet rotate --account iot --id 575ec7417ae143cd83dc4a95 --to file:/run/secrets/ci
  tokenfleet rotate --account iot --id 575ec7417ae143cd83dc4a95 --to vault --overlap 0s
  tokenfleet rotate --policy ci --dry-run
  tokenfleet rotate --account packages --secret-only";

pub(super) const WORKER_EXAMPLES: &str = "\
Examples:
  tokenfleet worker --once
  tokenfleet worker --health 9464
  tokenfleet worker --reason 'policies of the fleet'";

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("subject").args(["id", "named_id", "policy"]))]
pub(crate) struct RotateArguments {
    /// Token id [default: the only token of the account]
    pub(crate) id: Option<String>,
    /// The same as ID
    #[arg(long = "id", value_name = "ID")]
    pub(crate) named_id: Option<String>,
    /// Rotate what is due by this policy of the configuration
    #[arg(long, value_name = "NAME", conflicts_with_all = ["to", "show_secret", "secret_only"])]
    pub(crate) policy: Option<String>,
    /// Show what the policy would rotate when and which of its rotations would go on, the requests,
    /// the places and the time at which the old secret stops working. Nothing is changed
    // What `policy` conflicts with too: an argument that is required is not asked for where another
    // one excludes it.
    #[arg(
        long,
        requires = "policy",
        conflicts_with_all = [
            "id", "named_id", "to", "show_secret", "secret_only", "adopt", "only_these_places",
            "overlap", "soak", "expires_in", "wait",
        ]
    )]
    pub(crate) dry_run: bool,
    /// Place of the new secret; repeatable: file:PATH, env-file:PATH#NAME, command:PROGRAM,
    /// kv2:MOUNT/PATH#FIELD, kubernetes:NAMESPACE/NAME#KEY, or the name of a sink of the
    /// configuration. {name}, {id} and {account} are filled in [default: stdout, which replaces the
    /// secret at once]
    #[arg(long, value_name = "PLACE", value_parser = parse_destination)]
    pub(crate) to: Vec<Destination>,
    #[command(flatten)]
    pub(crate) times: RotationTimes,
    /// Replace what somebody else has put into the places
    #[arg(long, requires = "to", conflicts_with = "policy")]
    pub(crate) adopt: bool,
    /// Rotate although a policy or an earlier rotation delivers the token to other places too,
    /// which keep the old secret
    #[arg(long, requires = "to", conflicts_with = "policy")]
    pub(crate) only_these_places: bool,
    /// Print the new secret although standard output is a terminal
    #[arg(long)]
    pub(crate) show_secret: bool,
    /// Print only the new secret, e.g. for TOKEN=$(…)
    #[arg(long)]
    pub(crate) secret_only: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
}

/// The times of a rotation that delivers to places.
#[derive(Debug, Args)]
pub(crate) struct RotationTimes {
    /// Time for which the old and the new secret work side by side; 0s to revoke the old one as
    /// soon as every place holds the new one [default: 24h where both can work]
    #[arg(
        long, value_name = "DURATION", value_parser = parse_duration,
        requires = "to", conflicts_with = "policy"
    )]
    pub(crate) overlap: Option<Duration>,
    /// Time for which the old token is suspended before it is revoked, where that is possible
    #[arg(
        long, value_name = "DURATION", value_parser = parse_duration,
        requires = "to", conflicts_with = "policy"
    )]
    pub(crate) soak: Option<Duration>,
    /// Lifetime of the new token [default: that of the old one]
    #[arg(
        long, value_name = "DURATION", value_parser = parse_duration,
        requires = "to", conflicts_with = "policy"
    )]
    pub(crate) expires_in: Option<Duration>,
    /// Longest wait for a step that is not due yet, such as the revocation of the old token
    /// [default: 0s, so the program ends once every place holds the new secret]
    #[arg(
        long, value_name = "DURATION", value_parser = parse_duration,
        requires = "to", conflicts_with = "policy"
    )]
    pub(crate) wait: Option<Duration>,
}

impl RotateArguments {
    /// Returns the id of the token, if one is named.
    pub(crate) fn token(&self) -> Option<&String> {
        self.id.as_ref().or(self.named_id.as_ref())
    }

    /// Returns `true` if the new secret is printed, and kept nowhere else.
    pub(crate) fn is_printed(&self) -> bool {
        let is_printed = |to: &Destination| matches!(to, Destination::StandardOutput);
        self.policy.is_none() && self.to.iter().all(is_printed)
    }

    /// Returns the places to deliver to, or an error if the secret would be printed as well: what
    /// is printed cannot be read back.
    pub(crate) fn places(&self) -> tokenfleet::Result<Vec<&WrittenPlace>> {
        let places = self.to.iter().map(|to| match to {
            Destination::Place(place) => Ok(place),
            Destination::StandardOutput => Err(tokenfleet::Error::invalid_input(
                "--to stdout and --to with a place cannot be used together",
            )),
        });
        places.collect()
    }
}

/// The place that the new secret of a rotation goes to.
#[derive(Debug, Clone)]
pub(crate) enum Destination {
    StandardOutput,
    Place(WrittenPlace),
}

fn parse_destination(text: &str) -> Result<Destination, String> {
    if text == "stdout" {
        return Ok(Destination::StandardOutput);
    }
    text.parse().map(Destination::Place)
}

#[derive(Debug, Args)]
pub(crate) struct WorkerArguments {
    /// Do what is due now, and end: for cron, systemd timers and CronJobs
    #[arg(long)]
    pub(crate) once: bool,

    /// Number of queues to carry on at a time
    #[arg(long, value_name = "N", default_value = "16", conflicts_with = "once")]
    pub(crate) max_queues: NonZeroUsize,

    /// Answer /healthz and /metrics on this port of the loopback interface, or on this address
    ///
    /// There is no login: choose another address than a loopback one only in a network of which
    /// everybody may watch. No account and no token is named.
    #[arg(long, value_name = "PORT|ADDRESS", conflicts_with = "once", value_parser = parse_watched)]
    pub(crate) health: Option<SocketAddr>,
}

/// Reads a port of the loopback interface, or an address with a port.
fn parse_watched(text: &str) -> Result<SocketAddr, String> {
    let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let address = text.parse().map(loopback).or_else(|_| text.parse());
    let address = address.map_err(|_| "expected a port, or an address such as 10.0.0.5:9464")?;
    if address.port() == 0 {
        return Err("port 0 is no port that somebody could watch".to_owned());
    }
    Ok(address)
}
