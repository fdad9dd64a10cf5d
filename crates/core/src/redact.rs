//! What a platform's own words must lose before they are shown.

const LONGEST: usize = 300;
const MASK: &str = "[masked]";

/// A platform's text on one line, without the given secrets and without whatever looks like one, cut to a bearable length.
///
/// Masking comes before cutting, so that a cut never leaves the half of a secret.
pub(crate) fn one_line(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| secret.len() > 3) {
        text = text.replace(secret, MASK);
    }
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
    let line = line
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
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
    fn text_becomes_one_line_of_bearable_length() {
        let shown = one_line(&"two\r\nlines\u{0} ".repeat(200), &[]);
        assert!(shown.starts_with("two lines two lines"));
        assert_eq!(shown.chars().count(), LONGEST + 1);
    }
}
