//! Workflows of several calls: whole lists, exactly-once creation, reconciliation, bulk revocation.

mod exactly_once;
mod extension;
mod marker;
mod reconcile;
mod revocation_plan;
mod revoke_many;

pub use exactly_once::{ExactlyOnce, Timer};
pub use extension::{TokenList, TokenProviderExt};
pub use marker::Marker;
pub use reconcile::{Reconciliation, UnknownWrite};
pub use revocation_plan::RevocationPlan;
pub use revoke_many::{RevocationVerdict, RevokeMany, RevokeManyOptions};
