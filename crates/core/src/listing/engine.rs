//! The engine of a listing: pagination in an order that loses no token.
//!
//! The engine does no IO (decision 0001). It says which pages to request next, several at a time
//! where that is safe, takes the responses in whatever order they arrive, and emits their tokens in
//! the order of the scan.
//!
//! Each part of it owns its state. The files that drive the engine (`schedule`, `probe`,
//! `validate`, `fast_path`, `first_look`, `anchor`, `shrink`, `newest`, `emit`, `forward`,
//! `keyset`, `backward`) only connect the parts. A new way to scan is a new [`ScanStrategy`] and a
//! file beside `forward` and `backward`; the rule for the newest tokens is in `newest`, and the one
//! for the width in [`AdaptiveConcurrency`].

mod anchor;
mod backward;
mod bookmark;
mod concurrency;
mod dedup;
mod emit;
mod fast_path;
mod first_look;
mod forward;
mod frontier;
mod id_set;
mod in_flight;
mod keyset;
mod newest;
mod probe;
mod schedule;
mod shrink;
mod strategy;
mod tail_watch;
mod template;
mod totals;
mod validate;

use crate::error::Result;
use crate::listing::cursor::{Place, fingerprint_of_filter, invalid};
use crate::listing::{Completeness, Cursor, FastPath, PartialReason, Plan, ScanDirection};
use crate::model::Token;
use crate::provider::{Page, PagePosition};
use anchor::Anchor;
use bookmark::Bookmark;
use concurrency::AdaptiveConcurrency;
use dedup::Dedup;
use first_look::FirstLook;
use frontier::Frontier;
pub(super) use in_flight::Tick;
use in_flight::{InFlight, PendingPage, Purpose, Response};
use keyset::Passes;
use strategy::{Evidence, ScanStrategy, Verdict};
use tail_watch::TailWatch;
use template::RequestTemplate;
use totals::Totals;
use validate::violation;

/// The state of a listing between its requests and its tokens.
#[derive(Debug)]
pub(crate) struct PageEngine {
    plan: Plan,
    strategy: ScanStrategy,
    /// The parts that all requests share.
    template: RequestTemplate,
    /// The page to request next.
    frontier: Frontier,
    /// The pages that were requested and not emitted yet.
    in_flight: InFlight,
    /// The number of pages to request at a time.
    concurrency: AdaptiveConcurrency,
    /// The newest tokens, as the scan found them.
    look: FirstLook,
    /// The last token of the first page, if that page need not be read again while it is there.
    anchor: Option<Anchor>,
    /// The detection of deletions between concurrent pages.
    tail: TailWatch,
    /// The tokens that were emitted.
    dedup: Dedup,
    /// The passes over the pages of a forward scan.
    passes: Passes,
    /// The number of tokens, counted by the platform and by the engine.
    totals: Totals,
    /// The place that a cursor stores.
    bookmark: Bookmark,
}

/// The tokens of one page, without those that were emitted before.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) tokens: Vec<Token>,
    /// The number of tokens before them that were not read because the query skips them.
    pub(crate) skipped: u64,
}

impl PageEngine {
    pub(crate) fn new(plan: &Plan) -> Self {
        let template = RequestTemplate::new(plan);
        let (mut first, mut skipped) = (PagePosition::First, 0);
        if let Some(FastPath::PageRange(range, _)) = plan.fast_path {
            skipped = range.skipped();
            if range.first_page > 0 {
                first = PagePosition::Number(range.first_page);
            }
        }
        let mut engine = Self::with_template(plan, template, Frontier::first_at(first));
        engine.totals.skip(skipped);
        engine
    }

    fn with_template(plan: &Plan, template: RequestTemplate, frontier: Frontier) -> Self {
        let strategy = ScanStrategy::for_plan(plan);
        let max = plan.max_concurrency;
        Self {
            strategy,
            frontier,
            in_flight: InFlight::default(),
            concurrency: AdaptiveConcurrency::new(strategy.initial_width(max), max),
            look: FirstLook::default(),
            anchor: None,
            tail: TailWatch::default(),
            dedup: match template.id_order() {
                Some(_) if strategy.is_backward() && !template.is_page_range() => {
                    Dedup::descending()
                }
                Some(direction) if plan.protected && !plan.keyset => Dedup::in_order(direction),
                _ => Dedup::any_order(),
            },
            passes: Passes::default(),
            totals: Totals::default(),
            bookmark: Bookmark::at_start(),
            template,
            plan: plan.clone(),
        }
    }

