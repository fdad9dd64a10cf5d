//! Carrying out a plan of revocations.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::stream::FuturesUnordered;

use crate::error::{Error, ErrorKind, Operation, Result};
use crate::model::TokenId;
use crate::provider::{Revocation, RevocationOutcome, RevokeOptions, TokenProvider, UpdateToken};
use crate::workflow::RevocationPlan;

/// How many revocations are under way at a time.
const AT_A_TIME: usize = 4;

/// What a caller accepts when revoking many, and how fast it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevokeManyOptions {
    /// What is accepted of each revocation.
    pub revoke_options: RevokeOptions,
    /// Suspend a token that may not be revoked, where the platform can: it does no harm until somebody resumes it.
    pub suspend_fallback: bool,
    /// How many are revoked at a time.
    pub max_concurrency: usize,
}

impl Default for RevokeManyOptions {
    fn default() -> Self {
        Self {
            revoke_options: RevokeOptions::default(),
            suspend_fallback: false,
            max_concurrency: AT_A_TIME,
        }
    }
}

impl RevokeManyOptions {
    /// Accepts of each revocation what these say.
    #[must_use]
    pub fn with_revoke_options(mut self, options: RevokeOptions) -> Self {
        self.revoke_options = options;
        self
    }

    /// Suspends what may not be revoked.
    #[must_use]
    pub fn with_suspend_fallback(mut self) -> Self {
        self.suspend_fallback = true;
        self
    }

    /// Revokes that many at a time, at least one.
    #[must_use]
    pub fn with_max_concurrency(mut self, tokens: usize) -> Self {
        self.max_concurrency = tokens.max(1);
        self
    }
}

/// What became of one token of a plan.
#[derive(Debug)]
#[non_exhaustive]
pub enum RevocationVerdict {
    /// It was alive and is dead now. A replacement's secret is in here: store it.
    Revoked(Revocation),
    /// It was dead already.
    AlreadyGone(Revocation),
    /// It may not be revoked, for this reason, and was suspended instead.
    SuspendedOnly(Error),
    /// The platform could not be asked, or its answer was lost: carry the plan out again.
    Unreachable(Error),
    /// It lives on, for this reason.
    CannotBeRevoked(Error),
}

impl RevocationVerdict {
    /// Whether the token is dead.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        matches!(self, Self::Revoked(_) | Self::AlreadyGone(_))
    }

    /// The verdict in snake case.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Revoked(_) => "revoked",
            Self::AlreadyGone(_) => "already_gone",
            Self::SuspendedOnly(_) => "suspended_only",
            Self::Unreachable(_) => "unreachable",
            Self::CannotBeRevoked(_) => "cannot_be_revoked",
        }
    }
}

type Revoking<'a> = Pin<Box<dyn Future<Output = (TokenId, RevocationVerdict)> + Send + 'a>>;

/// A plan that is being carried out: a stream of one verdict for each token, as they come.
///
/// A failure ends nothing but its own token. The plan's last token is revoked when all others have their verdict.
/// Dropping it lets those under way be carried out or not; carrying the plan out again tells.
#[must_use = "nothing is revoked until it is polled"]
pub struct RevokeMany<'a> {
    revoke: Box<dyn Fn(TokenId) -> Revoking<'a> + Send + Sync + 'a>,
    waiting: std::vec::IntoIter<TokenId>,
    last: Option<TokenId>,
    under_way: FuturesUnordered<Revoking<'a>>,
    max_concurrency: usize,
}

impl<'a> RevokeMany<'a> {
    pub(crate) fn new<P: TokenProvider + ?Sized>(
        provider: &'a P,
        plan: RevocationPlan,
        options: RevokeManyOptions,
    ) -> Result<Self> {
        if plan.account() != provider.account() {
            return Err(Error::invalid_input("the plan belongs to another account")
                .with_account(provider.account())
                .with_operation(Operation::Revoke));
        }
        let (tokens, last) = plan.into_parts();
        Ok(Self {
            revoke: Box::new(move |id| Box::pin(revoke(provider, id, options))),
            waiting: tokens.into_iter(),
            last,
            under_way: FuturesUnordered::new(),
            max_concurrency: options.max_concurrency.max(1),
        })
    }

    /// Begins no further revocation, for a caller who stops early, and says which tokens are left untried. Those under way
    /// still get their verdicts.
    pub fn stop(&mut self) -> Vec<TokenId> {
        let waiting = std::mem::take(&mut self.waiting);
        waiting.chain(self.last.take()).collect()
    }

    /// The next verdict; `None` when every token has one.
    pub async fn next(&mut self) -> Option<(TokenId, RevocationVerdict)> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

async fn revoke<P: TokenProvider + ?Sized>(
    provider: &P,
    id: TokenId,
    options: RevokeManyOptions,
) -> (TokenId, RevocationVerdict) {
    let verdict = match provider.revoke((&id).into(), options.revoke_options).await {
        Ok(revocation) if revocation.outcome == RevocationOutcome::Revoked => {
            RevocationVerdict::Revoked(revocation)
        }
        Ok(revocation) => RevocationVerdict::AlreadyGone(revocation),
        Err(error) if error.kind().is_transient() || error.may_have_applied() => {
            RevocationVerdict::Unreachable(error)
        }
        Err(error) => {
            let forbidden = matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::Unsupported
            );
            let update = provider.capabilities().update.as_ref();
            let can_suspend = update.is_some_and(|update| update.suspension);
            let suspended = options.suspend_fallback
                && forbidden
                && can_suspend
                && provider.update(&id, UpdateToken::suspend()).await.is_ok();
            match suspended {
                true => RevocationVerdict::SuspendedOnly(error),
                false => RevocationVerdict::CannotBeRevoked(error),
            }
        }
    };
    (id, verdict)
}

impl Stream for RevokeMany<'_> {
    type Item = (TokenId, RevocationVerdict);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        while this.under_way.len() < this.max_concurrency {
            let next = match this.waiting.next() {
                None if this.under_way.is_empty() => this.last.take(),
                next => next,
            };
            match next {
                Some(id) => this.under_way.push((this.revoke)(id)),
                None => break,
            }
        }
        Pin::new(&mut this.under_way).poll_next(context)
    }
}

impl fmt::Debug for RevokeMany<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevokeMany")
            .field("waiting", &self.waiting.len())
            .field("under_way", &self.under_way.len())
            .finish_non_exhaustive()
    }
}
