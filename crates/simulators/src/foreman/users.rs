//! The users of the installation and their permissions.

use super::{instant::Zone, options::Options, ruby};

/// A user of the installation.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) id: i32,
    pub(super) login: String,
    pub(super) password: String,
    pub(super) role: Role,
    pub(super) disabled: bool,
    pub(super) zone: Option<Zone>,
}

/// The role of a user, which determines its permissions on other users' tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Admin,
    /// Has all three permissions.
    Manager,
    /// Has the view permission.
    Viewer,
    /// Has no permission.
    Plain,
}

/// A permission on personal access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permission {
    View,
    Create,
    Revoke,
}

impl Permission {
    /// Returns the name of the permission.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::View => "view_personal_access_tokens",
            Self::Create => "create_personal_access_tokens",
            Self::Revoke => "revoke_personal_access_tokens",
        }
    }
}

impl Role {
    pub(super) fn has(self, permission: Permission) -> bool {
        match self {
            Self::Admin | Self::Manager => true,
            Self::Viewer => permission == Permission::View,
            Self::Plain => false,
        }
    }
}

/// All users of the installation.
#[derive(Clone, Debug)]
pub(super) struct Users(Vec<User>);

impl Users {
    /// Creates the account of the options and five more users with various roles and settings.
    ///
    /// The password of each of the five is its login.
    pub(super) fn new(options: &Options) -> Self {
        let account = User {
            id: options.user_id,
            login: options.login.clone(),
            password: options.password.clone(),
            role: Role::Admin,
            disabled: false,
            zone: options.zone.as_ref().map(|zone| zone.0.clone()),
        };
        let others = [
            (5, "jane.doe", Role::Plain),
            (6, "viewer", Role::Viewer),
            (7, "prague", Role::Plain),
            (8, "disabled", Role::Plain),
            (9, "mgr", Role::Manager),
        ];
        let others = others.into_iter().map(|(id, login, role)| User {
            // A user whose id the options give to the account takes the account's default id.
            id: if id == options.user_id { 4 } else { id },
            login: login.to_owned(),
            password: login.to_owned(),
            role,
            disabled: login == "disabled",
            zone: (login == "prague")
                .then(|| Zone::named("Europe/Prague"))
                .flatten(),
        });
        let others = others.filter(|user| user.login != options.login);
        Self(std::iter::once(account).chain(others).collect())
    }

    pub(super) fn all(&self) -> &[User] {
        &self.0
    }

    pub(super) fn by_id(&self, id: i128) -> Option<&User> {
        self.0.iter().find(|user| i128::from(user.id) == id)
    }

    /// Returns the user with a login, which is case-sensitive.
    pub(super) fn by_login(&self, login: &str) -> Option<&User> {
        self.0.iter().find(|user| user.login == login)
    }
}

/// Returns whether a string is an id as Foreman writes it in a path, such as `5` or `5-jane.doe`.
///
/// A number without a name must be written in its canonical form: `05` is not an id.
pub(super) fn is_id_parameter(text: &str) -> bool {
    let named = text
        .split_once('-')
        .is_some_and(|(number, _)| ruby::is_all_digits(number));
    named || ruby::to_i(text).to_string() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_parameter_is_a_canonical_number_or_a_number_and_a_name() {
        assert!(is_id_parameter("5") && is_id_parameter("5-jane.doe"));
        assert!(!is_id_parameter("5.json") && !is_id_parameter("05") && !is_id_parameter("5abc"));
    }
}
