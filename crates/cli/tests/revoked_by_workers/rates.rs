//! The rates of platforms, which bound how fast a plan can be carried out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokenfleet_simulators::{Action, Canned, Fault};

use crate::incident::{Account, Incident};

/// The time between two looks at what is left of the periods.
const LOOK: Duration = Duration::from_millis(500);

/// The deletions that a platform allows an account in each period. It refuses more, and says when
/// the next period begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) deletions: u64,
    pub(crate) period: Duration,
}

impl Rate {
    /// Returns the time in which so many tokens of each account can be deleted after so many of
    /// one: the last ones as soon as the last period has begun.
    pub(crate) fn bound(self, canary: usize, tokens: usize) -> Duration {
        let periods = |tokens: usize| u64::try_from(tokens).unwrap().div_ceil(self.deletions) - 1;
        self.period * u32::try_from(periods(canary) + periods(tokens)).unwrap()
    }

    /// Limits all accounts while something is done.
    pub(crate) fn while_limiting<T>(self, incident: &Incident, work: impl FnOnce() -> T) -> T {
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| self.limit(incident, &is_over));
            let _over = Over(&is_over);
            work()
        })
    }

    /// Limits all accounts until it is over.
    fn limit(self, incident: &Incident, is_over: &AtomicBool) {
        let mut limits: Vec<_> = (incident.accounts.iter()).map(|_| None).collect();
        let mut ends = Instant::now();
        while !is_over.load(Ordering::SeqCst) {
            let begins = Instant::now() >= ends;
            if begins {
                ends += self.period;
            }
            let left = ends.saturating_duration_since(Instant::now());
            for (account, limit) in incident.accounts.iter().zip(&mut limits) {
                let allowed = match *limit {
                    Some(limit) if !begins => allowed(account, limit),
                    _ => self.deletions,
                };
                *limit = Some(replaced(account, *limit, refusal(allowed, left)));
            }
            let until_next = ends.saturating_duration_since(Instant::now());
            std::thread::sleep(LOOK.min(until_next));
        }
    }
}

/// Says that it is over, also after a failure.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Returns the number of deletions that are still allowed.
fn allowed(account: &Account, limit: u64) -> u64 {
    let pending = account.server.simulator().faults().pending();
    let mut pending = pending.into_iter();
    pending
        .find(|(number, _)| *number == limit)
        .map_or(0, |(_, fault)| fault.after)
}

/// Returns the refusal of all deletions after so many.
fn refusal(allowed: u64, left: Duration) -> Fault {
    let seconds = left.as_secs() + 1;
    let body = r#"{"type":"TooManyRequests","message":"Over rate limit, request throttled"}"#;
    let refusal = Canned::json(429, body).header("retry-after", &seconds.to_string());
    let fault = Fault::new(Action::Answer(refusal)).method("DELETE");
    fault.after(allowed).always()
}

fn replaced(account: &Account, limit: Option<u64>, fault: Fault) -> u64 {
    let faults = account.server.simulator().faults();
    let added = faults.add(fault);
    if let Some(limit) = limit {
        faults.remove(limit);
    }
    added
}
