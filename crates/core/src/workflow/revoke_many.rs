//! Execution of a revocation plan, several tokens at a time.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::stream::FuturesUnordered;

use crate::error::{Error, ErrorKind, Fate, Operation, Result};
use crate::listing::Listing;
use crate::model::{Token, TokenId, TokenState};
use crate::provider::{
    OperationCall, OperationId, Revocation, RevocationEffect, RevocationOutcome, RevokeOptions,
    TokenProvider, UpdateToken,
};
use crate::query::Query;
use crate::workflow::planned_owner::PlannedOwner;
use crate::workflow::{PlannedToken, RevocationPlan, RevocationVerdict};

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
    /// `true` to suspend every token instead of revoking it: a first step that can be undone. The
    /// token that the account authenticates with is left out, because nothing could resume it.
    pub suspend_instead: bool,
    /// The maximum number of concurrent revocations.
    pub max_concurrency: usize,
}

impl Default for RevokeManyOptions {
    fn default() -> Self {
        Self {
            revoke_options: RevokeOptions::default(),
            suspend_fallback: false,
            suspend_instead: false,
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

    /// Suspends the tokens and revokes none. Where the platform cannot suspend tokens, nothing is
    /// sent.
    #[must_use]
    pub fn with_suspension_instead(mut self) -> Self {
        self.suspend_instead = true;
        self
    }

    /// Sets the maximum number of concurrent revocations (at least 1).
    #[must_use]
    pub fn with_max_concurrency(mut self, tokens: usize) -> Self {
        self.max_concurrency = tokens.max(1);
        self
    }

    /// Returns the request to suspend a token, as a part of the same operation.
    fn suspension(self) -> UpdateToken {
        UpdateToken {
            operation_id: self.revoke_options.operation_id,
            ..UpdateToken::suspend()
        }
    }
}

type RevocationFuture<'a> = Pin<Box<dyn Future<Output = (TokenId, RevocationVerdict)> + Send + 'a>>;

/// A stream that executes a plan and yields the verdict of each token as soon as it is known.
///
/// A failure affects only its own token. The tokens that the plan revokes
/// [first](RevocationPlan::with_first) have their verdicts before any other is tried. If the plan
/// names the token that the account authenticates with, that token is revoked after all others have
/// their verdict, and never suspended. If the stream is dropped, the revocations in flight may or
/// may not be applied; execute the plan again to find out.
#[must_use = "nothing is revoked until it is polled"]
pub struct RevokeMany<'a> {
    revoke: Box<dyn Fn(PlannedToken) -> RevocationFuture<'a> + Send + Sync + 'a>,
    pending: std::vec::IntoIter<PlannedToken>,
    /// The tokens that are tried once those before have their verdicts.
    waves: std::array::IntoIter<Vec<PlannedToken>, 3>,
    in_flight: FuturesUnordered<RevocationFuture<'a>>,
    max_concurrency: usize,
}

impl<'a> RevokeMany<'a> {
    /// Starts the execution of a plan, if it was made in the place that the provider reaches.
    pub(crate) fn new<P: TokenProvider + ?Sized>(
        provider: &'a P,
        plan: RevocationPlan,
        mut options: RevokeManyOptions,
    ) -> Result<Self> {
        check_place(&plan, provider)?;
        if options.suspend_instead {
            check_suspension(provider)?;
        }
        let operation_id = &mut options.revoke_options.operation_id;
        operation_id.get_or_insert_with(OperationId::random);
        // A suspended credential could resume neither itself nor the others.
        let acting = plan.acting().filter(|_| options.suspend_instead).cloned();
        let (owner, waves) = plan.into_waves();
        let owner = Arc::new(PlannedOwner::new(owner));
        Ok(Self {
            revoke: Box::new(move |token| {
                let owner = Arc::clone(&owner);
                let is_left_out = acting.as_ref() == Some(&token.id);
                Box::pin(async move {
                    let verdict = if is_left_out {
                        acting_token(provider)
                    } else {
                        carry_out(provider, &token, &owner, options).await
                    };
                    (token.id, verdict)
                })
            }),
            pending: Vec::new().into_iter(),
            waves: waves.into_iter(),
            in_flight: FuturesUnordered::new(),
            max_concurrency: options.max_concurrency.max(1),
        })
    }

    /// Stops starting revocations, and returns the tokens that were not tried.
    ///
    /// The revocations in flight still get their verdicts.
    pub fn stop(&mut self) -> Vec<TokenId> {
        let pending = std::mem::take(&mut self.pending);
        let untried = pending.chain(self.waves.by_ref().flatten());
        untried.map(|token| token.id).collect()
    }

