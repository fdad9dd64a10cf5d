//! Masking of secrets in the platform's own words, before they are shown.

mod echo;
mod name;

const MAX_MESSAGE_CHARACTERS: usize = 300;
const MAX_CODE_LENGTH: usize = 64;
const MASK: &str = "[masked]";

/// Returns a platform's message on one line, cut to a readable length, with the given secrets and
/// every word that looks like a secret masked.
///
/// Masking comes before cutting, so that a cut never leaves half a secret.
pub(crate) fn sanitize_message(text: &str, secrets: &[&str]) -> String {
    let text = mask_secrets(text, secrets);
    let mut line = String::with_capacity(text.len().min(MAX_MESSAGE_CHARACTERS));
    for word in text.split_inclusive(|c: char| !is_token_character(c)) {
        let core = word.trim_end_matches(|c: char| !is_token_character(c));
        if looks_random(core) {
            line.push_str(MASK);
            line.push_str(&word[core.len()..]);
        } else {
            line.push_str(word);
        }
    }
    let line = collapse_whitespace(&line);
    match line.char_indices().nth(MAX_MESSAGE_CHARACTERS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Replaces every run of whitespace and control characters by one space.
fn collapse_whitespace(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns a platform's error code with the given secrets masked, or `None` if it does not look
/// like a code.
///
/// A code made of words is kept however long it is: `MissingRequiredFields` is not a secret.
pub(crate) fn sanitize_code(text: &str, secrets: &[&str]) -> Option<String> {
    let is_code = (1..=MAX_CODE_LENGTH).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte));
    let masked = mask_secrets(text, secrets);
    let mut parts = masked.split(MASK).flat_map(|part| part.split(':'));
    let has_credential = parts.any(is_credential_like);
    (is_code && !has_credential).then_some(masked)
}

/// Replaces the control characters of one of our own texts by spaces: it may quote a platform.
pub(crate) fn single_line(text: String) -> String {
    if text.contains(char::is_control) {
        text.replace(char::is_control, " ")
    } else {
        text
    }
}

/// Masks every byte that belongs to a secret, even where two secrets overlap or one contains the
/// other, and however the secret is written ([`echo`]).
pub(crate) fn mask_secrets(text: &str, secrets: &[&str]) -> String {
    let hidden = echo::hidden_bytes(text, secrets);
    let mut masked = String::with_capacity(text.len());
    let mut in_secret = false;
    for (index, character) in text.char_indices() {
        match (hidden[index], in_secret) {
            (true, false) => masked.push_str(MASK),
            (true, true) => {}
            (false, _) => masked.push(character),
        }
        in_secret = hidden[index];
    }
    masked
}

/// Returns `true` for the characters that credentials are made of.
fn is_token_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | '=' | '$')
}

/// Returns `true` for a long run of mixed letters and digits or of mixed case: every kind of
/// credential looks like this, and no word of a language does.
fn looks_random(word: &str) -> bool {
    let has = |test: fn(&u8) -> bool| word.as_bytes().iter().any(test);
    let letters = has(u8::is_ascii_alphabetic);
    let digits = has(u8::is_ascii_digit);
    let mixed_case = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    (word.len() >= 12 && letters && digits) || (word.len() >= 20 && mixed_case)
}

/// Returns `true` if a value is a single word that looks like a secret, and neither an id nor a
/// name that is composed of words.
pub(crate) fn is_credential_like(value: &str) -> bool {
    let value = value.trim();
    value.chars().all(is_token_character)
        && looks_random(value)
        && !is_platform_id(value)
        && !is_marker(value)
        && !is_composed_of_words(value)
}

/// Returns `true` if a value looks like a secret or contains a word that does, such as a sentence
/// that quotes a token.
pub(crate) fn contains_credential(value: &str) -> bool {
    is_credential_like(value)
        || value
            .split(|c: char| !is_token_character(c))
            .any(holds_credential)
}

/// Returns `true` if a word, or a segment of a path, looks like a secret.
fn holds_credential(word: &str) -> bool {
    holds(word, is_credential_like)
}

fn holds(word: &str, is_secret: fn(&str) -> bool) -> bool {
    word.split('/')
        .map(|part| part.trim_end_matches('.'))
        .any(|part| is_secret(part) && !starts_with_date(part))
}

