//! A walk over tokens, page by page.

mod completeness;
mod cursor;
mod engine;
mod explain;
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
use engine::{Batch, Moment, Walker};

use crate::error::{Account, Error, ErrorKind, Fate, Operation, Result};
use crate::model::Token;
use crate::provider::{ListCapability, Page, PagePosition, PageRequest, TokenProvider};
use crate::query::Query;

type PageFuture<'a> = Pin<Box<dyn Future<Output = Result<Page>> + Send + 'a>>;
type ReadPage<'a> = Box<dyn Fn(PageRequest) -> PageFuture<'a> + Send + Sync + 'a>;

/// A walk over the tokens of one account: a stream that reads pages as it goes, several at a time where that loses
/// nothing. It holds the pages on their way and no more, unless the query must be sorted here.
///
/// When it has ended, [`completeness`](Self::completeness) says what it may claim. After an error it ends; its
/// [`cursor`](Self::cursor) says where, and a listing resumed from there yields the rest.
///
/// Dropping it at any point is safe: it only reads.
#[must_use = "a listing reads nothing until it is polled"]
pub struct Listing<'a> {
    account: Account,
    query: Query,
    list: ListCapability,
    plan: Plan,
    read_page: ReadPage<'a>,
    reading: FuturesUnordered<Reading<'a>>,
    /// Which of the walker's givings up was heard of.
    given_up: u64,
    walker: Walker,
    ready: VecDeque<Token>,
    left: Left,
    /// What was left before the tokens of the page being consumed.
    left_before_page: Left,
    state: State,
}

/// How many tokens are still left out, and how many are still wanted.
#[derive(Debug, Clone, Copy)]
struct Left {
    to_skip: u64,
    to_yield: Option<u64>,
}

/// A page on its way, with the walker's name for the request.
struct Reading<'a> {
    name: Moment,
    page: PageFuture<'a>,
}

impl Future for Reading<'_> {
    type Output = (Moment, Result<Page>);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let page = ready!(self.page.as_mut().poll(context));
        Poll::Ready((self.name, page))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Walking,
    Ended,
    Failed,
}

impl<'a> Listing<'a> {
    /// A listing that borrows its provider.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) where the provider cannot list,
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a query that makes no sense there.
    pub fn new<P: TokenProvider + ?Sized>(provider: &'a P, query: Query) -> Result<Self> {
        let read_page: ReadPage<'a> = Box::new(move |request| provider.list_page(request));
        Self::with_reader(provider, query, read_page)
    }

