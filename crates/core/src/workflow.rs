//! Workflows that combine several calls: whole listings, exactly-once creation, reconciliation and
//! bulk revocation.

mod exactly_once;
mod marker;
mod planned_owner;
mod provider_ext;
mod reconcile;
mod revocation_plan;
mod revocation_verdict;
mod revoke_many;
mod token_list;

pub use exactly_once::{ExactlyOnce, Timer};
pub use marker::Marker;
pub use provider_ext::TokenProviderExt;
pub use reconcile::{Reconciliation, UnknownWrite};
pub use revocation_plan::{PlannedToken, RevocationPlan};
pub use revocation_verdict::RevocationVerdict;
pub use revoke_many::{RevokeMany, RevokeManyOptions};
pub use token_list::TokenList;
