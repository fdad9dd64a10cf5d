//! `ILIKE` as the database evaluates it.

/// An `ILIKE` pattern in lower case.
#[derive(Debug)]
pub(in crate::foreman) struct Pattern {
    folded: Vec<char>,
}

/// The error for a pattern that ends with an escape character, if matching gets that far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DanglingEscape;

enum Match {
    Yes,
    No,
    /// The text ended before the pattern, so that a later start cannot match either.
    TextTooShort,
}

impl Pattern {
    /// Creates the pattern that the search engine derives from a value.
    ///
    /// A value without wildcards is enclosed in `%`. In other values, each run of `%` and `*`
    /// becomes one `%`.
    pub(super) fn from_value(value: &str) -> Self {
        if !value.contains(['%', '*']) {
            return Self::new(&format!("%{value}%"));
        }
        let mut pattern = String::with_capacity(value.len());
        let mut in_run = false;
        for character in value.chars() {
            let wildcard = matches!(character, '%' | '*');
            if !(wildcard && in_run) {
                pattern.push(if wildcard { '%' } else { character });
            }
            in_run = wildcard;
        }
        Self::new(&pattern)
    }

    fn new(pattern: &str) -> Self {
        Self {
            folded: pattern.chars().map(fold).collect(),
        }
    }

    /// Returns whether the whole text matches.
    pub(super) fn matches(&self, text: &str) -> Result<bool, DanglingEscape> {
        let folded: Vec<char> = text.chars().map(fold).collect();
        Ok(matches!(match_from(&folded, &self.folded)?, Match::Yes))
    }
}

/// Converts to lower case like the database, which maps each character to a single one.
fn fold(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_lowercase();
    }
    character.to_lowercase().next().unwrap_or(character)
}

/// Matches the pattern at the start of the text.
fn match_from(mut text: &[char], mut pattern: &[char]) -> Result<Match, DanglingEscape> {
    while let (Some((&wanted, wanted_rest)), Some((&found, text_rest))) =
        (pattern.split_first(), text.split_first())
    {
        let (literal, pattern_rest) = match wanted {
            '%' => return match_after_percent(text, wanted_rest),
            '_' => (found, wanted_rest),
            '\\' => {
                let (&escaped, after) = wanted_rest.split_first().ok_or(DanglingEscape)?;
                (escaped, after)
            }
            literal => (literal, wanted_rest),
        };
        if literal != found {
            return Ok(Match::No);
        }
        (pattern, text) = (pattern_rest, text_rest);
    }
    if !text.is_empty() {
        return Ok(Match::No);
    }
    let only_percents_left = pattern.iter().all(|character| *character == '%');
    Ok(if only_percents_left {
        Match::Yes
    } else {
        Match::TextTooShort
    })
}

/// Matches the pattern after a `%` at every position of the text.
fn match_after_percent(mut text: &[char], mut pattern: &[char]) -> Result<Match, DanglingEscape> {
    while let Some((&next, rest)) = pattern.split_first() {
        match next {
            '%' => pattern = rest,
            '_' => match text.split_first() {
                Some((_, text_rest)) => {
                    text = text_rest;
                    pattern = rest;
                }
                None => return Ok(Match::TextTooShort),
            },
            _ => break,
        }
    }
    let Some(&first) = pattern.first() else {
        return Ok(Match::Yes);
    };
    let first = if first == '\\' {
        *pattern.get(1).ok_or(DanglingEscape)?
    } else {
        first
    };
    while let Some((&found, rest)) = text.split_first() {
        if found == first {
            match match_from(text, pattern)? {
                Match::No => {}
                decided => return Ok(decided),
            }
        }
        text = rest;
    }
    Ok(Match::TextTooShort)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(value: &str, text: &str) -> bool {
        Pattern::from_value(value)
            .matches(text)
            .expect("no dangling escape")
    }

    #[test]
    fn a_value_without_wildcards_matches_anywhere_and_in_any_case() {
        assert!(matches("PROD", "ci-prod-2"));
        assert!(matches("É", "é-accent"));
        assert!(!matches("prod", "pro"));
        assert!(matches("", "anything"));
    }

    #[test]
    fn a_value_with_a_wildcard_is_anchored_at_both_ends() {
        assert!(matches("d*1", "deploy-1"));
        assert!(!matches("d*1", "deploy-10"));
        assert!(matches("a%*%b", "a--b"));
        assert!(matches("*", ""));
    }

    #[test]
    fn underscore_and_backslash_have_their_sql_meaning() {
        assert!(matches("a_b", "a.b"));
        assert!(!matches("back\\slash", "back\\slash"));
        assert!(matches("under\\_score", "under_score"));
        assert!(!matches("a\\_b", "a.b"));
    }

    #[test]
    fn an_escape_at_the_end_fails_only_if_matching_gets_that_far() {
        let pattern = Pattern::from_value("*a\\");
        assert_eq!(pattern.matches("xyz"), Ok(false));
        assert_eq!(pattern.matches("xa"), Ok(false));
        assert_eq!(pattern.matches("xab"), Err(DanglingEscape));
    }
}
