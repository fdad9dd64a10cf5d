//! The ledger of a command that reads it and sends nothing.

use std::sync::Arc;

use tokenfleet::{Configuration, Registry, Result};
use tokenfleet_ledger::Ledger;

use super::accounts::{RememberedAccount, select};
use super::{Place, turned_off};
use crate::arguments::GlobalArguments;
use crate::configuration::{self, Trust};

/// A ledger that exists, its place, and the configuration that names it.
pub(crate) struct OpenedLedger {
    pub(crate) configuration: Configuration,
    pub(crate) place: Place,
    pub(crate) ledger: Arc<dyn Ledger>,
}

impl OpenedLedger {
    /// Opens the ledger of the configuration. It has a place without a configuration too.
    pub(crate) async fn open(global: &GlobalArguments) -> Result<Self> {
        let (configuration, place) = find(global)?;
        place.require()?;
        Ok(Self {
            ledger: place.open().await?,
            configuration,
            place,
        })
    }

    /// Returns the accounts that the options select.
    pub(crate) async fn accounts(
        &self,
        global: &GlobalArguments,
        registry: &Registry,
    ) -> Result<Vec<RememberedAccount>> {
        let known = self.ledger.accounts().await?;
        select(&self.configuration, global, registry, known)
    }
}

/// Finds the configuration and the place of its ledger.
fn find(global: &GlobalArguments) -> Result<(Configuration, Place)> {
    let file = global.config.as_deref();
    let configuration = match configuration::find(file) {
        Ok(_) => configuration::load(file, Trust::Required)?,
        Err(_) => Configuration::default(),
    };
    let place = Place::read(&configuration)?.ok_or_else(turned_off)?;
    Ok((configuration, place))
}
