//! Selection of the rows on a page of a listing.

use super::{
    order::{Order, SortField},
    paging::Page,
    search::{Bound, Column, NumberTest, Predicate, SearchError},
    store::Store,
};

/// The rows on a page and the counts around it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) total: usize,
    pub(super) subtotal: usize,
    /// The rows of the page in order.
    pub(super) ids: Vec<i32>,
}

/// Finds a page of a user's rows.
pub(super) fn find(
    store: &mut Store,
    user_id: i32,
    predicate: &Predicate,
    order: Option<Order>,
    page: &Page,
) -> Result<Found, SearchError> {
    let field = order.map(|order| order.field);
    if field == Some(SortField::Name) {
        store.sort_by_name(user_id);
    }
    let ids = match field {
        Some(SortField::Id) => store.by_id(user_id),
        Some(SortField::Name) => store.by_name(user_id),
        // All rows of a user are equal in this order, and equal rows stay in physical order.
        Some(SortField::UserId) | None => store.physical_order(user_id),
    };
    let (ids, predicate) = match IdRange::for_predicate(predicate) {
        Some(range) if field == Some(SortField::Id) => range.narrow(ids, predicate),
        _ => (ids, predicate),
    };
    let descending =
        field != Some(SortField::UserId) && order.is_some_and(|order| order.descending);
    let rows: Box<dyn Iterator<Item = i32>> = if descending {
        Box::new(ids.iter().rev().copied())
    } else {
        Box::new(ids.iter().copied())
    };
    let offset = usize::try_from(page.offset).unwrap_or(usize::MAX);
    let limit = page.limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    let mut found = Found {
        total: store.by_id(user_id).len(),
        ..Found::default()
    };
    if matches!(predicate, Predicate::All) {
        // Skips over the rows before the page instead of visiting each one.
        found.subtotal = ids.len();
        found.ids = rows.skip(offset).take(limit).collect();
        return Ok(found);
    }
    for id in rows {
        if matches(store, predicate, id)? {
            if found.subtotal >= offset && found.ids.len() < limit {
                found.ids.push(id);
            }
            found.subtotal += 1;
        }
    }
    Ok(found)
}

fn matches(store: &Store, predicate: &Predicate, id: i32) -> Result<bool, SearchError> {
    store
        .get(id)
        .map_or(Ok(false), |record| predicate.matches(record.row()))
}

/// A range of ids outside which a predicate matches nothing.
#[derive(Clone, Copy)]
struct IdRange {
    first: i64,
    last: i64,
    /// `true` if the predicate matches every id in the range.
    exact: bool,
}

impl IdRange {
    fn new(first: i64, last: i64) -> Self {
        Self {
            first,
            last,
            exact: true,
        }
    }

    /// Returns the range of ids that a predicate can match, or `None` if it is not known.
    fn for_predicate(predicate: &Predicate) -> Option<Self> {
        match predicate {
            Predicate::All => Some(Self::new(i64::MIN, i64::MAX)),
            Predicate::And(conditions) => {
                let everything = Self::new(i64::MIN, i64::MAX);
                Some(conditions.iter().fold(everything, Self::intersect))
            }
            Predicate::Number {
                column: Column::Id,
                test,
            } => Self::for_test(test),
            _ => None,
        }
    }

    fn for_test(test: &NumberTest) -> Option<Self> {
        match test {
            NumberTest::Ordered(bound, value) => {
                let value = i64::from(*value);
                Some(match bound {
                    Bound::Greater => Self::new(value + 1, i64::MAX),
                    Bound::GreaterOrEqual => Self::new(value, i64::MAX),
                    Bound::Less => Self::new(i64::MIN, value - 1),
                    Bound::LessOrEqual => Self::new(i64::MIN, value),
                })
            }
            NumberTest::In(values) => Some(Self {
                first: i64::from(*values.iter().min()?),
                last: i64::from(*values.iter().max()?),
                exact: values.len() == 1,
            }),
        }
    }

    fn intersect(self, condition: &Predicate) -> Self {
        match Self::for_predicate(condition) {
            Some(other) => Self {
                first: self.first.max(other.first),
                last: self.last.min(other.last),
                exact: self.exact && other.exact,
            },
            None => Self {
                exact: false,
                ..self
            },
        }
    }

    /// Narrows sorted ids to the range, and the predicate to what is left to test there.
    fn narrow<'a>(self, ids: &'a [i32], predicate: &'a Predicate) -> (&'a [i32], &'a Predicate) {
        let start = ids.partition_point(|id| i64::from(*id) < self.first);
        let end = ids
            .partition_point(|id| i64::from(*id) <= self.last)
            .max(start);
        let predicate = if self.exact {
            &Predicate::All
        } else {
            predicate
        };
        (&ids[start..end], predicate)
    }
}
