//! A transport of your own: here one that counts what the real one sends.
//!
//! `cargo run -p tokenfleet-examples --example own_transport [-- tokenfleet.toml]`

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use tokenfleet::transport::{Body, ReqwestTransport, Transport, TransportError};
use tokenfleet::{Fleet, Query, Registry, Result};

#[derive(Debug)]
struct Counting {
    inner: ReqwestTransport,
    sent: AtomicU64,
}

#[async_trait]
impl Transport for Counting {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.inner.send(request).await
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    tokenfleet_examples::end(run().await)
}

async fn run() -> Result<()> {
    let accounts = tokenfleet_examples::accounts().await?;
    let transport = Arc::new(Counting {
        inner: ReqwestTransport::new()?,
        sent: AtomicU64::new(0),
    });
    let fleet = Fleet::open(
        &Registry::with_builtin(),
        accounts.configuration.accounts(),
        transport.clone(),
    );
    let list = fleet.list_all(Query::new()).await;
    let sent = transport.sent.load(Ordering::Relaxed);
    println!("{} tokens in {sent} requests", list.tokens.len());
    Ok(())
}
