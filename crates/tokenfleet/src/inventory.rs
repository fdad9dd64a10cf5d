//! The merged stream over many accounts.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_core::Stream;
use futures_util::stream::SelectAll;

use crate::alarm::Alarm;
use crate::fleet::Member;
use crate::{Account, AccountReport, Error, ErrorKind, Fate, Listing, Query, Token, Verdict};

/// An account of which nothing was heard for so long keeps no other waiting.
const PATIENCE: Duration = Duration::from_secs(2);

/// The tokens of many accounts as they come, and one report for each account.
///
/// A stream of [`InventoryEvent`]s. The tokens of one account keep its order, those of several are mixed; an account's
/// report comes after its last token, and every account gets exactly one. A failure is such a report and ends only its
/// own account.
///
/// It reads while it is polled and holds no more than a page for each account being read. Dropping it is safe.
///
/// An account that has been silent for two seconds no longer counts among those read at a time, so that waiting accounts
/// take its turn: it is read on all the same. A provider that panics is not caught.
#[must_use = "an inventory reads nothing until it is polled"]
pub struct Inventory {
    query: Query,
    /// The accounts not begun yet, with their places in the fleet.
    waiting: VecDeque<(usize, Member)>,
    /// Walks that have reported stay here until they are polled once more.
    walks: SelectAll<AccountWalk>,
    /// When something was last heard of each account being read, as far as others wait for their turn.
    heard: HashMap<usize, Instant>,
    alarm: Alarm,
    at_a_time: usize,
}

/// What an [`Inventory`] yields.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum InventoryEvent {
    /// A token, and the account that it belongs to.
    Token(Account, Box<Token>),
    /// An account has ended, one way or another.
    Finished(AccountReport),
}

impl Inventory {
    pub(crate) fn new(members: VecDeque<(usize, Member)>, at_a_time: usize, query: Query) -> Self {
        Self {
            query,
            waiting: members,
            walks: SelectAll::new(),
            heard: HashMap::new(),
            alarm: Alarm::default(),
            at_a_time,
        }
    }

    /// The next event; `None` when every account has its report.
    pub async fn next(&mut self) -> Option<InventoryEvent> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// The next event, with the place in the fleet of the account that it is about.
    pub(crate) async fn next_with_place(&mut self) -> Option<(usize, InventoryEvent)> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<(usize, InventoryEvent)>> {
        loop {
            self.begin(self.at_a_time.saturating_sub(self.heard.len()));
            match Pin::new(&mut self.walks).poll_next(context) {
                Poll::Ready(Some((place, event))) => {
                    match event {
                        InventoryEvent::Finished(_) => {
                            self.heard.remove(&place);
                        }
                        InventoryEvent::Token(..) if self.waiting.is_empty() => {}
                        InventoryEvent::Token(..) => {
                            self.heard.insert(place, Instant::now());
                        }
                    }
                    return Poll::Ready(Some((place, event)));
                }
                Poll::Ready(None) if self.waiting.is_empty() => return Poll::Ready(None),
                Poll::Ready(None) => {}
                Poll::Pending if self.waiting.is_empty() => return Poll::Pending,
                Poll::Pending => {
                    self.heard.retain(|_, heard| heard.elapsed() < PATIENCE);
                    if self.heard.len() >= self.at_a_time {
                        self.alarm.set(PATIENCE, context.waker());
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// Begins with so many of the accounts that wait.
    fn begin(&mut self, accounts: usize) {
        for (place, member) in self.waiting.drain(..accounts.min(self.waiting.len())) {
            let walk = AccountWalk::start(place, member, &self.query);
            self.walks.push(walk);
            self.heard.insert(place, Instant::now());
        }
    }
}

impl Stream for Inventory {
    type Item = InventoryEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(self.poll(context));
        Poll::Ready(event.map(|(_, event)| event))
    }
}

impl fmt::Debug for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inventory")
            .field("reading", &self.heard.len())
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

/// One account: its tokens, then its report.
struct AccountWalk {
    place: usize,
    account: Account,
    tokens: u64,
    state: State,
}

enum State {
    Listing(Box<Listing<'static>>),
    Judged(Verdict),
    Reported,
}

impl AccountWalk {
    fn start(place: usize, member: Member, query: &Query) -> Self {
        let account = member.account().clone();
        let state = match member {
            Member::Unopened(_, error) => State::Judged(Verdict::Failed(error)),
            Member::Open(provider) if provider.capabilities().list.is_none() => {
                State::Judged(Verdict::NotListable)
            }
            Member::Open(provider) => match Listing::from_arc(provider, query.clone()) {
                Ok(listing) => State::Listing(Box::new(listing)),
                Err(error) => State::Judged(Verdict::Failed(error)),
            },
        };
        Self {
            place,
            account,
            tokens: 0,
            state,
        }
    }
}

impl Stream for AccountWalk {
    type Item = (usize, InventoryEvent);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let walk = &mut *self;
        if let State::Listing(listing) = &mut walk.state {
            let verdict = match ready!(Pin::new(&mut **listing).poll_next(context)) {
                Some(Ok(token)) => {
                    walk.tokens += 1;
                    let event = InventoryEvent::Token(walk.account.clone(), Box::new(token));
                    return Poll::Ready(Some((walk.place, event)));
                }
                Some(Err(error)) => Verdict::Failed(error),
                None => listing.completeness().map_or_else(unjudged, Verdict::from),
            };
            walk.state = State::Judged(verdict);
        }
        Poll::Ready(match std::mem::replace(&mut walk.state, State::Reported) {
            State::Judged(verdict) => {
                let report = AccountReport {
                    account: walk.account.clone(),
                    tokens: walk.tokens,
                    verdict,
                };
                Some((walk.place, InventoryEvent::Finished(report)))
            }
            _ => None,
        })
    }
}

/// A listing that ends without a word on its completeness is not complete.
fn unjudged() -> Verdict {
    Verdict::Failed(Error::new(
        ErrorKind::Other,
        Fate::Rejected,
        "the listing ended without saying whether it is complete",
    ))
}
