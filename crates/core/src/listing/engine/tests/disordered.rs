//! Scans of a set whose ids come in any order within one second of their creation.

use std::collections::HashSet;

use super::*;
use crate::error::{Error, Fate};
use crate::model::{Fact, Timestamp, Token};

/// The ids that one second has room for.
pub(super) const SECOND: u32 = 1_000;

/// Returns the pages with the times of creation that the ids begin with.
pub(super) fn timed(mut page: Page) -> Page {
    let time = |token: &Token| {
        let id: u32 = token.id.as_str().parse().unwrap();
        Timestamp::from_unix_seconds((id / SECOND).into())
    };
    for token in &mut page.tokens {
        token.created_at = time(token).map_or(Fact::NotReported, Fact::Known);
    }
    page
}

/// The seconds by which the clocks of the fake platform's servers differ.
pub(super) const SKEW: u32 = 2;

/// The way a platform treats requests for pages of another size than the query's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OtherSizes {
    Served,
    Ignored,
    Rejected,
}

/// A platform whose tokens come and go while it is read.
#[derive(Debug, Clone)]
struct Busy {
    /// The number of tokens, and the page size.
    dimensions: (u32, u32),
    /// So many old tokens share a second.
    old_second: u32,
    /// The newest tokens, created this long after the old ones.
    fresh: u32,
    pause: u32,
    /// Creations and deletions: the place, the kind, and how many seconds late the server is.
    changes: Vec<(u16, u16, u32)>,
    /// The number of changes per request, and of requests per second.
    rate: usize,
    per_second: u32,
    /// The seconds that pass between the reading of a page and its response.
    delay: u32,
    /// The number of requests between those with changes.
    calm: u32,
    max_page_size: Option<u32>,
    other_sizes: OtherSizes,
}

fn busy() -> impl Strategy<Value = Busy> {
    let dimensions = prop_oneof![
        (30u32..300, 8u32..40),
        (90u32..600, 60u32..100),
        (500u32..3_000, 200u32..500)
    ];
    let newest = (
        prop_oneof![Just(1u32), Just(5), Just(600)],
        0u32..8,
        prop_oneof![Just(1u32), Just(10)],
    );
    let change = (any::<u16>(), any::<u16>(), 0..=SKEW);
    let changes = (prop::collection::vec(change, 0..300), 0usize..4, 1u32..40);
    let delay = prop_oneof![3 => Just(0u32), 1 => 1u32..=60];
    let calm = prop_oneof![2 => Just(0u32), 1 => 1u32..30];
    let platform = (
        prop_oneof![Just(None), Just(Some(1_000u32))],
        prop_oneof![
            6 => Just(OtherSizes::Served),
            1 => Just(OtherSizes::Ignored),
            1 => Just(OtherSizes::Rejected)
        ],
    );
    (dimensions, newest, changes, (delay, calm), platform).prop_map(
        |(dimensions, newest, (changes, rate, per_second), (delay, calm), platform)| Busy {
            dimensions,
            old_second: newest.0,
            fresh: newest.1,
            pause: newest.2,
            changes,
            rate,
            per_second,
            delay,
            calm,
            max_page_size: platform.0,
            other_sizes: platform.1,
        },
    )
}

/// A busy platform at work.
struct Running {
    busy: Busy,
    pages: FakePages,
    /// The tokens that existed throughout.
    lasting: Vec<u32>,
    /// The time on the platform's clock.
    now: u32,
    requests: u32,
}

impl Running {
    fn start(busy: &Busy) -> Self {
        let (count, _) = busy.dimensions;
        let second = busy.old_second;
        let old = |at: u32| 10_000_000 + (at / second) * SECOND + 100 + at % second;
        let mut running = Self {
            busy: busy.clone(),
            pages: FakePages::from_ids((0..count).map(old)),
            lasting: Vec::new(),
            now: old(count) / SECOND + busy.pause,
            requests: 0,
        };
        for at in 0..busy.fresh {
            running.create(running.now, (at * 7919 % 1000) as u16);
        }
        running.lasting.clone_from(&running.pages.ids);
        running.busy.changes.reverse();
        running
    }

    fn create(&mut self, second: u32, at: u16) {
        let id = second * SECOND + u32::from(at) % SECOND;
        if let Err(at) = self.pages.ids.binary_search(&id) {
            self.pages.ids.insert(at, id);
        }
    }

    /// Returns the plan of a scan of it.
    fn plan(&self) -> Plan {
        let mut list = vanishing();
        list.max_page_size = self.busy.max_page_size;
        plan(&list, self.busy.dimensions.1)
    }

    /// Returns how many tokens a look has to show so that none of them is fresh.
    fn fresh(&self) -> usize {
        let first_fresh = (self.now - 2 * SKEW - 1 - self.busy.delay) * SECOND;
        let ids = &self.pages.ids;
        ids.iter().filter(|id| **id >= first_fresh).count()
    }

