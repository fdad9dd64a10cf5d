//! Text that a terminal shows as it is.

use tokenfleet::{Error, Operation, TokenId};

/// An error in the words of the program, whose command for reading one token is `show`.
pub(crate) fn of(error: &Error) -> String {
    let text = error.to_string();
    match error.operation() {
        Some(Operation::Get) => text.replacen("get failed: ", "show failed: ", 1),
        _ => text,
    }
}

/// The text as it is, or masked where it looks like a credential: by the rule that holds for what platforms say.
pub(crate) fn masked(text: &str) -> String {
    let masked = Error::invalid_input("").with_platform_message(text, &[]);
    masked.platform_message().unwrap_or_default().to_owned()
}

/// The id as it was typed, unless it may be a credential that was typed in its place: longer than short ids are, and neither a
/// UUID nor the 24 hexadecimal digits of Losant.
pub(crate) fn of_id(id: &TokenId) -> String {
    const SHORT: usize = 16;
    let id = id.as_str();
    let hexadecimal = id
        .bytes()
        .all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    let is_id = id.len() <= SHORT || (hexadecimal && [24, 36].contains(&id.len()));
    if is_id { id.to_owned() } else { masked(id) }
}

/// The text without anything that a terminal would obey, or that would reorder what is read.
///
/// Names come from platforms where others choose them: an escape sequence in a name must not move the cursor, change
/// the title or hide a line.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hazardous(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Control characters, and the marks that change direction or break lines.
pub(crate) fn is_hazardous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{feff}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_shown_and_a_credential_in_its_place_is_not() {
        for id in [
            "17",
            "aB3dE5gH7jK9",
            "575ec8687ae143cd83dc4a97",
            "123e4567-e89b-12d3-a456-426614174000",
            "my-own-token-id-of-words",
        ] {
            assert_eq!(of_id(&TokenId::new(id)), id);
        }
        for secret in [
            "SK-PrjW98OTY1h8QTY9hUA",
            "2e6dd43110f6af830b89e98ce2c8cbf8",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        ] {
            assert_eq!(of_id(&TokenId::new(secret)), "[masked]");
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(visible("a\u{1b}[2Jb\tc\n"), "a\\u{1b}[2Jb\\tc\\n");
        assert_eq!(visible("\u{9b}31m\u{202e}x"), "\\u{9b}31m\\u{202e}x");
        assert_eq!(visible("Zażółć 日本 🔑"), "Zażółć 日本 🔑");
    }
}
