//! The order of tokens.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result, did_you_mean};
use crate::model::{Fact, Token};

/// One key of an order: what to compare, which way, and where tokens go that have no such value.
///
/// Its text is `KEY`, then `:asc` or `:desc`, then `:absent-first` or `:absent-last`; what is left out is as
/// [`new`](Self::new) has it.
///
/// ```
/// use tokenfleet_core::query::SortBy;
/// use tokenfleet_core::{Direction, SortKey};
///
/// let latest_first = SortBy::new(SortKey::LastUsed, Direction::Descending);
/// assert_eq!("last-used:desc".parse::<SortBy>()?, latest_first);
///
/// // Tokens that were never used come after all that were, instead of before them.
/// assert_eq!(latest_first.nulls_last().to_string(), "last-used:desc:absent-last");
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SortBy {
    /// What to compare.
    pub key: SortKey,
    /// Which way.
    pub direction: Direction,
    /// Where tokens go of which the key is none or not reported.
    pub nulls: NullsOrder,
}

/// Where tokens go of which a key is none or not reported.
///
/// Among each other they follow the direction: ascending, none comes before not reported; descending, after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NullsOrder {
    /// Before all tokens that have a value.
    First,
    /// After all tokens that have a value.
    Last,
}

impl SortBy {
    /// By that key, that way. Absent values count as the greatest: they come last ascending and first descending.
    #[must_use]
    pub fn new(key: SortKey, direction: Direction) -> Self {
        let nulls = match direction {
            Direction::Ascending => NullsOrder::Last,
            Direction::Descending => NullsOrder::First,
        };
        Self {
            key,
            direction,
            nulls,
        }
    }

    /// With absent values before all others.
    #[must_use]
    pub fn nulls_first(mut self) -> Self {
        self.nulls = NullsOrder::First;
        self
    }

    /// With absent values after all others.
    #[must_use]
    pub fn nulls_last(mut self) -> Self {
        self.nulls = NullsOrder::Last;
        self
    }

    /// Reads several keys, separated by commas: `state, expiry:desc:absent-last`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), saying at which character, with the nearest right word.
    pub fn parse_all(text: &str) -> Result<Vec<Self>> {
        let mut before = 0;
        let read = |part: &str| {
            let blank = part.chars().take_while(|c| c.is_whitespace()).count();
            let place = format!("at character {}", before + blank + 1);
            before += part.chars().count() + 1;
            part.trim()
                .parse()
                .map_err(|error: Error| error.with_message_prefix(&place))
        };
        text.split(',').map(read).collect()
    }

    pub(crate) fn compare(self, a: &Token, b: &Token) -> Ordering {
        match self.key {
            SortKey::Id => self.direction.of(a.id.cmp(&b.id)),
            SortKey::Name => self.compare_facts(&a.name, &b.name),
            SortKey::State => self.direction.of(a.state.cmp(&b.state)),
            SortKey::Created => self.compare_facts(&a.created_at, &b.created_at),
            SortKey::Updated => self.compare_facts(&a.updated_at, &b.updated_at),
            SortKey::Expiry => self.compare_facts(&a.expiry, &b.expiry),
            SortKey::LastUsed => self.compare_facts(&a.last_used, &b.last_used),
        }
    }

    fn compare_facts<T: Ord>(self, a: &Fact<T>, b: &Fact<T>) -> Ordering {
        let is_absent = |fact: &Fact<T>| fact.known().is_none();
        let known_first = is_absent(a).cmp(&is_absent(b));
        let by_presence = match self.nulls {
            NullsOrder::Last => known_first,
            NullsOrder::First => known_first.reverse(),
        };
        by_presence.then_with(|| self.direction.of(a.cmp(b)))
    }
}

impl fmt::Display for SortBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key.as_str())?;
        if self.direction == Direction::Descending {
            f.write_str(":desc")?;
        }
        match self.nulls {
            nulls if nulls == Self::new(self.key, self.direction).nulls => Ok(()),
            NullsOrder::First => f.write_str(":absent-first"),
            NullsOrder::Last => f.write_str(":absent-last"),
        }
    }
}

impl FromStr for SortBy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut words = text.split(':');
        let key = words.next().unwrap_or_default();
        let key = SortKey::ALL
            .into_iter()
            .find(|known| known.as_str() == key)
            .ok_or_else(|| {
                Error::invalid_input("no such key to sort by")
                    .with_advice(did_you_mean(key, &SortKey::ALL.map(SortKey::as_str)))
            })?;
        let mut expected: &[&str] = &["asc", "desc", "absent-first", "absent-last"];
        let mut sort = Self::new(key, Direction::Ascending);
        for word in words {
            if !expected.contains(&word) {
                return Err(match expected {
                    [] => Error::invalid_input("nothing can follow the place of absent values"),
                    _ => Error::invalid_input("no such way to sort")
                        .with_advice(did_you_mean(word, expected)),
                });
            }
            expected = match word {
                "asc" | "desc" => &["absent-first", "absent-last"],
                _ => &[],
            };
            sort = match word {
                "asc" => sort,
                "desc" => Self::new(key, Direction::Descending),
                "absent-first" => sort.nulls_first(),
                _ => sort.nulls_last(),
            };
        }
        Ok(sort)
    }
}

