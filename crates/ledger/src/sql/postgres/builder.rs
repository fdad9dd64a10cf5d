//! The builder of a ledger in Postgres: whom it trusts, and how long it waits.

use std::time::Duration;

use tokenfleet_core::{Result, Secret};

use super::PostgresLedger;
use super::server::Server;
use super::tls::Trust;

/// A builder of a [`PostgresLedger`].
#[derive(Debug, Clone)]
#[must_use]
pub struct PostgresLedgerBuilder {
    trust: Trust,
    statement_timeout: Duration,
}

impl Default for PostgresLedgerBuilder {
    fn default() -> Self {
        Self {
            trust: Trust::default(),
            statement_timeout: Duration::from_secs(300),
        }
    }
}

impl PostgresLedgerBuilder {
    /// Trusts these CA certificates too: one or several, in PEM.
    pub fn with_authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trust.authorities.push(pem.into());
        self
    }

    /// Trusts only the CA certificates that were given, and not those of the system.
    pub fn with_exclusive_authorities(mut self) -> Self {
        self.trust.is_exclusive = true;
        self
    }

    /// Sets how long a statement may take: 5 minutes unless it is set. The longest ones examine
    /// the whole ledger.
    pub fn with_statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// Opens the ledger at a URL, as [`PostgresLedger::open`] does.
    ///
    /// # Errors
    ///
    /// The same as those of [`PostgresLedger::open`]. Fails also if a CA certificate cannot be
    /// used.
    pub async fn open(&self, url: &Secret) -> Result<PostgresLedger> {
        let server = Server::new(url, &self.trust, self.statement_timeout)?;
        PostgresLedger::on(server).await
    }
}
