//! The text under which a token is kept.

use tokenfleet_core::{Error, ErrorKind, Fate, Result, Token};

/// Writes a token as it is kept. The same token is always written as the same text.
pub(crate) fn encode(token: &Token) -> Result<String> {
    serde_json::to_string(token).map_err(|error| {
        let message = "a token cannot be written as JSON";
        Error::new(ErrorKind::Other, Fate::NotSent, message).with_source(error)
    })
}

/// Reads a token that was kept.
pub(crate) fn decode(record: &str) -> Result<Token> {
    serde_json::from_str(record).map_err(|error| {
        let message = "the ledger holds a record that is not a token";
        Error::new(ErrorKind::Other, Fate::NotSent, message)
            .with_source(error)
            .with_advice("check the ledger, and restore it from a backup")
    })
}
