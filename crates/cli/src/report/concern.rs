//! The reasons why a token deserves attention.

/// A reason why a token deserves attention, the most urgent one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Concern {
    ExpiresSoon,
    NeverExpires,
    BroadScope,
    Unused,
}

impl Concern {
    pub(super) const ALL: [Self; 4] = [
        Self::ExpiresSoon,
        Self::NeverExpires,
        Self::BroadScope,
        Self::Unused,
    ];

    /// Returns the words that the report uses.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::ExpiresSoon => "expires soon",
            Self::NeverExpires => "never expires",
            Self::BroadScope => "broad scope",
            Self::Unused => "unused",
        }
    }
}
