//! The hearing of what other connections announce.

use std::fmt;

use async_trait::async_trait;
use tokenfleet_core::{Error, ErrorKind, Fate, Result};
use tokio::sync::mpsc::{Receiver, channel};
use tokio_postgres::Client;

use super::failure::describe;
use super::server::Server;
use crate::TaskListener;

/// A connection of its own that only listens.
pub(super) struct PostgresListener {
    /// Holds one notification at most: many at once say no more than one. It is closed with the
    /// connection.
    heard: Receiver<()>,
    /// Keeps the connection open.
    _client: Client,
}

/// Without the client, which says nothing.
impl fmt::Debug for PostgresListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresListener").finish_non_exhaustive()
    }
}

impl PostgresListener {
    pub(super) async fn open(server: &Server) -> Result<Self> {
        let (sender, heard) = channel(1);
        let hear = move || {
            let _ = sender.try_send(());
        };
        let client = server.connect_hearing(hear).await?;
        let listening = client.batch_execute("listen tokenfleet_due").await;
        listening.map_err(|error| describe(error.into()))?;
        Ok(Self {
            heard,
            _client: client,
        })
    }
}

#[async_trait]
impl TaskListener for PostgresListener {
    async fn heard(&mut self) -> Result<()> {
        match self.heard.recv().await {
            Some(()) => Ok(()),
            None => Err(lost()),
        }
    }
}

fn lost() -> Error {
    let message = "the ledger in Postgres has ended the connection that listened";
    Error::new(ErrorKind::Connection, Fate::NotSent, message).with_advice("listen anew")
}
