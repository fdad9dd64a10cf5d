//! Telling a token that one call made from all others.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::model::Token;
use crate::provider::{ArgumentSupport, CreateCapability, CreateToken};

const PREFIX: &str = "tf-";
const DIGITS: usize = 16;

/// A word that a creation carries, so that its token can be told from all others when the answer is lost.
///
/// It is put at the end of the description, where the platform takes one, and at the end of the name otherwise. It holds
/// no secret. Store it before the creation is sent, and [`reconcile`](crate::TokenProviderExt::reconcile) can find the
/// token from another process.
///
/// ```
/// use tokenfleet_core::capability::CreateCapability;
/// use tokenfleet_core::workflow::Marker;
/// use tokenfleet_core::CreateToken;
///
/// let marker: Marker = "tf-0123456789abcdef".parse()?;
/// let marked = marker.apply_to(CreateToken::new("ci"), &CreateCapability::new().with_required_name())?;
/// assert_eq!(marked.name.as_deref(), Some("ci tf-0123456789abcdef"));
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Marker(Box<str>);

impl Marker {
    /// A marker that no token bears yet: it has 64 random bits.
    #[must_use]
    pub fn random() -> Self {
        // Each state is seeded by the operating system.
        let bits = RandomState::new().hash_one(RandomState::new().hash_one(PREFIX));
        Self(format!("{PREFIX}{bits:016x}").into())
    }

    /// The marker as a word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Puts it onto a creation.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) where a platform takes neither description nor name,
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a name that leaves no room for it.
    pub fn apply_to(
        &self,
        mut request: CreateToken,
        create: &CreateCapability,
    ) -> Result<CreateToken> {
        if create.description {
            request.description = Some(self.after(request.description.as_deref()));
        } else if create.name != ArgumentSupport::Unsupported {
            let name = self.after(request.name.as_deref());
            if let Some(longest) = create.max_name_length
                && name.chars().count() > longest
            {
                return Err(Error::invalid_input(format!(
                    "the name leaves no room for the {} characters by which its token is found again",
                    self.0.len() + 1
                ))
                .with_advice("shorten the name"));
            }
            request.name = Some(name);
        } else {
            return Err(Error::unsupported(
                "nothing that is given to a token here could tell it from others",
            ));
        }
        Ok(request)
    }

    /// Whether a token bears it.
    #[must_use]
    pub fn matches(&self, token: &Token) -> bool {
        let bears = |text: &String| text.split(' ').next_back() == Some(&*self.0);
        token.description.known().is_some_and(bears) || token.name.known().is_some_and(bears)
    }

    fn after(&self, text: Option<&str>) -> String {
        match text {
            None | Some("") => self.0.to_string(),
            Some(text) => format!("{text} {}", self.0),
        }
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Marker {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let digits = text.strip_prefix(PREFIX).unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        if digits.len() == DIGITS && digits.bytes().all(plain) {
            Ok(Self(text.into()))
        } else {
            Err(Error::invalid_input(
                "a marker is tf- and 16 digits from 0 to f",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::model::{Fact, TokenId, TokenState};

    #[test]
    fn a_marker_is_found_where_it_was_put_and_nowhere_else() {
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
                token.name = Fact::Known(format!("{marker}x"));
                token.description = Fact::Known(format!("x{marker} y"));
                assert!(!marker.matches(&token), "{token:?}");
            }
        }
    }

    #[test]
    fn a_name_without_room_for_the_marker_is_refused_beforehand() {
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
