//! Text that is safe to show: control characters escaped, possible credentials redacted.

use std::io::{self, Write};

use tokenfleet::model::is_invisible;
use tokenfleet::{Error, Operation, TokenId};

/// Returns the text of an error, which calls the operation "get" by its command, `show`.
pub(crate) fn error_line(error: &Error) -> String {
    let text = error.to_string();
    match error.operation() {
        Some(Operation::Get) => text.replacen("get failed: ", "show failed: ", 1),
        _ => text,
    }
}

/// Redacts text that looks like a credential, by the rule for messages of platforms.
pub(crate) fn redact(text: &str) -> String {
    let redacted = Error::invalid_input("").with_platform_message(text, &[]);
    redacted.platform_message().unwrap_or_default().to_owned()
}

/// Returns the id as it was typed, but redacts a long one that may be a credential.
///
/// UUIDs and the 24 hexadecimal digits of Losant are recognized as ids.
pub(crate) fn displayed_id(id: &TokenId) -> String {
    const SHORT: usize = 16;
    let id = id.as_str();
    let hexadecimal = id
        .bytes()
        .all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    let is_id = id.len() <= SHORT || (hexadecimal && [24, 36].contains(&id.len()));
    if is_id { id.to_owned() } else { redact(id) }
}

/// Escapes everything that a terminal would interpret, that changes the reading direction, or that
/// nobody would see.
///
/// Names come from platforms, where others choose them: an escape sequence in a name must not move
/// the cursor, change the title or hide a line, and two names that look the same must be the same.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if needs_escape(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Writes a text as [`escape`] returns it, without a copy of it in memory.
pub(super) fn write_escaped(writer: &mut impl Write, text: &str) -> io::Result<()> {
    text.chars().try_for_each(|c| {
        if needs_escape(c) {
            write!(writer, "{}", c.escape_default())
        } else {
            writer.write_all(c.encode_utf8(&mut [0; 4]).as_bytes())
        }
    })
}

/// Returns `true` for control characters and for characters that nobody sees.
pub(crate) fn needs_escape(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_shown_and_a_credential_in_its_place_is_redacted() {
        for id in [
            "17",
            "aB3dE5gH7jK9",
            "575ec8687ae143cd83dc4a97",
            "123e4567-e89b-12d3-a456-426614174000",
            "my-own-token-id-of-words",
        ] {
            assert_eq!(displayed_id(&TokenId::new(id)), id);
        }
        for secret in [
            "SK-PrjW98OTY1h8QTY9hUA",
            "2e6dd43110f6af830b89e98ce2c8cbf8",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        ] {
            assert_eq!(displayed_id(&TokenId::new(secret)), "[masked]");
        }
    }

    #[test]
    fn control_characters_are_escaped_and_other_text_is_unchanged() {
        assert_eq!(escape("a\u{1b}[2Jb\tc\n"), "a\\u{1b}[2Jb\\tc\\n");
        assert_eq!(escape("\u{9b}31m\u{202e}x"), "\\u{9b}31m\\u{202e}x");
        assert_eq!(escape("a\u{200b}b\u{e0041}"), "a\\u{200b}b\\u{e0041}");
        for text in ["Zażółć 日本 🔑", "a\u{200b}b\u{e0041}\t"] {
            let mut written = Vec::new();
            write_escaped(&mut written, text).unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), escape(text));
        }
        assert_eq!(escape("Zażółć 日本 🔑"), "Zażółć 日本 🔑");
    }
}
