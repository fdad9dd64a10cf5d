//! The releases of Foreman and their differences.

use std::fmt;
use std::str::FromStr;

use tokenfleet_core::Error;

/// A release of Foreman: the first two numbers of its version.
///
/// ```
/// use tokenfleet_foreman::Release;
///
/// let release: Release = "3.13.0-develop".parse()?;
/// assert_eq!(release, Release::new(3, 13));
/// assert!(release > Release::default(), "the default assumes the least");
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Release {
    major: u16,
    minor: u16,
}

impl Release {
    /// Creates the release `major.minor`.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Returns `true` if tokens can be ordered and searched by id, which is so since 3.2.
    pub(crate) fn orders_by_id(self) -> bool {
        self >= Self::new(3, 2)
    }
}

/// Returns 1.24, the oldest supported release: what works there works everywhere.
impl Default for Release {
    fn default() -> Self {
        Self::new(1, 24)
    }
}

impl FromStr for Release {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut numbers = text.split('.').map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok(Self::new(major, minor)),
            _ => Err(Error::configuration(
                "the version is not a Foreman release such as 3.9",
            )),
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
