//! The expiry of a new token: how it is sent, and whether the response keeps it (decisions 0003 and
//! 0023).

use std::time::Duration;

use crate::error::{Error, Result};
use crate::model::{Fact, IssuedToken, Timestamp};
use crate::provider::{CreateCapability, RequestedExpiry};

/// The smallest tolerance: platforms truncate fractions of a second.
const MIN_TOLERANCE: Duration = Duration::from_secs(1);

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
    /// difference between the clocks is not taken for another expiry.
    pub(super) fn is_kept_by(&self, issued: &IssuedToken) -> bool {
        match (self.expiry, issued.token.expiry) {
            (_, Fact::NotReported) | (RequestedExpiry::PlatformDefault, _) => true,
            (RequestedExpiry::Never, expiry) => expiry.is_absent(),
            (_, Fact::Absent) => false,
            (RequestedExpiry::At(requested), Fact::Known(expiry)) => {
                requested.truncated_to_seconds() == expiry.truncated_to_seconds()
            }
            (RequestedExpiry::In(lifetime), Fact::Known(expiry)) => {
                let created = issued
                    .token
                    .created_at
                    .known()
                    .copied()
                    .or(issued.served_at);
                let (earliest, latest) = match created {
                    Some(at) => (at, at),
                    None => (self.sent_at, Timestamp::now()),
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
}

/// Drops the fraction of a second, so that a token never lives longer than requested.
fn whole_seconds(lifetime: Duration) -> Duration {
    Duration::from_secs(lifetime.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Secret, Token, TokenId, TokenState};

    const DAY: Duration = Duration::from_secs(86_400);
    const HOUR: Duration = Duration::from_secs(3_600);

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
}
