//! The expiry of a new token: how it is sent, and whether the response keeps it (decisions 0003 and
//! 0023).

use std::time::Duration;

use crate::error::{Error, Result};
use crate::model::{Fact, IssuedToken, Timestamp};
use crate::provider::{CreateCapability, RequestedExpiry};

/// The smallest tolerance: platforms truncate fractions of a second.
const MIN_TOLERANCE: Duration = Duration::from_secs(1);

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// A requested expiry in the form that the platform takes, and what is needed to judge the
/// response.
#[derive(Debug, Clone, Copy)]
pub(super) struct SentExpiry {
    /// The expiry as the adapter gets it.
    pub(super) expiry: RequestedExpiry,
    sent_at: Timestamp,
    tolerance: Duration,
}

impl SentExpiry {
    /// Converts a request to the form that the platform takes: a time or a lifetime.
    pub(super) fn new(
        requested: RequestedExpiry,
        create: Option<&CreateCapability>,
        now: Timestamp,
    ) -> Result<Self> {
        let tolerance = create.and_then(|create| create.lifetime_tolerance);
        let expiry = match (requested, tolerance) {
            (RequestedExpiry::In(lifetime), None) => {
                let at = now.checked_add(lifetime).ok_or_else(|| {
                    Error::invalid_input("the lifetime ends later than any representable date")
                })?;
                // Platforms differ in how they read fractions of a second.
                RequestedExpiry::At(at.truncated_to_seconds())
            }
            (RequestedExpiry::In(lifetime), Some(_)) => {
                RequestedExpiry::In(whole_seconds(lifetime))
            }
            (RequestedExpiry::At(at), Some(_)) => {
                let lifetime = whole_seconds(now.duration_until(at));
                if lifetime.is_zero() {
                    return Err(Error::invalid_input(format!(
                        "the expiry {at} is not in the future"
                    )));
                }
                RequestedExpiry::In(lifetime)
            }
            (other, _) => other,
        };
        Ok(Self {
            expiry,
            sent_at: now,
            tolerance: tolerance.unwrap_or_default().max(MIN_TOLERANCE),
        })
    }

    /// Returns `true` if a token expires as it was requested to, as far as the platform reports it:
    /// to the second for a time, and within the declared tolerance for a lifetime.
    ///
    /// A lifetime is measured by the platform's own clock if the response shows it, so that a
    /// difference between the clocks is not taken for another expiry. The platform served the
    /// response after it created the token, at most as much later as the call took.
    pub(super) fn is_kept_by(&self, issued: &IssuedToken) -> bool {
        match (self.expiry, issued.token.expiry) {
            (_, Fact::NotReported) | (RequestedExpiry::PlatformDefault, _) => true,
            (RequestedExpiry::Never, expiry) => expiry.is_absent(),
            (_, Fact::Absent) => false,
            (RequestedExpiry::At(requested), Fact::Known(expiry)) => {
                requested.truncated_to_seconds() == expiry.truncated_to_seconds()
            }
            (RequestedExpiry::In(lifetime), Fact::Known(expiry)) => {
                let now = Timestamp::now();
                // A time in whole days does not say when the lifetime began.
                let created = issued.token.created_at.known().copied();
                let created = created.filter(|at| !at.is_whole_day());
                let (earliest, latest) = match (created, issued.served_at) {
                    (Some(created), Some(served)) => (
                        created.min(self.sent_if_served(served, now)),
                        created.max(served),
                    ),
                    (Some(created), None) => (created, created),
                    (None, Some(served)) => (self.sent_if_served(served, now), served),
                    (None, None) => (self.sent_at, now),
                };
                let too_early = expiry
                    .saturating_add(self.tolerance)
                    .lt(&earliest.saturating_add(lifetime));
                let latest = latest
                    .saturating_add(lifetime)
                    .saturating_add(self.tolerance);
                !too_early && expiry <= latest
            }
        }
    }

    /// Returns when the request was sent on the clock on which the response was served.
    fn sent_if_served(&self, served: Timestamp, now: Timestamp) -> Timestamp {
        let elapsed = self.sent_at.duration_until(now);
        served.checked_sub(elapsed).unwrap_or(served)
    }

