//! The order of names: the database's `en_US`, in five steps.
//!
//! 1. letters and digits only, `$` before digits before letters, without case and accents;
//! 2. accents; 3. lower case before upper case; 4. the ignored characters by their places;
//! 5. bytes.

use std::{collections::HashMap, sync::LazyLock};

/// A name, turned into bytes that compare as the names do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SortKey(Box<[u8]>);

/// Below every weight, so that what ends first comes first.
const END: u8 = 0;

impl SortKey {
    pub(super) fn new(name: &str) -> Self {
        let mut letters = Vec::with_capacity(name.len() * 4);
        let mut accents = Vec::new();
        let mut cases = Vec::new();
        let mut places = Vec::with_capacity(name.len());
        let mut letter_count = 0;
        let mut unseen: u8 = 0;
        for character in name.chars() {
            let letter = Letter::of(character);
            if letter.is_some() && has_implicit_weight(character) {
                unseen = unseen.saturating_add(1);
            } else {
                if unseen > 0 {
                    // What stands behind unseen characters comes after what stands there at once.
                    places.push(3_u8.saturating_add(unseen));
                    unseen = 0;
                }
                places.push(if letter.is_some() { 2 } else { 1 });
            }
            let Some(letter) = letter else {
                places.extend_from_slice(&u32::from(character).to_be_bytes()[1..]);
                continue;
            };
            letter.weigh(&mut letters, &mut letter_count);
            // Trailing "no accent" and "lower case" say nothing and are left out.
            set(&mut accents, letter_count - 1, letter.accent);
            set(&mut cases, letter_count - 1, u8::from(letter.upper));
        }
        let mut key = letters;
        for level in [&accents, &cases, &places] {
            key.push(END);
            key.extend_from_slice(level);
        }
        key.push(END);
        key.extend_from_slice(name.as_bytes());
        Self(key.into_boxed_slice())
    }
}

/// Sets one weight of a level; missing ones before it are the lowest.
fn set(level: &mut Vec<u8>, place: usize, weight: u8) {
    if weight > 0 {
        level.resize(place, 1);
        level.push(weight + 1);
    }
}

struct Letter {
    base: Base,
    accent: u8,
    upper: bool,
}

enum Base {
    One(char),
    Several(&'static str),
}

impl Letter {
    /// `None` for the characters that the first steps ignore.
    fn of(character: char) -> Option<Self> {
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

    fn weigh(&self, letters: &mut Vec<u8>, count: &mut usize) {
        match self.base {
            Base::One(letter) => {
                weigh(letter, letters);
                *count += 1;
            }
            Base::Several(base) => {
                for letter in base.chars() {
                    weigh(letter, letters);
                    *count += 1;
                }
            }
        }
    }
}

/// Han and Hangul have no weight of their own in the fourth step, which sees only that they are there.
fn has_implicit_weight(character: char) -> bool {
    matches!(character, '\u{ac00}'..='\u{d7a3}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn is_currency(character: char) -> bool {
    matches!(character, '$' | '\u{a2}'..='\u{a5}' | '\u{20a0}'..='\u{20cf}')
}

fn weigh(letter: char, letters: &mut Vec<u8>) {
    match letter {
        '$' => letters.push(1),
        '0'..='9' => letters.push(3 + letter as u8 - b'0'),
        'a'..='z' => letters.push(20 + letter as u8 - b'a'),
        other => {
            // Other currencies before digits, other scripts after Latin.
            letters.push(if is_currency(other) { 2 } else { 200 });
            letters.extend_from_slice(&u32::from(other).to_be_bytes()[1..]);
        }
    }
}

/// Letters with accents and the like: what they are without, and their place among
/// the variants of the same letters.
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
    fn names_sort_as_the_database_was_seen_to_sort_them() {
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
    fn each_step_decides_only_what_the_steps_before_left_open() {
        assert_sorted(&["$1", "1", "a", "A", "á", "Á", "ab", "áb", "b"]);
        assert_sorted(&[
            "", "-", "a-a", "aa", "A-a", "-ab", "a b", "a-b", "a_b", "a~b", "ab", "ab-",
        ]);
        assert_sorted(&["ae", "æ", "ss", "ß", "x", "α", "漢"]);
    }
}
