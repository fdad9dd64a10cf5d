//! Which rows a listing shows.

use super::{
    order::{Order, SortField},
    paging::Page,
    search::{Bound, Column, NumberTest, Predicate, SearchError},
    store::Store,
};

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) total: usize,
    pub(super) subtotal: usize,
    /// The rows of the page, in order.
    pub(super) ids: Vec<i32>,
}

/// Finds a page of the user's rows.
pub(super) fn find(
    store: &mut Store,
    user_id: i32,
    predicate: &Predicate,
    order: Option<Order>,
    page: &Page,
) -> Result<Found, SearchError> {
    if order.is_some_and(|order| order.field == SortField::Name) {
        store.by_name(user_id);
    }
    let total = store.by_id(user_id).len();
    let descending = order.is_some_and(|order| order.descending);
    let ids = match order.map(|order| order.field) {
        Some(SortField::Id) => store.by_id(user_id),
        Some(SortField::Name) => store.sorted_by_name(user_id),
        // One user's rows are all equal by user, and equal rows come as they lie.
        Some(SortField::UserId) | None => store.physical(user_id),
    };
    let descending =
        descending && !matches!(order.map(|order| order.field), Some(SortField::UserId));
    let by_id = matches!(order.map(|order| order.field), Some(SortField::Id));
    let (ids, predicate) = match id_range(predicate).filter(|_| by_id) {
        Some((range, exact)) => {
            let from = ids.partition_point(|id| i64::from(*id) < range.0);
            let to = ids
                .partition_point(|id| i64::from(*id) <= range.1)
                .max(from);
            (
                &ids[from..to],
                if exact { &Predicate::All } else { predicate },
            )
        }
        None => (ids, predicate),
    };
    let mut page = Window::new(page);
    if matches!(predicate, Predicate::All) {
        page.cut(ids, descending);
    } else if descending {
        for id in ids.iter().rev() {
            page.offer(*id, matches(store, predicate, *id)?);
        }
    } else {
        for id in ids {
            page.offer(*id, matches(store, predicate, *id)?);
        }
    }
    Ok(Found {
        total,
        subtotal: page.matched,
        ids: page.ids,
    })
}

fn matches(store: &Store, predicate: &Predicate, id: i32) -> Result<bool, SearchError> {
    store
        .get(id)
        .map_or(Ok(false), |record| predicate.matches(record.row()))
}

/// The part of the matches that is on the page.
struct Window {
    offset: usize,
    limit: usize,
    matched: usize,
    ids: Vec<i32>,
}

impl Window {
    fn new(page: &Page) -> Self {
        Self {
            offset: usize::try_from(page.offset).unwrap_or(usize::MAX),
            limit: page.limit.map_or(usize::MAX, |limit| {
                usize::try_from(limit).unwrap_or(usize::MAX)
            }),
            matched: 0,
            ids: Vec::new(),
        }
    }

    fn offer(&mut self, id: i32, matches: bool) {
        if matches {
            if self.matched >= self.offset && self.ids.len() < self.limit {
                self.ids.push(id);
            }
            self.matched += 1;
        }
    }

    /// When everything matches, nobody needs to look at every row.
    fn cut(&mut self, ids: &[i32], descending: bool) {
        self.matched = ids.len();
        self.ids = if descending {
            ids.iter()
                .rev()
                .skip(self.offset)
                .take(self.limit)
                .copied()
                .collect()
        } else {
            ids.iter()
                .skip(self.offset)
                .take(self.limit)
                .copied()
                .collect()
        };
    }
}

/// The ids that a predicate lets through at most, and whether it asks for nothing else.
fn id_range(predicate: &Predicate) -> Option<((i64, i64), bool)> {
    let everything = (i64::MIN, i64::MAX);
    match predicate {
        Predicate::All => Some((everything, true)),
        Predicate::And(all) => {
            let mut range = everything;
            let mut exact = true;
            for one in all {
                match id_range(one) {
                    Some((inner, inner_exact)) => {
                        range = (range.0.max(inner.0), range.1.min(inner.1));
                        exact &= inner_exact;
                    }
                    None => exact = false,
                }
            }
            Some((range, exact))
        }
        Predicate::Number {
            column: Column::Id,
            test,
        } => match test {
            NumberTest::Ordered(bound, value) => {
                let value = i64::from(*value);
                let range = match bound {
                    Bound::Greater => (value + 1, i64::MAX),
                    Bound::GreaterOrEqual => (value, i64::MAX),
                    Bound::Less => (i64::MIN, value - 1),
                    Bound::LessOrEqual => (i64::MIN, value),
                };
                Some((range, true))
            }
            NumberTest::In(values) => {
                let least = i64::from(*values.iter().min()?);
                let greatest = i64::from(*values.iter().max()?);
                Some(((least, greatest), values.len() == 1))
            }
        },
        _ => None,
    }
}
