//! The merged stream over many accounts.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_util::stream::SelectAll;

use crate::fleet::Member;
use crate::{Account, AccountReport, Completeness, Listing, Query, Token, Verdict};

/// The tokens of many accounts as they come, and one report for each account.
///
/// A stream of [`InventoryEvent`]s. The tokens of one account keep its order, those of several are mixed; an account's
/// report comes after its last token, and every account gets exactly one. A failure is such a report and ends only its
/// own account.
///
/// It reads while it is polled and holds no more than a page for each account being read. Dropping it is safe.
#[must_use = "an inventory reads nothing until it is polled"]
pub struct Inventory {
    query: Query,
    waiting: VecDeque<Member>,
    /// Walks that have reported stay here until they are polled once more.
    walks: SelectAll<AccountWalk>,
    reading: usize,
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
    pub(crate) fn new(members: VecDeque<Member>, at_a_time: usize, query: Query) -> Self {
        Self {
            query,
            waiting: members,
            walks: SelectAll::new(),
            reading: 0,
            at_a_time,
        }
    }

    /// The next event; `None` when every account has its report.
    pub async fn next(&mut self) -> Option<InventoryEvent> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for Inventory {
    type Item = InventoryEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let inventory = &mut *self;
        while inventory.reading < inventory.at_a_time {
            let Some(member) = inventory.waiting.pop_front() else {
                break;
            };
            let walk = AccountWalk::start(member, &inventory.query);
            inventory.walks.push(walk);
            inventory.reading += 1;
        }
        let event = ready!(Pin::new(&mut inventory.walks).poll_next(context));
        if matches!(event, Some(InventoryEvent::Finished(_))) {
            inventory.reading -= 1;
        }
        Poll::Ready(event)
    }
}

impl fmt::Debug for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inventory")
            .field("reading", &self.reading)
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

/// One account: its tokens, then its report.
struct AccountWalk {
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
    fn start(member: Member, query: &Query) -> Self {
        let account = member.account().clone();
        let state = match member {
            Member::Unopened(_, error) => State::Judged(Verdict::Failed(error)),
            Member::Open(provider) if provider.capabilities().list.is_none() => {
                State::Judged(Verdict::NotListable)
            }
            Member::Open(provider) => match Listing::shared(provider, query.clone()) {
                Ok(listing) => State::Listing(Box::new(listing)),
                Err(error) => State::Judged(Verdict::Failed(error)),
            },
        };
        Self {
            account,
            tokens: 0,
            state,
        }
    }
}

impl Stream for AccountWalk {
    type Item = InventoryEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let walk = &mut *self;
        if let State::Listing(listing) = &mut walk.state {
            let verdict = match ready!(Pin::new(&mut **listing).poll_next(context)) {
                Some(Ok(token)) => {
                    walk.tokens += 1;
                    let event = InventoryEvent::Token(walk.account.clone(), Box::new(token));
                    return Poll::Ready(Some(event));
                }
                Some(Err(error)) => Verdict::Failed(error),
                None => listing
                    .completeness()
                    .unwrap_or(Completeness::Complete)
                    .into(),
            };
            walk.state = State::Judged(verdict);
        }
        Poll::Ready(match std::mem::replace(&mut walk.state, State::Reported) {
            State::Judged(verdict) => Some(InventoryEvent::Finished(AccountReport {
                account: walk.account.clone(),
                tokens: walk.tokens,
                verdict,
            })),
            _ => None,
        })
    }
}
