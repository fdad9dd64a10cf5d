//! The pages that were requested and not emitted yet, and the logical clock that orders events
//! (decision 0008).

use std::collections::VecDeque;

use crate::error::Result;
use crate::provider::{Page, PagePosition};

/// A point on the engine's logical clock, which advances with every request and every response.
///
/// No two requests share a tick, so the tick of a request also identifies it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u64);

/// A page that was requested, or will be, and was not emitted yet.
#[derive(Debug)]
pub(super) struct PendingPage {
    position: PagePosition,
    purpose: Purpose,
    requested_at: Tick,
    /// `true` if the request was handed to the caller.
    sent: bool,
    /// `true` if the page is requested again because its first response contradicted itself.
    is_retry: bool,
    response: Option<Response>,
}

/// The reason for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The tokens of the page.
    Tokens,
    /// The last token of the first page, instead of that page.
    Anchor,
    /// The tokens of the page, after the page above it was read again.
    TokensBelowReread,
    /// The tokens that may have moved up to this page from the page below.
    Reread,
    /// The number of tokens that were created during the scan.
    Recount,
}

/// The response to a request, and the tick at which it was received.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) received_at: Tick,
    pub(super) page: Result<Page>,
}

impl PendingPage {
    pub(super) fn position(&self) -> &PagePosition {
        &self.position
    }

    /// Returns the page number, counted from 0, unless the position is a token.
    pub(super) fn number(&self) -> Option<u64> {
        number(&self.position)
    }

    pub(super) fn purpose(&self) -> Purpose {
        self.purpose
    }

    pub(super) fn is_retry(&self) -> bool {
        self.is_retry
    }
}

/// Returns the page number of a position, counted from 0, unless the position is a token.
pub(super) fn number(position: &PagePosition) -> Option<u64> {
    match position {
        PagePosition::First => Some(0),
        PagePosition::Number(number) => Some(*number),
        PagePosition::Token(_) => None,
    }
}

/// The pages in flight, in the order in which they will be emitted.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    pages: VecDeque<PendingPage>,
    clock: Tick,
    /// The tick at which the most recently emitted page was received.
    emitted: Tick,
    /// The number of pages received so far.
    received: u64,
    /// The number of times that all pages in flight were discarded.
    generation: u64,
}

impl InFlight {
    /// Advances the clock.
    pub(super) fn tick(&mut self) -> Tick {
        self.clock.0 += 1;
        self.clock
    }

    /// Adds a page whose request is sent now, and returns the tick that identifies the request.
    pub(super) fn send(&mut self, position: PagePosition, purpose: Purpose) -> Tick {
        let page = PendingPage {
            sent: true,
            ..self.unsent(position, purpose)
        };
        let id = page.requested_at;
        self.pages.push_back(page);
        id
    }

    /// Adds a page whose request is sent before any page that is not in flight yet.
    pub(super) fn enqueue(&mut self, position: PagePosition, purpose: Purpose) {
        let page = self.unsent(position, purpose);
        self.pages.push_back(page);
    }

    /// Sends the first request that was queued, if any.
    pub(super) fn send_queued(&mut self) -> Option<(Tick, PagePosition)> {
        let page = self.pages.iter_mut().find(|page| !page.sent)?;
        page.sent = true;
        Some((page.requested_at, page.position.clone()))
    }

    /// Takes the response to a request; ignores it if the page is no longer in flight.
    pub(super) fn receive(&mut self, id: Tick, page: Result<Page>) {
        let received_at = self.tick();
        if let Some(pending) = self.pages.iter_mut().find(|page| page.requested_at == id) {
            pending.response = Some(Response { received_at, page });
            self.received += 1;
        }
    }

    /// Takes the page that is emitted next, if its response has been received.
    pub(super) fn pop_received(&mut self) -> Option<(PendingPage, Response)> {
        let mut first = self.pages.pop_front()?;
        match first.response.take() {
            Some(response) => Some((first, response)),
            None => {
                self.pages.push_front(first);
                None
            }
        }
    }

