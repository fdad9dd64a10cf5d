//! The progress of an inventory.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// The progress of the inventory that a fleet reads, for showing it to a person.
///
/// Its clones show the same progress, so one of them is read while a call such as
/// [`list_all`](crate::Fleet::list_all) is awaited. It starts anew with each inventory.
///
/// ```
/// use tokenfleet::{Fleet, FleetProgress, Query};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let progress = FleetProgress::default();
/// let fleet = Fleet::new([]).with_progress(progress.clone());
/// fleet.list_all(Query::new()).await;
/// assert_eq!((progress.tokens_read(), progress.tokens_to_read()), (0, Some(0)));
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct FleetProgress(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    tokens_read: AtomicU64,
    /// The sum of the totals that are known.
    total: AtomicU64,
    /// The number of accounts whose totals are unknown.
    unknown_totals: AtomicU64,
    finished: AtomicU64,
}

impl FleetProgress {
    /// Returns the number of tokens that were read, whether they match the query or not.
    #[must_use]
    pub fn tokens_read(&self) -> u64 {
        self.0.tokens_read.load(Relaxed)
    }

    /// Returns how many tokens there are to read, or `None` while that is unknown for an account.
    #[must_use]
    pub fn tokens_to_read(&self) -> Option<u64> {
        (self.0.unknown_totals.load(Relaxed) == 0).then(|| self.0.total.load(Relaxed))
    }

    /// Returns the number of accounts that have their reports.
    #[must_use]
    pub fn accounts_finished(&self) -> u64 {
        self.0.finished.load(Relaxed)
    }

    /// Starts anew with this many accounts.
    pub(crate) fn start(&self, accounts: usize) {
        self.0.tokens_read.store(0, Relaxed);
        self.0.total.store(0, Relaxed);
        self.0.unknown_totals.store(accounts as u64, Relaxed);
        self.0.finished.store(0, Relaxed);
    }
}

/// The part of one account in the progress of its fleet.
#[derive(Debug)]
pub(crate) struct AccountProgress {
    fleet: FleetProgress,
    tokens_read: u64,
    total: Option<u64>,
}

impl AccountProgress {
    pub(crate) fn new(fleet: FleetProgress) -> Self {
        Self {
            fleet,
            tokens_read: 0,
            total: None,
        }
    }

    /// Records how many tokens of the account were read, and how many there are.
    pub(crate) fn update(&mut self, tokens_read: u64, total: Option<u64>) {
        let counts = &self.fleet.0;
        if tokens_read != self.tokens_read {
            // Wraps around where the number falls, as it does for an account that starts again.
            let more = tokens_read.wrapping_sub(self.tokens_read);
            counts.tokens_read.fetch_add(more, Relaxed);
            self.tokens_read = tokens_read;
        }
        if let Some(total) = total
            && self.total != Some(total)
        {
            let more = total.wrapping_sub(self.total.unwrap_or(0));
            counts.total.fetch_add(more, Relaxed);
            if self.total.is_none() {
                counts.unknown_totals.fetch_sub(1, Relaxed);
            }
            self.total = Some(total);
        }
    }

    /// Records that the account has its report: nothing more of it will be read.
    pub(crate) fn finish(&mut self) {
        self.update(self.tokens_read, Some(self.tokens_read));
        self.fleet.0.finished.fetch_add(1, Relaxed);
    }
}
