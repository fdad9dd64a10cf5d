//! The collation of names: the database's `en_US`, which compares names level by level.
//!
//! 1. Letters and digits without case and accents: `$` before digits before letters.
//! 2. Accents.
//! 3. Lower case before upper case.
//! 4. The positions of the characters that the first level ignores.
//! 5. Bytes.

use std::{collections::HashMap, sync::LazyLock};

/// A name encoded as bytes that sort in the order of the names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SortKey(Box<[u8]>);

/// The end of a level, lower than every weight so that a prefix sorts first.
const END: u8 = 0;

impl SortKey {
    pub(super) fn new(name: &str) -> Self {
        let mut letters = Vec::with_capacity(name.len() * 4);
        let mut accents = Vec::new();
        let mut cases = Vec::new();
        let mut positions = Vec::with_capacity(name.len());
        let mut letter_count = 0;
        let mut unweighted: u8 = 0;
        for character in name.chars() {
            let letter = Letter::from_char(character);
            if letter.is_some() && has_implicit_weight(character) {
                unweighted = unweighted.saturating_add(1);
            } else {
                if unweighted > 0 {
                    // A character that follows unweighted ones sorts after one that does not.
                    positions.push(3_u8.saturating_add(unweighted));
                    unweighted = 0;
                }
                positions.push(if letter.is_some() { 2 } else { 1 });
            }
            let Some(letter) = letter else {
                positions.extend_from_slice(&u32::from(character).to_be_bytes()[1..]);
                continue;
            };
            letter_count += letter.push_weights(&mut letters);
            // Trailing "no accent" and "lower case" weights are omitted: they decide nothing.
            set_weight(&mut accents, letter_count - 1, letter.accent);
            set_weight(&mut cases, letter_count - 1, u8::from(letter.upper));
        }
        let mut key = letters;
        for level in [&accents, &cases, &positions] {
            key.push(END);
            key.extend_from_slice(level);
        }
        key.push(END);
        key.extend_from_slice(name.as_bytes());
        Self(key.into_boxed_slice())
    }
}

/// Appends the weight at `index` to a level and fills the gap before it with the lowest weight.
fn set_weight(level: &mut Vec<u8>, index: usize, weight: u8) {
    if weight > 0 {
        level.resize(index, 1);
        level.push(weight + 1);
    }
}

/// A character that counts on the first level.
struct Letter {
    base: Base,
    accent: u8,
    upper: bool,
}

/// The letters that a character has on the first level.
enum Base {
    One(char),
    Several(&'static str),
}

impl Letter {
    /// Returns the letter for a character, or `None` if the first level ignores it.
    fn from_char(character: char) -> Option<Self> {
        if character.is_ascii() {
            let counts = character.is_ascii_alphanumeric() || character == '$';
            return counts.then(|| Self {
                base: Base::One(character.to_ascii_lowercase()),
                accent: 0,
                upper: character.is_ascii_uppercase(),
            });
        }
        let lower = character.to_lowercase().next().unwrap_or(character);
        let upper = lower != character;
        if let Some((base, accent)) = VARIANTS.get(&lower) {
            return Some(Self {
                base: Base::Several(base),
                accent: *accent,
                upper,
            });
        }
        let counts = character.is_alphanumeric() || is_currency(character);
        counts.then_some(Self {
            base: Base::One(lower),
            accent: 0,
            upper,
        })
    }

    /// Appends the weights of the first level and returns the number of letters.
    fn push_weights(&self, weights: &mut Vec<u8>) -> usize {
        match self.base {
            Base::One(letter) => {
                push_weight(letter, weights);
                1
            }
            Base::Several(letters) => {
                for letter in letters.chars() {
                    push_weight(letter, weights);
                }
                letters.chars().count()
            }
        }
    }
}

/// Returns whether a character is Han or Hangul, of which the fourth level only counts the number.
fn has_implicit_weight(character: char) -> bool {
    matches!(
        character,
        '\u{ac00}'..='\u{d7a3}'
            | '\u{3400}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}'
    )
}

fn is_currency(character: char) -> bool {
    matches!(character, '$' | '\u{a2}'..='\u{a5}' | '\u{20a0}'..='\u{20cf}')
}

fn push_weight(letter: char, weights: &mut Vec<u8>) {
    match letter {
        '$' => weights.push(1),
        '0'..='9' => weights.push(3 + letter as u8 - b'0'),
        'a'..='z' => weights.push(20 + letter as u8 - b'a'),
        other => {
            // Other currencies sort before digits, other scripts after Latin.
            weights.push(if is_currency(other) { 2 } else { 200 });
            weights.extend_from_slice(&u32::from(other).to_be_bytes()[1..]);
        }
    }
}

/// The base letters of each accented letter, and its rank among the variants of those letters.
static VARIANTS: LazyLock<HashMap<char, (&'static str, u8)>> = LazyLock::new(|| {
    LATIN
        .iter()
        .flat_map(|(base, variants)| {
            (1..)
                .zip(variants.chars())
                .map(|(rank, variant)| (variant, (*base, rank)))
        })
        .collect()
});

/// Base letters with their variants in the order of rank.
const LATIN: &[(&str, &str)] = &[
    ("1", "¹"),
    ("2", "²"),
    ("3", "³"),
    ("a", "ªáàăâåäãąā"),
    ("ae", "æ"),
    ("c", "ćĉčċç"),
    ("d", "ďđð"),
    ("e", "éèĕêěëėęē"),
    ("g", "ğĝġģ"),
    ("h", "ĥħ"),
    ("i", "íìĭîïĩįī"),
    ("ij", "ĳ"),
    ("j", "ĵ"),
    ("k", "ķ"),
    ("l", "ĺľļłŀ"),
    ("n", "ńňñņ"),
    ("o", "ºóòŏôöőõøō"),
    ("oe", "œ"),
    ("r", "ŕřŗ"),
    ("s", "śŝšşſ"),
    ("ss", "ß"),
    ("t", "ťţ"),
    ("u", "úùŭûůüűũųū"),
    ("w", "ŵ"),
    ("y", "ýŷÿ"),
    ("z", "źžż"),
    ("μ", "µ"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_sorted(names: &[&str]) {
        let mut sorted = names.to_vec();
        sorted.sort_by_key(|name| SortKey::new(name));
        assert_eq!(sorted, names);
    }

    #[test]
    fn names_sort_as_recorded_from_the_database() {
        assert_sorted(&[
            "100%",
            "42",
            "a.b",
            "a:b",
            "alpha",
            "and more",
            "back\\slash",
            "Beta",
            "ci_dev",
            "ci-prod",
            "CI-Prod",
            "comma,name",
            "deploy-1",
            "deploy-10",
            "deploy-2",
            "é-accent",
            "gamma",
            "it's",
            "not",
            "quote\"d",
            "star*name",
            "under_score",
            "with space",
            "zeta",
            "Zulu",
        ]);
    }

    #[test]
    fn each_level_breaks_only_the_ties_of_the_levels_before_it() {
        assert_sorted(&["$1", "1", "a", "A", "á", "Á", "ab", "áb", "b"]);
        assert_sorted(&[
            "", "-", "a-a", "aa", "A-a", "-ab", "a b", "a-b", "a_b", "a~b", "ab", "ab-",
        ]);
        assert_sorted(&["ae", "æ", "ss", "ß", "x", "α", "漢"]);
    }
}
