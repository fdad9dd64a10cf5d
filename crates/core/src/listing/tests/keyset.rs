//! Listings by keyset cursors that are interrupted at any token, whatever expired before.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::listing::PartialReason;
use crate::provider::OrderCapability;

/// An event that a request meets.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// The platform no longer knows the position.
    Expires,
    /// The platform is not available.
    Fails,
    /// A token is created before so many of the newest ones, after the response.
    Creates(usize),
    /// A token is deleted after the response.
    Deletes(usize),
}

/// A platform with keyset cursors, and what happens at its requests.
struct Platform {
    pages: FakePages,
    /// The ids that existed throughout.
    lasting: Vec<u32>,
    /// All ids that were ever given: none is given again.
    ever: HashSet<u32>,
    events: std::vec::IntoIter<Vec<Event>>,
    totals: bool,
    /// `true` if the next position is answered by an empty last page.
    ends_falsely: bool,
}

impl Platform {
    fn new(count: u32, events: Vec<Vec<Event>>, totals: bool) -> Self {
        let pages = FakePages::with_gaps(count);
        Self {
            lasting: pages.ids.clone(),
            ever: pages.ids.iter().copied().collect(),
            pages,
            events: events.into_iter(),
            totals,
            ends_falsely: false,
        }
    }

    fn respond(&mut self, request: &PageRequest) -> Result<Page> {
        let events = self.events.next().unwrap_or_default();
        let by_token = matches!(request.position, PagePosition::Token(_));
        let ends = std::mem::take(&mut self.ends_falsely) && by_token;
        for event in &events {
            match event {
                Event::Expires if by_token => return Err(Error::cursor_expired("expired")),
                Event::Fails => return Err(broken()),
                _ => {}
            }
        }
        let mut page = if ends {
            Page::default()
        } else {
            self.pages.keyset_page(request)
        };
        page.total = self.totals.then_some(self.pages.ids.len() as u64);
        for event in events {
            let before = self.pages.ids.clone();
            match event {
                Event::Creates(newest) => self.pages.create_before(newest),
                Event::Deletes(at) => self.pages.delete(at),
                Event::Expires | Event::Fails => {}
            }
            let ever = &mut self.ever;
            (self.pages.ids).retain(|id| before.contains(id) || ever.insert(*id));
        }
        self.lasting.retain(|id| self.pages.ids.contains(id));
        Ok(page)
    }
}

fn events(changing: bool) -> impl Strategy<Value = Vec<Vec<Event>>> {
    let event = prop_oneof![
        2 => Just(Event::Expires),
        1 => Just(Event::Fails),
        2 => (0usize..100).prop_map(Event::Creates),
        3 => (0usize..100).prop_map(Event::Deletes),
    ];
    let at_request = prop_oneof![
        2 => Just(Vec::new()),
        1 => prop::collection::vec(event, 1..3),
    ];
    let refuses = |event: &Event| matches!(event, Event::Expires | Event::Fails);
    prop::collection::vec(at_request, 0..40).prop_map(move |mut events| {
        for events in &mut events {
            events.retain(|event| changing || refuses(event));
        }
        events
    })
}

/// The result of a listing that was resumed until it ended.
#[derive(Debug)]
struct Outcome {
    /// The tokens that each part yielded.
    parts: Vec<Vec<u32>>,
    end: Result<Completeness>,
}

impl Outcome {
    fn seen(&self) -> HashSet<u32> {
        self.parts.iter().flatten().copied().collect()
    }
}

/// Lists to the end; stops after so many tokens, and resumes there and after every failure.
fn list_in_parts(
    list: &ListCapability,
    query: &Query,
    platform: &Mutex<Platform>,
    stops: &[(usize, bool)],
) -> Outcome {
    let respond = |request: &PageRequest| platform.lock().unwrap().respond(request);
    let mut stops = stops.iter();
    let mut parts = Vec::new();
    let mut current = listing(list, query, respond);
    loop {
        let stop = stops.next();
        let mut part = Vec::new();
        let mut failure = None;
        while stop.is_none_or(|(tokens, _)| part.len() < *tokens) {
            match block_on(current.next()) {
                Some(Ok(token)) => part.extend(ids(&[token])),
                Some(Err(error)) => {
                    failure = Some(error);
                    break;
                }
                None => {
                    parts.push(part);
                    let end = Ok(current.completeness().unwrap());
                    return Outcome { parts, end };
                }
            }
        }
        parts.push(part);
        if let Some(error) = failure.filter(|error| error.kind() != ErrorKind::Unavailable) {
            return Outcome {
                parts,
                end: Err(error),
            };
        }
        let cursor: Cursor = current.cursor().to_string().parse().unwrap();
        current = listing(list, query, respond).resume(&cursor).unwrap();
        platform.lock().unwrap().ends_falsely = stop.is_some_and(|(_, ends)| *ends);
    }
}

