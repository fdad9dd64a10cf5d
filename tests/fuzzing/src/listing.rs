//! Listings over arbitrary pages.

use std::collections::BTreeSet;

use arbitrary::{Arbitrary, Unstructured};
use tokenfleet::{Direction, Filter, Query, SortKey, TokenProviderExt};

use crate::fake_pages::{Declaration, FakePages, PageFault, token};
use crate::run;
use crate::secrets::assert_no_secret;

#[derive(Debug, Arbitrary)]
struct Input {
    declaration: Declaration,
    tokens: u8,
    /// The distance between the ids.
    distance: u8,
    query: ArbitraryQuery,
    faults: Vec<PageFault>,
    repeat_faults: bool,
}

#[derive(Debug, Arbitrary)]
struct ArbitraryQuery {
    page_size: Option<u8>,
    max_concurrency: u8,
    offset: Option<u8>,
    limit: Option<u8>,
    sort: Option<(u8, bool)>,
    filter: bool,
}

impl ArbitraryQuery {
    fn to_query(&self) -> Query {
        let mut query = Query::new()
            .max_concurrency(u32::from(self.max_concurrency % 20) + 1)
            .offset(self.offset.unwrap_or(0).into());
        query.limit = self.limit.map(u64::from);
        query.page_size = self.page_size.map(u32::from);
        if let Some((key, descending)) = self.sort {
            let key = SortKey::ALL[usize::from(key) % SortKey::ALL.len()];
            let direction = if descending {
                Direction::Descending
            } else {
                Direction::Ascending
            };
            query = query.sort_by(key, direction);
        }
        if self.filter {
            query = query.filter(Filter::name("3"));
        }
        query
    }
}

/// Checks that a listing ends after a bounded number of requests and yields no id twice and no more
/// tokens than requested, and that it is not complete without a token that was counted in every
/// total.
pub fn listing(data: &[u8]) {
    let unstructured = Unstructured::new(data);
    let Ok(input) = Input::arbitrary_take_rest(unstructured) else {
        return;
    };
    let distance = u16::from(input.distance % 100) + 1;
    let ids: BTreeSet<u16> = (1..=u16::from(input.tokens))
        .map(|id| id * distance)
        .collect();
    let all = ids.iter().copied().map(token).collect();
    let query = input.query.to_query();
    let mut whole = query.clone();
    (whole.offset, whole.limit) = (0, None);
    let expected: BTreeSet<_> = whole
        .evaluate(all)
        .into_iter()
        .map(|token| token.id)
        .collect();
    let counted = input.faults.iter().all(|fault| fault.keeps_totals());
    let list = input.declaration.list();
    let provider = FakePages::new(list, ids, input.faults, input.repeat_faults);
    run(async {
        let mut listing = match provider.list(query.clone()) {
            Ok(listing) => listing,
            Err(error) => return assert_no_secret(&error),
        };
        let mut yielded = BTreeSet::new();
        while let Some(token) = listing.next().await {
            match token {
                Ok(token) => assert!(yielded.insert(token.id.clone()), "{} twice", token.id),
                Err(error) => assert_no_secret(&error),
            }
        }
        assert!(
            query
                .limit
                .is_none_or(|limit| yielded.len() as u64 <= limit)
        );
        let bounded = query.offset > 0 || query.limit.is_some();
        let complete = listing
            .completeness()
            .is_some_and(|completeness| completeness.is_complete());
        if complete && counted && !bounded {
            assert_eq!(yielded, expected);
        }
    });
}