    /// Returns `true` if a token clearly existed before the request for it was sent: a cache may
    /// have answered with the record of another one.
    ///
    /// The response tells it by the platform's clock. A cache may keep that time too, so the clock
    /// here tells it as well, as far as clocks agree.
    pub(super) fn is_preceded_by(&self, issued: &IssuedToken) -> bool {
        let Some(created) = issued.token.created_at.known().copied() else {
            return false;
        };
        let is_before = |sent: Timestamp, tolerance: Duration| {
            let inexact = if created.is_whole_day() {
                DAY
            } else {
                tolerance
            };
            created.saturating_add(inexact) < sent
        };
        let now = Timestamp::now();
        let served = issued.served_at;
        served.is_some_and(|served| is_before(self.sent_if_served(served, now), MINUTE))
            || is_before(self.sent_at, HOUR)
    }
}

/// Drops the fraction of a second, so that a token never lives longer than requested.
fn whole_seconds(lifetime: Duration) -> Duration {
    Duration::from_secs(lifetime.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Secret, Token, TokenId, TokenState};

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn by_lifetime() -> CreateCapability {
        CreateCapability::new().with_lifetime(seconds(5))
    }

    fn sent(
        requested: RequestedExpiry,
        create: &CreateCapability,
        now: Timestamp,
    ) -> RequestedExpiry {
        SentExpiry::new(requested, Some(create), now)
            .unwrap()
            .expiry
    }

    fn issued(expiry: Timestamp) -> IssuedToken {
        let mut token = Token::new(TokenId::new("1"), TokenState::Active);
        token.expiry = Fact::Known(expiry);
        IssuedToken::new(token, Secret::new("s"))
    }

    #[test]
    fn an_adapter_gets_the_form_that_its_platform_takes() {
        let now: Timestamp = "2030-01-01T00:00:00.750Z".parse().unwrap();
        let absolute = CreateCapability::new().with_expiry();
        let tomorrow: Timestamp = "2030-01-02T00:00:00Z".parse().unwrap();
        let in_a_day = RequestedExpiry::In(DAY);
        let at = RequestedExpiry::At(tomorrow);
        assert_eq!(sent(in_a_day, &absolute, now), at);
        assert_eq!(sent(at, &absolute, now), at);
        assert_eq!(sent(in_a_day, &by_lifetime(), now), in_a_day);
        // Rounded down, so that the token does not outlive the requested time.
        let rounded = RequestedExpiry::In(DAY - seconds(1));
        assert_eq!(sent(at, &by_lifetime(), now), rounded);
        let odd = RequestedExpiry::In(DAY + Duration::from_millis(900));
        assert_eq!(sent(odd, &by_lifetime(), now), in_a_day);
        for unchanged in [RequestedExpiry::Never, RequestedExpiry::PlatformDefault] {
            assert_eq!(sent(unchanged, &by_lifetime(), now), unchanged);
        }
        for past in [now, "2029-12-31T00:00:00Z".parse().unwrap()] {
            let past = RequestedExpiry::At(past);
            assert!(SentExpiry::new(past, Some(&by_lifetime()), now).is_err());
        }
        let forever = RequestedExpiry::In(Duration::MAX);
        assert!(SentExpiry::new(forever, Some(&absolute), now).is_err());
        assert!(SentExpiry::new(forever, Some(&by_lifetime()), now).is_ok());
    }

    #[test]
    fn a_lifetime_is_kept_within_the_tolerance() {
        let now = Timestamp::now();
        for requested in [
            RequestedExpiry::In(DAY),
            RequestedExpiry::At(now.saturating_add(DAY)),
        ] {
            let sent = SentExpiry::new(requested, Some(&by_lifetime()), now).unwrap();
            let at = now.saturating_add(DAY);
            assert!(sent.is_kept_by(&issued(at)));
            assert!(sent.is_kept_by(&issued(at.saturating_add(seconds(4)))));
            assert!(sent.is_kept_by(&issued(at.checked_sub(seconds(4)).unwrap())));
            assert!(!sent.is_kept_by(&issued(at.saturating_add(HOUR))));
            assert!(!sent.is_kept_by(&issued(at.checked_sub(HOUR).unwrap())));
            let mut never = issued(at);
            never.token.expiry = Fact::Absent;
            assert!(!sent.is_kept_by(&never));
        }
    }

    #[test]
    fn a_clock_that_differs_by_an_hour_is_not_another_expiry() {
        let now = Timestamp::now();
        let theirs = now.saturating_add(HOUR);
        for requested in [
            RequestedExpiry::In(DAY),
            RequestedExpiry::At(now.saturating_add(DAY)),
        ] {
            let sent = SentExpiry::new(requested, Some(&by_lifetime()), now).unwrap();
            let expiry = theirs.saturating_add(DAY);
            assert!(
                !sent.is_kept_by(&issued(expiry)),
                "nothing shows their clock"
            );
            let mut dated = issued(expiry);
            dated.token.created_at = Fact::Known(theirs);
            assert!(sent.is_kept_by(&dated));
            assert!(sent.is_kept_by(&issued(expiry).with_served_at(theirs)));
            let longer = issued(expiry.saturating_add(HOUR)).with_served_at(theirs);
            assert!(!sent.is_kept_by(&longer));
        }
    }

    #[test]
    fn a_platform_that_answers_late_keeps_a_lifetime() {
        let created = Timestamp::now().checked_sub(seconds(30)).unwrap();
        let sent = SentExpiry::new(RequestedExpiry::In(DAY), Some(&by_lifetime()), created);
        let sent = sent.unwrap();
        for skew in [Duration::ZERO, HOUR] {
            let theirs = |at: Timestamp| at.saturating_add(skew);
            let served = theirs(created.saturating_add(seconds(30)));
            let expiry = theirs(created).saturating_add(DAY);
            assert!(sent.is_kept_by(&issued(expiry).with_served_at(served)));
            let shorter = expiry.checked_sub(seconds(10)).unwrap();
            assert!(!sent.is_kept_by(&issued(shorter).with_served_at(served)));
            let longer = expiry.saturating_add(seconds(40));
            assert!(!sent.is_kept_by(&issued(longer).with_served_at(served)));
        }
    }

    #[test]
    fn a_time_of_creation_in_whole_days_does_not_measure_a_lifetime() {
        let now = Timestamp::now();
        let midnight = Timestamp::from_unix_seconds(now.unix_seconds() / 86_400 * 86_400);
        let sent = SentExpiry::new(RequestedExpiry::In(DAY), Some(&by_lifetime()), now).unwrap();
        let dated = |expiry: Timestamp| {
            let mut issued = issued(expiry);
            issued.token.created_at = Fact::Known(midnight.unwrap());
            issued
        };
        let (kept, longer) = (now.saturating_add(DAY), now.saturating_add(DAY + HOUR));
        assert!(sent.is_kept_by(&dated(kept)));
        assert!(sent.is_kept_by(&dated(kept).with_served_at(now)));
        assert!(!sent.is_kept_by(&dated(longer)));
        assert!(!sent.is_kept_by(&dated(longer).with_served_at(now)));
    }

    #[test]
    fn a_token_that_existed_before_the_request_is_another() {
        let sent_at = Timestamp::now();
        let sent = SentExpiry::new(RequestedExpiry::Never, None, sent_at).unwrap();
        let before = |by: Duration| sent_at.checked_sub(by).unwrap();
        let dated = |created| {
            let mut issued = issued(sent_at);
            issued.token.created_at = Fact::Known(created);
            issued
        };
        assert!(!sent.is_preceded_by(&issued(sent_at)), "nothing is known");
        assert!(!sent.is_preceded_by(&dated(sent_at)));
        assert!(
            !sent.is_preceded_by(&dated(before(seconds(90)))),
            "clocks differ"
        );
        assert!(sent.is_preceded_by(&dated(before(2 * HOUR))));
        let fresh = dated(before(seconds(90))).with_served_at(sent_at);
        assert!(sent.is_preceded_by(&fresh));
        let kept_by_a_cache = dated(before(2 * HOUR)).with_served_at(before(2 * HOUR));
        assert!(sent.is_preceded_by(&kept_by_a_cache));
        let late = dated(before(HOUR / 2)).with_served_at(before(HOUR / 2));
        assert!(
            !sent.is_preceded_by(&late),
            "the clock there is half an hour late"
        );
        let midnight = sent_at.unix_seconds() / 86_400 * 86_400;
        let today = dated(Timestamp::from_unix_seconds(midnight).unwrap());
        assert!(!sent.is_preceded_by(&today.with_served_at(sent_at)));
    }
}