/// What tokens can be ordered by.
///
/// Names compare by code points, so case counts. Where values are absent is said by [`NullsOrder`]: unless asked otherwise,
/// ascending, tokens that never expire come after those that do, and descending is exactly the reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SortKey {
    /// By id, see [`TokenId`](crate::TokenId).
    Id,
    /// By name.
    Name,
    /// By state, in the order of [`TokenState`](crate::TokenState).
    State,
    /// By creation.
    Created,
    /// By last change.
    Updated,
    /// By expiry.
    Expiry,
    /// By last use.
    LastUsed,
}

impl SortKey {
    /// All keys.
    pub const ALL: [Self; 7] = [
        Self::Id,
        Self::Name,
        Self::State,
        Self::Created,
        Self::Updated,
        Self::Expiry,
        Self::LastUsed,
    ];

    /// The key as it is spelt on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::State => "state",
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Expiry => "expiry",
            Self::LastUsed => "last-used",
        }
    }
}

/// Which way to sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Smallest first.
    #[default]
    Ascending,
    /// Greatest first.
    Descending,
}

impl Direction {
    /// An ascending order, this way.
    fn of(self, ascending: Ordering) -> Ordering {
        match self {
            Self::Ascending => ascending,
            Self::Descending => ascending.reverse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Timestamp, TokenId, TokenState};
    use crate::query::Query;

    const DIRECTIONS: [Direction; 2] = [Direction::Ascending, Direction::Descending];

    #[test]
    fn every_key_of_an_order_survives_its_text_and_none_shares_it() {
        let mut texts = std::collections::BTreeSet::new();
        for key in SortKey::ALL {
            for direction in DIRECTIONS {
                let usual = SortBy::new(key, direction);
                for sort in [usual.nulls_first(), usual.nulls_last()] {
                    assert_eq!(sort.to_string().parse::<SortBy>().unwrap(), sort);
                    texts.insert(sort.to_string());
                }
                assert!(!usual.to_string().contains("absent"));
            }
        }
        assert_eq!(texts.len(), 28);
    }

    #[test]
    fn absent_values_go_where_they_are_sent_and_ties_are_ordered_by_ascending_id() {
        let token = |id: &str, expiry| {
            let mut token = Token::new(TokenId::new(id), TokenState::Active);
            token.expiry = expiry;
            token
        };
        let at = |second| Fact::Known(Timestamp::from_unix_seconds(second).unwrap());
        let tokens = [
            token("silent", Fact::NotReported),
            token("never b", Fact::Absent),
            token("late", at(2)),
            token("never a", Fact::Absent),
            token("early", at(1)),
        ];
        for (sort, expected) in [
            ("expiry", "early late never a never b silent"),
            (
                "expiry:asc:absent-first",
                "never a never b silent early late",
            ),
            ("expiry:desc", "silent never a never b late early"),
            (
                "expiry:desc:absent-last",
                "late early silent never a never b",
            ),
        ] {
            let query = Query::new().sort_by_keys(SortBy::parse_all(sort).unwrap());
            let found = query.evaluate(tokens.to_vec());
            let ids: Vec<_> = found.iter().map(|token| token.id.as_str()).collect();
            assert_eq!(ids.join(" "), expected, "{sort}");
        }
    }

    #[test]
    fn several_keys_are_read_in_turn_and_a_mistake_in_one_has_its_place() {
        let keys = SortBy::parse_all("state:desc, name").unwrap();
        assert_eq!(
            keys,
            [
                SortBy::new(SortKey::State, Direction::Descending),
                SortBy::new(SortKey::Name, Direction::Ascending),
            ]
        );
        for (text, expected) in [
            (
                "state:desc, nam",
                "at character 13: no such key to sort by; did you mean \"name\"?",
            ),
            (
                "",
                "at character 1: no such key to sort by; known are id, name, state, created, updated, expiry, last-used",
            ),
            (
                "name:decs",
                "at character 1: no such way to sort; did you mean \"desc\"?",
            ),
            (
                "name:absent-last:desc",
                "at character 1: nothing can follow the place of absent values",
            ),
        ] {
            let error = SortBy::parse_all(text).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}