prop_compose! {
    fn any_listing()(
        kind in 0usize..3,
        sorted in any::<bool>(),
        size in 1u32..8,
        offset in prop_oneof![Just(0u64), 0u64..20],
        limit in prop_oneof![Just(None), (1u64..30).prop_map(Some)],
    ) -> (ListCapability, Query) {
        let direction = [None, Some(Direction::Ascending), Some(Direction::Descending)][kind];
        let list = direction.map_or_else(keyset, keyset_by_id);
        let mut query = Query::new().page_size(size).offset(offset);
        query.limit = limit;
        if let Some(direction) = direction.filter(|_| sorted) {
            query = query.sort_by(SortKey::Id, direction);
        }
        (list, query)
    }
}

fn stops() -> impl Strategy<Value = Vec<(usize, bool)>> {
    prop::collection::vec((0usize..25, prop::bool::weighted(0.2)), 0..4)
}

proptest! {
    #[test]
    fn a_listing_of_an_unchanged_set_resumed_at_any_token_yields_the_same_window(
        (list, query) in any_listing(),
        count in 0u32..60,
        totals in any::<bool>(),
        events in events(false),
        stops in stops(),
    ) {
        let platform = Mutex::new(Platform::new(count, events, totals));
        let mut window = platform.lock().unwrap().pages.ids.clone();
        if list.order(SortKey::Id).is_some_and(|order| !order.serves(Direction::Ascending)) {
            window.reverse();
        }
        let window: HashSet<u32> = window.into_iter()
            .skip(usize::try_from(query.offset).unwrap())
            .take(query.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap()))
            .collect();
        let outcome = list_in_parts(&list, &query, &platform, &stops);
        let seen = outcome.seen();
        match &outcome.end {
            Ok(end) => {
                prop_assert!(end.is_complete(), "{:?}", outcome);
                prop_assert_eq!(&seen, &window, "{:?}", outcome);
            }
            Err(error) => {
                prop_assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{}", error);
                prop_assert!(seen.is_subset(&window), "{:?}", outcome);
            }
        }
        let mut before: HashSet<u32> = HashSet::new();
        for part in &outcome.parts {
            let repeated = part.iter().filter(|id| before.contains(id)).count();
            let once: HashSet<_> = part.iter().collect();
            prop_assert_eq!(once.len(), part.len(), "{:?}", outcome);
            let most = query.page_size.unwrap() as usize;
            prop_assert!(repeated <= most, "{} again: {:?}", repeated, outcome);
            before.extend(part);
        }
    }

    #[test]
    fn a_listing_of_a_changing_set_resumed_at_any_token_holds_every_lasting_token(
        (list, mut query) in any_listing(),
        count in 0u32..60,
        totals in any::<bool>(),
        events in events(true),
        stops in stops(),
    ) {
        query.limit = None;
        let platform = Mutex::new(Platform::new(count, events, totals));
        let outcome = list_in_parts(&list, &query, &platform, &stops);
        let ordered = list.order(SortKey::Id).is_some();
        match &outcome.end {
            Ok(Completeness::Complete) => {
                let (seen, platform) = (outcome.seen(), platform.lock().unwrap());
                let missed = platform.lasting.iter().filter(|id| !seen.contains(id)).count();
                prop_assert!(missed as u64 <= query.offset, "{} missed: {:?}", missed, outcome);
            }
            Ok(end) => prop_assert!(
                totals && *end == Completeness::Partial(PartialReason::ContradictoryTotals),
                "{:?}", outcome
            ),
            Err(error) => prop_assert!(
                error.kind() == ErrorKind::LimitExceeded
                    || error.kind() == ErrorKind::InvalidCursor && !ordered,
                "{}", error
            ),
        }
        for part in &outcome.parts {
            let once: HashSet<_> = part.iter().collect();
            prop_assert_eq!(once.len(), part.len(), "{:?}", outcome);
        }
    }
}

