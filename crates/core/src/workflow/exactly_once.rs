//! Creating a token so that no other is left behind.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::{Error, Fate, Operation, Result};
use crate::model::IssuedToken;
use crate::provider::{CreateToken, OperationCall, RevocationEffect, RevokeOptions, TokenProvider};
use crate::workflow::{Marker, Reconciliation, TokenProviderExt, UnknownWrite};

/// How often the platform is asked what became of a creation, at most.
const LOOKS: u32 = 6;

/// How to wait, in whatever async runtime there is. The crate `tokenfleet-http` has one for tokio.
#[async_trait]
pub trait Timer: fmt::Debug + Send + Sync {
    /// Returns when the time is over.
    async fn wait(&self, time: Duration);
}

/// Creates a token exactly once: either it is returned with its secret, or none that this call made is left alive.
///
/// The creation carries a [`Marker`]. When its answer is lost, the token that bears the marker is looked for and
/// revoked, because nobody knows its secret; then the creation is tried anew under another marker. A token that does
/// not bear the marker is never touched. A request may be carried out after its answer was given up, so where nothing
/// is found it is looked for once more after [a while](Self::looking_again_after). What remains: a creation that is
/// carried out later still, and a future that is dropped halfway. For these [`remembering`](Self::remembering) hands
/// out every marker before it is used, and [`reconcile`](TokenProviderExt::reconcile) finds its token at any time.
///
/// Works where tokens can be listed, marked and revoked by id: on Losant and Foreman.
#[must_use = "it creates nothing until `create` is called"]
pub struct ExactlyOnce<'a, P: ?Sized> {
    provider: &'a P,
    timer: &'a dyn Timer,
    recheck_delay: Duration,
    attempts: u32,
    remember: Box<dyn Fn(&Marker) + Send + Sync + 'a>,
}

impl<'a, P: TokenProvider + ?Sized> ExactlyOnce<'a, P> {
    /// At that provider, waiting by that timer: three attempts at most, and a second look after 30 seconds.
    pub fn new(provider: &'a P, timer: &'a dyn Timer) -> Self {
        Self {
            provider,
            timer,
            recheck_delay: Duration::from_secs(30),
            attempts: 3,
            remember: Box::new(|_| {}),
        }
    }

    /// Looking again so long after nothing was found.
    pub fn with_recheck_delay(mut self, time: Duration) -> Self {
        self.recheck_delay = time;
        self
    }

    /// Trying so often at most, at least once.
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Handing each marker to that function before it is used, to be stored until the call has ended.
    pub fn with_marker_callback(mut self, remember: impl Fn(&Marker) + Send + Sync + 'a) -> Self {
        self.remember = Box::new(remember);
        self
    }

    /// Creates the token. Its description, or its name where the platform takes no description, ends with the marker.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported), before anything is sent, where a lost answer could not be
    /// repaired. Otherwise as [`TokenProvider::create`]. An error that
    /// [may have been applied](Error::may_have_applied) says that the platform could not be asked, or could not
    /// revoke: then the token of the named marker may be alive.
    pub async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        let mut attempt = 1;
        loop {
            let marker = Marker::random();
            let marked = self.mark(&marker, request.clone())?;
            let name = marked.name.clone();
            (self.remember)(&marker);
            let error = match self.provider.create(marked).await {
                Ok(issued) => return Ok(issued),
                Err(error) if !error.may_have_applied() => return Err(error),
                Err(error) => error,
            };
            match self.remove(&marker, name.as_deref()).await {
                Err(reason) => return Err(left_behind(error, &marker, &reason)),
                Ok(()) if attempt == self.attempts => return Err(error.with_fate(Fate::Rejected)),
                Ok(()) => attempt += 1,
            }
        }
    }

    /// Refuses beforehand what could not be repaired.
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
        let killable = capabilities
            .revoke
            .as_ref()
            .is_some_and(|revoke| revoke.by_id && revoke.effect != RevocationEffect::Replaced);
        match &capabilities.create {
            Some(create) if killable && capabilities.list.is_some() => {
                marker.apply_to(request, create).map_err(in_context)
            }
            _ => Err(in_context(
                Error::unsupported(
                    "a token whose secret is lost could not be found and revoked here",
                )
                .with_advice(
                    "create it plainly; if the answer is lost, the error says what can be known",
                ),
            )),
        }
    }

    /// Revokes what the creation made, or makes sure that it made nothing.
    async fn remove(&self, marker: &Marker, name: Option<&str>) -> Result<()> {
        let mut found_nothing = 0;
        let mut failure = None;
        for look in 0..LOOKS {
            if look > 0 {
                self.timer.wait(self.recheck_delay).await;
            }
            match self.look(marker, name).await {
                Ok(true) => return Ok(()),
                Ok(false) => found_nothing += 1,
                Err(error) => failure = Some(error),
            }
            if found_nothing == 2 {
                return Ok(());
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Revokes the tokens that bear the marker; `false` when there are none.
    async fn look(&self, marker: &Marker, name: Option<&str>) -> Result<bool> {
        let lost = UnknownWrite::Marked { marker, name };
        match self.provider.reconcile(lost).await? {
            Reconciliation::Applied(tokens) => {
                for token in tokens {
                    let options = RevokeOptions::default();
                    self.provider.revoke((&token.id).into(), options).await?;
                }
                Ok(true)
            }
            Reconciliation::NotApplied => Ok(false),
            Reconciliation::Unknown { reason, .. } => Err(Error::new(
                crate::error::ErrorKind::Other,
                Fate::Rejected,
                reason,
            )),
        }
    }
}

impl<P: TokenProvider + ?Sized> fmt::Debug for ExactlyOnce<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExactlyOnce")
            .field("account", self.provider.account())
            .field("recheck_delay", &self.recheck_delay)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

fn left_behind(error: Error, marker: &Marker, reason: &Error) -> Error {
    error.with_advice(format!(
        "a token marked {marker} may be alive, and nobody has its secret: look for it and revoke it ({reason})"
    ))
}
