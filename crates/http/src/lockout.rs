//! Keeping a credential that is refused from being shown again and again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokenfleet_core::{Error, ErrorKind, Fate, Result, Secret};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// How often in a row the same credential may be refused before it rests.
const REFUSALS_IN_A_ROW: u32 = 10;
/// How long it rests. As long as Foreman remembers failed logins: after it one more try does no harm.
const REST: Duration = Duration::from_secs(5 * 60);

/// What an account knows of the logins that were accepted and refused.
#[derive(Debug)]
pub(crate) struct LockoutGuard {
    lockout: Option<Lockout>,
    turn: Semaphore,
    known: Mutex<Known>,
}

/// A platform that locks an address out after failed logins, whose count it forgets after a while without one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lockout {
    pub(crate) failures: u32,
    pub(crate) forgotten_after: Duration,
}

#[derive(Debug, Default)]
struct Known {
    accepted: Option<Secret>,
    refused: Option<Refused>,
    failures: u32,
    last_failure: Option<Instant>,
}

#[derive(Debug)]
struct Refused {
    secret: Secret,
    in_a_row: u32,
    last: Instant,
}

/// The leave to show a credential that was not accepted yet.
pub(crate) struct Permit<'a> {
    _permit: SemaphorePermit<'a>,
    /// Another was shown meanwhile: the credential may have been found to be wrong.
    pub(crate) waited: bool,
}

impl LockoutGuard {
    pub(crate) fn new(lockout: Option<Lockout>) -> Self {
        Self {
            lockout,
            turn: Semaphore::new(1),
            known: Mutex::default(),
        }
    }

    /// Where failed logins are counted, what was not accepted yet is shown by one request at a time: the others learn
    /// from it.
    pub(crate) async fn turn(&self, secret: Option<&Secret>) -> Option<Permit<'_>> {
        if self.lockout.is_none() || self.accepts(secret) {
            return None;
        }
        let (permit, waited) = match self.turn.try_acquire() {
            Ok(permit) => (permit, false),
            Err(_) => (self.turn.acquire().await.ok()?, true),
        };
        Some(Permit {
            _permit: permit,
            waited,
        })
    }

    /// Whether the credential was accepted, and not refused since.
    pub(crate) fn accepts(&self, secret: Option<&Secret>) -> bool {
        self.known().accepts(secret)
    }

    /// Whether the credential may be shown now.
    pub(crate) fn check(&self, secret: Option<&Secret>) -> Result<()> {
        let known = self.known();
        if let (Some(secret), Some(refused)) = (secret, &known.refused) {
            let rest = (refused.last + REST).saturating_duration_since(Instant::now());
            if refused.in_a_row >= REFUSALS_IN_A_ROW
                && !rest.is_zero()
                && refused.secret.is_same(secret)
            {
                return Err(Error::new(
                    ErrorKind::Unauthenticated,
                    Fate::NotSent,
                    format!(
                        "the credential was refused {} times in a row and is not sent for another {} s",
                        refused.in_a_row,
                        rest.as_secs().max(1)
                    ),
                )
                .with_advice("replace it at its source: another one is sent at once"));
            }
        }
        if let Some(lockout) = self.lockout
            && !known.accepts(secret)
            && let Some(rest) = known.rest(lockout)
        {
            return Err(Error::new(
                ErrorKind::RateLimited,
                Fate::NotSent,
                "too many logins failed, and more would make the platform lock out this address",
            )
            .with_retry_after(rest));
        }
        Ok(())
    }

    /// Remembers what the platform said of the credential; of a secret in question itself (`None`) only that it failed.
    pub(crate) fn judge(&self, secret: Option<&Secret>, error: Option<&Error>) {
        let mut known = self.known();
        let now = Instant::now();
        if let Some(lockout) = self.lockout
            && error.is_some_and(|error| error.status() == Some(401))
        {
            if known.rest_of_count(lockout).is_zero() {
                known.failures = 0;
            }
            known.failures += 1;
            known.last_failure = Some(now);
        }
        let Some(secret) = secret else { return };
        let refused = known.refused.take_if(|known| known.secret.is_same(secret));
        match error.map(Error::kind) {
            None => {
                if !known.accepts(Some(secret)) {
                    known.accepted = Some(secret.duplicate());
                }
            }
            Some(ErrorKind::Unauthenticated) => {
                known.accepted.take_if(|accepted| accepted.is_same(secret));
                known.refused = Some(Refused {
                    secret: secret.duplicate(),
                    in_a_row: refused.map_or(0, |refused| refused.in_a_row) + 1,
                    last: now,
                });
            }
            // Says nothing of it.
            Some(_) => known.refused = refused.or(known.refused.take()),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn accepts(&self, secret: Option<&Secret>) -> bool {
        matches!((&self.accepted, secret), (Some(accepted), Some(secret)) if accepted.is_same(secret))
    }

    /// How long no login may fail, because as many failed as may.
    fn rest(&self, lockout: Lockout) -> Option<Duration> {
        let rest = self.rest_of_count(lockout);
        (self.failures >= lockout.failures && !rest.is_zero()).then_some(rest)
    }

    /// Until the platform forgets the failures.
    fn rest_of_count(&self, lockout: Lockout) -> Duration {
        self.last_failure.map_or(Duration::ZERO, |last| {
            let gone = Instant::now().saturating_duration_since(last);
            lockout.forgotten_after.saturating_sub(gone)
        })
    }
}