    /// Continues at the page where the cursor was taken.
    pub(crate) fn resume(plan: &Plan, cursor: &Cursor) -> Result<Self> {
        let pushed = plan.pushed_filter.as_ref().map(fingerprint_of_filter);
        match (&cursor.position, plan.scan) {
            (PagePosition::First, _) => return Ok(Self::new(plan)),
            (PagePosition::Token(_), ScanDirection::Backward) => {
                return Err(invalid("the cursor does not fit the platform's paging"));
            }
            (PagePosition::Number(_), _) if plan.keyset => {
                return Err(invalid("the cursor does not fit the platform's paging"));
            }
            _ if cursor.filter.is_some() && cursor.filter != pushed => {
                return Err(invalid(
                    "the platform no longer applies the filter that the cursor was taken with",
                ));
            }
            _ => {}
        }
        let template = RequestTemplate::from_cursor(plan, cursor);
        let frontier = Frontier::resumed_at(cursor.position.clone());
        let mut engine = Self::with_template(plan, template, frontier);
        engine.totals.start(cursor.total);
        engine.bookmark = Bookmark::from_cursor(cursor);
        if let PagePosition::Number(number) = cursor.position {
            // A page beyond the last one was emptied by deletions.
            let began_with = |last: &u64| *last <= number || cursor.after.is_some();
            let newest_page = engine.last_page().filter(began_with);
            engine.frontier.set_newest_page(newest_page);
            if cursor.after.is_none() && engine.strategy.is_backward() {
                match newest_page {
                    Some(_) => engine.want_look(),
                    None => engine.look.begin_below(),
                }
            }
        }
        if let Some(after) = &cursor.after {
            engine.dedup.resume_after(after);
            engine.passes.resume_after(Some(after.clone()));
        }
        if !plan.protected {
            // The pages before may have changed during the interruption.
            (engine.bookmark).mark_partial_if_complete(PartialReason::UnprotectedPaging);
        }
        Ok(engine)
    }

    /// Returns whether every page was emitted.
    pub(crate) fn is_done(&self) -> bool {
        self.frontier.is_exhausted() && self.in_flight.is_empty()
    }

    /// Returns a number that changes whenever the requests in flight are discarded: their responses
    /// need not be waited for.
    pub(crate) fn generation(&self) -> u64 {
        self.in_flight.generation()
    }

    /// Returns whether every page of the scan was emitted, and not only those of a page range.
    pub(crate) fn has_read_all(&self) -> bool {
        self.is_done() && !self.template.is_page_range()
    }

    /// Returns the number of tokens that the listing has passed.
    pub(crate) fn tokens_passed(&self) -> u64 {
        self.totals.passed()
    }

    /// Returns the number of tokens that the platform counted last.
    pub(crate) fn total(&self) -> Option<u64> {
        self.totals.current()
    }

    /// Returns whether the tokens come in another order than the query asks for.
    pub(crate) fn sorts_in_memory(&self) -> bool {
        self.plan.sorts_in_memory && !self.template.is_page_range()
    }

    pub(crate) fn completeness(&self) -> Completeness {
        self.bookmark.completeness()
    }

    /// Returns a number that changes whenever the place turns to another page. Then everything that
    /// was emitted comes before that page.
    pub(crate) fn turns(&self) -> u64 {
        self.bookmark.turns()
    }

    /// Returns the place of the listing, for a cursor.
    pub(crate) fn place(&self) -> Place {
        let filter = self.template.filter().map(fingerprint_of_filter);
        self.bookmark.place(filter)
    }

    /// Takes the response to a request.
    pub(crate) fn on_response(&mut self, id: Tick, page: Result<Page>) {
        match self.tail.take_pending(id) {
            Some(probe) => self.on_probe(id, probe, page),
            None => self.in_flight.receive(id, page),
        }
    }

