//! Users, what they may do, and the organizations and locations of the installation.

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

/// How much a user may do with other users' tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Admin,
    /// Sees and creates and revokes.
    Manager,
    /// Sees.
    Viewer,
    /// Nothing.
    Plain,
}

/// What a request wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    View,
    Create,
    Revoke,
}

impl Right {
    /// The name of the permission.
    pub(super) fn permission(self) -> &'static str {
        match self {
            Self::View => "view_personal_access_tokens",
            Self::Create => "create_personal_access_tokens",
            Self::Revoke => "revoke_personal_access_tokens",
        }
    }
}

impl Role {
    pub(super) fn may(self, right: Right) -> bool {
        match self {
            Self::Admin | Self::Manager => true,
            Self::Viewer => right == Right::View,
            Self::Plain => false,
        }
    }
}

/// Everybody.
#[derive(Clone, Debug)]
pub(super) struct People(Vec<User>);

impl People {
    /// The account of the options, and five users to try rights, zones and disabling with. Their
    /// password is their login.
    pub(super) fn new(options: &Options) -> Self {
        let chosen = User {
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
            // Whose id was chosen for the account moves to where the account would have been.
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
        Self(std::iter::once(chosen).chain(others).collect())
    }

    pub(super) fn all(&self) -> &[User] {
        &self.0
    }

    pub(super) fn by_id(&self, id: i128) -> Option<&User> {
        self.0.iter().find(|user| i128::from(user.id) == id)
    }

    /// Logins are compared with case.
    pub(super) fn by_login(&self, login: &str) -> Option<&User> {
        self.0.iter().find(|user| user.login == login)
    }
}

/// An organization or a location.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taxonomy {
    pub(super) id: i32,
    pub(super) title: &'static str,
}

pub(super) const ORGANIZATION: Taxonomy = Taxonomy {
    id: 1,
    title: "ACME",
};
pub(super) const LOCATION: Taxonomy = Taxonomy {
    id: 2,
    title: "Brno",
};

impl Taxonomy {
    /// Whether a parameter means this one: `1`, `1-ACME` or the title.
    pub(super) fn is_meant_by(self, text: &str) -> bool {
        let digits = text.len()
            - text
                .trim_start_matches(|letter: char| letter.is_ascii_digit())
                .len();
        let number_and_more = digits > 0 && text[digits..].starts_with('-');
        if number_and_more || is_integer(text) {
            return ruby::to_i(text) == i128::from(self.id);
        }
        text == self.title
    }
}

/// Whether a text is a number as Foreman sees it: it reads the same when written again.
pub(super) fn is_integer(text: &str) -> bool {
    ruby::to_i(text).to_string() == text
}

/// Whether a user id in a path leads to the tokens of somebody else: `5` or `5-jane.doe`.
pub(super) fn is_plain_user_id(text: &str) -> bool {
    let digits = text.len()
        - text
            .trim_start_matches(|letter: char| letter.is_ascii_digit())
            .len();
    (digits > 0 && text[digits..].starts_with('-')) || is_integer(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_is_meant_by_number_number_and_name_or_title() {
        for text in ["1", "1-ACME", "1-x", "ACME"] {
            assert!(ORGANIZATION.is_meant_by(text), "{text}");
        }
        for text in ["99", "abc", "01", "1x", "acme", "2"] {
            assert!(!ORGANIZATION.is_meant_by(text), "{text}");
        }
    }

    #[test]
    fn only_two_forms_of_a_user_id_lead_to_other_peoples_tokens() {
        assert!(is_plain_user_id("5") && is_plain_user_id("5-jane.doe"));
        assert!(
            !is_plain_user_id("5.json") && !is_plain_user_id("05") && !is_plain_user_id("5abc")
        );
    }
}
