//! Which release of Foreman answers, and what each brought.

use crate::OptionValue;

/// A release such as `3.13.0-develop`. Only the first two numbers decide behaviour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    text: String,
    number: (u32, u32),
}

impl Release {
    /// Reads a release: at least two numbers with a dot between.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, rest) = text.split_once('.')?;
        let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some(Self {
            text: text.to_owned(),
            number: (major.parse().ok()?, minor.parse().ok()?),
        })
    }

    /// The release as the header shows it.
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

    pub(super) fn others_may_revoke(&self) -> bool {
        self.since(3, 0)
    }

    pub(super) fn own_tokens_need_no_permission(&self) -> bool {
        self.since(3, 1)
    }

    pub(super) fn searches_ids(&self) -> bool {
        self.since(3, 2)
    }

    pub(super) fn answers_bad_json_with_400(&self) -> bool {
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
    fn releases_compare_by_number_not_by_text() {
        assert!(Release::parse("3.13.0-develop").unwrap().validates_expiry());
        assert!(!Release::parse("3.8").unwrap().validates_expiry());
        assert!(!Release::parse("1.24").unwrap().shows_revoked());
        assert!(Release::parse("3").is_none());
    }
}
