//! Foreman releases and the changes that they introduced.

use crate::OptionValue;

/// A Foreman release such as `3.13.0-develop`, whose first two numbers determine the behaviour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    text: String,
    number: (u32, u32),
}

impl Release {
    /// Parses a release, which starts with two numbers separated by a dot.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, rest) = text.split_once('.')?;
        let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some(Self {
            text: text.to_owned(),
            number: (major.parse().ok()?, minor.parse().ok()?),
        })
    }

    /// Returns the release as the `Foreman_version` header shows it.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn since(&self, major: u32, minor: u32) -> bool {
        self.number >= (major, minor)
    }

    pub(super) fn hashes_with_bcrypt(&self) -> bool {
        self.since(1, 23)
    }

    pub(super) fn knows_per_page_all(&self) -> bool {
        self.since(2, 2)
    }

    pub(super) fn shows_revoked(&self) -> bool {
        self.since(2, 4)
    }

    /// Returns whether users other than administrators can have the permission to revoke.
    pub(super) fn has_revoke_permission(&self) -> bool {
        self.since(3, 0)
    }

    pub(super) fn own_tokens_need_no_permission(&self) -> bool {
        self.since(3, 1)
    }

    pub(super) fn searches_ids(&self) -> bool {
        self.since(3, 2)
    }

    pub(super) fn reports_malformed_json_as_400(&self) -> bool {
        self.since(3, 3)
    }

    pub(super) fn validates_expiry(&self) -> bool {
        self.since(3, 9)
    }
}

impl Default for Release {
    fn default() -> Self {
        Self {
            text: "3.13.0".to_owned(),
            number: (3, 13),
        }
    }
}

impl OptionValue for Release {
    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn expected() -> String {
        "a release such as 3.13.0 or 1.24".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_as_numbers() {
        assert!(Release::parse("3.13.0-develop").unwrap().validates_expiry());
        assert!(!Release::parse("3.8").unwrap().validates_expiry());
        assert!(!Release::parse("1.24").unwrap().shows_revoked());
        assert!(Release::parse("3").is_none());
    }
}
