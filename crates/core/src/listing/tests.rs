//! Listings that break off and go on.

use std::sync::Mutex;

use futures_executor::block_on;

use super::*;
use crate::model::{TokenId, TokenState};
use crate::provider::{OrderCapability, Paging};
use crate::query::{Filter, SortKey};

/// A platform of tokens with growing ids; tokens vanish, so it is read backwards.
fn losing() -> ListCapability {
    let by_id = OrderCapability::new(SortKey::Id);
    ListCapability::new(Paging::Numbered)
        .with_totals()
        .with_order(
            by_id
                .with_exact_order()
                .with_stable_keys()
                .with_append_only(),
        )
}

/// Nothing vanishes, and new tokens come anywhere.
fn keeping_by_name() -> ListCapability {
    ListCapability::new(Paging::Numbered)
        .with_totals()
        .without_vanishing_tokens()
        .with_order(OrderCapability::new(SortKey::Name).with_stable_keys())
}

fn listing<'a>(
    list: &ListCapability,
    query: &Query,
    answer: impl Fn(&PageRequest) -> Result<Page> + Send + Sync + 'a,
) -> Listing<'a> {
    let plan = Plan::for_query(query, list).unwrap();
    let left = Left {
        to_skip: query.offset,
        to_yield: query.limit,
    };
    Listing {
        account: Account::new("memory", "mine"),
        query: query.clone(),
        list: list.clone(),
        walker: Walker::new(&plan),
        plan,
        read_page: Box::new(move |request| Box::pin(std::future::ready(answer(&request)))),
        reading: FuturesUnordered::new(),
        given_up: 0,
        ready: VecDeque::new(),
        left,
        left_before_page: left,
        state: State::Walking,
    }
}

fn page(ids: &[u32], request: &PageRequest) -> Page {
    let (number, size) = (request.number().unwrap(), request.size.unwrap());
    let mut pages = ids.chunks(size as usize);
    let tokens = pages.nth(number as usize).unwrap_or_default();
    let token = |id: &u32| Token::new(TokenId::new(id.to_string()), TokenState::Active);
    Page {
        tokens: tokens.iter().map(token).collect(),
        total: Some(ids.len() as u64),
        number: Some(number),
        size: Some(size),
        next: pages.next().map(|_| PagePosition::Number(number + 1)),
    }
}

fn next(listing: &mut Listing<'_>) -> Option<u32> {
    let token = block_on(listing.next())?.ok()?;
    Some(token.id.as_str().parse().unwrap())
}

/// The ids up to the end or the first error.
fn read(listing: &mut Listing<'_>) -> Vec<u32> {
    std::iter::from_fn(|| next(listing)).collect()
}

fn broken() -> Error {
    Error::new(ErrorKind::Unavailable, Fate::Rejected, "out of order")
}

#[test]
fn a_listing_with_an_offset_that_fails_at_any_request_goes_on_without_skipping_more() {
    let ids: Vec<u32> = (1..=30).collect();
    for offset in [0, 1, 2, 3, 10, 20] {
        let query = Query::new().page_size(3).offset(offset);
        let whole = read(&mut listing(&losing(), &query, |request| {
            Ok(page(&ids, request))
        }));
        for failing in 0..11 {
            let requests = Mutex::new(0);
            let mut first = listing(&losing(), &query, |request| {
                let mut requests = requests.lock().unwrap();
                *requests += 1;
                match *requests > failing {
                    true => Err(broken()),
                    false => Ok(page(&ids, request)),
                }
            });
            let mut seen = read(&mut first);
            let cursor = first.cursor();
            let rest = listing(&losing(), &query, |request| Ok(page(&ids, request)));
            seen.extend(read(&mut rest.resume(&cursor).unwrap()));
            for id in &whole {
                assert!(
                    seen.contains(id),
                    "{offset}, {failing}: {id} of {seen:?}, {cursor}"
                );
            }
        }
    }
}

#[test]
fn tokens_that_come_again_after_a_cut_count_for_nothing() {
    let ids: Vec<u32> = (1..=40).collect();
    let query = Query::new()
        .page_size(4)
        .filter(Filter::State(TokenState::Active));
    for query in [
        query.clone().limit(24),
        query.clone().offset(10),
        query.offset(5).limit(20),
    ] {
        for list in [losing(), keeping_by_name()] {
            for cut in 0..24 {
                let mut first = listing(&list, &query, |request| Ok(page(&ids, request)));
                let mut seen: Vec<_> = (0..cut).filter_map(|_| next(&mut first)).collect();
                let cursor: Cursor = first.cursor().to_string().parse().unwrap();
                if cursor.position == PagePosition::First {
                    continue;
                }
                let mut whole = seen.clone();
                whole.extend(read(&mut first));
                // Three of those that come first by then vanish, or come before.
                let ids: Vec<u32> = match list.tokens_vanish {
                    true => (1..=37).collect(),
                    false => (41..=43).chain(1..=40).collect(),
                };
                let rest = listing(&list, &query, |request| Ok(page(&ids, request)));
                seen.extend(read(&mut rest.resume(&cursor).unwrap()));
                for id in whole.iter().filter(|id| ids.contains(id)) {
                    assert!(seen.contains(id), "{cut}: {id} of {seen:?}, {cursor}");
                }
                let beyond = seen.iter().any(|id| !whole.contains(id));
                assert!(
                    query.limit.is_some() || !beyond,
                    "{cut}: {seen:?}, {cursor}"
                );
            }
        }
    }
}

#[test]
fn what_an_offset_leaves_out_stays_out_when_tokens_are_created() {
    for offset in 0..=100 {
        let query = Query::new()
            .sort_by(SortKey::Id, crate::query::Direction::Descending)
            .page_size(10)
            .offset(offset);
        for cut in [None, Some(0), Some(3), Some(15)] {
            let count = Mutex::new(100);
            let answer = |request: &PageRequest| {
                let mut count = count.lock().unwrap();
                let ids: Vec<u32> = (1..=*count).collect();
                *count += 1;
                Ok(page(&ids, request))
            };
            let mut walked = listing(&losing(), &query, answer);
            let mut ids: Vec<u32> = (0..cut.unwrap_or(0))
                .filter_map(|_| next(&mut walked))
                .collect();
            if cut.is_some() {
                let cursor = walked.cursor();
                walked = listing(&losing(), &query, answer).resume(&cursor).unwrap();
            }
            ids.extend(read(&mut walked));
            let newest = 104 - u32::try_from(offset).unwrap();
            assert!(
                ids.iter().all(|id| *id <= newest),
                "{offset}, {cut:?}: {ids:?}"
            );
            assert!(
                (1..=100 - u32::try_from(offset).unwrap()).all(|id| ids.contains(&id)),
                "{offset}, {cut:?}: {ids:?}"
            );
        }
    }
}
