//! The lockout guard: it keeps a rejected credential from being sent again and again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokenfleet_core::{Error, ErrorKind, Fate, Result, Secret};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// The number of rejections in a row after which a credential is not sent for a while.
const MAX_REJECTIONS: u32 = 10;
/// The time for which it is not sent: as long as Foreman remembers failed logins, so that one more
/// attempt after it does no harm.
const COOLDOWN: Duration = Duration::from_secs(5 * 60);
/// The number of accepted credentials of an account that are remembered.
const MAX_ACCEPTED: usize = 8;

/// The logins at every host, shared by all accounts over one transport: those that failed, and
/// which credentials of each account were accepted.
///
/// A platform that locks out addresses counts the failures of all accounts together. An account
/// that is opened again goes on with the credentials that were accepted before, so that an answer
/// that is lost does not look like one more failure. A clone shares the count; a
/// [`Transport`](crate::Transport) keeps one and returns it from
/// [`failed_logins`](crate::Transport::failed_logins).
#[derive(Debug, Clone, Default)]
pub struct FailedLogins(Arc<Mutex<HashMap<String, Arc<HostLogins>>>>);

impl FailedLogins {
    /// Returns the logins at one host.
    pub(crate) fn at(&self, host: &str) -> Arc<HostLogins> {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(hosts.entry(host.to_owned()).or_default())
    }
}

/// The logins at one host: those that failed, and those that still may.
#[derive(Debug, Default)]
pub(crate) struct HostLogins {
    logins: Mutex<Logins>,
    /// The credentials of each account that were accepted, by its name.
    accepted: Mutex<HashMap<String, Arc<Mutex<Accepted>>>>,
    /// Notifies those who wait for a login to end.
    ended: Notify,
}

#[derive(Debug, Default)]
struct Logins {
    failures: u32,
    last_failure: Option<Instant>,
    /// The requests in flight with a credential that was accepted.
    trusted: u32,
    /// The requests in flight with any other.
    untrusted: u32,
}

/// A guard that knows which credentials of an account were accepted and which were rejected.
#[derive(Debug)]
pub(crate) struct LockoutGuard {
    lockout: Option<(Lockout, Arc<HostLogins>)>,
    login_slot: Semaphore,
    accepted: Arc<Mutex<Accepted>>,
    rejected: Mutex<Option<Rejected>>,
}

/// The lockout rule of a platform: it locks an address out after too many failed logins, and
/// forgets them `forgotten_after` the last one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lockout {
    /// The number of failures up to which a credential is sent that was not accepted yet.
    pub(crate) untrusted: u32,
    /// The number of failures that is never exceeded.
    pub(crate) all: u32,
    pub(crate) forgotten_after: Duration,
}

/// The credentials of an account that were accepted and not rejected since, the last one at the
/// end: several if it was replaced, or if two accounts have one name.
#[derive(Debug, Default)]
struct Accepted(Vec<Secret>);

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

/// A login in flight, which may fail.
pub(crate) struct Reservation<'a> {
    host: &'a HostLogins,
    lockout: Lockout,
    trusted: bool,
    /// `true` if the request was sent and its answer is not known: the login may have failed.
    unanswered: bool,
}

impl Reservation<'_> {
    /// Notes that the request is sent now.
    pub(crate) fn begin(&mut self) {
        self.unanswered = true;
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let mut logins = self.host.logins();
        *logins.in_flight(self.trusted) -= 1;
        // An accepted credential hardly failed, and a slow platform must not look like a lockout.
        if self.unanswered && !self.trusted {
            logins.record_failure(self.lockout);
        }
        drop(logins);
        self.host.ended.notify_waiters();
    }
}

impl HostLogins {
    /// Waits until a login may fail without harm, and counts it as in flight.
    async fn reserve(&self, lockout: Lockout, trusted: bool) -> Result<Reservation<'_>> {
        loop {
            let ended = self.ended.notified();
            if self.logins().try_reserve(lockout, trusted)? {
                return Ok(Reservation {
                    host: self,
                    lockout,
                    trusted,
                    unanswered: false,
                });
            }
            ended.await;
        }
    }

    fn accepted(&self, account: &str) -> Arc<Mutex<Accepted>> {
        let mut accounts = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(accounts.entry(account.to_owned()).or_default())
    }

    fn logins(&self) -> MutexGuard<'_, Logins> {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Logins {
    /// Counts a login as in flight, and returns `false` if it must wait for others to end.
    fn try_reserve(&mut self, lockout: Lockout, trusted: bool) -> Result<bool> {
        let wait = self.time_until_forgotten(lockout);
        if wait.is_zero() {
            self.failures = 0;
        }
        // All that is in flight may fail.
        let (in_flight, allowed) = if trusted {
            (self.trusted + self.untrusted, lockout.all)
        } else {
            (self.untrusted, lockout.untrusted)
        };
        if self.failures + in_flight < allowed {
            *self.in_flight(trusted) += 1;
            Ok(true)
        } else if self.failures < allowed {
            Ok(false)
        } else {
            Err(Error::new(
                ErrorKind::RateLimited,
                Fate::NotSent,
                "too many logins failed or got no answer, and more would make the platform lock \
                 out this address",
            )
            .with_retry_after(wait))
        }
    }

    fn in_flight(&mut self, trusted: bool) -> &mut u32 {
        if trusted {
            &mut self.trusted
        } else {
            &mut self.untrusted
        }
    }

    /// Counts a failed login.
    fn record_failure(&mut self, lockout: Lockout) {
        if self.time_until_forgotten(lockout).is_zero() {
            self.failures = 0;
        }
        self.failures += 1;
        self.last_failure = Some(Instant::now());
    }

    /// Returns the time until the platform forgets the failed logins.
    fn time_until_forgotten(&self, lockout: Lockout) -> Duration {
        self.last_failure.map_or(Duration::ZERO, |last| {
            let elapsed = Instant::now().saturating_duration_since(last);
            lockout.forgotten_after.saturating_sub(elapsed)
        })
    }
}

