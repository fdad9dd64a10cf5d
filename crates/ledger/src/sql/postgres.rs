//! The ledger in a Postgres database.

mod builder;
mod connection;
mod failure;
mod listener;
mod place;
mod server;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::journal::{Intent, Journal, Outcome, Resolution};
use tokenfleet_core::{Result, Secret};

use crate::TaskListener;
use crate::sql::connection::{Connection, Database, Work};
use crate::sql::reports::Reports;
use crate::sql::schema::migrate;
use crate::sql::writes;
pub use builder::PostgresLedgerBuilder;
use connection::{Idle, PostgresConnection};
use failure::is_loss;
use listener::PostgresListener;
use server::Server;

/// A ledger in a Postgres database, which several machines share.
///
/// Its tables are in the schema `tokenfleet`, which is created where it does not exist. It needs a
/// tokio runtime.
///
/// A connection to another machine is encrypted, and the server must prove with a certificate that
/// it is the host of the URL; otherwise nothing is sent to it, least of all a password. Only a Unix
/// socket or a loopback address, which may be the end of a tunnel, is spoken to in clear. Where the
/// server offers it, the login is bound to the encrypted connection (SCRAM with channel binding).
///
/// It uses up to eight connections at a time, and more only for calls that have waited for one of
/// them for five seconds. One that was lost between two calls is made anew. One that is lost during
/// a call is an error, because a repeated write could be applied twice.
#[derive(Debug, Clone)]
pub struct PostgresLedger {
    server: Arc<Server>,
    idle: Idle,
    reports: Reports,
}

impl PostgresLedger {
    /// Opens the ledger at a URL such as `postgres://user@db.example/database`, which may contain a
    /// password, and trusts the certificate authorities of the system. Creates the schema, unless
    /// it exists.
    ///
    /// # Errors
    ///
    /// Fails if the URL is not valid, if the server does not answer or does not prove who it is, or
    /// if the ledger was written by a newer version.
    pub async fn open(url: &Secret) -> Result<Self> {
        Self::builder().open(url).await
    }

    /// Returns a builder, for authorities of your own and other limits of time.
    pub fn builder() -> PostgresLedgerBuilder {
        PostgresLedgerBuilder::default()
    }

    /// Opens the ledger on a server.
    async fn on(server: Server) -> Result<Self> {
        let server = Arc::new(server);
        let ledger = Self {
            server,
            idle: Idle::default(),
            reports: Reports::default(),
        };
        ledger.connect().await?;
        Ok(ledger)
    }
}

#[async_trait]
impl Database for PostgresLedger {
    async fn connect(&self) -> Result<Box<dyn Connection>> {
        let mut place = self.idle.place().await;
        if let Some(mut kept) = PostgresConnection::resume(&self.server, &self.idle, &mut place) {
            match migrate(&mut kept).await {
                // It was lost while nobody used it, so nothing of this call was sent.
                Err(error) if is_loss(&error) => place = kept.give_up(),
                migrated => return migrated.map(|()| Box::new(kept) as Box<dyn Connection>),
            }
        }
        let mut connection = PostgresConnection::open(&self.server, &self.idle, place).await?;
        migrate(&mut connection).await?;
        Ok(Box::new(connection))
    }

    async fn listen(&self) -> Result<Option<Box<dyn TaskListener>>> {
        let listener = PostgresListener::open(&self.server).await?;
        Ok(Some(Box::new(listener)))
    }

    fn patience(&self) -> Duration {
        self.server.patience()
    }

    fn spawn(&self, work: Work) {
        tokio::spawn(work);
    }

    fn reports(&self) -> &Reports {
        &self.reports
    }
}

#[async_trait]
impl Journal for PostgresLedger {
    async fn record_intent(&self, intent: &Intent) -> Result<()> {
        writes::begin(self, intent).await
    }

    async fn record_outcome(&self, intent: &Intent, outcome: &Outcome) {
        writes::record_outcome(self, intent, outcome).await;
    }

    async fn record_resolution(&self, intent: &str, resolution: &Resolution) {
        writes::record_resolution(self, intent, resolution).await;
    }
}
