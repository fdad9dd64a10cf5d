//! Listings over pages of every sort.

use std::collections::BTreeSet;

use arbitrary::{Arbitrary, Unstructured};
use tokenfleet::{Direction, Filter, Query, SortKey, TokenProviderExt};

use crate::run;
use crate::shelf::{Kind, Lie, Shelf, token};
use crate::witness::assert_silent;

#[derive(Debug, Arbitrary)]
struct Input {
    kind: Kind,
    /// How many tokens there are, and how far apart their ids.
    tokens: u8,
    apart: u8,
    asked: Asked,
    lies: Vec<Lie>,
    again: bool,
}

#[derive(Debug, Arbitrary)]
struct Asked {
    page_size: Option<u8>,
    max_concurrency: u8,
    offset: Option<u8>,
    limit: Option<u8>,
    sort: Option<(u8, bool)>,
    filter: bool,
}

impl Asked {
    fn query(&self) -> Query {
        let mut query = Query::new()
            .max_concurrency(u32::from(self.max_concurrency % 20) + 1)
            .offset(self.offset.unwrap_or(0).into());
        query.limit = self.limit.map(u64::from);
        query.page_size = self.page_size.map(u32::from);
        if let Some((key, descending)) = self.sort {
            let key = SortKey::ALL[usize::from(key) % SortKey::ALL.len()];
            let direction = match descending {
                true => Direction::Descending,
                false => Direction::Ascending,
            };
            query = query.sort_by(key, direction);
        }
        if self.filter {
            query = query.filter(Filter::name("3"));
        }
        query
    }
}

/// A listing ends within a bounded number of requests, hands out no id twice and no more than were asked for, and is not
/// called complete when a token is missing that the platform counted in each of its totals.
pub fn walk(data: &[u8]) {
    let unstructured = Unstructured::new(data);
    let Ok(input) = Input::arbitrary_take_rest(unstructured) else {
        return;
    };
    let apart = u16::from(input.apart % 100) + 1;
    let ids: BTreeSet<u16> = (1..=u16::from(input.tokens)).map(|id| id * apart).collect();
    let all = ids.iter().copied().map(token).collect();
    let query = input.asked.query();
    let mut whole = query.clone();
    (whole.offset, whole.limit) = (0, None);
    let expected: BTreeSet<_> = whole
        .evaluate(all)
        .into_iter()
        .map(|token| token.id)
        .collect();
    let counted = input.lies.iter().all(|lie| lie.counts_all());
    let shelf = Shelf::new(input.kind.list(), ids, input.lies, input.again);
    run(async {
        let mut listing = match shelf.list(query.clone()) {
            Ok(listing) => listing,
            Err(error) => return assert_silent(&error),
        };
        let mut seen = BTreeSet::new();
        while let Some(token) = listing.next().await {
            match token {
                Ok(token) => assert!(seen.insert(token.id.clone()), "{} twice", token.id),
                Err(error) => assert_silent(&error),
            }
        }
        assert!(query.limit.is_none_or(|limit| seen.len() as u64 <= limit));
        let bounded = query.offset > 0 || query.limit.is_some();
        let complete = listing
            .completeness()
            .is_some_and(|said| said.is_complete());
        if complete && counted && !bounded {
            assert_eq!(seen, expected);
        }
    });
}
