//! Fault injection: pending faults match requests, act on them and run out.

mod action;
mod falsify;
mod plan;
mod record;

use std::sync::{Arc, Mutex, PoisonError};

pub use action::{Action, Canned, Churn, Hook};
use http::Method;
pub(crate) use plan::{Delivery, Plan, Replacement};
pub use record::RecordField;
use serde::{Deserialize, Serialize};

use crate::target::Target;

/// A fault to inject: the requests that it matches and its actions on them.
///
/// A new fault matches any request and applies once.
///
/// ```
/// use tokenfleet_simulators::{Action, Canned, Fault};
///
/// // The second and third POST to the tokens get a 503 without being processed.
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
    /// The method of matching requests; `None` matches every method.
    #[serde(default)]
    pub method: Option<String>,
    /// The pattern that matching paths start with; `None` matches every path.
    ///
    /// `*` matches any text, case is ignored, and repeated slashes count as one.
    #[serde(default)]
    pub path: Option<String>,
    /// The number of matching requests to skip first.
    #[serde(default)]
    pub after: u64,
    /// The number of requests to act on; `None` is unlimited.
    #[serde(default = "once")]
    pub times: Option<u64>,
    /// The actions, all of which apply to the same request.
    pub actions: Vec<Action>,
}

fn once() -> Option<u64> {
    Some(1)
}

impl Fault {
    /// Creates a fault that applies this action to the next request.
    pub fn new(action: Action) -> Self {
        Self {
            method: None,
            path: None,
            after: 0,
            times: once(),
            actions: vec![action],
        }
    }

    /// Adds an action on the same request.
    #[must_use]
    pub fn and(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    /// Sets the method of matching requests.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Sets the pattern that matching paths start with; `*` matches any text.
    #[must_use]
    pub fn path(mut self, prefix: &str) -> Self {
        self.path = Some(prefix.to_owned());
        self
    }

    /// Skips the first `count` matching requests.
    #[must_use]
    pub fn after(mut self, count: u64) -> Self {
        self.after = count;
        self
    }

    /// Acts on `count` requests.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.times = Some(count);
        self
    }

    /// Acts on every matching request.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    fn matches(&self, method: &Method, path: &str) -> bool {
        let method_fits = self
            .method
            .as_deref()
            .is_none_or(|expected| expected.eq_ignore_ascii_case(method.as_str()));
        let path_fits = self.path.as_deref().is_none_or(|pattern| {
            starts_with_pattern(&path.to_lowercase(), &pattern.to_lowercase())
        });
        method_fits && path_fits
    }
}

/// Returns `true` if the path starts with the pattern, in which `*` matches any text.
fn starts_with_pattern(path: &str, pattern: &str) -> bool {
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

/// The pending faults of a simulator. Clones share the list.
///
/// All faults that match a request act on it, in the order in which they were added; of two
/// contradictory actions, the first one wins.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<FaultList>>);

#[derive(Debug, Default)]
struct FaultList {
    faults: Vec<(u64, Fault)>,
    next: u64,
}

impl Faults {
    /// Adds a fault and returns the number that removes it.
    pub fn add(&self, fault: Fault) -> u64 {
        let mut list = self.lock();
        list.next += 1;
        let number = list.next;
        list.faults.push((number, fault));
        number
    }

    /// Removes a fault; `false` if it is used up or unknown.
    pub fn remove(&self, number: u64) -> bool {
        let mut list = self.lock();
        let before = list.faults.len();
        list.faults.retain(|(own, _)| *own != number);
        list.faults.len() != before
    }

    /// Removes all faults.
    pub fn clear(&self) {
        self.lock().faults.clear();
    }

    /// Returns the pending faults with their numbers and remaining counts.
    pub fn pending(&self) -> Vec<(u64, Fault)> {
        self.lock().faults.clone()
    }

    /// Collects the actions of all matching faults, counting each fault down.
    pub(crate) fn take<B>(&self, request: &http::Request<B>) -> Plan {
        let path = Target::parse(request.uri()).path;
        let mut plan = Plan::default();
        let mut list = self.lock();
        list.faults.retain_mut(|(_, fault)| {
            if !fault.matches(request.method(), &path) {
                return true;
            }
            if fault.after > 0 {
                fault.after -= 1;
                return true;
            }
            for action in &fault.actions {
                plan.add(action);
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

    fn lock(&self) -> std::sync::MutexGuard<'_, FaultList> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
