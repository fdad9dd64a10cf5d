//! A credential in memory.

use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::error::is_invisible;

/// A credential that is redacted in `Debug` and wiped from memory when dropped.
///
/// It has no `Display`, no `Clone` and no `Serialize`. Call [`expose`](Self::expose) to use it and
/// [`duplicate`](Self::duplicate) to copy it: both are easy to find in a review.
///
/// ```
/// use tokenfleet_core::Secret;
///
/// let secret = Secret::new("SK-PrjW98OTY1h8QTY9hUA");
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// assert_eq!(secret.expose(), "SK-PrjW98OTY1h8QTY9hUA");
/// ```
///
/// ```compile_fail
/// # use tokenfleet_core::Secret;
/// let copy = Secret::new("s").clone();
/// ```
pub struct Secret(Zeroizing<Box<str>>);

impl Secret {
    /// Wraps a credential. A `String` without spare capacity is moved, not copied.
    #[must_use]
    pub fn new(value: impl Into<Box<str>>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// Returns the credential itself. Do not log it, and do not keep a copy that outlives the
    /// secret.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns `true` if both are the same credential. Compares in time that depends only on the
    /// lengths.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let (own, others) = (self.expose().as_bytes(), other.expose().as_bytes());
        let differences = own.iter().zip(others).fold(0, |all, (a, b)| all | (a ^ b));
        own.len() == others.len() && std::hint::black_box(differences) == 0
    }

    /// Returns `true` if this stands for a secret instead of being one, as in an answer that was
    /// redacted: `****`, `null`, `<hidden>`, one sign or digit repeated, an ellipsis.
    ///
    /// ```
    /// use tokenfleet_core::Secret;
    ///
    /// assert!(Secret::new("************3456").is_masked());
    /// assert!(!Secret::new("SK-PrjW98OTY1h8QTY9hUA").is_masked());
    /// ```
    #[must_use]
    pub fn is_masked(&self) -> bool {
        /// Parts of masks that no credential contains, because it is sent in a header.
        const MASKS: [&str; 13] = [
            "**", "##", "???", "...", "•", "●", "·", "∗", "＊", "…", "█", "xxxxxxxx", "XXXXXXXX",
        ];
        /// Words that are no secret even beside others, as in `value-redacted`.
        const WORDS: [&str; 12] = [
            "redacted",
            "masked",
            "hidden",
            "undefined",
            "omitted",
            "removed",
            "filtered",
            "obfuscated",
            "sensitive",
            "protected",
            "encrypted",
            "truncated",
        ];
        /// Words that are no secret alone.
        const SHORT_WORDS: [&str; 5] = ["", "null", "nil", "none", "n/a"];
        let text = self.expose().trim();
        // A letter may be repeated in a secret that a test platform issues.
        let mut characters = text.chars();
        let first = characters.next();
        let is_one_repeated = text.len() > 2
            && first.is_some_and(|c| !c.is_alphabetic() || matches!(c, 'x' | 'X'))
            && characters.all(|c| Some(c) == first);
        let is_placeholder = [('<', '>'), ('[', ']'), ('{', '}'), ('(', ')')]
            .iter()
            .any(|(open, close)| text.starts_with(*open) && text.ends_with(*close));
        let is_any =
            |words: &[&str], part: &str| words.iter().any(|word| part.eq_ignore_ascii_case(word));
        let is_separator = |c: char| !c.is_alphanumeric();
        let is_word = is_any(&SHORT_WORDS, text.trim_matches(is_separator))
            || text.split(is_separator).any(|part| is_any(&WORDS, part));
        is_one_repeated || is_placeholder || is_word || MASKS.iter().any(|mask| text.contains(mask))
    }

    /// Returns the reason why this cannot be a token as a platform issued it, to complete "the
    /// secret …". It quotes nothing of the secret but the character that no token has.
    ///
    /// Such a secret is refused like a dead one by a platform, although the token that was meant
    /// may be alive.
    ///
    /// ```
    /// use tokenfleet_core::Secret;
    ///
    /// let defect = Secret::new("\u{feff}SK-PrjW98OTY1h8QTY9hUA").defect();
    /// assert_eq!(defect.as_deref(), Some("begins with a byte-order mark (U+FEFF)"));
    /// assert_eq!(Secret::new("SK-PrjW98OTY1h8QTY9hUA").defect(), None);
    /// ```
    #[must_use]
    pub fn defect(&self) -> Option<String> {
        let text = self.expose();
        if text.is_empty() {
            return Some("is empty".to_owned());
        }
        let scheme = text.split([' ', '\t', ':']).next().unwrap_or_default();
        if scheme.len() < text.len()
            && let Some(known) = SCHEMES
                .into_iter()
                .find(|known| known.eq_ignore_ascii_case(scheme))
        {
            return Some(format!(
                "begins with \"{known}\", which is no part of the token"
            ));
        }
        if self.is_masked() {
            return Some("is a mask or a placeholder, not a token".to_owned());
        }
        // A base64 text may end with equals signs. Elsewhere they follow a name: `TOKEN=…`.
        let body = text.trim_end_matches('=');
        body.char_indices()
            .find(|(_, c)| !may_be_in_token(*c))
            .map(|(index, odd)| {
                let place = if index == 0 {
                    "begins with"
                } else if index + odd.len_utf8() == text.len() {
                    "ends with"
                } else {
                    "contains"
                };
                format!("{place} {}", describe(odd))
            })
    }

    /// Creates a second copy, for the rare case of two owners.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::new(self.expose())
    }
}

