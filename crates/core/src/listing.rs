//! Listings: streams over the tokens of an account, page by page.

mod completeness;
mod cursor;
mod engine;
mod explain;
#[cfg(test)]
mod fake_pages;
mod page_range;
mod plan;

pub use completeness::{Completeness, PartialReason};
pub use cursor::Cursor;
use page_range::PageRange;
pub use plan::Plan;
use plan::{FastPath, ScanDirection};

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_util::stream::FuturesUnordered;

use cursor::invalid;
use engine::{Batch, PageEngine, Tick};

use crate::error::{Account, Error, ErrorKind, Fate, Operation, Result};
use crate::model::Token;
use crate::provider::{ListCapability, Page, PagePosition, PageRequest, TokenProvider};
use crate::query::{Filter, Query};

type PageFuture<'a> = Pin<Box<dyn Future<Output = Result<Page>> + Send + 'a>>;
type ReadPage<'a> = Box<dyn Fn(PageRequest) -> PageFuture<'a> + Send + Sync + 'a>;

/// A stream of the tokens of one account that fetches pages as it goes, several at a time where
/// that loses nothing.
///
/// It holds only the pages in flight, unless the matches must be sorted in memory. Where pages are
/// read by keyset cursors, or in another order than that of ids, it also remembers the ids that it
/// yielded, so that none comes twice: a bit for each id that is a number.
///
/// After its end, [`completeness`](Self::completeness) tells whether it is complete. It also ends
/// after an error; a listing resumed from its [`cursor`](Self::cursor) yields the rest.
///
/// A listing can be dropped at any point: it only reads.
#[must_use = "a listing fetches nothing until it is polled"]
pub struct Listing<'a> {
    account: Account,
    query: Query,
    list: ListCapability,
    plan: Plan,
    read_page: ReadPage<'a>,
    reading: FuturesUnordered<PageRead<'a>>,
    /// The engine generation that `reading` belongs to.
    generation: u64,
    engine: PageEngine,
    /// The tokens that were emitted and not yielded yet.
    ready: VecDeque<Token>,
    /// The tokens that were sorted in memory and are not ready yet, the last one first.
    sorted: Vec<Token>,
    remaining: Remaining,
    /// The value of `remaining` before the tokens of the page being consumed.
    remaining_before_page: Remaining,
    state: State,
}

/// The number of tokens that are still to be skipped, and still to be yielded.
#[derive(Debug, Clone, Copy)]
struct Remaining {
    to_skip: u64,
    to_yield: Option<u64>,
}

/// The future of a page, with the engine's identifier of its request.
struct PageRead<'a> {
    id: Tick,
    page: PageFuture<'a>,
}

impl Future for PageRead<'_> {
    type Output = (Tick, Result<Page>);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let page = ready!(self.page.as_mut().poll(context));
        Poll::Ready((self.id, page))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Active,
    Ended,
    Failed,
}

impl<'a> Listing<'a> {
    /// Creates a listing that borrows its provider.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) if the provider cannot list,
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a query that does not fit the provider.
    pub fn new<P: TokenProvider + ?Sized>(provider: &'a P, query: Query) -> Result<Self> {
        let read_page: ReadPage<'a> = Box::new(move |request| provider.list_page(request));
        Self::with_reader(provider, query, read_page)
    }