    /// Returns the next verdict, or `None` if every token has one.
    pub async fn next(&mut self) -> Option<(TokenId, RevocationVerdict)> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

/// Rejects a plan that was made for another account, or in another place.
fn check_place<P: TokenProvider + ?Sized>(plan: &RevocationPlan, provider: &P) -> Result<()> {
    let (planned, actual) = (plan.account(), provider.account());
    let is_same_account =
        (planned.provider(), planned.name()) == (actual.provider(), actual.name());
    let error = if !is_same_account {
        Error::invalid_input("the plan belongs to another account")
    } else if planned.place() != actual.place() {
        let place = |place: Option<&str>| place.unwrap_or("an unnamed place").to_owned();
        let (planned, actual) = (place(planned.place()), place(actual.place()));
        Error::invalid_input(format!(
            "the plan was made in another place: {planned:?}, and this account reaches {actual:?}"
        ))
        .with_advice("create a plan with the configuration that is to carry it out")
    } else {
        return Ok(());
    };
    Err(error.with_account(actual).with_operation(Operation::Revoke))
}

/// Rejects a suspension that the platform does not offer.
fn check_suspension<P: TokenProvider + ?Sized>(provider: &P) -> Result<()> {
    // The id does not matter.
    let id = TokenId::new("any");
    let call = OperationCall::Update(&id, &UpdateToken::suspend());
    let checked = provider.capabilities().check(call);
    checked.map_err(|error| {
        error
            .with_account(provider.account())
            .with_operation(Operation::Update)
    })
}

/// Revokes one token of a plan, if it is still the one that was reviewed.
///
/// A token that was listed is read first, where the platform can do that, and every token where
/// ids are given again.
async fn carry_out<P: TokenProvider + ?Sized>(
    provider: &P,
    token: &PlannedToken,
    owner: &PlannedOwner,
    mut options: RevokeManyOptions,
) -> RevocationVerdict {
    let suspends = options.suspend_instead;
    let operation = if suspends {
        Operation::Update
    } else {
        Operation::Revoke
    };
    let reuses_ids = provider.capabilities().reused_ids;
    let is_shown = token.is_shown_by_now(provider.capabilities().read_delay);
    if reuses_ids || (token.was_listed() && provider.capabilities().get) {
        let revoke = provider.capabilities().revoke.as_ref();
        let effect = revoke.map(|revoke| revoke.effect);
        match (look_up(provider, &token.id).await, effect) {
            (Ok(_), _) if reuses_ids && !token.is_identified(provider.capabilities()) => {
                return not_identified(provider);
            }
            (Ok(now), _) if !owner.may_own(&now) => {
                return not_as_reviewed(provider, "belongs to another owner");
            }
            (Ok(now), effect) => {
                if let Some(difference) = token.difference(&now) {
                    return not_as_reviewed(provider, &difference);
                }
                if let (TokenState::Revoked, Some(RevocationEffect::Marked)) = (now.state, effect) {
                    return already_gone(token, RevocationOutcome::AlreadyRevoked, effect);
                }
                if suspends && now.state == TokenState::Suspended {
                    return RevocationVerdict::Suspended;
                }
                options.revoke_options.existed = true;
                // Or it would be read once more, to find this out.
                if revoke.is_some_and(|revoke| revoke.is_alone(&now)) {
                    options.revoke_options.accept_cascade = true;
                }
            }
            // The platform itself does not know the token, and not something in front of it.
            (Err(error), Some(RevocationEffect::Deleted))
                if token.was_listed()
                    && is_shown
                    && error.is_not_found()
                    && error.is_in_own_form()
                    && owner.is_here(provider).await =>
            {
                return already_gone(token, RevocationOutcome::AlreadyGone, effect);
            }
            (Err(error), _) => {
                let advice = match error.kind() {
                    ErrorKind::PermissionDenied => {
                        "the token could not be compared with the plan: give the credential the \
                         right to read tokens, or revoke the token by its id"
                    }
                    ErrorKind::NotFound if !is_shown => {
                        "the platform may not show a new token yet, so it may be alive: execute \
                         the plan again later"
                    }
                    _ => return failed(error.for_operation(operation), suspends),
                };
                return failed(error.for_operation(operation).with_advice(advice), suspends);
            }
        }
    }
    if suspends {
        return match provider.update(&token.id, options.suspension()).await {
            Ok(_) => RevocationVerdict::Suspended,
            Err(error) => failed(error, suspends),
        };
    }
    revoke(provider, &token.id, options).await
}

/// Plans the revocation of the tokens with these ids, as
/// [`TokenProviderExt::plan_revocation`](crate::TokenProviderExt::plan_revocation) documents.
pub(crate) async fn plan_revocation<P: TokenProvider + ?Sized>(
    provider: &P,
    ids: Vec<TokenId>,
) -> Result<RevocationPlan> {
    let mut seen = Vec::new();
    if provider.capabilities().reused_ids {
        for id in &ids {
            match look_up(provider, id).await {
                Ok(token) => seen.push(token),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(RevocationPlan::from_ids(provider.account(), ids).with_seen(&seen))
}

/// Returns the token that has this id now, as
/// [`TokenProviderExt::look_up`](crate::TokenProviderExt::look_up) documents.
pub(crate) async fn look_up<P: TokenProvider + ?Sized>(
    provider: &P,
    id: &TokenId,
) -> Result<Token> {
    if provider.capabilities().get {
        return provider.get(id).await;
    }
    let mut listing = Listing::new(provider, Query::new())?;
    while let Some(token) = listing.next().await {
        let token = token?;
        if token.id == *id {
            return Ok(token);
        }
    }
    let is_complete = listing
        .completeness()
        .is_some_and(|completeness| completeness.is_complete_as_shown());
    let (kind, message) = if is_complete {
        (ErrorKind::NotFound, "no listed token has this id")
    } else {
        let message = "no listed token has this id, but the listing may lack some";
        (ErrorKind::Other, message)
    };
    Err(Error::new(kind, Fate::Rejected, message)
        .with_own_form(is_complete)
        .with_account(provider.account())
        .with_operation(Operation::List))
}

/// Returns the verdict on a token that may be another one than the plan means.
fn not_identified<P: TokenProvider + ?Sized>(provider: &P) -> RevocationVerdict {
    let message = "the platform gives the ids of deleted tokens to new ones, and neither a time of \
                   creation nor a unique name tells which token is meant";
    let error = Error::new(ErrorKind::Conflict, Fate::NotSent, message)
        .with_account(provider.account())
        .with_operation(Operation::Revoke)
        .with_advice("look at the token, and revoke it by what it shows now");
    RevocationVerdict::NotIdentified(error)
}

/// Returns the verdict on a token that was listed here and is known to be dead.
fn already_gone(
    token: &PlannedToken,
    outcome: RevocationOutcome,
    effect: Option<RevocationEffect>,
) -> RevocationVerdict {
    let effect = effect.unwrap_or(RevocationEffect::Deleted);
    RevocationVerdict::AlreadyGone(Revocation::new(outcome, effect).with_id(token.id.clone()))
}

/// Returns the verdict on a token that is not the one that the plan describes.
fn not_as_reviewed<P: TokenProvider + ?Sized>(provider: &P, difference: &str) -> RevocationVerdict {
    let message = format!("not the token that was reviewed: this token {difference}");
    let error = Error::new(ErrorKind::Conflict, Fate::NotSent, message)
        .with_account(provider.account())
        .with_operation(Operation::Revoke)
        .with_advice("create the plan again, and review it");
    RevocationVerdict::NotAsReviewed(error)
}

/// Revokes one token, or suspends it if that is allowed instead.
async fn revoke<P: TokenProvider + ?Sized>(
    provider: &P,
    id: &TokenId,
    options: RevokeManyOptions,
) -> RevocationVerdict {
    match provider.revoke(id.into(), options.revoke_options).await {
        Ok(revocation) if revocation.outcome == RevocationOutcome::Revoked => {
            RevocationVerdict::Revoked(revocation)
        }
        Ok(revocation) => RevocationVerdict::AlreadyGone(revocation),
        Err(error) => {
            let is_forbidden = matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::Unsupported
            );
            let update = provider.capabilities().update.as_ref();
            let can_suspend = update.is_some_and(|update| update.suspension);
            if !(options.suspend_fallback
                && !error.may_have_applied()
                && is_forbidden
                && can_suspend)
            {
                return failed(error, false);
            }
            match provider.update(id, options.suspension()).await {
                Ok(_) => RevocationVerdict::SuspendedOnly(
                    error.with_advice("the token was suspended instead, and can be resumed"),
                ),
                Err(suspension) => {
                    let advice = format!(
                        "the token was to be suspended instead, which failed too ({suspension})"
                    );
                    let fate = suspension.fate();
                    let error = match suspension.intent() {
                        // The fate is that of the second write, and so is its intent.
                        Some(intent) => error.with_intent_of_last_write(intent),
                        None => error,
                    };
                    failed(
                        error
                            .with_fate(fate)
                            .with_advice(advice)
                            .with_source(suspension),
                        false,
                    )
                }
            }
        }
    }
}

/// Returns the verdict on the token that the account authenticates with, in a plan to suspend.
fn acting_token<P: TokenProvider + ?Sized>(provider: &P) -> RevocationVerdict {
    let message = "the account authenticates with this token, and could not resume it";
    let error = Error::new(ErrorKind::Conflict, Fate::NotSent, message)
        .with_account(provider.account())
        .with_operation(Operation::Update)
        .with_advice("suspend it with another credential, or revoke it");
    RevocationVerdict::ActingToken(error)
}

/// Returns the verdict on a token that was neither revoked nor suspended. `suspends` is `true` if
/// nothing but a suspension was tried.
fn failed(error: Error, suspends: bool) -> RevocationVerdict {
    if error.kind().is_transient() || error.may_have_applied() {
        RevocationVerdict::Unreachable(error)
    } else if error.is_not_found() {
        RevocationVerdict::NotFoundHere(error)
    } else if suspends {
        RevocationVerdict::CannotBeSuspended(error)
    } else {
        RevocationVerdict::CannotBeRevoked(error)
    }
}

impl Stream for RevokeMany<'_> {
    type Item = (TokenId, RevocationVerdict);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        while this.in_flight.len() < this.max_concurrency {
            match this.pending.next() {
                Some(token) => this.in_flight.push((this.revoke)(token)),
                None if !this.in_flight.is_empty() => break,
                None => match this.waves.next() {
                    Some(wave) => this.pending = wave.into_iter(),
                    None => break,
                },
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
