//! The marker by which the token of one creation is recognised.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result, is_marker};
use crate::model::{Fact, Token};
use crate::provider::{ArgumentSupport, CreateCapability, CreateToken};

const PREFIX: &str = "tf-";

/// The number of digits that tell the ledger.
const LEDGER_DIGITS: usize = 6;

/// A random word added to a new token, so that the token can be recognised if the response is lost.
///
/// It ends the description, or the name if the platform has no descriptions (decision 0009). It is
/// not a secret. Store it before the creation is sent, so that
/// [`reconcile`](crate::TokenProviderExt::reconcile) can find the token from another process.
///
/// ```
/// use tokenfleet_core::CreateToken;
/// use tokenfleet_core::capability::CreateCapability;
/// use tokenfleet_core::workflow::Marker;
///
/// let marker: Marker = "tf-0123456789abcdef".parse()?;
/// let create = CreateCapability::new().with_required_name();
/// let marked = marker.apply_to(CreateToken::new("ci"), &create)?;
/// assert_eq!(marked.name.as_deref(), Some("ci tf-0123456789abcdef"));
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Marker(Box<str>);

impl Marker {
    /// Creates a new marker of 64 random bits.
    #[must_use]
    pub fn random() -> Self {
        // The standard library seeds each state from the operating system.
        let bits = RandomState::new().hash_one(RandomState::new().hash_one(PREFIX));
        Self(format!("{PREFIX}{bits:016x}").into())
    }

    /// Creates a new marker of a ledger: its first six digits are those of the ledger's id, and the
    /// others are 40 random bits. If the id does not begin with six lower-case hexadecimal digits,
    /// all are random.
    ///
    /// ```
    /// use tokenfleet_core::workflow::Marker;
    ///
    /// let marker = Marker::random_in("0123456789abcdef");
    /// assert_eq!(marker.ledger_prefix(), "012345");
    /// assert!(marker.is_of_ledger("0123456789abcdef"));
    /// ```
    #[must_use]
    pub fn random_in(ledger: &str) -> Self {
        let random = Self::random();
        let (_, digits) = random.0.split_at(PREFIX.len() + LEDGER_DIGITS);
        ledger
            .get(..LEDGER_DIGITS)
            .and_then(|prefix| format!("{PREFIX}{prefix}{digits}").parse().ok())
            .unwrap_or(random)
    }

    /// Returns the digits that tell the ledger, if the marker was created
    /// [in one](Self::random_in); they are random otherwise.
    #[must_use]
    pub fn ledger_prefix(&self) -> &str {
        (self.0.get(PREFIX.len()..PREFIX.len() + LEDGER_DIGITS)).unwrap_or_default()
    }

    /// Returns `true` if the marker was created in a ledger of this id. One in 16 million of the
    /// other markers looks as if it was.
    #[must_use]
    pub fn is_of_ledger(&self, ledger: &str) -> bool {
        ledger.get(..LEDGER_DIGITS) == Some(self.ledger_prefix())
    }

    /// Returns the markers that a token carries, which are one or none unless somebody copied texts
    /// of other tokens. [`matches`](Self::matches) is true for these and for no other.
    #[must_use]
    pub fn all_of(token: &Token) -> Vec<Self> {
        let read = |text: &Fact<String>, field| {
            let text = text
                .known()
                .filter(|_| !token.attributes.is_unreadable(field))?;
            let text = trimmed(text);
            let at = text.len().checked_sub(PREFIX.len() + 16)?;
            let marker = text.get(at..)?.to_ascii_lowercase().parse::<Self>().ok()?;
            marker.ends(text).then_some(marker)
        };
        let description = read(&token.description, "description");
        let name = read(&token.name, "name").filter(|name| description.as_ref() != Some(name));
        description.into_iter().chain(name).collect()
    }

    /// Returns the marker as a word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Adds the marker to a creation.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if the platform accepts neither a description
    /// nor a name, [`InvalidInput`](crate::ErrorKind::InvalidInput) if the name becomes too long.
    pub fn apply_to(
        &self,
        mut request: CreateToken,
        create: &CreateCapability,
    ) -> Result<CreateToken> {
        if create.description {
            request.description = Some(self.appended_to(request.description.as_deref()));
        } else if create.name != ArgumentSupport::Unsupported {
            let name = self.appended_to(request.name.as_deref());
            if let Some(max) = create.max_name_length
                && name.chars().count() > max
            {
                return Err(Error::invalid_input(format!(
                    "the name leaves no room for the {} characters of the marker",
                    self.0.len() + 1
                ))
                .with_advice("shorten the name"));
            }
            request.name = Some(name);
        } else {
            return Err(Error::unsupported(
                "the platform accepts neither a description nor a name to carry the marker",
            ));
        }
        Ok(request)
    }

    /// Returns `true` if a token carries the marker.
    ///
    /// A platform may change the case, and the spaces and punctuation around the marker.
    #[must_use]
    pub fn matches(&self, token: &Token) -> bool {
        let carries = |text: &Fact<String>, field| {
            text.known().is_some_and(|text| self.ends(trimmed(text)))
                && !token.attributes.is_unreadable(field)
        };
        carries(&token.description, "description") || carries(&token.name, "name")
    }