/// Masks every word that looks like a secret, and keeps the rest of the text as it is.
pub(crate) fn mask_credentials(text: &str) -> String {
    mask_words(text, is_credential_like)
}

/// Masks every word of the name of a token that looks like a secret.
///
/// More is kept than in other texts: people look for a token by its name, which has numbers.
pub(crate) fn mask_name(name: &str) -> String {
    mask_words(name, |word| {
        let word = word.trim();
        word.chars().all(is_token_character)
            && looks_random(word)
            && !is_platform_id(word)
            && !is_marker(word)
            && !name::is_ordinary(word)
    })
}

fn mask_words(text: &str, is_secret: fn(&str) -> bool) -> String {
    if is_secret(text) {
        return MASK.to_owned();
    }
    let is_separator = |c: char| !is_token_character(c);
    let mut masked = String::with_capacity(text.len());
    for part in text.split_inclusive(is_separator) {
        let word = part.trim_end_matches(is_separator);
        if holds(word, is_secret) {
            masked.push_str(MASK);
            masked.push_str(&part[word.len()..]);
        } else {
            masked.push_str(part);
        }
    }
    masked
}

/// Returns `true` for the first part of a timestamp that was split at its colons, such as
/// `2016-06-13T04`.
fn starts_with_date(part: &str) -> bool {
    const DATE: usize = "2016-06-13".len();
    part.len() <= DATE + "T04".len()
        && part.bytes().take(DATE).enumerate().all(|(index, byte)| {
            if index == 4 || index == 7 {
                byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        })
}

/// Returns `true` for a UUID, and for the 24 hexadecimal digits that document databases use as ids.
fn is_platform_id(value: &str) -> bool {
    let parts: Vec<_> = value.split('-').map(str::len).collect();
    matches!(parts[..], [24] | [8, 4, 4, 4, 12])
        && value
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Returns `true` for the marker of a creation (decision 0009), which is not a secret.
pub(crate) fn is_marker(value: &str) -> bool {
    let is_lower_hex = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    value
        .strip_prefix("tf-")
        .is_some_and(|digits| digits.len() == 16 && digits.bytes().all(is_lower_hex))
}

/// Returns `true` for words with at most a number after each, such as `infra-eu-west-1`,
/// `3.13.0-develop` or `PendingAdministratorApproval`.
fn is_composed_of_words(value: &str) -> bool {
    value
        .split(|c: char| !c.is_ascii_alphanumeric())
        .all(|part| {
            let word = part.trim_end_matches(|c: char| c.is_ascii_digit());
            let capitals = word.bytes().filter(u8::is_ascii_uppercase).count();
            word.bytes().all(|byte| byte.is_ascii_alphabetic())
                && part.len() - word.len() <= 4
                && (capitals == word.len() || capitals <= 1 || capitals * 4 <= word.len())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_that_looks_like_a_credential_is_masked_and_words_are_kept() {
        for secret in [
            "SK-PrjW98OTY1h8QTY9hUA",
            "1234567890abcdef1234567890abcdef",
            "$2a$05$fe5dbbcea5ce7e2988b8cu51c9MzSrcUh55GAHmb3QDsL5XyXKZVe",
            "AbcdefghijklmnopqrstuV",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        ] {
            let shown = sanitize_message(&format!("refused '{secret}' now"), &[]);
            assert_eq!(shown, "refused '[masked]' now");
        }
        let plain = "Resource personal_access_token not found by id 'abc'";
        assert_eq!(sanitize_message(plain, &[]), plain);
    }

    #[test]
    fn a_given_secret_is_masked_even_if_it_looks_like_a_word() {
        assert_eq!(
            sanitize_message("user hunter said hunter", &["hunter"]),
            "user [masked] said [masked]"
        );
    }

    #[test]
    fn a_secret_of_several_words_is_masked_even_across_lines() {
        for secret in ["correct horse", "correct  horse", "correct\thorse "] {
            let shown = sanitize_message("said correct\r\n horse", &[secret]);
            assert_eq!(shown, "said [masked]");
        }
    }

    #[test]
    fn overlapping_and_nested_secrets_are_masked_entirely() {
        assert_eq!(
            sanitize_message("said hunter2-long", &["hunter2", "hunter2-long"]),
            "said [masked]"
        );
        assert_eq!(
            sanitize_message("said abcdef", &["abcd", "cdef"]),
            "said [masked]"
        );
    }

    #[test]
    fn a_short_secret_is_masked_too() {
        assert_eq!(
            sanitize_message("login by pw1 failed", &["pw1", ""]),
            "login by [masked] failed"
        );
        assert_eq!(
            sanitize_message("a m is said", &["a", "m"]),
            "[masked] [masked] is s[masked]id"
        );
    }

    #[test]
    fn a_documented_code_is_kept_and_only_sent_secrets_are_masked() {
        for documented in [
            "MissingRequiredFields",
            "InvalidPermissionConfiguration",
            "ActiveRecord::RecordNotFound",
            "not_found",
        ] {
            assert_eq!(sanitize_code(documented, &[]).as_deref(), Some(documented));
        }
        assert_eq!(
            sanitize_code("Denied.hunter2", &["hunter2"]).as_deref(),
            Some("Denied.[masked]")
        );
    }

    #[test]
    fn text_that_is_not_a_code_is_dropped() {
        for text in [
            "",
            "two words",
            "two\nlines",
            "<html>",
            &"x".repeat(65),
            "SK-PrjW98OTY1h8QTY9hUA",
            "admin:1234567890abcdef1234567890abcdef",
        ] {
            assert_eq!(sanitize_code(text, &[]), None);
        }
        assert_eq!(sanitize_code("SK-PrjW98OTY1h8QTY9hUA.7", &["7"]), None);
    }

    #[test]
    fn credentials_are_distinguished_from_ids_times_and_names() {
        for credential in [
            "SK-PrjW98OTY1h8QTY9hUA",
            "1234567890abcdef1234567890abcdef",
            "ce0f7dd0f3f8a1d2b3c4d5e6f708192a3b4c5d6e",
            "$2a$05$fe5dbbcea5ce7e2988b8cu51c9MzSrcUh55GAHmb3QDsL5XyXKZVe",
            "AbcdEfghijKlmNopqrStuV",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        ] {
            assert!(is_credential_like(credential), "{credential}");
            assert!(contains_credential(credential), "{credential}");
            assert_eq!(mask_credentials(&format!(" {credential}")), MASK);
            for text in ["Key {} of", "(admin:{})", "https://example.com/{}?", "{}."] {
                let text = text.replace("{}", credential);
                assert!(contains_credential(&text), "{text}");
                let masked = mask_credentials(&text);
                assert!(masked.contains(MASK), "{masked}");
                assert!(!masked.contains(credential), "{masked}");
            }
            let text = format!("INC-42: \"{credential}\", said  Ann");
            let masked = format!("INC-42: \"{MASK}\", said  Ann");
            assert_eq!(mask_credentials(&text), masked);
        }
        let with_a_date = "Key 2016-06-13T04aB3xK9qLm2Zr of";
        assert!(contains_credential(with_a_date));
        for plain in [
            "575ec8687ae143cd83dc4a97",
            "123e4567-e89b-12d3-a456-426614174000",
            "2016-06-13T04:00:00.000Z",
            "infra-eu-west-1",
            "3.13.0-develop",
            "PendingAdministratorApproval",
            "Staging server number 2 of 12",
            "someone2@mail.example.com",
            "https://api.example.com/applications/575ec8687ae143cd83dc4a97/tokens?page=2",
            "2016-06-13T04:00:00",
            "for builds tf-0123456789abcdef",
            "tf-0123456789abcdef",
        ] {
            assert_eq!(mask_credentials(plain), plain);
            assert!(!is_credential_like(plain), "{plain}");
            assert!(!contains_credential(plain), "{plain}");
        }
    }

    #[test]
    fn a_long_message_becomes_one_short_line() {
        let shown = sanitize_message(&"two\r\nlines\u{0} ".repeat(200), &[]);
        assert!(shown.starts_with("two lines two lines"));
        assert_eq!(shown.chars().count(), MAX_MESSAGE_CHARACTERS + 1);
    }
}
