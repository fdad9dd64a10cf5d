//! The merged stream of the tokens of many accounts.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_util::stream::{FuturesUnordered, StreamExt, StreamFuture};
use tokio::time::{Sleep, sleep_until};

use crate::account_queue::AccountQueue;
use crate::member::Member;
use crate::progress::{AccountProgress, FleetProgress};
use crate::{Account, AccountReport, Error, ErrorKind, Fate, Listing, Query, Token, Verdict};

/// The number of events of one account that may come before the others get their turn.
const MAX_IN_A_ROW: u32 = 32;

/// A stream of the tokens of many accounts, with one report per account.
///
/// Its items are [`InventoryEvent`]s. The tokens of one account keep their order; the tokens of
/// different accounts are interleaved. Every account gets exactly one report, after its last token.
/// A failure is reported there and ends only its own account.
///
/// The inventory reads only while it is polled. Dropping it is safe.
///
/// At most 256 accounts are active at a time, and at most 16 of one host: see
/// [`with_max_concurrent_accounts`](crate::Fleet::with_max_concurrent_accounts) and
/// [`with_max_concurrent_accounts_per_host`](crate::Fleet::with_max_concurrent_accounts_per_host).
/// An account without an event for two seconds no longer counts as active: the next account starts
/// in its place, and the slow one is still read to its end.
///
/// Polling needs a tokio runtime with a timer. A panic in a provider is not caught.
#[must_use = "an inventory reads nothing until it is polled"]
pub struct Inventory {
    query: Query,
    /// The accounts that have not started yet, and those that are active.
    queue: AccountQueue,
    /// The accounts that have started, without the current one.
    started: FuturesUnordered<StreamFuture<AccountTokens>>,
    /// The account that the last event came from, and how many events did so in a row. One that has
    /// reported stays here until its next poll.
    current: Option<(AccountTokens, u32)>,
    /// Wakes the task when the first active account runs out of patience.
    timer: Option<Pin<Box<Sleep>>>,
    progress: FleetProgress,
}

/// An event yielded by an [`Inventory`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum InventoryEvent {
    /// A token and the account that it belongs to.
    Token(Account, Box<Token>),
    /// The report of an account that has ended, successfully or not.
    Finished(AccountReport),
}

impl Inventory {
    /// Creates an inventory of the accounts of a queue.
    pub(crate) fn new(queue: AccountQueue, query: Query, progress: FleetProgress) -> Self {
        progress.start(queue.waiting());
        Self {
            query,
            queue,
            started: FuturesUnordered::new(),
            current: None,
            timer: None,
            progress,
        }
    }

    /// Returns the next event, or `None` once every account has its report.
    pub async fn next(&mut self) -> Option<InventoryEvent> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Returns the next event with the index in the fleet of its account.
    pub(crate) async fn next_with_index(&mut self) -> Option<(usize, InventoryEvent)> {
        poll_fn(|context| self.poll_event(context)).await
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<(usize, InventoryEvent)>> {
        loop {
            self.start_accounts();
            match self.poll_started(context) {
                Poll::Ready(Some((index, event))) => {
                    self.record_event(index, &event);
                    return Poll::Ready(Some((index, event)));
                }
                Poll::Ready(None) if self.queue.waiting() == 0 => return Poll::Ready(None),
                Poll::Ready(None) => {}
                Poll::Pending if self.queue.waiting() == 0 => return Poll::Pending,
                Poll::Pending => ready!(self.poll_free_slot(context)),
            }
        }
    }

    /// Starts as many of the waiting accounts as the limits allow.
    fn start_accounts(&mut self) {
        while let Some(account) = self.queue.start_next() {
            let progress = AccountProgress::new(self.progress.clone());
            let mut query = self.query.clone();
            query.max_concurrency = query.max_concurrency.min(account.pages);
            let account = AccountTokens::start(account.index, account.member, query, progress);
            self.started.push(account.into_future());
        }
    }

    /// Returns the next event of the accounts that have started, or `None` once all of them have
    /// reported.
    ///
    /// The account that the last event came from goes on first, because its tokens come a page at a
    /// time, and finding the next account that is ready takes longer than a token.
    fn poll_started(&mut self, context: &mut Context<'_>) -> Poll<Option<(usize, InventoryEvent)>> {
        if let Some((account, in_a_row)) = &mut self.current
            && *in_a_row < MAX_IN_A_ROW
            && let Poll::Ready(Some(event)) = Pin::new(account).poll_next(context)
        {
            *in_a_row += 1;
            return Poll::Ready(Some(event));
        }
        let current = self.current.take();
        (self.started).extend(current.map(|(account, _)| account.into_future()));
        loop {
            match ready!(Pin::new(&mut self.started).poll_next(context)) {
                Some((Some(event), account)) => {
                    self.current = Some((account, 1));
                    return Poll::Ready(Some(event));
                }
                Some((None, _)) => {}
                None => return Poll::Ready(None),
            }
        }
    }

    /// Updates the active accounts after an event.
    fn record_event(&mut self, index: usize, event: &InventoryEvent) {
        if matches!(event, InventoryEvent::Finished(_)) {
            self.queue.on_finished(index);
        } else {
            self.queue.on_event(index);
        }
    }

    /// Completes once a waiting account may start, because an active one ran out of patience.
    fn poll_free_slot(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let deadline = self.queue.release_slow();
            let Some(deadline) = deadline.filter(|_| !self.queue.has_free_slot()) else {
                return Poll::Ready(());
            };
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            if timer.deadline() != deadline {
                timer.as_mut().reset(deadline);
            }
            ready!(timer.as_mut().poll(context));
        }
    }
}

