//! The token that an error is about.

use tokenfleet::config::quoted;
use tokenfleet::{Error, ErrorKind, Fate, TokenId, TokenRef};

use crate::output::displayed_id;

/// The token that a command works on, for its error messages.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    Id(&'a TokenId),
    Name(&'a str),
    /// A token without a name, or one that is known only by its secret.
    Unnamed,
}

impl Subject<'_> {
    /// Prefixes the message of an error with the token.
    pub(super) fn add_to(self, error: Error) -> Error {
        match self {
            // What cannot be an id may be a secret in the wrong place.
            Self::Id(id) if is_refused(&error) && !is_plain(id) => error,
            Self::Id(id) => error.with_message_prefix(&format!("token {}", displayed_id(id))),
            Self::Name(name) => error.with_message_prefix(&format!("{name:?}")),
            Self::Unnamed => error,
        }
    }
}

/// Returns `true` for the error of an argument that no platform got to see.
fn is_refused(error: &Error) -> bool {
    error.kind() == ErrorKind::InvalidInput && error.fate() == Fate::NotSent
}

/// Returns `true` for an id that is a number, hexadecimal or a plain word.
fn is_plain(id: &TokenId) -> bool {
    let id = id.as_str();
    let is_number = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    id.bytes().all(is_number) || !quoted(id, &[]).is_empty()
}

impl<'a> From<TokenRef<'a>> for Subject<'a> {
    fn from(token: TokenRef<'a>) -> Self {
        match token {
            TokenRef::Id(id) => Self::Id(id),
            _ => Self::Unnamed,
        }
    }
}
