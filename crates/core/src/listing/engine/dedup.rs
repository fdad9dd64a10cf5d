//! Which tokens a walk has handed out.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::model::TokenId;
use crate::query::Direction;

/// Which tokens were handed out, so that each is handed out once.
#[derive(Debug)]
pub(crate) enum Seen {
    /// In the order of ids all up to the last one were seen, or were created since.
    Past {
        last: Option<TokenId>,
        direction: Direction,
    },
    /// In descending order of ids all from the highest to the lowest were seen.
    DownTo(Down),
    /// In no order that could be followed.
    Each(Ids),
}

/// How many of the tokens handed out last are remembered, in pages.
const RECENT_PAGES: usize = 16;

/// Tokens that were handed out in descending order of ids.
#[derive(Debug, Default)]
pub(crate) struct Down {
    highest: Option<TokenId>,
    /// Those handed out last, from which deletions move some onto pages still to be read. In descending order, so that the
    /// last one is the lowest of all.
    recent: VecDeque<TokenId>,
    /// Those of the first page, which were handed out before the walk went to the last one. In ascending order.
    before: Vec<TokenId>,
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
        Self::DownTo(Down::default())
    }

    pub(crate) fn each() -> Self {
        Self::Each(Ids::default())
    }

    /// Goes on after a token that was handed out before the walk was cut.
    pub(crate) fn go_on_after(&mut self, id: &TokenId) {
        match self {
            Self::Past { last, .. } => *last = Some(id.clone()),
            Self::DownTo(down) => {
                down.admit(id);
            }
            Self::Each(ids) => {
                ids.insert(id);
            }
        }
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
            Self::DownTo(down) => down.admit(id),
            Self::Each(ids) => match ids.insert(id) {
                true => Admission::New,
                false => Admission::Repeated,
            },
        }
    }

    /// Whether a token was created since a backward walk began.
    pub(crate) fn is_newer(&self, id: &TokenId) -> bool {
        matches!(self, Self::DownTo(Down { highest: Some(highest), .. }) if id > highest)
    }

    /// Forgets tokens that are many pages above.
    pub(crate) fn turn_page(&mut self, page_size: usize) {
        if let Self::DownTo(down) = self {
            let kept = RECENT_PAGES.saturating_mul(page_size.max(1));
            let forgotten = down.recent.len().saturating_sub(kept);
            down.recent.drain(..forgotten);
        }
    }

    /// Remembers tokens, in the order of the walk, that were handed out before the walk went to the last page.
    pub(crate) fn begin_with(&mut self, first_page: Vec<TokenId>) {
        match self {
            Self::DownTo(down) => down.before = first_page,
            Self::Each(ids) => first_page.iter().for_each(|id| {
                ids.insert(id);
            }),
            Self::Past { .. } => {}
        }
    }
}

impl Down {
    fn admit(&mut self, id: &TokenId) -> Admission {
        // Almost always a token lies above all of these.
        let above = self.before.last().is_none_or(|last| id > last);
        if !above && self.before.binary_search(id).is_ok() {
            return Admission::Repeated;
        }
        match (self.recent.back(), &self.highest) {
            (Some(lowest), Some(highest)) if id >= lowest => {
                // What is higher than all that was there at first was created since.
                let seen = || self.recent.binary_search_by(|other| id.cmp(other)).is_ok();
                match id > highest || seen() {
                    true => Admission::Repeated,
                    false => Admission::Unexpected,
                }
            }
            _ => {
                self.highest.get_or_insert_with(|| id.clone());
                self.recent.push_back(id.clone());
                // All that is lower than a token of the first page was on it too.
                match above {
                    true => Admission::New,
                    false => Admission::Unexpected,
                }
            }
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
