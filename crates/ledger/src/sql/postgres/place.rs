//! The place of a server, which decides whether the connection is encrypted.

use std::net::IpAddr;
use std::time::Duration;

use tokenfleet_core::{Error, Result, Secret};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// The time for a connection to a host to be made, unless the URL sets one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The time after which a peer that does not acknowledge what was sent is given up, unless the URL
/// sets one.
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(30);

/// The place of a server.
pub(super) struct Place {
    pub(super) config: Config,
    /// `true` if nothing may be sent before the server has proved who it is.
    pub(super) needs_tls: bool,
    /// The time for a connection to be made to any of the hosts.
    pub(super) connect_timeout: Duration,
}

impl Place {
    /// Reads a URL, and refuses one that asks for less protection than its host needs.
    pub(super) fn parse(url: &Secret) -> Result<Self> {
        // The library knows `require` only; certificates and names are always checked here.
        let text = url
            .expose()
            .replace("sslmode=verify-full", "sslmode=require");
        // The error of the library may quote the URL.
        let mut config: Config = text.parse().map_err(|_| invalid())?;
        let is_here = if config.get_hostaddrs().is_empty() {
            !config.get_hosts().is_empty() && config.get_hosts().iter().all(is_this_machine)
        } else {
            config.get_hostaddrs().iter().all(IpAddr::is_loopback)
        };
        let needs_tls = !is_here || config.get_ssl_mode() == SslMode::Require;
        if needs_tls {
            if config.get_ssl_mode() == SslMode::Disable || prefers_tls(&text) {
                return Err(unprotected());
            }
            if !is_named(&config) {
                return Err(nameless());
            }
            config.ssl_mode(SslMode::Require);
        } else {
            config.ssl_mode(SslMode::Disable);
        }
        let each = match config.get_connect_timeout() {
            Some(timeout) if !timeout.is_zero() => *timeout,
            _ => CONNECT_TIMEOUT,
        };
        config.connect_timeout(each);
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(UNACKNOWLEDGED_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("tokenfleet");
        }
        let count = config.get_hosts().len().max(config.get_hostaddrs().len());
        let connect_timeout = each.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        Ok(Self {
            config,
            needs_tls,
            connect_timeout,
        })
    }
}

/// Returns `true` if a URL leaves it to the server whether the connection is encrypted. What the
/// library read does not tell this from a URL that says nothing.
fn prefers_tls(text: &str) -> bool {
    let is_kept = |c: &char| !c.is_whitespace() && *c != '\'';
    let text: String = text.chars().filter(is_kept).collect();
    text.contains("sslmode=prefer")
}

/// Returns `true` if each server has a name that a certificate can prove.
fn is_named(config: &Config) -> bool {
    let hosts = config.get_hosts();
    let is_name = |host: &Host| matches!(host, Host::Tcp(name) if !name.is_empty());
    !hosts.is_empty() && hosts.iter().all(is_name)
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            let address = name.parse::<IpAddr>();
            name == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn invalid() -> Error {
    Error::configuration("the URL of the ledger is not valid").with_advice(
        "write a URL such as postgres://user@db.example/database, and name the certificates of an \
         authority beside it, not in it (`sslrootcert`)",
    )
}

/// Creates the error for a URL that asks for a connection in clear, or accepts one.
fn unprotected() -> Error {
    Error::configuration(
        "the URL of the ledger allows a connection in clear to a server on another machine",
    )
    .with_advice("write sslmode=require or leave it out: the server's certificate is checked")
}

/// Creates the error for a server that cannot prove who it is.
fn nameless() -> Error {
    Error::configuration("the URL of the ledger does not name the host that a certificate proves")
        .with_advice("name each host, also beside hostaddr; a Unix socket takes no sslmode=require")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_elsewhere_is_never_spoken_to_in_clear() {
        for (url, needs_tls) in [
            ("postgres://user:hunter22@localhost/tokens", Some(false)),
            (
                "postgres://user@localhost/tokens?sslmode=prefer",
                Some(false),
            ),
            (
                "postgres://user@localhost/tokens?sslmode=require",
                Some(true),
            ),
            ("postgres://user@127.0.0.1:5433/tokens", Some(false)),
            ("postgres://user@[::1]/tokens", Some(false)),
            ("host=/run/postgresql user=user", Some(false)),
            ("host=/run/postgresql user=user sslmode=require", None),
            ("host=db.example hostaddr=127.0.0.1 user=user", Some(false)),
            ("postgres://user:hunter22@db.example/tokens", Some(true)),
            (
                "postgres://user:hunter22@db.example/tokens?sslmode=require",
                Some(true),
            ),
            (
                "postgres://user:hunter22@db.example/tokens?sslmode=verify-full",
                Some(true),
            ),
            (
                "postgres://user:hunter22@db.example/tokens?sslmode=verify-ca",
                None,
            ),
            (
                "postgres://user:hunter22@db.example/tokens?sslmode=prefer",
                None,
            ),
            (
                "postgres://user:hunter22@db.example/tokens?sslmode=disable",
                None,
            ),
            ("host=db.example password=hunter22 sslmode = 'prefer'", None),
            (
                "postgres://user:hunter22@db.example/?sslrootcert=ca.pem",
                None,
            ),
            ("postgres://user@10.0.0.1/tokens", Some(true)),
            ("postgres://user@localhost,db.example/tokens", Some(true)),
            ("host=/run/postgresql,db.example user=user", None),
            ("host=localhost hostaddr=10.0.0.1 user=user", Some(true)),
            ("hostaddr=10.0.0.1 user=user", None),
            ("postgres://user@localhost.example/tokens", Some(true)),
            ("user=user", None),
            ("postgres://user:hunter22@localhost:port/", None),
        ] {
            match Place::parse(&Secret::new(url)) {
                Ok(place) => {
                    assert_eq!(Some(place.needs_tls), needs_tls, "{url}");
                    let mode = if place.needs_tls {
                        SslMode::Require
                    } else {
                        SslMode::Disable
                    };
                    assert_eq!(place.config.get_ssl_mode(), mode, "{url}");
                }
                Err(error) => {
                    assert!(needs_tls.is_none(), "{url}: {error}");
                    assert!(!format!("{error} {error:?}").contains("hunter22"));
                }
            }
        }
    }
}