    /// Puts a page back that cannot be emitted yet.
    pub(super) fn put_back(&mut self, mut page: PendingPage, response: Response) {
        page.response = Some(response);
        self.pages.push_front(page);
    }

    /// Requests a page a second time, for the same purpose.
    pub(super) fn retry(&mut self, page: PendingPage) {
        let retry = PendingPage {
            is_retry: true,
            ..self.unsent(page.position, page.purpose)
        };
        self.pages.push_front(retry);
    }

    /// Requests the page above a received page again, to be emitted before it.
    pub(super) fn reread_above(&mut self, page: PendingPage, response: Response) {
        let above = page.number().unwrap_or_default() + 1;
        let below = PendingPage {
            purpose: Purpose::TokensBelowReread,
            ..page
        };
        self.put_back(below, response);
        let reread = self.unsent(PagePosition::Number(above), Purpose::Reread);
        self.pages.push_front(reread);
    }

    /// Records that the page received at that tick was emitted.
    pub(super) fn on_emitted(&mut self, received_at: Tick) {
        self.emitted = received_at;
    }

    /// Returns whether a page was requested after the page emitted before it had been received, so
    /// that the platform certainly read it later.
    pub(super) fn is_sequential(&self, page: &PendingPage) -> bool {
        page.requested_at > self.emitted
    }

    /// Discards all pages in flight; their responses need not be waited for.
    pub(super) fn discard(&mut self) {
        self.pages.clear();
        self.generation += 1;
    }

