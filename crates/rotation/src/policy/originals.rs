//! Tokens as they were before a rotation put its marker on them.

use std::borrow::Cow;

use tokenfleet_core::workflow::Marker;
use tokenfleet_core::{Fact, Token};

/// Returns a token without the markers of a ledger in its name and its description.
///
/// A successor is then like the token before it, so a filter that matches one matches the other.
/// The markers of other ledgers are left: what those do is not known here.
///
/// ```
/// use tokenfleet_core::workflow::Marker;
/// use tokenfleet_core::{Fact, Token, TokenId, TokenState};
/// use tokenfleet_rotation::policy::without_markers_of;
///
/// let ledger = "0123456789abcdef";
/// let mut token = Token::new(TokenId::new("65f0"), TokenState::Active);
/// token.name = Fact::Known(format!("backup {}", Marker::random_in(ledger)));
/// assert_eq!(without_markers_of(ledger, &token).name, Fact::Known("backup".to_owned()));
/// assert_eq!(without_markers_of("another", &token).name, token.name);
/// ```
#[must_use]
pub fn without_markers_of<'a>(ledger: &str, token: &'a Token) -> Cow<'a, Token> {
    let markers = Marker::all_of(token).into_iter();
    let own: Vec<_> = markers
        .filter(|marker| marker.is_of_ledger(ledger))
        .collect();
    if own.is_empty() {
        return Cow::Borrowed(token);
    }
    let mut token = token.clone();
    for text in [&mut token.name, &mut token.description] {
        let bare = text.known().and_then(|text| bare_text(text, &own));
        match bare {
            None => {}
            // A creation without a text gets the marker alone.
            Some("") => *text = Fact::Absent,
            Some(bare) => *text = Fact::Known(bare.to_owned()),
        }
    }
    Cow::Owned(token)
}

/// Returns a text without the marker at its end, if it is one of these.
fn bare_text<'a>(text: &'a str, markers: &[Marker]) -> Option<&'a str> {
    // A platform may have changed the case, and what is around the marker.
    let trimmed = text.trim_end_matches(|c: char| !c.is_alphanumeric());
    markers.iter().find_map(|marker| {
        let at = trimmed.len().checked_sub(marker.as_str().len())?;
        let end = trimmed.get(at..)?;
        let bare = trimmed.get(..at)?;
        (end.eq_ignore_ascii_case(marker.as_str())).then_some(bare.trim_end())
    })
}
