//! A limit of the requests that an account may send.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The requests that an account may send in a period.
///
/// A case reserves the requests that it may need before it starts, because a wait within a case
/// would exceed the deadlines of the provider.
#[derive(Debug)]
pub(crate) struct RequestLimit {
    pub(crate) requests: u64,
    pub(crate) period: Duration,
    spent: Mutex<VecDeque<Spent>>,
}

/// The requests of one case.
#[derive(Debug)]
struct Spent {
    reservation: Reservation,
    until: Instant,
    requests: u64,
}

/// The right of one case to send requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reservation(Instant, u64);

impl RequestLimit {
    pub(crate) fn new(requests: u64, period: Duration) -> Self {
        Self {
            requests,
            period,
            spent: Mutex::default(),
        }
    }

    /// Reserves requests, or returns how long to wait before another try.
    pub(crate) fn reserve(&self, requests: u64, now: Instant) -> Result<Reservation, Duration> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.retain(|earlier| earlier.until > now);
        let mut used: u64 = spent.iter().map(|earlier| earlier.requests).sum();
        if used + requests > self.requests {
            let mut wait = Duration::ZERO;
            for earlier in spent.iter() {
                if used + requests <= self.requests {
                    break;
                }
                used -= earlier.requests;
                wait = wait.max(earlier.until - now);
            }
            return Err(wait);
        }
        let reservation = Reservation(now, spent.len() as u64);
        spent.push_back(Spent {
            reservation,
            until: now + self.period,
            requests,
        });
        Ok(reservation)
    }

    /// Replaces a reservation by the requests that were sent until now.
    pub(crate) fn settle(&self, reservation: Reservation, sent: u64, now: Instant) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.retain(|earlier| earlier.reservation != reservation);
        spent.push_back(Spent {
            reservation,
            until: now + self.period,
            requests: sent,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_case_waits_until_the_requests_before_it_are_forgotten() {
        let limit = RequestLimit::new(100, 60 * SECOND);
        let start = Instant::now();
        let first = limit.reserve(80, start).unwrap();
        assert_eq!(limit.reserve(80, start + SECOND), Err(59 * SECOND));
        // It needed less than it might have.
        limit.settle(first, 20, start + 10 * SECOND);
        let second = limit.reserve(80, start + 10 * SECOND).unwrap();
        limit.settle(second, 80, start + 20 * SECOND);
        assert_eq!(limit.reserve(20, start + 21 * SECOND), Err(49 * SECOND));
        assert_eq!(limit.reserve(30, start + 21 * SECOND), Err(59 * SECOND));
        assert!(limit.reserve(20, start + 70 * SECOND).is_ok());
    }
}
