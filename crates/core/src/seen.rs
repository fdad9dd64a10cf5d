//! Which tokens a walk has handed out.

use std::collections::{HashMap, HashSet};

use crate::{Direction, TokenId};

/// Which tokens were handed out, so that each is handed out once.
#[derive(Debug)]
pub(crate) enum Seen {
    /// In the order of ids all up to the last one were seen, or were created since.
    Past {
        last: Option<TokenId>,
        direction: Direction,
    },
    /// In descending order of ids all from `highest` to `lowest` were seen.
    DownTo {
        lowest: Option<TokenId>,
        highest: Option<TokenId>,
        /// Those of the page above, from which deletions move tokens down.
        above: HashSet<TokenId>,
        /// Those of the first page, which were handed out before the walk went to the last one, and the highest of them.
        before: HashSet<TokenId>,
        highest_before: Option<TokenId>,
    },
    /// In no order that could be followed.
    Each(Ids),
}

/// What a walk knows of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    New,
    Repeated,
    /// It lies where all tokens were seen, and was not among them.
    Unexpected,
}

impl Seen {
    pub(crate) fn past(direction: Direction) -> Self {
        Self::Past {
            last: None,
            direction,
        }
    }

    pub(crate) fn down_to() -> Self {
        Self::DownTo {
            lowest: None,
            highest: None,
            above: HashSet::new(),
            before: HashSet::new(),
            highest_before: None,
        }
    }

    pub(crate) fn each() -> Self {
        Self::Each(Ids::default())
    }

    /// Judges a token and remembers it.
    pub(crate) fn admit(&mut self, id: &TokenId) -> Admission {
        match self {
            Self::Past { last, direction } => match (&*last, *direction) {
                (Some(last), Direction::Ascending) if id <= last => Admission::Repeated,
                (Some(last), Direction::Descending) if id >= last => Admission::Repeated,
                _ => {
                    *last = Some(id.clone());
                    Admission::New
                }
            },
            Self::DownTo { before, .. } if before.contains(id) => Admission::Repeated,
            Self::DownTo {
                lowest,
                highest,
                above,
                highest_before,
                ..
            } => match (&*lowest, &*highest) {
                (Some(low), Some(high)) if id >= low => {
                    // What is higher than all that was there at first was created since.
                    if id > high || above.contains(id) {
                        Admission::Repeated
                    } else {
                        Admission::Unexpected
                    }
                }
                _ => {
                    highest.get_or_insert_with(|| id.clone());
                    *lowest = Some(id.clone());
                    // All that is lower than a token of the first page was on it too.
                    match highest_before.as_ref().is_some_and(|first| id < first) {
                        true => Admission::Unexpected,
                        false => Admission::New,
                    }
                }
            },
            Self::Each(ids) => match ids.insert(id) {
                true => Admission::New,
                false => Admission::Repeated,
            },
        }
    }

    /// Remembers which tokens lie on the page that was read last.
    pub(crate) fn turn_page(&mut self, on_page: HashSet<TokenId>) {
        if let Self::DownTo { above, .. } = self {
            *above = on_page;
        }
    }

    /// Remembers tokens that were handed out before the walk went to the last page.
    pub(crate) fn begin_with(&mut self, on_page: HashSet<TokenId>) {
        if let Self::DownTo {
            before,
            highest_before,
            ..
        } = self
        {
            *highest_before = on_page.iter().max().cloned();
            *before = on_page;
        }
    }
}

/// A set of ids that takes a bit for each where they are numbers close together, as a database gives them.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    numbers: HashMap<u64, u64>,
    others: HashSet<TokenId>,
}

impl Ids {
    /// Whether the id was not there yet.
    fn insert(&mut self, id: &TokenId) -> bool {
        let Some(number) = plain_number(id.as_str()) else {
            return self.others.insert(id.clone());
        };
        let bits = self.numbers.entry(number / 64).or_default();
        let bit = 1 << (number % 64);
        let new = *bits & bit == 0;
        *bits |= bit;
        new
    }
}

/// The number that is spelt so and in no other way.
fn plain_number(text: &str) -> Option<u64> {
    let plain = text == "0" || text.starts_with(|first: char| matches!(first, '1'..='9'));
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_apart_by_every_character() {
        let mut ids = Ids::default();
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