    fn change(&mut self) {
        for _ in 0..self.busy.rate {
            match self.busy.changes.pop() {
                Some((at, change, _)) if change % 2 == 0 => self.pages.delete(at.into()),
                Some((at, _, late)) => self.create(self.now - late, at),
                None => {}
            }
        }
        let ids = &self.pages.ids;
        self.lasting.retain(|id| ids.binary_search(id).is_ok());
    }

    /// Reads a page, and sends it after a while.
    fn respond(&mut self, request: &PageRequest) -> Result<Page> {
        let size = self.busy.dimensions.1;
        let other_size = request.size != Some(size);
        let mut page = match self.busy.other_sizes {
            OtherSizes::Rejected if other_size => {
                let message = "there are no pages of that size";
                return Err(Error::new(ErrorKind::InvalidInput, Fate::Rejected, message));
            }
            OtherSizes::Ignored => timed(self.pages.page(&request.clone().size(size))),
            _ => timed(self.pages.page(request)),
        };
        if self.requests.is_multiple_of(self.busy.calm + 1) {
            self.change();
        }
        self.requests += 1;
        let seconds = u32::from(self.requests.is_multiple_of(self.busy.per_second));
        self.now += self.busy.delay + seconds;
        page.served_at = Timestamp::from_unix_seconds(self.now.into());
        Ok(page)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn ids_in_any_order_within_a_second_hide_none_and_leave_the_scan_complete(
        busy in busy(),
        order in prop_oneof![Just(vec![0]), prop::collection::vec(any::<u8>(), 1..40)],
    ) {
        let mut running = Running::start(&busy);
        let fresh = running.fresh();
        let mut order = order.iter().cycle();
        let scanned = try_scan_in_order(
            PageEngine::new(&running.plan()),
            |request| running.respond(request),
            |_| usize::from(*order.next().unwrap()),
        );
        prop_assert!(scanned.end.is_ok(), "{:?}", scanned.end);
        prop_assert!(scanned.is_honest(&running.lasting), "{:?} of {:?}", scanned, running.lasting);
        // All that is not settled has to fit on one page, with those that are created meanwhile.
        let largest = busy.max_page_size.unwrap_or(busy.dimensions.1);
        let fits = largest >= 16 && fresh + 3 * busy.rate <= largest as usize / 8;
        let fits = fits && busy.other_sizes == OtherSizes::Served;
        prop_assert!(!fits || scanned.is_complete(), "{:?}", scanned.end);
    }

    #[test]
    fn a_first_page_that_is_not_read_again_hides_no_token(
        busy in busy(),
        (size, beyond) in (8u32..40).prop_flat_map(|size| (Just(size), 1..12 * size)),
        delay in 0u32..30,
        order in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        // The tokens of the first page are settled.
        let busy = Busy {
            dimensions: (size + beyond, size),
            pause: 100,
            delay,
            ..busy
        };
        let mut running = Running::start(&busy);
        let mut order = order.iter().cycle();
        let scanned = try_scan_in_order(
            PageEngine::new(&running.plan()),
            |request| running.respond(request),
            |_| usize::from(*order.next().unwrap()),
        );
        prop_assert!(scanned.is_honest(&running.lasting), "{:?} of {:?}", scanned, running.lasting);
        let is_unchanged = busy.rate == 0 && busy.other_sizes == OtherSizes::Served;
        let in_two = beyond <= size - 2 && is_unchanged && busy.fresh == 0;
        prop_assert!(!in_two || scanned.requests == 2, "{scanned:?}");
    }

    #[test]
    fn a_scan_of_ids_in_any_order_that_is_interrupted_and_resumed_is_honest(
        busy in busy(), batches in 0usize..8, pause in 0u32..4,
    ) {
        let mut running = Running::start(&busy);
        let plan = running.plan();
        let mut engine = PageEngine::new(&plan);
        let mut seen = HashSet::new();
        let mut read = 0;
        while read < batches && !engine.is_done() {
            while let Some((id, request)) = engine.next_request() {
                engine.on_response(id, running.respond(&request));
            }
            if let Some(batch) = engine.next_batch().unwrap() {
                seen.extend(ids(&batch.tokens));
                read += 1;
            }
        }
        prop_assume!(!engine.is_done());
        let cursor = Cursor::new(&Account::new("p", "a"), &Query::new(), &plan);
        let cursor = cursor.at(engine.place());
        for _ in 0..pause {
            running.now += 1;
            running.change();
        }
        let resumed = PageEngine::resume(&plan, &cursor).unwrap();
        let rest = try_scan_in_order(resumed, |request| running.respond(request), |_| 0);
        let complete = rest.is_complete();
        seen.extend(rest.ids);
        let missed = running.lasting.iter().find(|id| !seen.contains(id));
        prop_assert!(!complete || missed.is_none(), "{:?} {:?}", missed, cursor);
    }
}
