//! Wraps the transport in a layer: this one records the requests that the real one sends.
//!
//! `cargo run -p tokenfleet-examples --example own_transport [-- tokenfleet.toml]`

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokenfleet::transport::{
    Body, Bytes, FailedLogins, ReqwestTransport, Transport, TransportError, async_trait, http,
};
use tokenfleet::{Fleet, Query, Registry, Result};

/// A layer that records each request: its method, path and status, but no header and no body, which
/// hold credentials.
#[derive(Debug)]
struct Recording<T> {
    inner: T,
    lines: Mutex<Vec<(String, Duration)>>,
}

#[async_trait]
impl<T: Transport> Transport for Recording<T> {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        let line = format!("{} {}", request.method(), request.uri().path());
        let start = Instant::now();
        // Passed on as it came, with its extensions. An error keeps its phase: retries depend on
        // it.
        let response = self.inner.send(request).await?;
        let line = format!("{line}: {}", response.status());
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push((line, start.elapsed()));
        Ok(response)
    }

    // Accounts share what they know of a wrong password.
    fn failed_logins(&self) -> Option<&FailedLogins> {
        self.inner.failed_logins()
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    tokenfleet_examples::exit_code(run().await)
}

async fn run() -> Result<()> {
    let accounts = tokenfleet_examples::accounts().await?;
    let transport = Arc::new(Recording {
        inner: ReqwestTransport::new()?,
        lines: Mutex::default(),
    });
    let fleet = Fleet::open(
        &Registry::with_builtin(),
        accounts.configuration.accounts(),
        transport.clone(),
    );
    let found = fleet.list_all(Query::new()).await;
    println!("{} tokens", found.tokens.len());
    let lines = transport.lines.lock();
    for (line, took) in lines.unwrap_or_else(PoisonError::into_inner).iter() {
        println!("{line} in {} ms", took.as_millis());
    }
    Ok(())
}
