//! `ILIKE` as the database matches it.

/// A pattern, folded to lower case once.
#[derive(Debug)]
pub(super) struct Pattern {
    folded: Vec<char>,
}

/// A pattern ended in its escape character, and the match came that far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DanglingEscape;

enum Match {
    Yes,
    No,
    /// The text ran out: a later start cannot match either.
    TextTooShort,
}

impl Pattern {
    /// The pattern that the search engine makes from a value: wrapped in `%`
    /// when it has no wildcard, else with runs of `%` and `*` made one `%`.
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

    /// Whether the whole text matches.
    pub(super) fn matches(&self, text: &str) -> Result<bool, DanglingEscape> {
        let folded: Vec<char> = text.chars().map(fold).collect();
        Ok(matches!(step(&folded, &self.folded)?, Match::Yes))
    }
}

/// One character to one: the database folds each character alone.
fn fold(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_lowercase();
    }
    character.to_lowercase().next().unwrap_or(character)
}

fn step(mut text: &[char], mut pattern: &[char]) -> Result<Match, DanglingEscape> {
    while let (Some((&wanted, wanted_rest)), Some((&found, text_rest))) =
        (pattern.split_first(), text.split_first())
    {
        match wanted {
            '\\' => {
                let (&literal, after) = wanted_rest.split_first().ok_or(DanglingEscape)?;
                if literal != found {
                    return Ok(Match::No);
                }
                pattern = after;
                text = text_rest;
            }
            '%' => return any_run(text, wanted_rest),
            '_' => {
                pattern = wanted_rest;
                text = text_rest;
            }
            literal if literal == found => {
                pattern = wanted_rest;
                text = text_rest;
            }
            _ => return Ok(Match::No),
        }
    }
    if !text.is_empty() {
        return Ok(Match::No);
    }
    let only_runs_left = pattern.iter().all(|character| *character == '%');
    Ok(if only_runs_left {
        Match::Yes
    } else {
        Match::TextTooShort
    })
}

/// Matches what follows a `%`, at every later place of the text.
fn any_run(mut text: &[char], mut pattern: &[char]) -> Result<Match, DanglingEscape> {
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
            match step(text, pattern)? {
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
    fn one_wildcard_anywhere_anchors_both_ends() {
        assert!(matches("d*1", "deploy-1"));
        assert!(!matches("d*1", "deploy-10"));
        assert!(matches("a%*%b", "a--b"));
        assert!(matches("*", ""));
    }

    #[test]
    fn underscore_and_backslash_keep_their_meaning_in_the_database() {
        assert!(matches("a_b", "a.b"));
        assert!(!matches("back\\slash", "back\\slash"));
        assert!(matches("under\\_score", "under_score"));
        assert!(!matches("a\\_b", "a.b"));
    }

    #[test]
    fn an_escape_at_the_end_fails_only_when_the_match_comes_that_far() {
        let pattern = Pattern::from_value("*a\\");
        assert_eq!(pattern.matches("xyz"), Ok(false));
        assert_eq!(pattern.matches("xa"), Ok(false));
        assert_eq!(pattern.matches("xab"), Err(DanglingEscape));
    }
}
