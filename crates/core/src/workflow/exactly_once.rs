//! Exactly-once creation: a lost response leaves no unknown token behind.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::{Error, ErrorKind, Fate, Operation, Result};
use crate::model::{IssuedToken, Token, TokenId};
use crate::provider::{
    CreateToken, Journal, OperationCall, OperationId, Resolution, RevocationEffect,
    RevocationOutcome, RevokeCapability, TokenProvider,
};
use crate::workflow::reconcile::reconcile;
use crate::workflow::{Marker, Reconciliation, UnknownWrite};

/// The maximum number of times the platform is searched for the token of one attempt.
const MAX_SEARCHES: u32 = 6;

/// A way to wait, independent of the async runtime. The crate `tokenfleet-http` has one for tokio.
#[async_trait]
pub trait Timer: fmt::Debug + Send + Sync {
    /// Waits until the duration has passed.
    async fn wait(&self, duration: Duration);
}

/// A workflow that creates a token exactly once: it either returns the token with its secret, or
/// leaves no active token behind.
///
/// The creation carries a [`Marker`] (decision 0009). If its response is lost, the token with that
/// marker is searched for and revoked, because nobody knows its secret, and the creation is tried
/// again with another marker. A token without the marker is never touched.
///
/// A platform may apply a request after its response was given up. So if no token is found, the
/// platform is searched once more after a [delay](Self::with_recheck_delay). Two cases remain: a
/// creation that is applied even later, and a future that is dropped halfway. For these,
/// [`with_marker_callback`](Self::with_marker_callback) reports every marker before it is used, and
/// [`reconcile`](crate::TokenProviderExt::reconcile) finds its token at any time.
///
/// It works on platforms that list tokens, accept a marker and revoke by id, such as Losant and
/// Foreman.
#[must_use = "it creates nothing until `create` is called"]
pub struct ExactlyOnce<'a, P: ?Sized> {
    provider: &'a P,
    timer: &'a dyn Timer,
    recheck_delay: Duration,
    max_attempts: u32,
    on_marker: Box<dyn Fn(&Marker) + Send + Sync + 'a>,
    journal: Option<&'a dyn Journal>,
    ledger: Box<str>,
}

impl<'a, P: TokenProvider + ?Sized> ExactlyOnce<'a, P> {
    /// Creates the workflow with at most three attempts and a recheck after 30 seconds.
    pub fn new(provider: &'a P, timer: &'a dyn Timer) -> Self {
        Self {
            provider,
            timer,
            recheck_delay: Duration::from_secs(30),
            max_attempts: 3,
            on_marker: Box::new(|_| {}),
            journal: None,
            ledger: "".into(),
        }
    }

    /// Sets the delay before the platform is searched again for a token that was not found. It is
    /// at least the time for which the platform [may not show a new
    /// token](crate::Capabilities::read_delay).
    pub fn with_recheck_delay(mut self, delay: Duration) -> Self {
        self.recheck_delay = delay;
        self
    }

    /// Sets the maximum number of attempts (at least 1).
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// Sets a function that gets each marker before it is used. Store it until the call has ended.
    pub fn with_marker_callback(mut self, on_marker: impl Fn(&Marker) + Send + Sync + 'a) -> Self {
        self.on_marker = Box::new(on_marker);
        self
    }

    /// Creates the markers [in a ledger](Marker::random_in) with this id, so that a token that
    /// arrives late is told from those of others.
    pub fn with_ledger(mut self, id: &str) -> Self {
        self.ledger = id.into();
        self
    }

