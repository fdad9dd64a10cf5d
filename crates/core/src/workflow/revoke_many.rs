//! Execution of a revocation plan, several tokens at a time.

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

/// The default number of concurrent revocations.
const DEFAULT_CONCURRENCY: usize = 4;

/// The options of a bulk revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevokeManyOptions {
    /// The options of each revocation.
    pub revoke_options: RevokeOptions,
    /// `true` to suspend a token that cannot be revoked, if the platform supports it: the token
    /// does not work until somebody resumes it.
    pub suspend_fallback: bool,
    /// The maximum number of concurrent revocations.
    pub max_concurrency: usize,
}

impl Default for RevokeManyOptions {
    fn default() -> Self {
        Self {
            revoke_options: RevokeOptions::default(),
            suspend_fallback: false,
            max_concurrency: DEFAULT_CONCURRENCY,
        }
    }
}

impl RevokeManyOptions {
    /// Sets the options of each revocation.
    #[must_use]
    pub fn with_revoke_options(mut self, options: RevokeOptions) -> Self {
        self.revoke_options = options;
        self
    }

    /// Suspends tokens that cannot be revoked.
    #[must_use]
    pub fn with_suspend_fallback(mut self) -> Self {
        self.suspend_fallback = true;
        self
    }

    /// Sets the maximum number of concurrent revocations (at least 1).
    #[must_use]
    pub fn with_max_concurrency(mut self, tokens: usize) -> Self {
        self.max_concurrency = tokens.max(1);
        self
    }
}

/// The outcome for one token of a plan.
#[derive(Debug)]
#[non_exhaustive]
pub enum RevocationVerdict {
    /// The token was revoked. If it was replaced, this holds the new secret: store it.
    Revoked(Revocation),
    /// The token was revoked or deleted before.
    AlreadyGone(Revocation),
    /// The token could not be revoked, for this reason, and was suspended instead.
    SuspendedOnly(Error),
    /// The platform could not be reached, or its response was lost: execute the plan again.
    Unreachable(Error),
    /// The token could not be revoked, for this reason, and stays as it was.
    CannotBeRevoked(Error),
}

impl RevocationVerdict {
    /// Returns `true` if the token has permanently stopped authenticating.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        matches!(self, Self::Revoked(_) | Self::AlreadyGone(_))
    }

    /// Returns the verdict in snake case, as it appears in the program's JSON.
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

type RevocationFuture<'a> = Pin<Box<dyn Future<Output = (TokenId, RevocationVerdict)> + Send + 'a>>;

/// A stream that executes a plan and yields the verdict of each token as soon as it is known.
///
/// A failure affects only its own token. If the plan names the token that the account authenticates
/// with, that token is revoked after all others have their verdict. If the stream is dropped, the
/// revocations in flight may or may not be applied; execute the plan again to find out.
#[must_use = "nothing is revoked until it is polled"]
pub struct RevokeMany<'a> {
    revoke: Box<dyn Fn(TokenId) -> RevocationFuture<'a> + Send + Sync + 'a>,
    pending: std::vec::IntoIter<TokenId>,
    /// The acting token, which is revoked after all others.
    last: Option<TokenId>,
    in_flight: FuturesUnordered<RevocationFuture<'a>>,
    max_concurrency: usize,
}

impl<'a> RevokeMany<'a> {
    /// Starts the execution of a plan, if it belongs to the account of the provider.
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
            pending: tokens.into_iter(),
            last,
            in_flight: FuturesUnordered::new(),
            max_concurrency: options.max_concurrency.max(1),
        })
    }

    /// Stops starting revocations, and returns the tokens that were not tried.
    ///
    /// The revocations in flight still get their verdicts.
    pub fn stop(&mut self) -> Vec<TokenId> {
        let pending = std::mem::take(&mut self.pending);
        pending.chain(self.last.take()).collect()
    }

    /// Returns the next verdict, or `None` if every token has one.
    pub async fn next(&mut self) -> Option<(TokenId, RevocationVerdict)> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

/// Revokes one token, or suspends it if that is allowed instead.
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
            let is_forbidden = matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::Unsupported
            );
            let update = provider.capabilities().update.as_ref();
            let can_suspend = update.is_some_and(|update| update.suspension);
            if options.suspend_fallback
                && is_forbidden
                && can_suspend
                && provider.update(&id, UpdateToken::suspend()).await.is_ok()
            {
                RevocationVerdict::SuspendedOnly(error)
            } else {
                RevocationVerdict::CannotBeRevoked(error)
            }
        }
    };
    (id, verdict)
}

impl Stream for RevokeMany<'_> {
    type Item = (TokenId, RevocationVerdict);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        while this.in_flight.len() < this.max_concurrency {
            let next = match this.pending.next() {
                None if this.in_flight.is_empty() => this.last.take(),
                next => next,
            };
            match next {
                Some(id) => this.in_flight.push((this.revoke)(id)),
                None => break,
            }
        }
        Pin::new(&mut this.in_flight).poll_next(context)
    }
}

impl fmt::Debug for RevokeMany<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevokeMany")
            .field("pending", &self.pending.len())
            .field("in_flight", &self.in_flight.len())
            .finish_non_exhaustive()
    }
}
