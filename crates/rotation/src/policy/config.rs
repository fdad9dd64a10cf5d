//! A policy as a person writes it.

use std::time::Duration;

use tokenfleet_core::{Filter, Token};

use super::originals::without_markers_of;
use crate::machine::{OldSecret, Preference};

/// A policy as a person writes it. [`Policy::new`](super::Policy::new) decides whether it can keep
/// its promise.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PolicyConfig {
    /// The name of the policy.
    pub name: String,
    /// The name of the account.
    pub account: String,
    /// The filter of the tokens that are rotated, in the configuration `where`.
    pub filter: Filter,
    /// The time before its expiry at which a token is rotated.
    pub rotate_before_expiry: Option<Duration>,
    /// The age at which a token is rotated.
    pub max_age: Option<Duration>,
    /// The lifetime of a successor. It is required where the platform takes an expiry.
    pub new_expiry: Option<Duration>,
    /// The time for which old and new live side by side; a day if it is not set.
    pub overlap: Option<Duration>,
    /// The time for which the old token is suspended before it is revoked.
    pub soak: Duration,
    /// The time for which the old token must not have been used before it is revoked.
    pub rest: Option<Duration>,
    /// The time after the delivery at which the old token is revoked although it is still used.
    pub max_overlap: Duration,
    /// The sinks, each as a name or as a place with `{name}`, `{id}` or `{account}` in it.
    pub sinks: Vec<String>,
    /// The strategy to prefer where the platform allows several.
    pub preference: Preference,
    /// The fate of the old secret where nothing can be listed.
    pub old_secret: OldSecret,
}

impl PolicyConfig {
    /// The overlap that is used if none is set.
    pub const DEFAULT_OVERLAP: Duration = Duration::from_secs(86_400);

    /// Creates a policy for the tokens of an account that match a filter, without times and sinks.
    pub fn new(name: impl Into<String>, account: impl Into<String>, filter: Filter) -> Self {
        Self {
            name: name.into(),
            account: account.into(),
            filter,
            rotate_before_expiry: None,
            max_age: None,
            new_expiry: None,
            overlap: None,
            soak: Duration::ZERO,
            rest: None,
            max_overlap: Self::DEFAULT_OVERLAP.saturating_mul(7),
            sinks: Vec::new(),
            preference: Preference::default(),
            old_secret: OldSecret::default(),
        }
    }

    /// Returns `true` if the filter matches a token without the markers of a ledger, which its
    /// rotations put on the successors. An empty id stands for no ledger.
    #[must_use]
    pub fn matches(&self, token: &Token, ledger: &str) -> bool {
        self.filter.matches(&without_markers_of(ledger, token))
    }

    /// Rotates a token this long before it expires.
    #[must_use]
    pub fn with_rotate_before_expiry(mut self, before: Duration) -> Self {
        self.rotate_before_expiry = Some(before);
        self
    }

    /// Rotates a token of this age.
    #[must_use]
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Sets the lifetime of a successor.
    #[must_use]
    pub fn with_new_expiry(mut self, lifetime: Duration) -> Self {
        self.new_expiry = Some(lifetime);
        self
    }

    /// Sets the time for which old and new live side by side.
    #[must_use]
    pub fn with_overlap(mut self, overlap: Duration) -> Self {
        self.overlap = Some(overlap);
        self
    }

    /// Sets the time for which the old token is suspended before it is revoked.
    #[must_use]
    pub fn with_soak(mut self, soak: Duration) -> Self {
        self.soak = soak;
        self
    }

    /// Sets the time for which the old token must not have been used, and the time after the
    /// delivery at which it is revoked in any case.
    #[must_use]
    pub fn with_rest(mut self, rest: Duration, max_overlap: Duration) -> Self {
        self.rest = Some(rest);
        self.max_overlap = max_overlap;
        self
    }

    /// Adds a sink.
    #[must_use]
    pub fn with_sink(mut self, sink: impl Into<String>) -> Self {
        self.sinks.push(sink.into());
        self
    }

    /// Sets the strategy to prefer.
    #[must_use]
    pub fn with_preference(mut self, preference: Preference) -> Self {
        self.preference = preference;
        self
    }

    /// Sets the fate of the old secret where nothing can be listed.
    #[must_use]
    pub fn with_old_secret(mut self, old_secret: OldSecret) -> Self {
        self.old_secret = old_secret;
        self
    }
}
