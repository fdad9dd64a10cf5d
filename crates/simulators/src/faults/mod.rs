//! What goes wrong, and when: faults wait in a list, match requests and run out.

mod action;
mod falsify;
mod plan;

use std::sync::{Arc, Mutex, PoisonError};

pub use action::{Action, Canned, Churn, Hook};
use http::Method;
pub(crate) use plan::{Delivery, Instead, Plan};
use serde::{Deserialize, Serialize};

use crate::target::Target;

/// One thing that goes wrong: which requests it meets and what it does to them.
///
/// A fresh fault meets the next request, whatever it is, and is then used up.
///
/// ```
/// use tokenfleet_simulators::{Action, Canned, Fault};
///
/// // The second and third POST to a tokens collection are answered 503 without being processed.
/// let fault = Fault::new(Action::Answer(Canned::status(503).header("retry-after", "1")))
///     .method("POST")
///     .path("/me/tokens")
///     .after(1)
///     .times(2);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Fault {
    /// Only requests with this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only paths that begin so; `*` stands for anything, letters' case does not count, doubled
    /// slashes are single.
    #[serde(default)]
    pub path: Option<String>,
    /// How many matching requests pass unharmed first.
    #[serde(default)]
    pub after: u64,
    /// How many requests it meets; `None` is all of them.
    #[serde(default = "once")]
    pub times: Option<u64>,
    /// What it does, all of it to the same request.
    pub actions: Vec<Action>,
}

fn once() -> Option<u64> {
    Some(1)
}

impl Fault {
    /// A fault that does this to the next request.
    pub fn new(action: Action) -> Self {
        Self {
            method: None,
            path: None,
            after: 0,
            times: once(),
            actions: vec![action],
        }
    }

    /// Does this as well, to the same request.
    #[must_use]
    pub fn and(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    /// Only requests with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only paths that begin so; `*` stands for anything.
    #[must_use]
    pub fn path(mut self, prefix: &str) -> Self {
        self.path = Some(prefix.to_owned());
        self
    }

    /// Lets `count` matching requests pass first.
    #[must_use]
    pub fn after(mut self, count: u64) -> Self {
        self.after = count;
        self
    }

    /// Meets `count` requests.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.times = Some(count);
        self
    }

    /// Meets every matching request from then on.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    fn matches(&self, method: &Method, path: &str) -> bool {
        let method_fits = self
            .method
            .as_deref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()));
        let path_fits = self
            .path
            .as_deref()
            .is_none_or(|pattern| begins_like(&path.to_lowercase(), &pattern.to_lowercase()));
        method_fits && path_fits
    }
}

fn begins_like(path: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = path.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    true
}

/// The faults of a simulator. Clones are the same list.
///
/// Faults that match the same request all act upon it, in the order in which they were added; where
/// two contradict each other the first one wins.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    faults: Vec<(u64, Fault)>,
    next: u64,
}

impl Faults {
    /// Adds a fault, and returns the number by which it can be removed.
    pub fn add(&self, fault: Fault) -> u64 {
        let mut waiting = self.lock();
        waiting.next += 1;
        let number = waiting.next;
        waiting.faults.push((number, fault));
        number
    }

    /// Removes one fault; `false` when it is used up or was never there.
    pub fn remove(&self, number: u64) -> bool {
        let mut waiting = self.lock();
        let before = waiting.faults.len();
        waiting.faults.retain(|(own, _)| *own != number);
        waiting.faults.len() != before
    }

    /// Removes all faults.
    pub fn clear(&self) {
        self.lock().faults.clear();
    }

    /// The faults that still wait, with their numbers and with what is left of their counts.
    pub fn waiting(&self) -> Vec<(u64, Fault)> {
        self.lock().faults.clone()
    }

    /// Takes what befalls this request, counting down.
    pub(crate) fn take<B>(&self, request: &http::Request<B>) -> Plan {
        let path = Target::of(request.uri()).path;
        let mut plan = Plan::default();
        let mut waiting = self.lock();
        waiting.faults.retain_mut(|(_, fault)| {
            if !fault.matches(request.method(), &path) {
                return true;
            }
            if fault.after > 0 {
                fault.after -= 1;
                return true;
            }
            for action in &fault.actions {
                plan.include(action);
            }
            match &mut fault.times {
                Some(times) => {
                    *times = times.saturating_sub(1);
                    *times > 0
                }
                None => true,
            }
        });
        plan
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
