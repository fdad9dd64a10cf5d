//! What a worker carries revocations out with.

use std::sync::Arc;

use tokenfleet_ledger::{Ledger, Tasks};

use crate::accounts::Accounts;
use crate::output::Format;
use crate::rotations::Stop;

/// The means by which a worker carries revocations out.
pub(crate) struct Working<'a> {
    pub(crate) accounts: &'a Accounts,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) stop: &'a Stop,
    pub(crate) requested_format: Option<Format>,
    /// `true` to give an account back while its platform limits the rate, and to come back when
    /// that is over: nobody would come back to what a single run leaves.
    pub(crate) comes_back: bool,
}

impl Working<'_> {
    pub(super) fn tasks(&self) -> Arc<dyn Tasks> {
        Arc::<dyn Ledger>::clone(&self.ledger)
    }

    /// Returns `true` for an account that this worker works on.
    pub(super) fn is_selected(&self, name: &str) -> bool {
        self.accounts.each().any(|account| account.name() == name)
    }
}
