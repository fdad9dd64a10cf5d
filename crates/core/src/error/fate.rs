//! The effect that a failed call may have had.

/// The effect that a failed call may have had on the platform.
///
/// Fates are ordered by how much may have happened, so the fate of several attempts together is
/// their maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Fate {
    /// Nothing was sent.
    NotSent,
    /// The request was sent and changed nothing: the platform rejected it, or it was a read.
    Rejected,
    /// The request was sent and may have been applied. Do not repeat a creation or a rotation
    /// before checking what it did.
    MaybeApplied,
    /// The request was applied, and its result is lost. A provider never says so: it is what a
    /// caller finds out afterwards.
    Applied,
}

impl Fate {
    /// All fates.
    pub(crate) const ALL: [Self; 4] = [
        Self::NotSent,
        Self::Rejected,
        Self::MaybeApplied,
        Self::Applied,
    ];

    /// Returns the fate in snake case, as it appears in the program's JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Rejected => "rejected",
            Self::MaybeApplied => "maybe_applied",
            Self::Applied => "applied",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fate_of_several_attempts_is_their_maximum() {
        assert!(Fate::NotSent < Fate::Rejected);
        assert!(Fate::Rejected < Fate::MaybeApplied);
        assert!(Fate::MaybeApplied < Fate::Applied);
    }
}