impl Stream for Inventory {
    type Item = InventoryEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(self.poll_event(context));
        Poll::Ready(event.map(|(_, event)| event))
    }
}

impl fmt::Debug for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inventory")
            .field("active", &self.queue.active())
            .field("waiting", &self.queue.waiting())
            .finish_non_exhaustive()
    }
}

/// The stream of one account: its tokens, then its report.
struct AccountTokens {
    index: usize,
    account: Account,
    /// The number of tokens yielded so far.
    tokens: u64,
    /// `true` if the query's limit or offset leaves out tokens, or may do so.
    cut_off: bool,
    progress: AccountProgress,
    state: State,
}

/// The progress of one account.
enum State {
    /// The account is being listed.
    Listing(Box<Listing<'static>>),
    /// The listing has ended and the report is due.
    Ended(Verdict),
    /// The report has been yielded.
    Reported,
}

impl AccountTokens {
    /// Prepares the listing of one account; nothing is sent before the first poll.
    fn start(index: usize, member: Member, query: Query, progress: AccountProgress) -> Self {
        let account = member.account().clone();
        let state = match member {
            Member::Unopened(_, error) => State::Ended(Verdict::Failed(error)),
            Member::Open(provider) if provider.capabilities().list.is_none() => {
                State::Ended(Verdict::NotListable)
            }
            Member::Open(provider) => match Listing::from_arc(provider, query) {
                Ok(listing) => State::Listing(Box::new(listing)),
                Err(error) => State::Ended(Verdict::Failed(error)),
            },
        };
        Self {
            index,
            account,
            tokens: 0,
            cut_off: false,
            progress,
            state,
        }
    }
}

impl Stream for AccountTokens {
    type Item = (usize, InventoryEvent);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let State::Listing(listing) = &mut this.state {
            let next = Pin::new(&mut **listing).poll_next(context);
            let (read, total) = (listing.tokens_read(), listing.tokens_to_read());
            this.progress.update(read, total);
            let verdict = match ready!(next) {
                Some(Ok(token)) => {
                    this.tokens += 1;
                    let event = InventoryEvent::Token(this.account.clone(), Box::new(token));
                    return Poll::Ready(Some((this.index, event)));
                }
                Some(Err(error)) => Verdict::Failed(error),
                None => {
                    this.cut_off = listing.is_cut_off();
                    listing
                        .completeness()
                        .map_or_else(missing_completeness, Verdict::from)
                }
            };
            this.state = State::Ended(verdict);
        }
        Poll::Ready(match std::mem::replace(&mut this.state, State::Reported) {
            State::Ended(verdict) => {
                this.progress.finish();
                let report = AccountReport {
                    account: this.account.clone(),
                    tokens: this.tokens,
                    cut_off: this.cut_off,
                    verdict,
                };
                Some((this.index, InventoryEvent::Finished(report)))
            }
            _ => None,
        })
    }
}

/// Returns the verdict on a listing that ended without its completeness: never "complete".
fn missing_completeness() -> Verdict {
    Verdict::Failed(Error::new(
        ErrorKind::Other,
        Fate::Rejected,
        "the listing ended without reporting whether it is complete",
    ))
}