    /// Returns the tokens of the next page that is safe to emit, perhaps none; `None` until it has
    /// been received, and at the end.
    pub(crate) fn next_batch(&mut self) -> Result<Option<Batch>> {
        if let Some(error) = self.tail.take_failure() {
            return Err(error);
        }
        while let Some((pending, response)) = self.in_flight.pop_received() {
            if pending.purpose() == Purpose::Anchor {
                match self.judge_anchor(&pending, &response) {
                    Verdict::Safe => {
                        let page = Page::default();
                        return self.emit(&pending, response.received_at, page).map(Some);
                    }
                    Verdict::Pending => {
                        self.in_flight.put_back(pending, response);
                        return Ok(None);
                    }
                    Verdict::Stale | Verdict::RereadAbove => self.leave_anchor(),
                }
                continue;
            }
            let Response { received_at, page } = response;
            let page = match page {
                Err(error) if self.abandon_look(error.kind()) => continue,
                Err(error) if self.has_expired(&pending, &error) => {
                    self.begin_anew(&pending, error)?;
                    continue;
                }
                Err(error) if self.may_leave_size_to_platform(error.kind()) => {
                    self.leave_size_to_platform();
                    continue;
                }
                Err(error) if !self.may_abandon_fast_path(error.kind()) => {
                    self.shrink(&pending, error)?;
                    continue;
                }
                Ok(page) if self.frontier.has_started() || self.accept_first(&pending, &page) => {
                    page
                }
                _ => {
                    self.abandon_fast_path();
                    continue;
                }
            };
            self.validate(&pending, &page)?;
            if self.look_again(&pending, &page) {
                continue;
            }
            if self.contradicts_itself(&pending, &page) {
                if !pending.is_retry() {
                    self.retry(pending);
                    continue;
                }
                if page.tokens.is_empty() {
                    return Err(violation(
                        "the platform sent an empty page, but counts tokens on it",
                    ));
                }
                self.bookmark
                    .mark_partial(PartialReason::ContradictoryTotals);
            }
            match self.judge(&pending, received_at, &page) {
                Verdict::Safe => return self.emit(&pending, received_at, page).map(Some),
                Verdict::Stale => self.restart_at(pending.position().clone()),
                Verdict::Pending => {
                    let page = Ok(page);
                    self.in_flight
                        .put_back(pending, Response { received_at, page });
                    return Ok(None);
                }
                Verdict::RereadAbove => {
                    self.discard_in_flight();
                    self.concurrency.on_change();
                    let page = Ok(page);
                    self.in_flight
                        .reread_above(pending, Response { received_at, page });
                }
            }
        }
        Ok(None)
    }

    /// Judges whether a page is safe to emit.
    fn judge(&self, pending: &PendingPage, received_at: Tick, page: &Page) -> Verdict {
        if !self.frontier.has_started() || pending.purpose() != Purpose::Tokens {
            return Verdict::Safe;
        }
        self.strategy.verdict(&Evidence {
            is_sequential: self.in_flight.is_sequential(pending),
            counts_fewer: page.total < self.totals.current(),
            newest_moved: self.newest_may_have_moved(pending, page),
            tail: self.tail.evidence(received_at, page.total),
        })
    }

    /// Discards the pages in flight, and continues at a page with fewer at a time.
    fn restart_at(&mut self, position: PagePosition) {
        self.discard_in_flight();
        self.concurrency.on_wasted();
        self.frontier.continue_at(Some(position));
    }

    /// Discards the pages in flight, and what the tail showed about them.
    fn discard_in_flight(&mut self) {
        self.in_flight.discard();
        self.tail.forget();
    }

    /// Requests a page again that contradicted itself.
    fn retry(&mut self, pending: PendingPage) {
        // The retry is read after the pages below it, onto which tokens may have moved by then.
        if self.strategy.is_backward() && pending.purpose() == Purpose::Tokens {
            self.discard_in_flight();
            self.concurrency.on_change();
        }
        self.in_flight.retry(pending);
    }

    /// Returns the number of the last page that holds tokens.
    fn last_page(&self) -> Option<u64> {
        let size = u64::from(self.template.size()?.max(1));
        Some(self.totals.last_index()? / size)
    }
}

#[cfg(test)]
mod tests;
