//! Replaces the transport: this one counts the requests that the real one sends.
//!
//! `cargo run -p tokenfleet-examples --example own_transport [-- tokenfleet.toml]`

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use tokenfleet::transport::{Body, ReqwestTransport, Transport, TransportError};
use tokenfleet::{Fleet, Query, Registry, Result};

/// A transport that counts requests.
#[derive(Debug)]
struct CountingTransport {
    inner: ReqwestTransport,
    requests: AtomicU64,
}

#[async_trait]
impl Transport for CountingTransport {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.inner.send(request).await
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    tokenfleet_examples::exit_code(run().await)
}

async fn run() -> Result<()> {
    let accounts = tokenfleet_examples::accounts().await?;
    let transport = Arc::new(CountingTransport {
        inner: ReqwestTransport::new()?,
        requests: AtomicU64::new(0),
    });
    let fleet = Fleet::open(
        &Registry::with_builtin(),
        accounts.configuration.accounts(),
        transport.clone(),
    );
    let list = fleet.list_all(Query::new()).await;
    let requests = transport.requests.load(Ordering::Relaxed);
    println!("{} tokens in {requests} requests", list.tokens.len());
    Ok(())
}
