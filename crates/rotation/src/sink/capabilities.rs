//! The declaration of what a sink can do.

use serde::{Deserialize, Serialize};

/// The declaration of what a sink can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkCapabilities {
    /// The part of what the place holds that a read returns.
    pub readable: Readable,
    /// `true` if a write with another version than the current one, or with a lower epoch than the
    /// stored one, changes nothing even if two processes write at once, or if a write arrives late.
    pub compare_and_swap: bool,
    /// `true` if the place keeps the secret that a write replaces, outside of the sink.
    pub keeps_previous: bool,
    /// `true` if the sink was told to replace what somebody else wrote. It is the only switch for
    /// that: plans and policies take it from here.
    pub adopts: bool,
}

/// The part of what a place holds that a read returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Readable {
    /// Nothing: whether a write has arrived is not known.
    Nothing,
    /// The stamp of the last write, and not the secret.
    Stamp,
    /// The secret and its stamp.
    Secret,
}

impl SinkCapabilities {
    /// Declares what a read returns, and nothing else.
    #[must_use]
    pub fn new(readable: Readable) -> Self {
        Self {
            readable,
            compare_and_swap: false,
            keeps_previous: false,
            adopts: false,
        }
    }

    /// Declares that stale writes change nothing.
    #[must_use]
    pub fn with_compare_and_swap(mut self) -> Self {
        self.compare_and_swap = true;
        self
    }

    /// Declares that the place keeps the secret that a write replaces.
    #[must_use]
    pub fn with_previous_kept(mut self) -> Self {
        self.keeps_previous = true;
        self
    }

    /// Declares whether the sink replaces what somebody else wrote.
    #[must_use]
    pub fn with_adoption(mut self, adopts: bool) -> Self {
        self.adopts = adopts;
        self
    }
}
