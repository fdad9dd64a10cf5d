//! Sort keys, and the comparison of tokens by them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result, did_you_mean};
use crate::model::{Fact, Token};

/// A sort key with its direction and the place of tokens without a value.
///
/// As text it is `KEY`, spelled as in the JSON output (`created_at`; `created` is read too),
/// optionally followed by
/// `:asc` or `:desc` and by `:absent-first` or `:absent-last`. The defaults are ascending, and the
/// place of absent values that [`new`](Self::new) chooses.
///
/// ```
/// use tokenfleet_core::query::SortBy;
/// use tokenfleet_core::{Direction, SortKey};
///
/// let latest_first = SortBy::new(SortKey::LastUsed, Direction::Descending);
/// assert_eq!("last_used:desc".parse::<SortBy>()?, latest_first);
///
/// // Tokens that were never used come last, instead of first.
/// assert_eq!(latest_first.nulls_last().to_string(), "last_used:desc:absent-last");
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SortBy {
    /// The field to compare.
    pub key: SortKey,
    /// The direction.
    pub direction: Direction,
    /// The position of tokens whose value is absent or not reported.
    pub nulls: NullsOrder,
}

/// The position of tokens whose value for the sort key is absent or not reported.
///
/// Among themselves they follow the direction: ascending, absent comes before not reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NullsOrder {
    /// Before all tokens that have a value.
    First,
    /// After all tokens that have a value.
    Last,
}

impl SortBy {
    /// Creates a sort key. Absent values count as the greatest: they come last if ascending and
    /// first if descending.
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

    /// Puts absent values before all others.
    #[must_use]
    pub fn nulls_first(mut self) -> Self {
        self.nulls = NullsOrder::First;
        self
    }

    /// Puts absent values after all others.
    #[must_use]
    pub fn nulls_last(mut self) -> Self {
        self.nulls = NullsOrder::Last;
        self
    }

    /// Parses several keys, separated by commas: `state, expiry:desc:absent-last`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), with the position of the mistake and the
    /// closest known word.
    pub fn parse_all(text: &str) -> Result<Vec<Self>> {
        let mut consumed = 0;
        let parse = |part: &str| {
            let indent = part.chars().take_while(|c| c.is_whitespace()).count();
            let location = format!("at character {}", consumed + indent + 1);
            consumed += part.chars().count() + 1;
            part.trim()
                .parse()
                .map_err(|error: Error| error.with_message_prefix(&location))
        };
        text.split(',').map(parse).collect()
    }

    /// Compares two tokens by this key alone.
    pub(crate) fn compare(self, a: &Token, b: &Token) -> Ordering {
        match self.key {
            SortKey::Id => self.direction.apply(a.id.cmp(&b.id)),
            SortKey::Name => self.compare_facts(&a.name, &b.name),
            SortKey::State => self.direction.apply(a.state.cmp(&b.state)),
            SortKey::Created => self.compare_facts(&a.created_at, &b.created_at),
            SortKey::Updated => self.compare_facts(&a.updated_at, &b.updated_at),
            SortKey::Expiry => self.compare_facts(&a.expiry, &b.expiry),
            SortKey::LastUsed => self.compare_facts(&a.last_used, &b.last_used),
        }
    }

    fn compare_facts<T: Ord>(self, a: &Fact<T>, b: &Fact<T>) -> Ordering {
        let is_absent = |fact: &Fact<T>| fact.known().is_none();
        let absent_last = is_absent(a).cmp(&is_absent(b));
        let by_presence = match self.nulls {
            NullsOrder::Last => absent_last,
            NullsOrder::First => absent_last.reverse(),
        };
        by_presence.then_with(|| self.direction.apply(a.cmp(b)))
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
        let key = match words.next().unwrap_or_default() {
            // Short spellings of the keys of the JSON output.
            "created" => SortKey::Created.as_str(),
            "updated" => SortKey::Updated.as_str(),
            "last-used" => SortKey::LastUsed.as_str(),
            word => word,
        };
        let key = SortKey::ALL
            .into_iter()
            .find(|known| known.as_str() == key)
            .ok_or_else(|| {
                Error::invalid_input("unknown sort key")
                    .with_advice(did_you_mean(key, &SortKey::ALL.map(SortKey::as_str)))
            })?;
        let mut expected: &[&str] = &["asc", "desc", "absent-first", "absent-last"];
        let mut sort = Self::new(key, Direction::Ascending);
        for word in words {
            if !expected.contains(&word) {
                return Err(if expected.is_empty() {
                    Error::invalid_input("nothing can follow absent-first or absent-last")
                } else {
                    Error::invalid_input("unknown sort option")
                        .with_advice(did_you_mean(word, expected))
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

/// A field that tokens can be sorted by.
///
/// Names are compared by code points, so case matters. [`NullsOrder`] decides where absent values
/// go. By default, tokens that never expire come after those that do, and descending is the exact
/// reverse of ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SortKey {
    /// The id, ordered as [`TokenId`](crate::TokenId) documents.
    Id,
    /// The name.
    Name,
    /// The state, in the order of [`TokenState`](crate::TokenState).
    State,
    /// The time of creation.
    Created,
    /// The time of the last change.
    Updated,
    /// The expiry.
    Expiry,
    /// The time of the last use.
    LastUsed,
}

impl SortKey {
    /// All sort keys.
    pub const ALL: [Self; 7] = [
        Self::Id,
        Self::Name,
        Self::State,
        Self::Created,
        Self::Updated,
        Self::Expiry,
        Self::LastUsed,
    ];

    /// Returns the key as the JSON output spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::State => "state",
            Self::Created => "created_at",
            Self::Updated => "updated_at",
            Self::Expiry => "expiry",
            Self::LastUsed => "last_used",
        }
    }
}

/// The direction of a sort key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Sorts the smallest value first.
    #[default]
    Ascending,
    /// Sorts the greatest value first.
    Descending,
}

impl Direction {
    /// Converts an ascending order to this direction.
    fn apply(self, ascending: Ordering) -> Ordering {
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
    fn every_sort_key_round_trips_through_its_own_text() {
        let mut texts = std::collections::BTreeSet::new();
        for key in SortKey::ALL {
            for direction in DIRECTIONS {
                let default = SortBy::new(key, direction);
                for sort in [default.nulls_first(), default.nulls_last()] {
                    assert_eq!(sort.to_string().parse::<SortBy>().unwrap(), sort);
                    texts.insert(sort.to_string());
                }
                assert!(!default.to_string().contains("absent"));
            }
        }
        assert_eq!(texts.len(), 28);
    }

    #[test]
    fn absent_values_follow_the_nulls_order_and_ties_the_ascending_id() {
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
    fn several_keys_are_parsed_in_order_and_a_mistake_names_its_position() {
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
                "at character 13: unknown sort key; did you mean `name`?",
            ),
            (
                "",
                "at character 1: unknown sort key; \
                 expected one of id, name, state, created_at, updated_at, expiry, last_used",
            ),
            (
                "name:decs",
                "at character 1: unknown sort option; did you mean `desc`?",
            ),
            (
                "name:absent-last:desc",
                "at character 1: nothing can follow absent-first or absent-last",
            ),
        ] {
            let error = SortBy::parse_all(text).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}
