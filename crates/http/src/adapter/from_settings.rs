//! The construction of an adapter from settings.

use std::sync::Arc;

use tokenfleet_core::Result;
use tokenfleet_core::adapter::Adapter;
use tokenfleet_core::config::Settings;

use crate::Transport;

/// An adapter that can be built from the settings of an account.
///
/// A registry needs nothing else of an adapter: its name, and this function as the factory.
pub trait FromSettings: Adapter + Sized {
    /// The provider's name in configurations.
    const NAME: &'static str;

    /// Builds the adapter of the account named `account`. Nothing is sent, and no credential is
    /// read before it is used.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration), naming the key.
    fn from_settings(
        account: &str,
        settings: &mut Settings,
        transport: Arc<dyn Transport>,
    ) -> Result<Self>;
}
