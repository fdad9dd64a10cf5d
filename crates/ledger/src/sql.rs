//! The ledgers in databases: one text of SQL for all of them.

mod connection;
#[cfg(feature = "postgres")]
mod postgres;
mod record;
mod recorder;
mod reports;
mod schema;
mod source;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;
mod store;
mod tasks;
mod value;
mod writes;

#[cfg(feature = "postgres")]
pub use postgres::{PostgresLedger, PostgresLedgerBuilder};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteLedger;
