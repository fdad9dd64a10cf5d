//! Words of names, which are told from secrets by their parts.
//!
//! A name such as `deploy-key-20240131-k8s` is made of words, numbers, dates and short codes. A
//! secret is random, so nearly none of its parts is one of these.

/// The number of digits of a time such as `20240131120000`.
const MAX_DIGITS: usize = 14;

/// The number of digits after a word, such as those of a date.
const MAX_DIGITS_OF_WORD: usize = 8;

/// The length of a code such as `k8s`, `i18n` or `2024q3`.
const MAX_CODE: usize = 6;

/// The number of codes in a name: a secret with many separators consists of short parts too.
const MAX_CODES: usize = 2;

/// The length of words that are written together, such as `PendingAdministratorApproval`.
const MAX_WORDS: usize = 28;

/// The length up to which any capitals are those of words.
const SHORT: usize = 15;

/// Returns `true` if a word of a name is made of words, numbers, dates and short codes.
pub(super) fn is_ordinary(word: &str) -> bool {
    let mut codes = 0;
    !is_of_foreman(word)
        && word.split(['-', '_', '.', '/']).all(|part| {
            let is_code = !is_word_or_number(part);
            codes += usize::from(is_code);
            !is_code || (codes <= MAX_CODES && is_short_code(part))
        })
}

/// Returns `true` for the shape of a personal access token of Foreman, whose parts may be short: 16
/// bytes in base64url.
fn is_of_foreman(word: &str) -> bool {
    let has = |test: fn(&u8) -> bool| word.as_bytes().iter().any(test);
    let mixed_case = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    word.len() == 22 && word.ends_with(['A', 'Q', 'g', 'w']) && mixed_case
}

/// Returns `true` for nothing, a number, a word, and a word before a number.
fn is_word_or_number(part: &str) -> bool {
    let letters = part.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = part.len() - letters.len();
    if letters.is_empty() {
        return digits <= MAX_DIGITS;
    }
    digits <= MAX_DIGITS_OF_WORD
        && letters.bytes().all(|byte| byte.is_ascii_alphabetic())
        && has_case_of_words(letters)
}

fn is_short_code(part: &str) -> bool {
    let is_of = |is_letter: fn(&u8) -> bool| {
        let mut bytes = part.bytes();
        bytes.all(|byte| byte.is_ascii_digit() || is_letter(&byte))
    };
    part.len() <= MAX_CODE && (is_of(u8::is_ascii_lowercase) || is_of(u8::is_ascii_uppercase))
}

/// Returns `true` for letters of one case, and for words that are written together.
fn has_case_of_words(letters: &str) -> bool {
    let capitals = letters.bytes().filter(u8::is_ascii_uppercase).count();
    if capitals == 0 || capitals == letters.len() {
        return true;
    }
    if letters.len() <= SHORT {
        return capitals * 2 <= letters.len();
    }
    let mut ends = letters.split(|c: char| c.is_ascii_uppercase()).skip(1);
    let is_end_of_word = |end: &str| end.len() >= 2 && end.contains(['a', 'e', 'i', 'o', 'u', 'y']);
    letters.len() <= MAX_WORDS && ends.all(is_end_of_word)
}

#[cfg(test)]
mod tests;
