//! A server on a network proves who it is before anything is sent to it.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "these are the functions of tests, and a process speaks to the test that started it"
)]

mod support;

use std::process::Command;
use std::sync::{Arc, Mutex};

use support::certificates::Authority;
use support::postgres_server::{Network, PostgresServer};
use support::{account, block_on, record, tokens};
use tokenfleet_core::{Error, ErrorKind, Secret};
use tokenfleet_ledger::{Ledger, PostgresLedger, PostgresLedgerBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const PASSWORD: &str = "hunter22-but-longer";

/// Passwords for everybody who comes over the network, and only with TLS.
const LOGINS: &str = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";

/// The variable that holds the URL for the process that has authorities of its own.
const CHILD_URL: &str = "TOKENFLEET_TEST_LEDGER_URL";

/// Starts a server with a certificate for these names.
fn start(authority: &Authority, names: &[&str]) -> Option<PostgresServer> {
    let server = PostgresServer::start_with(Some(Network {
        identity: Some(authority.issue(names, |_| {})),
        logins: LOGINS,
    }))?;
    server.carry_out(&format!("alter role owner password '{PASSWORD}'"));
    Some(server)
}

fn url(server: &PostgresServer, host: &str, more: &str) -> Secret {
    let port = server.port();
    Secret::new(format!(
        "postgres://owner:{PASSWORD}@{host}:{port}/postgres?sslmode=require{more}"
    ))
}

fn trusting(authority: &Authority) -> PostgresLedgerBuilder {
    let pem = authority.pem();
    PostgresLedger::builder()
        .with_authorities(pem)
        .with_exclusive_authorities()
}

/// Returns the text of an error, which never shows the password.
fn text(error: &Error) -> String {
    let text = format!("{error} {error:?} {:?}", error.advice());
    assert!(!text.contains(PASSWORD), "{text}");
    error.to_string()
}

#[test]
fn a_server_with_the_right_certificate_is_used_over_tls() {
    let authority = Authority::new();
    let Some(server) = start(&authority, &["localhost", "127.0.0.1"]) else {
        return;
    };
    block_on(async {
        for (host, more) in [
            ("localhost", ""),
            ("127.0.0.1", ""),
            // The login is bound to this very connection.
            ("localhost", "&channel_binding=require"),
        ] {
            let url = url(&server, host, more);
            let ledger = trusting(&authority).open(&url).await.unwrap();
            ledger.accounts().await.unwrap();
            let encrypted = "select bool_and(ssl) from pg_stat_ssl join pg_stat_activity \
                using (pid) where application_name = 'tokenfleet'";
            assert_eq!(server.carry_out(encrypted).trim(), "t", "{host}{more}");
        }
        let url = url(&server, "localhost", "");
        let ledger = trusting(&authority).open(&url).await.unwrap();
        record(&ledger, 0, &tokens(0..500, 0)).await.unwrap();
        assert_eq!(ledger.snapshots(&account()).await.unwrap().len(), 1);
    });
}

#[test]
fn a_server_that_does_not_prove_who_it_is_gets_no_password() {
    let (authority, other) = (Authority::new(), Authority::new());
    let Some(server) = start(&authority, &["db.example"]) else {
        return;
    };
    block_on(async {
        // By a name that is not in the certificate, though at the right address.
        for host in ["localhost", "127.0.0.1"] {
            let refused = trusting(&authority).open(&url(&server, host, "")).await;
            let text = text(&refused.unwrap_err());
            assert!(text.contains("the certificate of another host"), "{text}");
        }
        let named = |host: &str| {
            let port = server.port();
            Secret::new(format!(
                "host={host} hostaddr=127.0.0.1 port={port} user=owner password={PASSWORD} \
                 dbname=postgres sslmode=require"
            ))
        };
        trusting(&authority)
            .open(&named("db.example"))
            .await
            .unwrap();
        for stranger in ["db.example.org", "example", "x.db.example"] {
            let refused = trusting(&authority).open(&named(stranger)).await;
            let text = text(&refused.unwrap_err());
            assert!(text.contains("the certificate of another host"), "{text}");
        }
        // An authority that did not sign it, and those of the system.
        for builder in [trusting(&other), PostgresLedger::builder()] {
            let error = builder.open(&named("db.example")).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            let text = text(&error);
            assert!(text.contains("not trusted"), "{text}");
        }
        let both = PostgresLedger::builder().with_authorities(authority.pem());
        both.open(&named("db.example")).await.unwrap();
    });
}

#[test]
fn a_certificate_that_has_expired_is_refused() {
    let authority = Authority::new();
    let expired = authority.issue(&["localhost"], |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    let Some(server) = PostgresServer::start_with(Some(Network {
        identity: Some(expired),
        logins: LOGINS,
    })) else {
        return;
    };
    let refused = block_on(trusting(&authority).open(&url(&server, "localhost", "")));
    let text = text(&refused.unwrap_err());
    assert!(text.contains("not valid now"), "{text}");
}

#[test]
fn a_server_without_tls_gets_nothing_but_the_question() {
    let authority = Authority::new();
    let Some(server) = PostgresServer::start_with(Some(Network {
        identity: None,
        logins: "local all all trust\nhost all all 127.0.0.1/32 trust\n",
    })) else {
        return;
    };
    let refused = block_on(trusting(&authority).open(&url(&server, "localhost", "")));
    let text = text(&refused.unwrap_err());
    assert!(text.contains("no password was sent"), "{text}");
}

/// Listens as a server that answers the question for TLS, and returns what else it is sent.
async fn sent_to(answer: &'static [u8]) -> (String, Error) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&sent);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 8192];
            while let Ok(length @ 1..) = client.read(&mut buffer).await {
                log.lock().unwrap().extend_from_slice(&buffer[..length]);
                if client.write_all(answer).await.is_err() {
                    break;
                }
            }
        }
    });
    let url = format!("postgres://owner:{PASSWORD}@localhost:{port}/secrets?sslmode=require");
    let error = PostgresLedger::open(&Secret::new(url)).await.unwrap_err();
    let sent = sent.lock().unwrap();
    (String::from_utf8_lossy(&sent).into_owned(), error)
}

