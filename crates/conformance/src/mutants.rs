//! Mutants: deliberately broken providers that prove that every case can fail.
//!
//! A mutant is the reference provider with one defect that somebody might introduce. Each case
//! names the mutants that it must fail, in its `killed_by`.

mod defect;
mod fixture;
mod provider;
mod reading;
mod tests;
mod writing;

pub(crate) use defect::Defect;

use std::time::Duration;

use tokenfleet_core::capability::TokenField;

use crate::MemoryProfile;

/// A defect on a platform where a case must notice it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mutant {
    pub(crate) defect: Defect,
    pub(crate) profile: fn() -> MemoryProfile,
}

impl MemoryProfile {
    /// Creates a platform that deletes and reports no totals.
    ///
    /// From totals, the listing engine itself would notice that tokens vanish or that a page is
    /// not the last.
    pub(crate) fn deleting_without_totals() -> Self {
        let mut profile = Self::deleting();
        if let Some(list) = &mut profile.capabilities.list {
            list.totals = false;
        }
        profile
    }

    /// Creates a platform that takes lifetimes and needs three seconds to issue a token.
    pub(crate) fn slow_lifetimes() -> Self {
        let mut profile = Self::lifetimes();
        profile.expiry_delay = Duration::from_secs(3);
        profile
    }

    /// Creates a platform that lists a keyset and reports when a token was used last.
    pub(crate) fn keyset_with_uses() -> Self {
        let mut profile = Self::keyset();
        profile.capabilities = (profile.capabilities)
            .with_verify()
            .with_reported_fields([TokenField::LastUsed]);
        profile
    }
}