    /// Creates a listing that shares its provider, so that it can be moved anywhere.
    ///
    /// # Errors
    ///
    /// The same as [`new`](Self::new).
    pub fn from_arc(provider: Arc<dyn TokenProvider>, query: Query) -> Result<Listing<'static>> {
        let reader = Arc::clone(&provider);
        let read_page: ReadPage<'static> = Box::new(move |request| {
            let reader = Arc::clone(&reader);
            Box::pin(async move { reader.list_page(request).await })
        });
        Listing::with_reader(&*provider, query, read_page)
    }

    fn with_reader<P: TokenProvider + ?Sized>(
        provider: &P,
        mut query: Query,
        read_page: ReadPage<'a>,
    ) -> Result<Self> {
        let account = provider.account().clone();
        query.filter = (query.filter)
            .map(|filter| filter.for_account(&account))
            .filter(|filter| *filter != Filter::all_of([]));
        let in_context =
            |error: Error| error.with_account(&account).with_operation(Operation::List);
        let list = provider
            .capabilities()
            .list
            .as_ref()
            .ok_or_else(|| Error::unsupported("the platform cannot list tokens"))
            .map_err(in_context)?;
        let plan = Plan::for_query(&query, list).map_err(in_context)?;
        let remaining = Remaining {
            to_skip: query.offset,
            to_yield: query.limit,
        };
        Ok(Self {
            list: list.clone(),
            account,
            engine: PageEngine::new(&plan),
            remaining,
            remaining_before_page: remaining,
            query,
            plan,
            read_page,
            reading: FuturesUnordered::new(),
            generation: 0,
            ready: VecDeque::new(),
            sorted: Vec::new(),
            state: State::Active,
        })
    }

    /// Continues where the cursor was taken, instead of at the beginning.
    ///
    /// Tokens of the page that was being consumed may come again; none is skipped. A listing that
    /// is sorted in memory starts again.
    ///
    /// # Errors
    ///
    /// [`InvalidCursor`](ErrorKind::InvalidCursor) for a cursor of another account or query.
    pub fn resume(mut self, cursor: &Cursor) -> Result<Self> {
        cursor.check(&self.account, &self.query)?;
        // The scan continues as it began, even if the provider has learned of a better one since.
        let is_served = |key| {
            let order = self.list.order(key)?;
            (cursor
                .direction
                .is_none_or(|direction| order.serves(direction)))
            .then_some(())
        };
        if cursor.key.is_some_and(|key| is_served(key).is_none()) {
            return Err(invalid(
                "the platform no longer offers the order that the cursor was taken with",
            )
            .with_account(&self.account));
        }
        let in_context = |error: Error| error.with_account(&self.account);
        let (scan, key, direction) = (cursor.scan, cursor.key, cursor.direction);
        self.plan =
            Plan::for_scan(&self.query, &self.list, scan, key, direction).map_err(in_context)?;
        self.engine = PageEngine::resume(&self.plan, cursor).map_err(in_context)?;
        self.reading = FuturesUnordered::new();
        self.generation = 0;
        self.ready.clear();
        self.sorted.clear();
        self.remaining = Remaining {
            to_skip: cursor.to_skip,
            to_yield: cursor.to_yield,
        };
        self.remaining_before_page = self.remaining;
        self.state = State::Active;
        Ok(self)
    }

    /// Returns the next token; `None` at the end, and after an error.
    pub async fn next(&mut self) -> Option<Result<Token>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Returns a cursor to resume from: the page whose tokens are being yielded.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        let cursor = Cursor::new(&self.account, &self.query, &self.plan);
        // A listing that is sorted in memory starts anew: nothing was returned before all was read.
        if self.engine.sorts_in_memory() {
            return cursor;
        }
        let place = self.engine.place();
        if place.position == PagePosition::First {
            return cursor.at(place);
        }
        let remaining = &self.remaining_before_page;
        (cursor.at(place)).with_remaining(remaining.to_skip, remaining.to_yield)
    }

    /// Returns whether the listing is complete: `None` until it has ended, and after an error.
    ///
    /// The claim is about what the query asks for: a listing that is limited to ten tokens is
    /// complete with the right ten.
    #[must_use]
    pub fn completeness(&self) -> Option<Completeness> {
        let unlisted = self.list.unlisted_tokens.as_deref();
        (self.state == State::Ended).then(|| self.engine.completeness().without_unlisted(unlisted))
    }

    /// Returns `true` if the limit or the offset of the query leaves out tokens that match, or may
    /// do so.
    ///
    /// A listing that is complete and not cut off has yielded every token that matches.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        let has_skipped = self.remaining.to_skip < self.query.offset;
        let is_limited = self.remaining.to_yield == Some(0);
        let has_yielded_all = self.ready.is_empty() && self.sorted.is_empty();
        let has_seen_all = self.engine.has_read_all() && has_yielded_all;
        has_skipped || (is_limited && !has_seen_all)
    }

    /// Returns the number of tokens on the pages that were read so far, whether they match or not.
    ///
    /// It grows while a listing that is sorted in memory does not yield a token yet.
    #[must_use]
    pub fn tokens_read(&self) -> u64 {
        self.engine.tokens_passed()
    }

    /// Returns how many tokens there are to read as far as the platform says, for showing the
    /// progress: `None` until it has counted them.
    #[must_use]
    pub fn tokens_to_read(&self) -> Option<u64> {
        let total = self.engine.total()?.max(self.tokens_read());
        match self.query.limit {
            Some(limit) if self.query.filter.is_none() && !self.engine.sorts_in_memory() => Some(
                total
                    .min(limit.saturating_add(self.query.offset))
                    .max(self.tokens_read()),
            ),
            _ => Some(total),
        }
    }

    /// Returns the plan that the listing follows.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the account whose tokens are listed.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Filters the tokens of a page and adds them to those that are ready.
    fn accept(&mut self, batch: Batch) -> Result<()> {
        let mut tokens = batch.tokens;
        if let Some(filter) = &self.query.filter {
            tokens.retain(|token| filter.matches(token));
        }
        // A page is large, so it is not copied if nothing precedes it.
        if self.ready.is_empty() {
            self.ready = tokens.into();
        } else {
            self.ready.extend(tokens);
        }
        if self.engine.sorts_in_memory() && self.ready.len() as u64 > self.query.scan_limit {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                Fate::Rejected,
                format!(
                    "the matching tokens must be sorted in memory, and there are more than {}",
                    self.query.scan_limit
                ),
            )
            .with_advice("raise the scan limit, narrow the filter, or list without a sort order"));
        }
        Ok(())
    }

    /// Takes the next token that may be yielded. A listing that sorts in memory yields none before
    /// all pages were read.
    fn pop(&mut self) -> Option<Token> {
        if self.engine.sorts_in_memory() && !self.engine.is_done() {
            return None;
        }
        while self.remaining.to_skip > 0 && self.pop_ready().is_some() {
            self.remaining.to_skip -= 1;
        }
        let token = self.pop_ready()?;
        let to_yield = &mut self.remaining.to_yield;
        *to_yield = to_yield.map(|tokens| tokens.saturating_sub(1));
        Some(token)
    }

    /// Takes the next token that is ready. Of those that were sorted in memory a part becomes ready
    /// at a time, and the memory of the part is given back while the reader fills its own.
    fn pop_ready(&mut self) -> Option<Token> {
        if self.ready.is_empty() && !self.sorted.is_empty() {
            // Shrinking may copy what is left, so there are not many parts.
            let part = (self.sorted.len() / 32).max(1_000);
            let rest = self.sorted.len().saturating_sub(part);
            self.ready.extend(self.sorted.drain(rest..).rev());
            self.sorted.shrink_to_fit();
        }
        self.ready.pop_front()
    }

    /// Fetches pages until tokens are ready, or the listing is done.
    fn poll_pages(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            let turns = self.engine.turns();
            let batch = self.engine.next_batch();
            if let Ok(Some(batch)) = &batch {
                self.remaining.to_skip = self.remaining.to_skip.saturating_sub(batch.skipped);
            }
            // All tokens of the page before were taken, also if this one fails.
            if self.engine.turns() != turns {
                self.remaining_before_page = self.remaining;
            }
            if let Some(batch) = batch? {
                self.accept(batch)?;
                if !self.engine.sorts_in_memory() {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            if self.engine.is_done() {
                if self.engine.sorts_in_memory() {
                    let query = &self.query;
                    self.sorted = Vec::from(std::mem::take(&mut self.ready));
                    // No two tokens are equal, and a stable sort would hold half of them twice.
                    self.sorted.sort_unstable_by(|a, b| query.compare(b, a));
                }
                return Poll::Ready(Ok(()));
            }
            if self.generation != self.engine.generation() {
                self.generation = self.engine.generation();
                self.reading = FuturesUnordered::new();
            }
            while let Some((id, request)) = self.engine.next_request() {
                let page = (self.read_page)(request);
                self.reading.push(PageRead { id, page });
            }
            match ready!(Pin::new(&mut self.reading).poll_next(context)) {
                Some((id, page)) => self.engine.on_response(id, page),
                None => return Poll::Ready(Err(stalled())),
            }
        }
    }
}

