//! The accounts of a fleet, opened or not.

use std::sync::Arc;

use crate::{Account, Error, TokenProvider};

/// One account of a fleet.
#[derive(Debug, Clone)]
pub(crate) enum Member {
    /// An account that can be read.
    Open(Arc<dyn TokenProvider>),
    /// An account that could not be opened, and the reason.
    Unopened(Account, Error),
}

impl Member {
    /// Wraps a provider so that each of its calls is checked, even if it was written without
    /// [`Adapter`](crate::adapter::Adapter) (law 1).
    pub(crate) fn open_checked(provider: Arc<dyn TokenProvider>) -> Self {
        Self::Open(provider.checked())
    }

    /// Returns the account, opened or not.
    pub(crate) fn account(&self) -> &Account {
        match self {
            Self::Open(provider) => provider.account(),
            Self::Unopened(account, _) => account,
        }
    }
}
