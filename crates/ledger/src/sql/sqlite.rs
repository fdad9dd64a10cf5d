//! The ledger in a file.

mod access;
mod connection;
mod failure;
mod file;
mod idle;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::Result;
use tokenfleet_core::journal::{Intent, Journal, Outcome, Resolution};

use crate::TaskListener;
use crate::sql::connection::{Connection, Database, Work};
use crate::sql::reports::Reports;
use crate::sql::schema::{accept, migrate};
use crate::sql::writes;
use connection::{SqliteConnection, Turns};
use file::OpenFile;
use idle::Idle;

/// Writes the file anew, and then what is beside it into it.
const VACUUM: &str = "vacuum; pragma wal_checkpoint(truncate);";

/// A ledger in a file, with SQLite.
///
/// Any number of processes of one machine may use it at a time: they read side by side, and a
/// writer waits for the one before. Put it on a local disk, because SQLite needs locks and shared
/// memory that file systems of networks do not offer. A crash of the process or of the machine
/// loses nothing that was acknowledged.
///
/// Beside the file are, while it is used, two more with `-wal` and `-shm` after its name. All are
/// readable by their owner only.
#[derive(Debug, Clone)]
pub struct SqliteLedger {
    path: PathBuf,
    patience: Duration,
    turns: Turns,
    idle: Idle,
    reports: Reports,
}

impl SqliteLedger {
    /// The time that a writer waits for another one, unless it is set.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// Opens the ledger at a path, and creates what does not exist: folders, file and schema.
    ///
    /// # Errors
    ///
    /// Fails if the file belongs to other users or is open to them, cannot be written, is damaged,
    /// is not a ledger, or was written by a newer version.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let ledger = Self {
            path,
            patience: Self::PATIENCE,
            turns: Turns::default(),
            idle: Idle::default(),
            reports: Reports::default(),
        };
        ledger.connect().await?;
        Ok(ledger)
    }

    /// Sets how long a writer waits for another one before it fails.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        // Those who wait for longer do not hold up those who do not.
        self.turns = Turns::default();
        self.idle = Idle::default();
        self
    }

    /// Gives the space of what was forgotten back to the file system.
    ///
    /// It needs room for a second file, and waits until nobody else uses the ledger.
    ///
    /// # Errors
    ///
    /// Fails if the ledger is in use for too long, or cannot be written.
    pub async fn vacuum(&self) -> Result<()> {
        let mut connection = self.connect().await?;
        connection.define(VACUUM).await
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[async_trait]
impl Database for SqliteLedger {
    async fn connect(&self) -> Result<Box<dyn Connection>> {
        let on = |file| SqliteConnection::new(file, &self.idle, self.patience, &self.turns);
        let mut connection = match self.idle.take() {
            Some(kept) => on(kept),
            None => {
                let file = OpenFile::open(&self.path, self.patience).await?;
                let mut connection = on(Arc::new(file));
                accept(&mut connection).await?;
                connection.write_ahead().await?;
                connection
            }
        };
        migrate(&mut connection).await?;
        Ok(Box::new(connection))
    }

    async fn listen(&self) -> Result<Option<Box<dyn TaskListener>>> {
        Ok(None)
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn spawn(&self, work: Work) {
        // Without a thread nothing is recorded, and whoever waits for it hears so.
        let thread = thread::Builder::new().name("tokenfleet-journal".to_owned());
        let _ = thread.spawn(|| futures_executor::block_on(work));
    }

    fn reports(&self) -> &Reports {
        &self.reports
    }
}

#[async_trait]
impl Journal for SqliteLedger {
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