impl LockoutGuard {
    /// Creates a guard for an account on a platform without a lockout rule.
    pub(crate) fn new() -> Self {
        Self {
            lockout: None,
            login_slot: Semaphore::new(1),
            accepted: Arc::default(),
            rejected: Mutex::default(),
        }
    }

    /// Creates a guard for an account on a platform with this lockout rule, and the logins at its
    /// host.
    pub(crate) fn with_lockout(lockout: Lockout, host: Arc<HostLogins>, account: &str) -> Self {
        Self {
            accepted: host.accepted(account),
            lockout: Some((lockout, host)),
            login_slot: Semaphore::new(1),
            rejected: Mutex::default(),
        }
    }

    /// Waits until the credential may be sent. Where failed logins are counted, only one request of
    /// the account at a time sends a credential that was not accepted yet, so that the others learn
    /// from it.
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

    /// Waits until a failure of this login would do no harm, and returns an error if the credential
    /// must not be sent now. The reservation is held until the result is recorded.
    pub(crate) async fn admit(
        &self,
        credential: Option<&Secret>,
    ) -> Result<Option<Reservation<'_>>> {
        self.check_cooldown(credential)?;
        match &self.lockout {
            None => Ok(None),
            Some((lockout, host)) => {
                let trusted = self.accepts(credential);
                host.reserve(*lockout, trusted).await.map(Some)
            }
        }
    }

    /// Returns `true` if the credential was accepted, and not rejected since.
    pub(crate) fn accepts(&self, credential: Option<&Secret>) -> bool {
        credential.is_some_and(|credential| self.accepted().contains(credential))
    }

    /// Returns an error if the credential was rejected too often.
    fn check_cooldown(&self, credential: Option<&Secret>) -> Result<()> {
        if let (Some(credential), Some(rejected)) = (credential, &*self.rejected()) {
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
        Ok(())
    }

    /// Records whether the platform accepted the credential, and ends the login only then. Without
    /// a credential (a secret being verified, for example) only a failed login is counted.
    pub(crate) fn record(
        &self,
        mut reservation: Option<Reservation<'_>>,
        credential: Option<&Secret>,
        error: Option<&Error>,
    ) {
        if let Some(reservation) = &mut reservation {
            reservation.unanswered = error
                .is_some_and(|error| error.status().is_none() && error.fate() != Fate::NotSent);
        }
        let mut last = self.rejected();
        let now = Instant::now();
        if let Some((lockout, host)) = &self.lockout
            && error.is_some_and(|error| error.status() == Some(401))
        {
            host.logins().record_failure(*lockout);
        }
        let Some(credential) = credential else { return };
        let rejected = last.take_if(|rejected| rejected.credential.is_same(credential));
        match error.map(Error::kind) {
            None => self.accepted().add(credential),
            Some(ErrorKind::Unauthenticated) => {
                self.accepted().remove(credential);
                *last = Some(Rejected {
                    credential: credential.duplicate(),
                    times_in_a_row: rejected.map_or(0, |rejected| rejected.times_in_a_row) + 1,
                    last: now,
                });
            }
            // Any other error says nothing about the credential.
            Some(_) => *last = rejected.or(last.take()),
        }
    }

    fn accepted(&self) -> MutexGuard<'_, Accepted> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rejected(&self) -> MutexGuard<'_, Option<Rejected>> {
        self.rejected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accepted {
    fn contains(&self, credential: &Secret) -> bool {
        self.0.iter().any(|accepted| accepted.is_same(credential))
    }

    fn add(&mut self, credential: &Secret) {
        if !self.contains(credential) {
            let surplus = (self.0.len() + 1).saturating_sub(MAX_ACCEPTED);
            self.0.drain(..surplus);
            self.0.push(credential.duplicate());
        }
    }

    fn remove(&mut self, credential: &Secret) {
        self.0.retain(|accepted| !accepted.is_same(credential));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_waits_while_all_in_flight_may_fail_and_is_refused_after_they_did() {
        let lockout = Lockout {
            untrusted: 2,
            all: 3,
            forgotten_after: Duration::from_secs(300),
        };
        let mut logins = Logins::default();
        let mut reserve = |trusted| logins.try_reserve(lockout, trusted).unwrap();
        assert!(reserve(false) && reserve(false));
        assert!(!reserve(false), "two may fail");
        assert!(reserve(true));
        assert!(!reserve(true), "three may fail");
        assert_eq!((logins.untrusted, logins.trusted), (2, 1));
        let mut logins = Logins::default();
        logins.record_failure(lockout);
        logins.record_failure(lockout);
        let error = logins.try_reserve(lockout, false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert!(error.retry_after().unwrap() > Duration::from_secs(200));
        assert!(logins.try_reserve(lockout, true).unwrap());
        logins.record_failure(lockout);
        assert!(logins.try_reserve(lockout, true).is_err());
    }
}
