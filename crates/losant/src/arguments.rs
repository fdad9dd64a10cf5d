//! The default role of a token, an argument that only Losant has.

use tokenfleet_core::CreateToken;
use tokenfleet_core::capability::{ArgumentDescription, CreateCapability};

/// The argument in Losant's own words, as `create --argument defaultRole=view` takes it.
pub(crate) const DEFAULT_ROLE: &str = "defaultRole";

/// A value of `defaultRole`, which tokens have since API 1.30.
///
/// Losant's schema lists the values and does not say what each of them allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DefaultRole {
    /// `admin`
    Admin,
    /// `edit`
    Edit,
    /// `collaborate`
    Collaborate,
    /// `view`
    View,
    /// `none`
    None,
}

impl DefaultRole {
    /// All values.
    pub const ALL: [Self; 5] = [
        Self::Admin,
        Self::Edit,
        Self::Collaborate,
        Self::View,
        Self::None,
    ];

    /// Returns the value in Losant's own words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Edit => "edit",
            Self::Collaborate => "collaborate",
            Self::View => "view",
            Self::None => "none",
        }
    }
}

/// The arguments of a creation that only Losant has.
///
/// They are declared if the configured `accept_version` begins at API 1.30 or later, and refused
/// before anything is sent otherwise.
///
/// ```
/// use tokenfleet_core::CreateToken;
/// use tokenfleet_losant::{DefaultRole, LosantArguments};
///
/// let request = CreateToken::new("ci").with_default_role(DefaultRole::View);
/// assert_eq!(request, CreateToken::new("ci").with_argument("defaultRole", "view"));
/// ```
pub trait LosantArguments {
    /// Sets `defaultRole`.
    #[must_use]
    fn with_default_role(self, role: DefaultRole) -> Self;
}

impl LosantArguments for CreateToken {
    fn with_default_role(self, role: DefaultRole) -> Self {
        self.with_argument(DEFAULT_ROLE, role.as_str())
    }
}

/// Declares the arguments.
pub(crate) fn declare(create: CreateCapability) -> CreateCapability {
    let roles = DefaultRole::ALL.map(DefaultRole::as_str);
    create.with_argument(ArgumentDescription::choice(DEFAULT_ROLE, roles))
}
