//! All writes of a ledger, for an export.

use std::num::NonZeroUsize;

use tokenfleet::Result;
#[cfg(feature = "postgres")]
use tokenfleet_ledger::PostgresLedger;
use tokenfleet_ledger::{SqliteLedger, Write};

use super::Place;

/// The number of writes that are read at a time.
const PAGE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);

/// The writes of a ledger, in the order in which they were begun.
pub(crate) struct AllWrites {
    kept: Kept,
    /// The number of the last write that was read.
    last: u64,
}

enum Kept {
    File(SqliteLedger),
    #[cfg(feature = "postgres")]
    Server(PostgresLedger),
}

impl AllWrites {
    /// Opens the ledger at a place.
    pub(crate) async fn open(place: &Place) -> Result<Self> {
        let kept = match place {
            Place::File(path) => Kept::File(Place::open_file(path).await?),
            #[cfg(feature = "postgres")]
            Place::Server(server) => Kept::Server(server.open().await.map_err(super::with_advice)?),
            #[cfg(not(feature = "postgres"))]
            Place::Server(_) => return Err(super::without_postgres()),
        };
        Ok(Self { kept, last: 0 })
    }

    /// Returns the next writes, or none at the end.
    pub(crate) async fn next(&mut self) -> Result<Vec<Write>> {
        let writes = match &self.kept {
            Kept::File(ledger) => ledger.all_writes(self.last, PAGE).await?,
            #[cfg(feature = "postgres")]
            Kept::Server(ledger) => ledger.all_writes(self.last, PAGE).await?,
        };
        self.last = writes.last().map_or(self.last, |(number, _)| *number);
        Ok(writes.into_iter().map(|(_, write)| write).collect())
    }
}
