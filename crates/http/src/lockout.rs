//! The lockout guard: it keeps a rejected credential from being sent again and again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokenfleet_core::{Error, ErrorKind, Fate, Result, Secret};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// The number of rejections in a row after which a credential is not sent for a while.
const MAX_REJECTIONS: u32 = 10;
/// The time for which it is not sent: as long as Foreman remembers failed logins, so that one more
/// attempt after it does no harm.
const COOLDOWN: Duration = Duration::from_secs(5 * 60);

/// A guard that knows which credentials of an account were accepted and which were rejected.
#[derive(Debug)]
pub(crate) struct LockoutGuard {
    lockout: Option<Lockout>,
    login_slot: Semaphore,
    history: Mutex<History>,
}

/// The lockout rule of a platform: after `failures` failed logins it locks an address out, and it
/// forgets them `forgotten_after` the last one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lockout {
    pub(crate) failures: u32,
    pub(crate) forgotten_after: Duration,
}

/// The results of the logins so far.
#[derive(Debug, Default)]
struct History {
    accepted: Option<Secret>,
    rejected: Option<Rejected>,
    failures: u32,
    last_failure: Option<Instant>,
}

/// The credential that was rejected last.
#[derive(Debug)]
struct Rejected {
    credential: Secret,
    times_in_a_row: u32,
    last: Instant,
}

/// The permission to send a credential that was not accepted yet.
pub(crate) struct Permit<'a> {
    _slot: SemaphorePermit<'a>,
    /// `true` if another request held the permit meanwhile: it may have found that the credential
    /// is wrong.
    pub(crate) waited: bool,
}

impl LockoutGuard {
    /// Creates a guard for a platform with this lockout rule, if it has one.
    pub(crate) fn new(lockout: Option<Lockout>) -> Self {
        Self {
            lockout,
            login_slot: Semaphore::new(1),
            history: Mutex::default(),
        }
    }

    /// Waits until the credential may be sent. Where failed logins are counted, only one request at
    /// a time sends a credential that was not accepted yet, so that the others learn from it.
    pub(crate) async fn acquire(&self, credential: Option<&Secret>) -> Option<Permit<'_>> {
        if self.lockout.is_none() || self.accepts(credential) {
            return None;
        }
        let (slot, waited) = match self.login_slot.try_acquire() {
            Ok(slot) => (slot, false),
            Err(_) => (self.login_slot.acquire().await.ok()?, true),
        };
        Some(Permit {
            _slot: slot,
            waited,
        })
    }

    /// Returns `true` if the credential was accepted, and not rejected since.
    pub(crate) fn accepts(&self, credential: Option<&Secret>) -> bool {
        self.history().accepts(credential)
    }

    /// Returns an error if the credential must not be sent now.
    pub(crate) fn check(&self, credential: Option<&Secret>) -> Result<()> {
        let history = self.history();
        if let (Some(credential), Some(rejected)) = (credential, &history.rejected) {
            let cooldown = (rejected.last + COOLDOWN).saturating_duration_since(Instant::now());
            let times = rejected.times_in_a_row;
            if times >= MAX_REJECTIONS
                && !cooldown.is_zero()
                && rejected.credential.is_same(credential)
            {
                let seconds = cooldown.as_secs().max(1);
                return Err(Error::new(
                    ErrorKind::Unauthenticated,
                    Fate::NotSent,
                    format!(
                        "the credential was rejected {times} times in a row and will not be sent \
                         for another {seconds} s"
                    ),
                )
                .with_advice(
                    "replace it at its source: a changed credential is used immediately",
                ));
            }
        }
        if let Some(lockout) = self.lockout
            && !history.accepts(credential)
            && let Some(wait) = history.time_until_login_allowed(lockout)
        {
            return Err(Error::new(
                ErrorKind::RateLimited,
                Fate::NotSent,
                "too many logins failed, and more would make the platform lock out this address",
            )
            .with_retry_after(wait));
        }
        Ok(())
    }

    /// Records whether the platform accepted the credential. Without one (a secret being verified,
    /// for example) only a failed login is counted.
    pub(crate) fn record(&self, credential: Option<&Secret>, error: Option<&Error>) {
        let mut history = self.history();
        let now = Instant::now();
        if let Some(lockout) = self.lockout
            && error.is_some_and(|error| error.status() == Some(401))
        {
            if history.time_until_forgotten(lockout).is_zero() {
                history.failures = 0;
            }
            history.failures += 1;
            history.last_failure = Some(now);
        }
        let Some(credential) = credential else { return };
        let rejected = history
            .rejected
            .take_if(|rejected| rejected.credential.is_same(credential));
        match error.map(Error::kind) {
            None => {
                if !history.accepts(Some(credential)) {
                    history.accepted = Some(credential.duplicate());
                }
            }
            Some(ErrorKind::Unauthenticated) => {
                history
                    .accepted
                    .take_if(|accepted| accepted.is_same(credential));
                history.rejected = Some(Rejected {
                    credential: credential.duplicate(),
                    times_in_a_row: rejected.map_or(0, |rejected| rejected.times_in_a_row) + 1,
                    last: now,
                });
            }
            // Any other error says nothing about the credential.
            Some(_) => history.rejected = rejected.or(history.rejected.take()),
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl History {
    fn accepts(&self, credential: Option<&Secret>) -> bool {
        matches!(
            (&self.accepted, credential),
            (Some(accepted), Some(credential)) if accepted.is_same(credential)
        )
    }

    /// Returns how long no further login may fail; `None` if one still may.
    fn time_until_login_allowed(&self, lockout: Lockout) -> Option<Duration> {
        let wait = self.time_until_forgotten(lockout);
        (self.failures >= lockout.failures && !wait.is_zero()).then_some(wait)
    }

    /// Returns the time until the platform forgets the failed logins.
    fn time_until_forgotten(&self, lockout: Lockout) -> Duration {
        self.last_failure.map_or(Duration::ZERO, |last| {
            let elapsed = Instant::now().saturating_duration_since(last);
            lockout.forgotten_after.saturating_sub(elapsed)
        })
    }
}