    /// Returns `true` if the marker is the last word of a trimmed text.
    fn ends(&self, text: &str) -> bool {
        let before = text.len().checked_sub(self.0.len());
        before.is_some_and(|at| {
            text.is_char_boundary(at)
                && text[at..].eq_ignore_ascii_case(&self.0)
                && !text[..at].ends_with(char::is_alphanumeric)
        })
    }

    fn appended_to(&self, text: Option<&str>) -> String {
        match text {
            None | Some("") => self.0.to_string(),
            Some(text) => format!("{text} {}", self.0),
        }
    }
}

/// Returns a text without the spaces and the punctuation at its end.
fn trimmed(text: &str) -> &str {
    text.trim_end_matches(|c: char| !c.is_alphanumeric())
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Marker {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if is_marker(text) {
            Ok(Self(text.into()))
        } else {
            Err(Error::invalid_input(
                "not a valid marker: expected tf- and 16 lower-case hexadecimal digits",
            ))
        }
    }
}

impl Serialize for Marker {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Marker {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::model::{TokenId, TokenState};

    #[test]
    fn a_marker_matches_only_the_token_that_carries_it() {
        let marker = Marker::random();
        assert_eq!(marker.to_string().parse::<Marker>().unwrap(), marker);
        assert_ne!(marker, Marker::random());
        let described = CreateCapability::new()
            .with_required_name()
            .with_description();
        for create in [CreateCapability::new().with_required_name(), described] {
            for request in [
                CreateToken::new("ci"),
                CreateToken::new("ci").with_description("x y"),
            ] {
                let marked = marker.apply_to(request, &create).unwrap();
                let mut token = Token::new(TokenId::new("1"), TokenState::Active);
                token.name = Fact::from_nullable(marked.name);
                token.description = Fact::from_nullable(marked.description);
                assert!(marker.matches(&token), "{token:?}");
                assert!(!Marker::random().matches(&token));
                for field in ["name", "description"] {
                    token.attributes.mark_unreadable(field);
                }
                assert!(!marker.matches(&token), "{token:?}");
                token.attributes = Default::default();
                token.name = Fact::Known(format!("{marker}x"));
                token.description = Fact::Known(format!("x{marker} y"));
                assert!(!marker.matches(&token), "{token:?}");
            }
        }
    }

    #[test]
    fn a_marker_matches_however_the_platform_stores_the_text_around_it() {
        let marker: Marker = "tf-0123456789abcdef".parse().unwrap();
        let mut token = Token::new(TokenId::new("1"), TokenState::Active);
        for stored in [
            "ci  tf-0123456789abcdef ",
            "ci\u{a0}tf-0123456789abcdef\n",
            "ci-tf-0123456789abcdef",
            "CI TF-0123456789ABCDEF",
            "é tf-0123456789abcdef.",
        ] {
            token.name = Fact::Known(stored.into());
            assert!(marker.matches(&token), "{stored:?}");
            assert_eq!(
                Marker::all_of(&token),
                std::slice::from_ref(&marker),
                "{stored:?}"
            );
        }
        for other in [
            "ci tf-0123456789abcde",
            "xtf-0123456789abcdef",
            "éf-0123456789abcdef",
            "é",
        ] {
            token.name = Fact::Known(other.into());
            assert!(!marker.matches(&token), "{other:?}");
            assert_eq!(Marker::all_of(&token), [], "{other:?}");
        }
    }

    #[test]
    fn both_texts_of_a_token_are_read_unless_they_cannot_be() {
        let [one, other] = [Marker::random(), Marker::random()];
        let mut token = Token::new(TokenId::new("1"), TokenState::Active);
        token.name = Fact::Known(format!("ci {one}"));
        token.description = Fact::Known(other.to_string());
        assert_eq!(Marker::all_of(&token), [other.clone(), one.clone()]);
        token.attributes.mark_unreadable("name");
        assert_eq!(Marker::all_of(&token), [other]);
        token.attributes = Default::default();
        token.description = Fact::Known(one.to_string());
        assert_eq!(Marker::all_of(&token), [one]);
    }

    #[test]
    fn a_marker_tells_the_ledger_it_was_created_in() {
        let ledger = "0123456789abcdef";
        let [one, other] = [Marker::random_in(ledger), Marker::random_in(ledger)];
        assert_ne!(one, other);
        assert!(one.is_of_ledger(ledger) && other.is_of_ledger(ledger));
        assert!(!one.is_of_ledger("0123466789abcdef"));
        assert_eq!(one.to_string().parse::<Marker>().unwrap(), one);
        for no_ledger in ["", "01234", "the ledger", "ABCDEF6789abcdef", "éééé"] {
            let marker = Marker::random_in(no_ledger);
            assert_eq!(marker.to_string().parse::<Marker>().unwrap(), marker);
            assert!(!marker.is_of_ledger(no_ledger), "{no_ledger}");
        }
    }

    #[test]
    fn a_name_without_room_for_the_marker_is_rejected() {
        let create = CreateCapability::new()
            .with_required_name()
            .with_max_name_length(30);
        let marker = Marker::random();
        assert!(
            marker
                .apply_to(CreateToken::new("é".repeat(10)), &create)
                .is_ok()
        );
        let error = marker
            .apply_to(CreateToken::new("é".repeat(11)), &create)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let error = marker
            .apply_to(CreateToken::unnamed(), &CreateCapability::new())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}