/// Returns the error for an engine that neither ends nor requests a page. That would be a bug in
/// tokenfleet, and must not look like the end of the listing.
fn stalled() -> Error {
    Error::new(
        ErrorKind::Other,
        Fate::Rejected,
        "the listing has not ended, but no request is in flight",
    )
    .with_advice("this is a bug in tokenfleet: report it")
}

impl Stream for Listing<'_> {
    type Item = Result<Token>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let listing = &mut *self;
        while listing.state == State::Active {
            if listing.remaining.to_yield == Some(0) {
                listing.state = State::Ended;
            } else if let Some(token) = listing.pop() {
                return Poll::Ready(Some(Ok(token)));
            } else if listing.engine.is_done() {
                listing.state = State::Ended;
            } else if let Err(error) = ready!(listing.poll_pages(context)) {
                listing.state = State::Failed;
                let error = error
                    .with_account(&listing.account)
                    .with_operation(Operation::List);
                return Poll::Ready(Some(Err(error)));
            }
            if listing.state == State::Ended {
                // Pages that were requested ahead are not needed any more.
                listing.reading = FuturesUnordered::new();
            }
        }
        Poll::Ready(None)
    }
}

impl fmt::Debug for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing")
            .field("account", &self.account)
            .field("plan", &self.plan)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