    /// A listing that shares its provider and so can be sent elsewhere.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
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
        query: Query,
        read_page: ReadPage<'a>,
    ) -> Result<Self> {
        let account = provider.account().clone();
        let in_context =
            |error: Error| error.with_account(&account).with_operation(Operation::List);
        let list = provider
            .capabilities()
            .list
            .as_ref()
            .ok_or_else(|| Error::unsupported("the platform cannot list tokens"))
            .map_err(in_context)?;
        let plan = Plan::for_query(&query, list).map_err(in_context)?;
        let left = Left {
            to_skip: query.offset,
            to_yield: query.limit,
        };
        Ok(Self {
            list: list.clone(),
            account,
            walker: Walker::new(&plan),
            left,
            left_before_page: left,
            query,
            plan,
            read_page,
            reading: FuturesUnordered::new(),
            given_up: 0,
            ready: VecDeque::new(),
            state: State::Walking,
        })
    }

    /// Goes on where the cursor was taken, instead of at the beginning.
    ///
    /// Tokens of the page that was being consumed may come again; none is skipped. What must be sorted here starts anew.
    ///
    /// # Errors
    ///
    /// [`InvalidCursor`](ErrorKind::InvalidCursor) for a cursor of another account or query.
    pub fn resume(mut self, cursor: &Cursor) -> Result<Self> {
        cursor.check(&self.account, &self.query)?;
        // The walk goes on as it began, even if the provider has learned of a better one since.
        if cursor.key.is_some_and(|key| self.list.order(key).is_none()) {
            return Err(
                invalid("the platform no longer offers the order of the cursor")
                    .with_account(&self.account),
            );
        }
        let in_context = |error: Error| error.with_account(&self.account);
        self.plan =
            Plan::for_scan(&self.query, &self.list, cursor.walk, cursor.key).map_err(in_context)?;
        self.walker = Walker::resume(&self.plan, cursor).map_err(in_context)?;
        self.reading = FuturesUnordered::new();
        self.given_up = 0;
        self.ready.clear();
        self.left = Left {
            to_skip: cursor.to_skip,
            to_yield: cursor.to_yield,
        };
        self.left_before_page = self.left;
        self.state = State::Walking;
        Ok(self)
    }

    /// The next token; `None` when there are no more.
    pub async fn next(&mut self) -> Option<Result<Token>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Where the listing stands.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        let mut cursor = Cursor::new(&self.account, &self.query, &self.plan);
        if !self.walker.must_be_sorted() {
            self.walker.mark(&mut cursor);
            if cursor.position != PagePosition::First {
                cursor.to_skip = self.left_before_page.to_skip;
                cursor.to_yield = self.left_before_page.to_yield;
            }
        }
        cursor
    }

    /// What the listing may claim: `None` until it has ended, and for ever after an error.
    ///
    /// It speaks of what the query asks for: one that is limited to ten tokens is complete with the right ten.
    #[must_use]
    pub fn completeness(&self) -> Option<Completeness> {
        (self.state == State::Ended).then(|| self.walker.completeness())
    }

    /// How the query is carried out.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The account whose tokens these are.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    fn take(&mut self, batch: Batch) -> Result<()> {
        self.left.to_skip = self.left.to_skip.saturating_sub(batch.passed_over);
        self.left_before_page = self.left;
        let mut tokens = batch.tokens;
        if let Some(filter) = &self.query.filter {
            tokens.retain(|token| filter.matches(token));
        }
        // A page is large: where nothing is before it, it stays where it is.
        match self.ready.is_empty() {
            true => self.ready = tokens.into(),
            false => self.ready.extend(tokens),
        }
        if self.walker.must_be_sorted() && self.ready.len() as u64 > self.query.scan_limit {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                Fate::Rejected,
                format!(
                    "more than {} tokens would have to be sorted in memory",
                    self.query.scan_limit
                ),
            )
            .with_advice("raise the scan limit, narrow the filter, or list unsorted"));
        }
        Ok(())
    }

    /// A token that may be handed out now: any, or when sorting here those of the finished walk.
    fn pop(&mut self) -> Option<Token> {
        if self.walker.must_be_sorted() && !self.walker.is_done() {
            return None;
        }
        while self.left.to_skip > 0 && self.ready.pop_front().is_some() {
            self.left.to_skip -= 1;
        }
        let token = self.ready.pop_front()?;
        self.left.to_yield = self.left.to_yield.map(|tokens| tokens.saturating_sub(1));
        Some(token)
    }

    /// Reads until tokens can be handed out, or there are none.
    fn poll_pages(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            if let Some(batch) = self.walker.hand_out()? {
                self.take(batch)?;
                if !self.walker.must_be_sorted() {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            if self.walker.is_done() {
                if self.walker.must_be_sorted() {
                    let query = &self.query;
                    self.ready
                        .make_contiguous()
                        .sort_by(|a, b| query.compare(a, b));
                }
                return Poll::Ready(Ok(()));
            }
            if self.walker.given_up() != self.given_up {
                self.given_up = self.walker.given_up();
                self.reading = FuturesUnordered::new();
            }
            while let Some((name, request)) = self.walker.ask() {
                let page = (self.read_page)(request);
                self.reading.push(Reading { name, page });
            }
            match ready!(Pin::new(&mut self.reading).poll_next(context)) {
                Some((name, page)) => self.walker.answer(name, page),
                None => return Poll::Ready(Err(stuck())),
            }
        }
    }
}

/// A walk that neither ends nor asks for anything would be a mistake of ours: never an end.
fn stuck() -> Error {
    Error::new(
        ErrorKind::Other,
        Fate::Rejected,
        "the listing does not know how to go on",
    )
}

impl Stream for Listing<'_> {
    type Item = Result<Token>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let listing = &mut *self;
        while listing.state == State::Walking {
            if listing.left.to_yield == Some(0) {
                listing.state = State::Ended;
            } else if let Some(token) = listing.pop() {
                return Poll::Ready(Some(Ok(token)));
            } else if listing.walker.is_done() {
                listing.state = State::Ended;
            } else if let Err(error) = ready!(listing.poll_pages(context)) {
                listing.state = State::Failed;
                let error = error
                    .with_account(&listing.account)
                    .with_operation(Operation::List);
                return Poll::Ready(Some(Err(error)));
            }
            if listing.state == State::Ended {
                // What was asked for ahead is not needed any more.
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