#[test]
fn a_stranger_learns_neither_the_password_nor_the_user() {
    block_on(async {
        // It refuses TLS, agrees and talks on in clear, or speaks of something else.
        for answer in [
            &b"N"[..],
            b"S",
            b"R\0\0\0\x08\0\0\0\x03",
            b"HTTP/1.1 400\r\n\r\n",
        ] {
            let (sent, error) = sent_to(answer).await;
            text(&error);
            for kept in [PASSWORD, "owner", "secrets"] {
                assert!(!sent.contains(kept), "{sent:?}");
            }
            assert!(!sent.is_empty(), "{error}");
        }
    });
}

/// Opens a ledger, if another test runs this process with authorities of its own.
#[test]
fn a_process_with_authorities_of_its_own() {
    let Ok(url) = std::env::var(CHILD_URL) else {
        return;
    };
    match block_on(PostgresLedger::open(&Secret::new(url))) {
        Ok(_) => println!("\nopened"),
        Err(error) => println!("\nrefused {error}"),
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_authorities_of_the_system_are_trusted() {
    let (authority, other) = (Authority::new(), Authority::new());
    let Some(server) = start(&authority, &["localhost"]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for (authority, expected) in [(&authority, "\nopened"), (&other, "not trusted")] {
        let file = folder.path().join("authorities.pem");
        std::fs::write(&file, authority.pem()).unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("a_process_with_authorities_of_its_own")
            .env("SSL_CERT_FILE", &file)
            .env(CHILD_URL, url(&server, "localhost", "").expose())
            .output()
            .unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        assert!(output.contains(expected), "{output}");
    }
}

#[test]
fn certificates_that_cannot_be_used_are_refused_at_once() {
    let url = Secret::new("postgres://owner@db.invalid/tokens");
    let empty = PostgresLedger::builder().with_exclusive_authorities();
    let text_only = PostgresLedger::builder().with_authorities("not a certificate");
    let broken = PostgresLedger::builder()
        .with_authorities("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n");
    for builder in [empty, text_only, broken] {
        let error = block_on(builder.open(&url)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        assert!(error.to_string().contains("CA certificate"), "{error}");
    }
}
