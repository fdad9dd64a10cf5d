//! Ruby and Rails string conversions that are visible in Foreman's responses.

/// Converts like `String#to_i`: returns the leading number, or 0 without one.
///
/// Numbers outside the range of `i128` are clamped.
pub(super) fn to_i(text: &str) -> i128 {
    let (negative, digits) = split_sign(text.trim_start_matches(is_space));
    let mut number: i128 = 0;
    let mut after_underscore = true;
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' => {
                number = number
                    .saturating_mul(10)
                    .saturating_add(i128::from(byte - b'0'));
                after_underscore = false;
            }
            b'_' if !after_underscore => after_underscore = true,
            _ => break,
        }
    }
    if negative { -number } else { number }
}

/// Converts like `Kernel#Integer`: the whole text must be a number, optionally with a prefix such
/// as `0x`.
pub(super) fn integer(text: &str) -> Option<i128> {
    let (negative, unsigned) = split_sign(text.trim_matches(is_space));
    let lower = unsigned.to_ascii_lowercase();
    let (base, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'd', ..] => (10, &lower[2..]),
        [b'0', b'_', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let misplaced_underscore =
        digits.starts_with('_') || digits.ends_with('_') || digits.contains("__");
    if digits.is_empty() || misplaced_underscore {
        return None;
    }
    let mut number: i128 = 0;
    for digit in digits.chars().filter(|character| *character != '_') {
        let digit = i128::from(digit.to_digit(base)?);
        number = number
            .saturating_mul(i128::from(base))
            .saturating_add(digit);
    }
    Some(if negative { -number } else { number })
}

/// Splits a leading `+` or `-` off a number and returns `true` for a minus.
fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Returns whether `text` is one or more ASCII digits and nothing else.
pub(super) fn is_all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether a character matches `\s`, ASCII whitespace including vertical tab.
pub(super) fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t'..='\r')
}

/// Splits like `String#split(" ")`, into the words between runs of whitespace.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// Splits like `split(/\s+/, 2)`, at the first run of whitespace.
pub(super) fn split_at_space(text: &str) -> (&str, Option<&str>) {
    match text.find(is_space) {
        Some(at) => (&text[..at], Some(text[at..].trim_start_matches(is_space))),
        None => (text, None),
    }
}

/// Returns whether `blank?` holds: the text is empty or all whitespace.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// Trims like `String#strip`: whitespace at both ends, and NUL at the end only.
pub(super) fn strip(text: &str) -> &str {
    text.trim_start_matches(is_space)
        .trim_end_matches(|character| character == '\0' || is_space(character))
}

/// Quotes and escapes like `String#inspect`.
pub(super) fn inspect(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{b}' => quoted.push_str("\\v"),
            '\u{c}' => quoted.push_str("\\f"),
            '\u{1b}' => quoted.push_str("\\e"),
            '#' if matches!(characters.peek(), Some('{' | '$' | '@')) => quoted.push_str("\\#"),
            control if control.is_ascii_control() => {
                quoted.push_str(&format!("\\x{:02X}", u32::from(control)));
            }
            control if control.is_control() || matches!(control, '\u{2028}' | '\u{2029}') => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(control)));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_i_reads_the_leading_number() {
        for (text, number) in [
            ("12", 12),
            (" 7x", 7),
            ("-3", -3),
            ("x", 0),
            ("", 0),
            ("1_0", 10),
            ("5.7", 5),
        ] {
            assert_eq!(to_i(text), number, "{text}");
        }
    }

    #[test]
    fn integer_accepts_only_whole_numbers() {
        for (text, number) in [
            (" 2 ", 2),
            ("0x1F", 31),
            ("010", 8),
            ("0", 0),
            ("+5", 5),
            ("1_000", 1000),
        ] {
            assert_eq!(integer(text), Some(number), "{text}");
        }
        for text in ["", "1.5", "abc", "2abc", "1__0", "_1", "08", "0x"] {
            assert_eq!(integer(text), None, "{text}");
        }
    }

    #[test]
    fn inspect_escapes_the_same_characters_as_ruby() {
        assert_eq!(inspect("a\"\\\n#{x} é"), r##""a\"\\\n\#{x} é""##);
    }
}
