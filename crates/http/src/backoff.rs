//! Exponential backoff with full jitter.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The largest exponent: beyond it every bound has long reached the maximum.
const MAX_DOUBLINGS: u32 = 16;

/// Returns the delay after the given attempt (counted from 1): uniform between zero and a bound
/// that starts at `initial`, doubles with each attempt, and never exceeds `max`.
pub(crate) fn delay(initial: Duration, max: Duration, attempt: u32) -> Duration {
    let doublings = attempt.saturating_sub(1).min(MAX_DOUBLINGS);
    let bound = initial.saturating_mul(1 << doublings).min(max);
    bound.mul_f64(jitter())
}

/// Returns a number that is uniform in [0, 1) (full jitter), so that clients do not retry in
/// lockstep.
fn jitter() -> f64 {
    // `RandomState` is seeded by the operating system. A generator seeded by clock and thread id,
    // as `fastrand` is, could repeat itself on machines that boot from the same image.
    let bits = RandomState::new().hash_one(0) as u32;
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_random_below_a_bound_that_doubles_up_to_the_maximum() {
        let (initial, max) = (Duration::from_millis(250), Duration::from_secs(10));
        for (attempt, bound) in [(1, 250), (2, 500), (6, 8_000), (7, 10_000), (100, 10_000)] {
            let bound = Duration::from_millis(bound);
            let delays: Vec<_> = (0..200).map(|_| delay(initial, max, attempt)).collect();
            let longest = delays.iter().max().copied().unwrap_or_default();
            assert!(longest <= bound, "{attempt}: {longest:?}");
            assert!(longest > bound / 2, "{attempt}: {longest:?}");
        }
        assert_eq!(delay(Duration::ZERO, max, 3), Duration::ZERO);
    }
}
