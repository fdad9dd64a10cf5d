//! "Did you mean": the nearest known word to a misspelled one.

/// The nearest known word, or all of them when none is near.
///
/// ```
/// use tokenfleet_core::config::did_you_mean;
///
/// assert_eq!(did_you_mean("formean", &["losant", "foreman"]), "did you mean \"foreman\"?");
/// assert_eq!(did_you_mean("github", &["losant", "foreman"]), "known are losant, foreman");
/// ```
#[must_use]
pub fn did_you_mean(word: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .min_by_key(|candidate| (strsim::damerau_levenshtein(word, candidate), **candidate));
    match nearest {
        Some(candidate) if is_near(word, candidate) => format!("did you mean \"{candidate}\"?"),
        Some(_) => format!("known are {}", known.join(", ")),
        None => "nothing can be set here".to_owned(),
    }
}

pub(crate) fn is_near(word: &str, candidate: &str) -> bool {
    let distance = strsim::damerau_levenshtein(word, candidate);
    // A word of which nothing would stay is not near: one letter is near to no other.
    distance <= 1 + candidate.len() / 4 && distance < word.chars().count()
}