    /// Records in this journal what became of an attempt whose response was lost. Its writes are
    /// recorded by the [`Journaled`](crate::journal::Journaled) provider, as always.
    pub fn with_journal(mut self, journal: &'a dyn Journal) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Creates the token. Its description ends with the marker, or its name if the platform has no
    /// descriptions.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported), before anything is sent, if the platform
    /// offers no way to find and revoke a token after a lost response. Otherwise the errors of
    /// [`TokenProvider::create`]. An error that [may have been applied](Error::may_have_applied)
    /// means that the search or the revocation failed: the token of the marker it names may be
    /// active, and those that were found are [left behind](Error::left_behind).
    pub async fn create(&self, mut request: CreateToken) -> Result<IssuedToken> {
        let operation_id = *(request.operation_id).get_or_insert_with(OperationId::random);
        let mut attempt = 1;
        loop {
            let marker = Marker::random_in(&self.ledger);
            let marked = self.mark(&marker, request.clone())?;
            let name = marked.name.clone();
            (self.on_marker)(&marker);
            let error = match self.provider.create(marked).await {
                Ok(issued) => return Ok(issued),
                Err(error) => error,
            };
            let is_clean = if is_doubtful_refusal(&error) {
                match self.find(&marker, name.as_deref()).await {
                    Ok(tokens) if tokens.is_empty() => {
                        self.settle(&error, Vec::new()).await;
                        return Err(without_token(error));
                    }
                    Ok(_) => self.clean_up(&marker, name.as_deref(), operation_id).await,
                    Err(cause) if is_refused_alike(&error, &cause) => return Err(error),
                    Err(cause) => Err(cause),
                }
            } else if error.may_have_applied() {
                self.clean_up(&marker, name.as_deref(), operation_id).await
            } else {
                return Err(error);
            };
            match is_clean {
                Err(cause) => return Err(maybe_left_behind(error, &marker, &cause)),
                Ok(revoked) => self.settle(&error, revoked).await,
            }
            if attempt == self.max_attempts {
                return Err(error.with_fate(Fate::Rejected));
            }
            attempt += 1;
        }
    }

    /// Adds the marker to a request, or rejects a request that could not be cleaned up.
    fn mark(&self, marker: &Marker, request: CreateToken) -> Result<CreateToken> {
        let capabilities = self.provider.capabilities();
        let in_context = |error: Error| {
            error
                .with_account(self.provider.account())
                .with_operation(Operation::Create)
        };
        capabilities
            .check(OperationCall::Create(&request))
            .map_err(in_context)?;
        let can_revoke = capabilities.revoke.as_ref().is_some_and(|revoke| {
            // Cleaning up must not revoke what others use.
            let is_alone = revoke.options_for_created().is_some();
            revoke.by_id && revoke.effect != RevocationEffect::Replaced && is_alone
        });
        match &capabilities.create {
            Some(create) if can_revoke && capabilities.list.is_some() => {
                marker.apply_to(request, create).map_err(in_context)
            }
            _ => Err(in_context(
                Error::unsupported(
                    "creating exactly once needs a platform that lists tokens and revokes a single \
                     one by its id",
                )
                .with_advice(
                    "use a plain create; if its response is lost, the error says what is known",
                ),
            )),
        }
    }

    /// Records what became of an attempt: these tokens came of it, and are revoked.
    async fn settle(&self, error: &Error, revoked: Vec<TokenId>) {
        if let (Some(journal), Some(intent)) = (self.journal, error.intent()) {
            let resolution = if revoked.is_empty() {
                Resolution::NotApplied
            } else {
                Resolution::TakenBack(revoked)
            };
            journal.record_resolution(intent, &resolution).await;
        }
    }

    /// Revokes the tokens that a creation with a lost response left behind, and returns their ids,
    /// or makes sure that it left none.
    async fn clean_up(
        &self,
        marker: &Marker,
        name: Option<&str>,
        operation_id: OperationId,
    ) -> Result<Vec<TokenId>> {
        let read_delay = self.provider.capabilities().read_delay.unwrap_or_default();
        let recheck_delay = self.recheck_delay.max(read_delay);
        let mut times_not_found = 0;
        let mut last_error = None;
        let mut found = Vec::<TokenId>::new();
        for search in 0..MAX_SEARCHES {
            if search > 0 {
                self.timer.wait(recheck_delay).await;
            }
            match self.find(marker, name).await {
                Ok(tokens) if tokens.is_empty() => times_not_found += 1,
                Ok(tokens) => {
                    let ids = tokens.iter().map(|token| token.id.clone());
                    let new = ids.filter(|id| !found.contains(id));
                    found.extend(new.collect::<Vec<_>>());
                    match self.revoke_all(&tokens, operation_id).await {
                        Ok(()) => return Ok(found),
                        Err(error) => last_error = Some(error),
                    }
                }
                Err(error) => last_error = Some(error),
            }
            if times_not_found == 2 {
                return Ok(found);
            }
        }
        match last_error {
            Some(error) => Err(error.with_left_behind(found.iter().map(TokenId::as_str))),
            None => Ok(Vec::new()),
        }
    }

    /// Returns the tokens with the marker.
    async fn find(&self, marker: &Marker, name: Option<&str>) -> Result<Vec<Token>> {
        let write = UnknownWrite::Marked { marker, name };
        match reconcile(self.provider, write).await? {
            Reconciliation::Applied(tokens) => Ok(tokens),
            Reconciliation::NotApplied => Ok(Vec::new()),
            Reconciliation::Unknown { reason, .. } => {
                Err(Error::new(ErrorKind::Other, Fate::Rejected, reason))
            }
        }
    }

    /// Revokes the tokens, which were listed just now: one that is said to be gone may be one that
    /// the platform does not find yet, and is searched for again.
    async fn revoke_all(&self, tokens: &[Token], operation_id: OperationId) -> Result<()> {
        let revoke = self.provider.capabilities().revoke.as_ref();
        let options = revoke.and_then(RevokeCapability::options_for_created);
        let options = options.unwrap_or_default().with_operation_id(operation_id);
        for token in tokens {
            let revocation = self.provider.revoke((&token.id).into(), options).await?;
            if revocation.outcome == RevocationOutcome::AlreadyGone {
                let message = "the platform lists the token, but does not know its id";
                let fate = Operation::Revoke.fate_if_unanswered();
                return Err(Error::protocol_violation(fate, message)
                    .with_account(self.provider.account())
                    .with_operation(Operation::Revoke));
            }
        }
        Ok(())
    }
}

/// Returns `true` for a refusal (4xx) of a request that the platform may have applied.
///
/// Nobody else's name ends with the marker, so a conflict may be with the token of an earlier copy
/// of this request. Something in front of the platform may refuse what it has passed on. A request
/// that timed out is no refusal.
fn is_doubtful_refusal(error: &Error) -> bool {
    let is_refusal = error
        .status()
        .is_some_and(|status| (400..500).contains(&status));
    let is_conflict = error.kind() == ErrorKind::Conflict && !error.may_have_applied();
    is_conflict
        || is_refusal
            && !error.is_in_own_form()
            && !error.is_timeout()
            && error.fate() != Fate::NotSent
}

/// Returns `true` if a search is refused for the same reason as a creation that certainly changed
/// nothing, such as a wrong credential or base URL.
fn is_refused_alike(error: &Error, search: &Error) -> bool {
    error.fate() == Fate::Rejected
        && !error.is_in_own_form()
        && (error.kind(), error.status()) == (search.kind(), search.status())
}

impl<P: TokenProvider + ?Sized> fmt::Debug for ExactlyOnce<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExactlyOnce")
            .field("account", self.provider.account())
            .field("recheck_delay", &self.recheck_delay)
            .field("max_attempts", &self.max_attempts)
            .finish_non_exhaustive()
    }
}

/// Returns the error of a refused creation of which no token was found.
fn without_token(error: Error) -> Error {
    if error.may_have_applied() {
        let advice = "no token of this request was found: try again later";
        return error.with_fate(Fate::Rejected).with_advice(advice);
    }
    error
}

/// Adds to the error of a creation that its token could not be cleaned up.
fn maybe_left_behind(error: Error, marker: &Marker, cause: &Error) -> Error {
    let fate = error.fate().max(Fate::MaybeApplied);
    let mut advice = format!(
        "a token marked {marker} may be active, and nobody has its secret: find it and revoke it \
         ({cause})"
    );
    if let Some(first) = error.advice() {
        advice = format!("{first}; {advice}");
    }
    error
        .with_fate(fate)
        .with_left_behind(cause.left_behind().iter().cloned())
        .with_advice(advice)
}
