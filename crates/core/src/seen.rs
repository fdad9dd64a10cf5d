//! Which tokens a walk has handed out.

use std::collections::HashSet;

use crate::TokenId;

/// Which tokens were handed out, so that each is handed out once.
#[derive(Debug)]
pub(crate) enum Seen {
    /// In ascending order of ids all up to this one were seen.
    UpTo(Option<TokenId>),
    /// In descending order of ids all from `highest` to `lowest` were seen.
    DownTo {
        lowest: Option<TokenId>,
        highest: Option<TokenId>,
        /// Those of the page above, from which deletions move tokens down.
        above: HashSet<TokenId>,
    },
    /// In no order that could be followed.
    Each(HashSet<TokenId>),
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
    pub(crate) fn down_to() -> Self {
        Self::DownTo {
            lowest: None,
            highest: None,
            above: HashSet::new(),
        }
    }

    /// Judges a token and remembers it.
    pub(crate) fn admit(&mut self, id: &TokenId) -> Admission {
        match self {
            Self::UpTo(last) => match last {
                Some(last) if id <= last => Admission::Repeated,
                _ => {
                    *last = Some(id.clone());
                    Admission::New
                }
            },
            Self::DownTo {
                lowest,
                highest,
                above,
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
                    Admission::New
                }
            },
            Self::Each(ids) => {
                if ids.insert(id.clone()) {
                    Admission::New
                } else {
                    Admission::Repeated
                }
            }
        }
    }

    /// Remembers which tokens lie on the page that was read last.
    pub(crate) fn turn_page(&mut self, on_page: HashSet<TokenId>) {
        if let Self::DownTo { above, .. } = self {
            *above = on_page;
        }
    }

    /// Whether the walk follows the order of ids, so that each page must be in it.
    pub(crate) fn follows_ids(&self) -> bool {
        !matches!(self, Self::Each(_))
    }
}
