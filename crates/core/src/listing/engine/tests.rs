//! Scans of fake pages, by an engine alone.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::error::{Account, ErrorKind};
use crate::listing::fake_pages::{
    FakePages, appending, growing, ids, keyset, keyset_by_id, token, vanishing,
    vanishing_by_creation,
};
use crate::provider::{FilterCapability, ListCapability, PageRequest, Paging};
use crate::query::{Direction, Filter, Query, SortKey};

mod anchored;
mod bounded;
mod changing;
mod disordered;
mod endings;
mod first_look;
mod interrupted;
mod keyset;
mod keyset_guards;
mod long_lists;
mod misbehaving;
mod too_large;
mod unchanging;

fn plan(list: &ListCapability, size: u32) -> Plan {
    Plan::for_query(&Query::new().page_size(size), list).unwrap()
}

/// The result of a scan to its end.
#[derive(Debug)]
struct Scanned {
    ids: Vec<u32>,
    end: Result<Completeness>,
    requests: u64,
}

impl Scanned {
    fn is_complete(&self) -> bool {
        matches!(self.end, Ok(Completeness::Complete))
    }

    /// Returns whether it holds every lasting token, and no token twice.
    fn is_exact(&self, lasting: &[u32]) -> bool {
        let mut times = HashMap::new();
        for id in &self.ids {
            *times.entry(*id).or_insert(0) += 1;
        }
        lasting.iter().all(|id| times.contains_key(id)) && times.values().all(|times| *times == 1)
    }

    /// Returns whether it makes no false claim: it is exact if it says that it is complete.
    fn is_honest(&self, lasting: &[u32]) -> bool {
        !self.is_complete() || self.is_exact(lasting)
    }
}

/// Scans to the end; each request is answered before the next one.
fn scan(engine: PageEngine, respond: impl FnMut(&PageRequest) -> Page) -> Scanned {
    scan_in_order(engine, respond, |_| 0)
}

/// Scans to the end. Of the requests in flight, the chosen one is carried out by the platform or,
/// if it was already, its response is received.
fn scan_in_order(
    engine: PageEngine,
    mut respond: impl FnMut(&PageRequest) -> Page,
    choose: impl FnMut(usize) -> usize,
) -> Scanned {
    try_scan_in_order(engine, |request| Ok(respond(request)), choose)
}

/// Does the same where the platform may reject requests.
fn try_scan_in_order(
    mut engine: PageEngine,
    mut respond: impl FnMut(&PageRequest) -> Result<Page>,
    mut choose: impl FnMut(usize) -> usize,
) -> Scanned {
    let (mut emitted, mut requests) = (Vec::new(), 0);
    let mut in_flight: Vec<(Tick, PageRequest, Option<Result<Page>>)> = Vec::new();
    let mut generation = 0;
    let end = loop {
        match engine.next_batch() {
            Ok(Some(batch)) => {
                emitted.extend(ids(&batch.tokens));
                continue;
            }
            Ok(None) if engine.is_done() => break Ok(engine.completeness()),
            Ok(None) => {}
            Err(error) => break Err(error),
        }
        if engine.generation() != generation {
            generation = engine.generation();
            in_flight.clear();
        }
        while let Some((id, request)) = engine.next_request() {
            requests += 1;
            assert!(requests < 50_000, "a scan must end");
            in_flight.push((id, request, None));
        }
        assert!(!in_flight.is_empty(), "a scan continues or ends");
        let chosen = choose(in_flight.len()) % in_flight.len();
        match &mut in_flight[chosen] {
            (_, request, page @ None) => *page = Some(respond(request)),
            _ => {
                let (id, _, page) = in_flight.remove(chosen);
                engine.on_response(id, page.unwrap());
            }
        }
    };
    Scanned {
        ids: emitted,
        end,
        requests,
    }
}

/// Generates a number of tokens and a page size. Of large pages, only the tail is probed.
fn small_or_large_pages() -> impl Strategy<Value = (u32, u32)> {
    let large = (0u32..4_000, 200u32..500);
    prop_oneof![2 => (0u32..40, 1u32..8), 2 => (0u32..300, 1u32..8), 1 => large]
}
