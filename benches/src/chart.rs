//! The charts of the picture at the top of `docs/PERFORMANCE.md`.

use serde::{Deserialize, Serialize};

/// The series of a chart: what is measured and how much it is.
pub type Series = Vec<(String, f64)>;

/// A chart of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chart {
    /// The processor time of each client, in seconds.
    Clients,
    /// The wall time of each client at a distance, in seconds.
    Distance,
    /// The peak memory of lists of many sizes, in MiB.
    Growth,
}

impl Chart {
    /// Returns its heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Clients => "Processor time of a list of 100,000 Losant tokens",
            Self::Distance => "Wall time of a list of 2,000 Losant tokens, 50 ms away over TLS",
            Self::Growth => "Peak memory of a list, by its length",
        }
    }

    /// Returns the unit of its bars.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Clients | Self::Distance => "s",
            Self::Growth => "MiB",
        }
    }
}