/// The words before a token in a header, which people copy with it.
const SCHEMES: [&str; 6] = [
    "Bearer",
    "Token",
    "Basic",
    "Authorization",
    "X-Api-Key",
    "Api-Key",
];

/// Returns `true` for a character that a token may contain: one of those that RFC 6750 allows, or
/// the bar after the number of a token.
///
/// Everything else comes from the place that a token was copied from: `TOKEN=…;`, `user:…`, `%0A`.
fn may_be_in_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '+' | '/' | '|')
}

/// Describes a character that no token has.
fn describe(c: char) -> String {
    let name = match c {
        '\u{feff}' => "a byte-order mark",
        '\n' | '\r' => "a line break",
        '\t' => "a tab",
        ' ' => "a space",
        '"' | '\'' | '`' | '\u{2018}'..='\u{201f}' | '«' | '»' => "a quotation mark",
        c if c.is_control() => "a control character",
        c if is_invisible(c) => "an invisible character",
        c if c.is_whitespace() => "a blank",
        c if c.is_ascii() => "a character that no token has",
        _ => "a character that is not ASCII",
    };
    format!("{name} (U+{:04X})", u32::from(c))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<str>::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_the_same_only_if_every_byte_is() {
        let is_same = |a: &str, b: &str| Secret::new(a).is_same(&Secret::new(b));
        for secret in ["", "a", "hunter2", "SK-PrjW98OTY1h8QTY9hUA"] {
            assert!(is_same(secret, secret));
            assert!(!is_same(secret, &format!("{secret}a")));
        }
        // Differences at several places do not cancel each other.
        for other in ["abca", "bbcc", "bbca", "aacb", "abc", "bacb"] {
            assert!(!is_same("abcb", other), "{other}");
        }
        assert!(!is_same("aaaa", "bbaa"));
    }

    #[test]
    fn a_mask_is_told_from_a_secret() {
        for mask in [
            "",
            "   ",
            "****",
            "************3456",
            "A8mb**********",
            "**redacted**",
            "[REDACTED]",
            "<hidden>",
            "null",
            "None",
            "\"null\"",
            "••••••••",
            "xxxx-xxxxxxxx-1234",
            "xxxx",
            "000000",
            "eyJhb...",
            "{{token}}",
            "(not shown)",
            "hidden for security reasons",
            "value-redacted",
            "####",
            "undefined",
            "N/A",
            "-",
            "*",
        ] {
            assert!(Secret::new(mask).is_masked(), "{mask}");
        }
        for secret in [
            "SK-PrjW98OTY1h8QTY9hUA",
            "1234567890abcdef1234567890abcdef",
            "ck_1",
            "secret",
            "mem-1",
            "eyJhbGciOiJkaXIifQ..48V1_ALb6US04U3b.AAAAAAAAAAAA.XFBoMYUZodetZdvTiFvSkQ",
            "eyJ.secret.sig",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert!(!Secret::new(secret).is_masked(), "{secret}");
        }
    }

    #[test]
    fn what_cannot_be_a_token_is_named_and_not_repeated() {
        for (text, defect) in [
            ("", "is empty"),
            ("\u{feff}hunter2", "begins with a byte-order mark (U+FEFF)"),
            (
                "hunter2\u{200b}",
                "ends with an invisible character (U+200B)",
            ),
            ("\"hunter2\"", "begins with a quotation mark (U+0022)"),
            ("‘hunter2’", "begins with a quotation mark (U+2018)"),
            (" hunter2", "begins with a space (U+0020)"),
            ("hunter2\u{a0}", "ends with a blank (U+00A0)"),
            ("hunter2\r\n", "contains a line break (U+000D)"),
            ("hun\0ter2", "contains a control character (U+0000)"),
            (
                "hunt\u{435}r2",
                "contains a character that is not ASCII (U+0435)",
            ),
            (
                "Bearer hunter2",
                "begins with \"Bearer\", which is no part of the token",
            ),
            (
                "authorization: bearer hunter2",
                "begins with \"Authorization\", which is no part of the token",
            ),
            (
                "TOKEN=hunter2",
                "contains a character that no token has (U+003D)",
            ),
            (
                "hunter2;",
                "ends with a character that no token has (U+003B)",
            ),
            (
                "$HUNTER",
                "begins with a character that no token has (U+0024)",
            ),
            (
                "admin:hunter2",
                "contains a character that no token has (U+003A)",
            ),
            (
                "hunter2%0A",
                "contains a character that no token has (U+0025)",
            ),
            ("hunt*********", "is a mask or a placeholder, not a token"),
            ("[REDACTED]", "is a mask or a placeholder, not a token"),
            ("null", "is a mask or a placeholder, not a token"),
            ("--", "is a mask or a placeholder, not a token"),
        ] {
            assert_eq!(
                Secret::new(text).defect().as_deref(),
                Some(defect),
                "{text:?}"
            );
        }
        for text in [
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            "-Prj_98OTY1h8QTY9hUA",
            "ck_0123456789abcdef",
            "1|dGVzdA==",
            "BearerXYZ",
            "Token",
        ] {
            assert_eq!(Secret::new(text).defect(), None, "{text}");
        }
    }

    #[test]
    fn only_equal_secrets_are_the_same() {
        for (a, b) in [("", ""), ("a", ""), ("a", "ab"), ("ab", "ab"), ("ab", "aB")] {
            let (one, other) = (Secret::new(a), Secret::new(b));
            assert_eq!(one.is_same(&other), a == b, "{a:?} {b:?}");
            assert_eq!(other.is_same(&one), a == b, "{b:?} {a:?}");
        }
    }
}
