//! The error for a mistake in the text of a filter.

use crate::error::Error;

/// Creates an error for a mistake at a byte offset of the text.
///
/// Its message never repeats the text, which may contain anything.
pub(super) fn syntax_error(text: &str, offset: usize, message: impl Into<String>) -> Error {
    at_offset(text, offset, Error::invalid_input(message))
}

/// Puts the position in characters, counted from 1, before the message of an error.
pub(super) fn at_offset(text: &str, offset: usize, error: Error) -> Error {
    let character = text.get(..offset).unwrap_or(text).chars().count() + 1;
    error.with_message_prefix(&format!("at character {character}"))
}
