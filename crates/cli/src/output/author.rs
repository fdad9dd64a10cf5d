//! The author of a change.

use serde::Serialize;
use tokenfleet::Timestamp;

/// The author of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub(crate) enum Author {
    /// Somebody with this program. The write is recorded.
    Us {
        operation: String,
        /// The time of the write.
        written_at: Timestamp,
        reason: Option<String>,
    },
    /// Somebody else: the ledger holds every write of ours in that time, and it is none of them.
    Others,
    /// Nobody knows.
    Unknown,
}

impl Author {
    /// Returns the word for the author, which scripts rely on.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Us { .. } => "us",
            Self::Others => "others",
            Self::Unknown => "unknown",
        }
    }
}