#[test]
fn a_listing_that_looks_once_more_is_resumed_at_the_page_that_is_consumed() {
    let pages = FakePages::new(30);
    let answer = |request: &PageRequest| {
        Ok(Page {
            total: Some(31),
            ..pages.keyset_page(request)
        })
    };
    let query = Query::new().page_size(10);
    for taken in 0..=30 {
        let mut first = listing(&keyset(), &query, answer);
        let mut seen: HashSet<_> = (0..taken).filter_map(|_| next(&mut first)).collect();
        let cursor = first.cursor();
        let mut rest = listing(&keyset(), &query, answer).resume(&cursor).unwrap();
        seen.extend(read(&mut rest));
        assert!(
            pages.ids.iter().all(|id| seen.contains(id)),
            "{taken}: {seen:?}"
        );
    }
}

#[test]
fn a_new_pass_that_fails_before_its_first_page_is_resumed_without_skipping_more() {
    let pages = FakePages::new(30);
    let answer = |request: &PageRequest| Ok(pages.keyset_page(request));
    for (limit, last) in [(None, 30), (Some(12), 20)] {
        let mut query = Query::new().page_size(5).offset(8);
        query.limit = limit;
        for expires in [true, false] {
            let requests = Mutex::new(0);
            let mut first = listing(&keyset(), &query, |request| {
                let mut requests = requests.lock().unwrap();
                *requests += 1;
                match *requests {
                    3 if expires => Err(Error::cursor_expired("expired")),
                    // The platform breaks its promise.
                    3 => Ok(Page {
                        next: Some(PagePosition::Token("more".to_owned())),
                        ..Page::default()
                    }),
                    4 => Err(broken()),
                    _ => answer(request),
                }
            });
            let mut seen: HashSet<_> = read(&mut first).into_iter().collect();
            assert!(first.completeness().is_none());
            let cursor = first.cursor();
            let rest = listing(&keyset(), &query, answer).resume(&cursor);
            seen.extend(read(&mut rest.unwrap()));
            assert_eq!(seen, (9..=last).collect(), "{limit:?} {expires}: {cursor}");
        }
    }
}

#[test]
fn a_token_created_among_those_that_were_read_does_not_move_the_cursor_back() {
    let pages = Mutex::new(FakePages::with_gaps(40));
    let requests = Mutex::new(0);
    let query = Query::new().page_size(5);
    let mut first = listing(&keyset(), &query, |request| {
        let mut requests = requests.lock().unwrap();
        let mut pages = pages.lock().unwrap();
        *requests += 1;
        match *requests {
            5 => {
                pages.create_before(36);
                Err(Error::cursor_expired("expired"))
            }
            8 => Err(broken()),
            _ => Ok(pages.keyset_page(request)),
        }
    });
    let seen = read(&mut first);
    assert_eq!(seen.len(), 21);
    let rest = listing(&keyset(), &query, |request| {
        Ok(pages.lock().unwrap().keyset_page(request))
    });
    let rest = read(&mut rest.resume(&first.cursor()).unwrap());
    let repeated = rest.iter().filter(|id| seen.contains(id)).count();
    assert!(repeated <= 5, "{rest:?} after {seen:?}");
    assert!(
        pages.lock().unwrap().ids[21..]
            .iter()
            .all(|id| rest.contains(id))
    );
}

#[test]
fn a_listing_is_resumed_in_the_direction_that_it_began_in() {
    let pages = FakePages::new(30);
    let answer = |request: &PageRequest| Ok(pages.keyset_page(request));
    let both = keyset().with_order(OrderCapability {
        direction: None,
        ..keyset_by_id(Direction::Ascending).orders[0].clone()
    });
    let query = Query::new().page_size(10);
    for (direction, other) in [
        (Direction::Ascending, Direction::Descending),
        (Direction::Descending, Direction::Ascending),
    ] {
        let mut first = listing(&keyset_by_id(direction), &query, answer);
        let mut seen: HashSet<_> = (0..15).filter_map(|_| next(&mut first)).collect();
        let cursor: Cursor = first.cursor().to_string().parse().unwrap();
        let rest = listing(&both, &query, answer).resume(&cursor);
        seen.extend(read(&mut rest.unwrap()));
        assert_eq!(seen.len(), 30, "{direction:?}: {cursor}");
        let refused = listing(&keyset_by_id(other), &query, answer).resume(&cursor);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidCursor);
    }
}
