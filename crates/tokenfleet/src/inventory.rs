//! The merged stream of the tokens of many accounts.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use futures_util::stream::SelectAll;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::member::Member;
use crate::{Account, AccountReport, Error, ErrorKind, Fate, Listing, Query, Token, Verdict};

/// The time without an event after which an account no longer delays the accounts that wait.
const PATIENCE: Duration = Duration::from_secs(2);

/// A stream of the tokens of many accounts, with one report per account.
///
/// Its items are [`InventoryEvent`]s. The tokens of one account keep their order; the tokens of
/// different accounts are interleaved. Every account gets exactly one report, after its last token.
/// A failure is reported there and ends only its own account.
///
/// The inventory reads only while it is polled. Dropping it is safe.
///
/// At most [`with_max_concurrent_accounts`](crate::Fleet::with_max_concurrent_accounts) accounts
/// are active at a time. An account without an event for two seconds no longer counts as active:
/// the next account starts in its place, and the slow one is still read to its end.
///
/// Polling needs a tokio runtime with a timer. A panic in a provider is not caught.
#[must_use = "an inventory reads nothing until it is polled"]
pub struct Inventory {
    query: Query,
    /// The accounts that have not started yet, with their indexes in the fleet.
    waiting: VecDeque<(usize, Member)>,
    /// The accounts that have started. One that has reported stays here until its next poll.
    started: SelectAll<AccountTokens>,
    /// The time of the last event of each active account, by its index in the fleet. It is kept up
    /// to date only while other accounts wait.
    active: HashMap<usize, Instant>,
    /// Wakes the task when the first active account runs out of patience.
    timer: Option<Pin<Box<Sleep>>>,
    max_concurrent_accounts: usize,
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
    /// Creates an inventory of the given members, each with its index in the fleet.
    pub(crate) fn new(
        members: VecDeque<(usize, Member)>,
        max_concurrent_accounts: usize,
        query: Query,
    ) -> Self {
        Self {
            query,
            waiting: members,
            started: SelectAll::new(),
            active: HashMap::new(),
            timer: None,
            max_concurrent_accounts,
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
            match Pin::new(&mut self.started).poll_next(context) {
                Poll::Ready(Some((index, event))) => {
                    self.record_event(index, &event);
                    return Poll::Ready(Some((index, event)));
                }
                Poll::Ready(None) if self.waiting.is_empty() => return Poll::Ready(None),
                Poll::Ready(None) => {}
                Poll::Pending if self.waiting.is_empty() => return Poll::Pending,
                Poll::Pending => ready!(self.poll_free_slot(context)),
            }
        }
    }

    /// Starts as many of the waiting accounts as there are free slots.
    fn start_accounts(&mut self) {
        let free_slots = self
            .max_concurrent_accounts
            .saturating_sub(self.active.len());
        let count = free_slots.min(self.waiting.len());
        for (index, member) in self.waiting.drain(..count) {
            self.started
                .push(AccountTokens::start(index, member, &self.query));
            self.active.insert(index, Instant::now());
        }
    }

    /// Updates the active accounts after an event. A slow account becomes active again.
    fn record_event(&mut self, index: usize, event: &InventoryEvent) {
        if matches!(event, InventoryEvent::Finished(_)) {
            self.active.remove(&index);
        } else if !self.waiting.is_empty() {
            self.active.insert(index, Instant::now());
        }
    }

    /// Completes once a waiting account may start, because an active one ran out of patience.
    fn poll_free_slot(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            self.active
                .retain(|_, last_event| last_event.elapsed() < PATIENCE);
            if self.active.len() < self.max_concurrent_accounts {
                return Poll::Ready(());
            }
            let Some(oldest_event) = self.active.values().min() else {
                return Poll::Ready(());
            };
            let deadline = *oldest_event + PATIENCE;
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
            .field("active", &self.active.len())
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

/// The stream of one account: its tokens, then its report.
struct AccountTokens {
    index: usize,
    account: Account,
    /// The number of tokens yielded so far.
    tokens: u64,
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
    fn start(index: usize, member: Member, query: &Query) -> Self {
        let account = member.account().clone();
        let state = match member {
            Member::Unopened(_, error) => State::Ended(Verdict::Failed(error)),
            Member::Open(provider) if provider.capabilities().list.is_none() => {
                State::Ended(Verdict::NotListable)
            }
            Member::Open(provider) => match Listing::from_arc(provider, query.clone()) {
                Ok(listing) => State::Listing(Box::new(listing)),
                Err(error) => State::Ended(Verdict::Failed(error)),
            },
        };
        Self {
            index,
            account,
            tokens: 0,
            state,
        }
    }
}

impl Stream for AccountTokens {
    type Item = (usize, InventoryEvent);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let State::Listing(listing) = &mut this.state {
            let verdict = match ready!(Pin::new(&mut **listing).poll_next(context)) {
                Some(Ok(token)) => {
                    this.tokens += 1;
                    let event = InventoryEvent::Token(this.account.clone(), Box::new(token));
                    return Poll::Ready(Some((this.index, event)));
                }
                Some(Err(error)) => Verdict::Failed(error),
                None => listing
                    .completeness()
                    .map_or_else(missing_completeness, Verdict::from),
            };
            this.state = State::Ended(verdict);
        }
        Poll::Ready(match std::mem::replace(&mut this.state, State::Reported) {
            State::Ended(verdict) => {
                let report = AccountReport {
                    account: this.account.clone(),
                    tokens: this.tokens,
                    cut_off: false,
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
