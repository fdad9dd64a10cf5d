//! A set of token ids.

use std::collections::{HashMap, HashSet};

use crate::model::TokenId;

/// A set of ids that takes one bit for each id that is a number close to others, as databases
/// assign them.
#[derive(Debug, Default)]
pub(super) struct IdSet {
    /// The numbers, 64 to an entry.
    numbers: HashMap<u64, u64>,
    others: HashSet<TokenId>,
}

impl IdSet {
    /// Adds an id and returns whether it is new.
    pub(super) fn insert(&mut self, id: &TokenId) -> bool {
        let Some(number) = canonical_number(id.as_str()) else {
            return self.others.insert(id.clone());
        };
        let bits = self.numbers.entry(number / 64).or_default();
        let bit = 1 << (number % 64);
        let new = *bits & bit == 0;
        *bits |= bit;
        new
    }
}

/// Parses a number, unless it could be spelled in another way.
fn canonical_number(text: &str) -> Option<u64> {
    let canonical = text == "0" || text.starts_with(|first: char| matches!(first, '1'..='9'));
    canonical.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_differ_in_any_character_are_different() {
        let mut ids = IdSet::default();
        for id in [
            "1",
            "01",
            "+1",
            "65",
            "64",
            "0",
            "",
            "a",
            "18446744073709551616",
        ] {
            assert!(ids.insert(&TokenId::new(id)), "{id} is new");
            assert!(!ids.insert(&TokenId::new(id)), "{id} is known");
        }
        assert_eq!(ids.numbers.len(), 2);
    }
}
