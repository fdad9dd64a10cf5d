//! "Did you mean": the known word closest to a misspelled one.

/// Suggests the known word closest to `word`, or lists all known words if none is close.
///
/// ```
/// use tokenfleet_core::config::did_you_mean;
///
/// assert_eq!(did_you_mean("formean", &["losant", "foreman"]), "did you mean `foreman`?");
/// assert_eq!(did_you_mean("github", &["losant", "foreman"]), "expected one of losant, foreman");
/// ```
#[must_use]
pub fn did_you_mean(word: &str, known: &[&str]) -> String {
    // Equally close words are ordered by spelling, so that the suggestion is always the same.
    let closest = known
        .iter()
        .min_by_key(|candidate| (strsim::damerau_levenshtein(word, candidate), **candidate));
    match closest {
        Some(candidate) if is_near(word, candidate) => format!("did you mean `{candidate}`?"),
        Some(_) => format!("expected one of {}", known.join(", ")),
        None => "nothing is accepted here".to_owned(),
    }
}

/// Returns `true` if `word` is likely a misspelling of `candidate`.
pub(crate) fn is_near(word: &str, candidate: &str) -> bool {
    let distance = strsim::damerau_levenshtein(word, candidate);
    // A word that would have to be replaced entirely is not a misspelling: otherwise every single
    // letter would be near every other.
    distance <= 1 + candidate.len() / 4 && distance < word.chars().count()
}

/// Returns a word in quotes after a space, or nothing if it may be a credential that was written in
/// the wrong place: it is repeated only if it is near a known word or made of few lower-case
/// letters.
///
/// ```
/// use tokenfleet_core::config::quoted;
///
/// assert_eq!(quoted("formean", &["losant", "foreman"]), " `formean`");
/// assert_eq!(quoted("SK-PrjW98OTY1h8QTY9hUA", &["losant", "foreman"]), "");
/// ```
#[must_use]
pub fn quoted(word: &str, known: &[&str]) -> String {
    const MAX_LENGTH: usize = 20;
    let is_plain = word.len() <= MAX_LENGTH
        && word
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_'));
    if is_plain || known.iter().any(|known| is_near(word, known)) {
        format!(" `{word}`")
    } else {
        String::new()
    }
}
