//! What a platform's own words must lose before they are shown.

const LONGEST: usize = 300;
const LONGEST_CODE: usize = 64;
const MASK: &str = "[masked]";

/// A platform's text on one line, without the given secrets and without whatever looks like one, cut to a bearable length.
///
/// Masking comes before cutting, so that a cut never leaves the half of a secret.
pub(crate) fn one_line(text: &str, secrets: &[&str]) -> String {
    let text = without(text, secrets);
    let mut line = String::with_capacity(text.len().min(LONGEST));
    for word in text.split_inclusive(|c: char| !is_token_character(c)) {
        let core = word.trim_end_matches(|c: char| !is_token_character(c));
        if looks_like_a_secret(core) {
            line.push_str(MASK);
            line.push_str(&word[core.len()..]);
        } else {
            line.push_str(word);
        }
    }
    let line = words(&line);
    // A secret of several words may have stood on several lines, or with other blanks between them.
    let joined: Vec<_> = secrets.iter().map(|secret| words(secret)).collect();
    let joined = joined.iter().map(String::as_str);
    let of_words = secrets.iter().copied().chain(joined);
    let of_words: Vec<_> = of_words.filter(|secret| secret.contains(' ')).collect();
    let line = without(&line, &of_words);
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The words of a text, with one blank between two.
fn words(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A platform's code without the given secrets, or nothing when no platform would call it a code.
///
/// What is made of words stays, however long: `MissingRequiredFields` does.
pub(crate) fn code(text: &str, secrets: &[&str]) -> Option<String> {
    let is_code = (1..=LONGEST_CODE).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte));
    let shown = without(text, secrets);
    let mut parts = shown.split(MASK).flat_map(|part| part.split(':'));
    let is_credential = parts.any(is_like_a_credential);
    (is_code && !is_credential).then_some(shown)
}

/// Our own text on one line: it may name what a platform said.
pub(crate) fn without_breaks(text: String) -> String {
    if text.contains(char::is_control) {
        text.replace(char::is_control, " ")
    } else {
        text
    }
}

/// The text with every byte masked that belongs to a secret, also where two secrets overlap or one holds the other.
fn without(text: &str, secrets: &[&str]) -> String {
    let mut hidden = vec![false; text.len()];
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        for (start, _) in text.char_indices() {
            if text[start..].starts_with(secret) {
                hidden[start..start + secret.len()].fill(true);
            }
        }
    }
    let mut shown = String::with_capacity(text.len());
    let mut masking = false;
    for (place, character) in text.char_indices() {
        match (hidden[place], masking) {
            (true, false) => shown.push_str(MASK),
            (true, true) => {}
            (false, _) => shown.push(character),
        }
        masking = hidden[place];
    }
    shown
}

fn is_token_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | '=' | '$')
}

/// A long run of letters and digits mixed, or of both cases mixed: no word of a language, but every kind of credential.
fn looks_like_a_secret(word: &str) -> bool {
    let has = |test: fn(&u8) -> bool| word.as_bytes().iter().any(test);
    let letters = has(u8::is_ascii_alphabetic);
    let digits = has(u8::is_ascii_digit);
    let mixed_case = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    (word.len() >= 12 && letters && digits) || (word.len() >= 20 && mixed_case)
}

/// Whether a value is one word that looks like a secret, and neither an id nor a name that is put together from words.
pub(crate) fn is_like_a_credential(value: &str) -> bool {
    let value = value.trim();
    value.chars().all(is_token_character)
        && looks_like_a_secret(value)
        && !is_an_id(value)
        && !is_made_of_words(value)
}

/// Whether a value is or names what looks like a secret, as a sentence does that says which token it is about.
pub(crate) fn holds_a_credential(value: &str) -> bool {
    let parts = value.split(|c: char| c.is_whitespace() || !is_token_character(c) || c == '/');
    is_like_a_credential(value)
        || parts
            .map(|part| part.trim_end_matches('.'))
            .any(|part| is_like_a_credential(part) && !begins_with_a_date(part))
}

