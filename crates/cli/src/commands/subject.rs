//! The token that an error is about.

use tokenfleet::{Error, TokenId, TokenRef};

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
            Self::Id(id) => error.with_message_prefix(&format!("token {}", displayed_id(id))),
            Self::Name(name) => error.with_message_prefix(&format!("{name:?}")),
            Self::Unnamed => error,
        }
    }
}

impl<'a> From<TokenRef<'a>> for Subject<'a> {
    fn from(token: TokenRef<'a>) -> Self {
        match token {
            TokenRef::Id(id) => Self::Id(id),
            _ => Self::Unnamed,
        }
    }
}
