//! The role and the teams of a new service account, arguments that only Cloudsmith has.

use tokenfleet_core::CreateToken;
use tokenfleet_core::capability::{ArgumentDescription, CreateCapability};

/// The role in Cloudsmith's own words, as `create --argument role=Manager` takes it.
pub(crate) const ROLE: &str = "role";

/// The teams, as `create --argument teams=SLUG` takes them.
pub(crate) const TEAMS: &str = "teams";

/// The role of a service account in its organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Role {
    /// A member, the lesser role.
    #[default]
    Member,
    /// A manager.
    Manager,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 2] = [Self::Member, Self::Manager];

    /// Returns the role in Cloudsmith's own words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "Member",
            Self::Manager => "Manager",
        }
    }
}

/// The arguments of a creation that only Cloudsmith has, for service accounts.
///
/// ```
/// use tokenfleet_cloudsmith::{CloudsmithArguments, Role};
/// use tokenfleet_core::CreateToken;
///
/// let request = CreateToken::new("ci").with_role(Role::Manager).with_teams(["owners"]);
/// let same = CreateToken::new("ci").with_argument("role", "Manager");
/// assert_eq!(request, same.with_argument("teams", ["owners"]));
/// ```
pub trait CloudsmithArguments {
    /// Sets the role in the organization. Without one, the service account is a member.
    #[must_use]
    fn with_role(self, role: Role) -> Self;

    /// Sets the slugs of the teams, of which the service account becomes a member. Without them, it
    /// is in no team.
    #[must_use]
    fn with_teams<T: Into<String>>(self, slugs: impl IntoIterator<Item = T>) -> Self;
}

impl CloudsmithArguments for CreateToken {
    fn with_role(self, role: Role) -> Self {
        self.with_argument(ROLE, role.as_str())
    }

    fn with_teams<T: Into<String>>(self, slugs: impl IntoIterator<Item = T>) -> Self {
        let slugs: Vec<String> = slugs.into_iter().map(Into::into).collect();
        self.with_argument(TEAMS, slugs)
    }
}

/// Declares the arguments.
pub(crate) fn declare(create: CreateCapability) -> CreateCapability {
    create
        .with_argument(ArgumentDescription::choice(
            ROLE,
            Role::ALL.map(Role::as_str),
        ))
        .with_argument(ArgumentDescription::list(TEAMS))
}