/// What is left of a time when it is taken apart, such as `2016-06-13T04`.
fn begins_with_a_date(part: &str) -> bool {
    const DATE: usize = "2016-06-13".len();
    part.len() <= DATE + "T04".len()
        && part.bytes().take(DATE).enumerate().all(|(place, byte)| {
            if place == 4 || place == 7 {
                byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        })
}

/// A UUID, or the id of 24 hexadecimal digits that document stores give.
fn is_an_id(value: &str) -> bool {
    let parts: Vec<_> = value.split('-').map(str::len).collect();
    matches!(parts[..], [24] | [8, 4, 4, 4, 12])
        && value
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Words that are at most numbered, such as `infra-eu-west-1`, `3.13.0-develop` or `PendingAdministratorApproval`.
fn is_made_of_words(value: &str) -> bool {
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
    fn what_looks_like_a_credential_is_masked_and_words_stay() {
        for secret in [
            "SK-PrjW98OTY1h8QTY9hUA",
            "1234567890abcdef1234567890abcdef",
            "$2a$05$fe5dbbcea5ce7e2988b8cu51c9MzSrcUh55GAHmb3QDsL5XyXKZVe",
            "AbcdefghijklmnopqrstuV",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        ] {
            let shown = one_line(&format!("refused '{secret}' now"), &[]);
            assert_eq!(shown, "refused '[masked]' now");
        }
        let plain = "Resource personal_access_token not found by id 'abc'";
        assert_eq!(one_line(plain, &[]), plain);
    }

    #[test]
    fn a_given_secret_is_masked_however_plain_it_looks() {
        assert_eq!(
            one_line("user hunter said hunter", &["hunter"]),
            "user [masked] said [masked]"
        );
    }

    #[test]
    fn a_secret_of_several_words_is_masked_also_across_lines() {
        for secret in ["correct horse", "correct  horse", "correct\thorse "] {
            let shown = one_line("said correct\r\n horse", &[secret]);
            assert_eq!(shown, "said [masked]");
        }
    }

    #[test]
    fn a_secret_within_another_or_across_another_leaves_nothing_of_either() {
        assert_eq!(
            one_line("said hunter2-long", &["hunter2", "hunter2-long"]),
            "said [masked]"
        );
        assert_eq!(one_line("said abcdef", &["abcd", "cdef"]), "said [masked]");
    }

    #[test]
    fn a_short_secret_is_masked_too() {
        assert_eq!(
            one_line("login by pw1 failed", &["pw1", ""]),
            "login by [masked] failed"
        );
        assert_eq!(
            one_line("a m is said", &["a", "m"]),
            "[masked] [masked] is s[masked]id"
        );
    }

    #[test]
    fn a_documented_code_stays_whole_and_loses_only_what_was_sent() {
        for documented in [
            "MissingRequiredFields",
            "InvalidPermissionConfiguration",
            "ActiveRecord::RecordNotFound",
            "not_found",
        ] {
            assert_eq!(code(documented, &[]).as_deref(), Some(documented));
        }
        assert_eq!(
            code("Denied.hunter2", &["hunter2"]).as_deref(),
            Some("Denied.[masked]")
        );
    }

    #[test]
    fn what_no_platform_would_call_a_code_is_none() {
        for text in [
            "",
            "two words",
            "two\nlines",
            "<html>",
            &"x".repeat(65),
            "SK-PrjW98OTY1h8QTY9hUA",
            "admin:1234567890abcdef1234567890abcdef",
        ] {
            assert_eq!(code(text, &[]), None);
        }
        assert_eq!(code("SK-PrjW98OTY1h8QTY9hUA.7", &["7"]), None);
    }

    #[test]
    fn a_value_that_looks_like_a_credential_is_told_from_ids_times_and_names() {
        for credential in [
            "SK-PrjW98OTY1h8QTY9hUA",
            "1234567890abcdef1234567890abcdef",
            "ce0f7dd0f3f8a1d2b3c4d5e6f708192a3b4c5d6e",
            "$2a$05$fe5dbbcea5ce7e2988b8cu51c9MzSrcUh55GAHmb3QDsL5XyXKZVe",
            "AbcdEfghijKlmNopqrStuV",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        ] {
            assert!(is_like_a_credential(credential), "{credential}");
            assert!(holds_a_credential(credential), "{credential}");
            for text in ["Key {} of", "(admin:{})", "https://example.com/{}?", "{}."] {
                let text = text.replace("{}", credential);
                assert!(holds_a_credential(&text), "{text}");
            }
        }
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
        ] {
            assert!(!is_like_a_credential(plain), "{plain}");
            assert!(!holds_a_credential(plain), "{plain}");
        }
    }

    #[test]
    fn text_becomes_one_line_of_bearable_length() {
        let shown = one_line(&"two\r\nlines\u{0} ".repeat(200), &[]);
        assert!(shown.starts_with("two lines two lines"));
        assert_eq!(shown.chars().count(), LONGEST + 1);
    }
}