    /// Returns a number that changes whenever the pages in flight are discarded.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns the number of pages that are held: requested, received or queued.
    pub(super) fn len(&self) -> usize {
        self.pages.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Returns the position of the page that is emitted next.
    pub(super) fn first(&self) -> Option<&PagePosition> {
        self.pages.front().map(|page| &page.position)
    }

    /// Returns the number of requests that await their responses.
    pub(super) fn outstanding(&self) -> usize {
        (self.pages.iter())
            .filter(|page| page.sent && page.response.is_none())
            .count()
    }

    /// Returns the number of pages received so far, including those that were discarded later.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Returns how many pages at the front have been received, if the first of them was received
    /// after that tick.
    pub(super) fn received_since(&self, tick: Tick) -> usize {
        match self.pages.front().and_then(|page| page.response.as_ref()) {
            Some(first) if first.received_at > tick => (self.pages.iter())
                .take_while(|page| page.response.is_some())
                .count(),
            _ => 0,
        }
    }

    /// Returns whether a response is an error, so that no further pages are worth requesting.
    pub(super) fn has_failed(&self) -> bool {
        (self.pages.iter())
            .any(|page| matches!(&page.response, Some(response) if response.page.is_err()))
    }

    fn unsent(&mut self, position: PagePosition, purpose: Purpose) -> PendingPage {
        PendingPage {
            position,
            purpose,
            requested_at: self.tick(),
            sent: false,
            is_retry: false,
            response: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn at(number: u64) -> PagePosition {
        PagePosition::Number(number)
    }

    fn ok() -> Result<Page> {
        Ok(Page::default())
    }

    #[test]
    fn pages_are_emitted_in_the_order_of_their_requests() {
        let mut in_flight = InFlight::default();
        let (first, second) = (
            in_flight.send(at(0), Purpose::Tokens),
            in_flight.send(at(1), Purpose::Tokens),
        );
        in_flight.receive(second, ok());
        assert!(in_flight.pop_received().is_none());
        assert_eq!(in_flight.outstanding(), 1);
        in_flight.receive(first, ok());
        let mut numbers =
            std::iter::from_fn(|| in_flight.pop_received()).map(|(page, _)| page.number());
        assert_eq!(numbers.next(), Some(Some(0)));
        assert_eq!(numbers.next(), Some(Some(1)));
        assert_eq!(numbers.next(), None);
    }

    #[test]
    fn a_page_is_sequential_only_if_requested_after_the_page_before_was_received() {
        let mut in_flight = InFlight::default();
        let (first, second) = (
            in_flight.send(at(0), Purpose::Tokens),
            in_flight.send(at(1), Purpose::Tokens),
        );
        in_flight.receive(first, ok());
        in_flight.receive(second, ok());
        let third = in_flight.send(at(2), Purpose::Tokens);
        in_flight.receive(third, ok());
        let mut sequential = Vec::new();
        while let Some((page, response)) = in_flight.pop_received() {
            sequential.push(in_flight.is_sequential(&page));
            in_flight.on_emitted(response.received_at);
        }
        assert_eq!(sequential, [true, false, true]);
    }

    #[test]
    fn a_response_to_a_discarded_request_is_ignored() {
        let mut in_flight = InFlight::default();
        let stale = in_flight.send(at(3), Purpose::Tokens);
        in_flight.discard();
        assert_eq!(in_flight.generation(), 1);
        let again = in_flight.send(at(3), Purpose::Tokens);
        assert_ne!(stale, again);
        in_flight.receive(stale, ok());
        assert!(in_flight.pop_received().is_none());
        assert_eq!(in_flight.received(), 0);
        in_flight.receive(again, ok());
        assert!(in_flight.pop_received().is_some());
    }

    #[test]
    fn a_retry_takes_the_place_of_the_page_and_is_sent_first() {
        let mut in_flight = InFlight::default();
        let first = in_flight.send(at(0), Purpose::Tokens);
        in_flight.send(at(1), Purpose::Tokens);
        in_flight.receive(first, ok());
        let (page, _) = in_flight.pop_received().unwrap();
        in_flight.retry(page);
        let (id, position) = in_flight.send_queued().unwrap();
        assert_eq!(position, at(0));
        assert!(id > first);
        in_flight.receive(id, ok());
        let (page, _) = in_flight.pop_received().unwrap();
        assert!(page.is_retry());
        assert_eq!(page.purpose(), Purpose::Tokens);
    }

    #[test]
    fn the_page_above_is_emitted_before_the_page_that_asked_for_it() {
        let mut in_flight = InFlight::default();
        let id = in_flight.send(at(4), Purpose::Tokens);
        in_flight.receive(id, ok());
        let (page, response) = in_flight.pop_received().unwrap();
        in_flight.reread_above(page, response);
        let (id, position) = in_flight.send_queued().unwrap();
        assert_eq!(position, at(5));
        assert!(in_flight.pop_received().is_none());
        in_flight.receive(id, ok());
        let purposes: Vec<_> = std::iter::from_fn(|| in_flight.pop_received())
            .map(|(page, _)| (page.number(), page.purpose()))
            .collect();
        assert_eq!(
            purposes,
            [
                (Some(5), Purpose::Reread),
                (Some(4), Purpose::TokensBelowReread)
            ]
        );
    }

    #[test]
    fn received_pages_count_from_the_front_and_only_after_the_tick() {
        let mut in_flight = InFlight::default();
        let ids: Vec<_> = (0..3)
            .map(|number| in_flight.send(at(number), Purpose::Tokens))
            .collect();
        in_flight.receive(ids[1], ok());
        assert_eq!(in_flight.received_since(Tick::default()), 0);
        in_flight.receive(ids[0], Err(Error::unsupported("nothing")));
        assert_eq!(in_flight.received_since(Tick::default()), 2);
        let (first, response) = in_flight.pop_received().unwrap();
        let received_at = response.received_at;
        in_flight.put_back(first, response);
        assert_eq!(in_flight.received_since(received_at), 0);
        let now = in_flight.tick();
        assert_eq!(in_flight.received_since(now), 0);
        assert!(in_flight.has_failed());
    }
}
