//! Policies: which tokens are rotated, when, and where their successors go.
//!
//! A [`PolicyConfig`] is what a person writes. A [`Policy`] is one that can keep its promise on the
//! account it is for: [`Policy::new`] refuses the others, with what to change.

mod config;
mod originals;
mod policies;
mod schedule;
mod successor;

use std::time::Duration;

use tokenfleet_core::model::TokenField;
use tokenfleet_core::{Capabilities, Error, ErrorKind, Result, Token, TokenId};

pub use config::PolicyConfig;
pub use originals::without_markers_of;
pub(crate) use policies::normalised;
pub use policies::{Policies, SinkPlace};
pub use schedule::Due;
pub use successor::{successor_request, without_marker};

use crate::machine::{
    OldSecret, Overlap, PlannedSink, RotationPlan, SETTLE, Strategy, Unlisted, duration_text,
};
use crate::sink::{Readable, SinkCapabilities};

/// A policy that can keep its promise: which tokens of an account are rotated, when, and where
/// their successors go.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    config: PolicyConfig,
    plan: RotationPlan,
    acting: Option<TokenId>,
    ledger: String,
}

/// The account of a policy, as far as the policy depends on it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PolicyAccount<'a> {
    /// The capabilities of the account.
    pub capabilities: &'a Capabilities,
    /// The token that the account authenticates with, if it is one of its own.
    pub acting: Option<&'a Token>,
    /// `true` if the account can authenticate when the rotated token no longer works: with another
    /// credential, or because a person accepted to be locked out.
    pub has_other_credential: bool,
    /// The id of the ledger whose rotations make the successors; empty if there is none.
    pub ledger: &'a str,
}

impl<'a> PolicyAccount<'a> {
    /// Describes an account that has no credential but the one that may be rotated.
    #[must_use]
    pub fn new(capabilities: &'a Capabilities) -> Self {
        Self {
            capabilities,
            acting: None,
            has_other_credential: false,
            ledger: "",
        }
    }

    /// Sets the token that the account authenticates with.
    #[must_use]
    pub fn with_acting(mut self, token: &'a Token) -> Self {
        self.acting = Some(token);
        self
    }

    /// Sets the id of the ledger whose rotations make the successors. Their markers are left out
    /// of the texts that the filter of the policy sees.
    #[must_use]
    pub fn with_ledger(mut self, ledger: &'a str) -> Self {
        self.ledger = ledger;
        self
    }

    /// Declares that the account can authenticate with another credential than the rotated one.
    #[must_use]
    pub fn with_other_credential(mut self) -> Self {
        self.has_other_credential = true;
        self
    }
}

impl Policy {
    /// Accepts a policy that can keep its promise on this account, with these sinks in the order
    /// of [`PolicyConfig::sinks`].
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration) for a policy that could not:
    ///
    /// * the platform's tokens cannot be rotated at all, or not in the way that is asked for;
    /// * the policy would never be due, or its successors would be due at once;
    /// * the old token expires before its overlap is over;
    /// * a secret must be read back from a sink that cannot be read;
    /// * a sink does not return its secret, and was not told to adopt what it replaces;
    /// * a sink names its place by the id of the token, and the successor is another token;
    /// * a token in place is the account's only credential, or the acting token is a subject.
    pub fn new(
        config: PolicyConfig,
        account: &PolicyAccount<'_>,
        sinks: &[SinkCapabilities],
    ) -> Result<Self> {
        let check = Check {
            config: &config,
            account,
            sinks,
        };
        let location = format!("policies.{}", config.name);
        let plan = check.plan_repeated();
        let plan = plan.map_err(|error| error.with_message_prefix(&location))?;
        let acting = account.acting.map(|token| token.id.clone());
        Ok(Self {
            config,
            plan,
            acting,
            ledger: account.ledger.to_owned(),
        })
    }

    /// Returns the parameters of one rotation, such as one that a person asks for: with the
    /// overlap, the sinks and all that a policy has but its times of rotation.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new), except for a policy that is never due or too often. They do not
    /// name the policy.
    pub fn plan_once(
        config: &PolicyConfig,
        account: &PolicyAccount<'_>,
        sinks: &[SinkCapabilities],
    ) -> Result<RotationPlan> {
        let check = Check {
            config,
            account,
            sinks,
        };
        let plan = check.plan()?;
        check.lifetime(&plan.strategy)?;
        Ok(plan)
    }

    /// Returns the policy as it was written.
    #[must_use]
    pub fn config(&self) -> &PolicyConfig {
        &self.config
    }

    /// Returns the parameters of its rotations.
    #[must_use]
    pub fn plan(&self) -> &RotationPlan {
        &self.plan
    }

    /// Returns `true` if this token is one that the policy rotates. The acting token never is, and
    /// a successor is one if the token before it was.
    #[must_use]
    pub fn covers(&self, token: &Token) -> bool {
        self.acting.as_ref() != Some(&token.id) && self.config.matches(token, &self.ledger)
    }
}

/// Returns the time that a rotation takes at least, so that no token may be due again sooner.
fn busy(plan: &RotationPlan) -> Duration {
    match plan.strategy {
        Strategy::Overlap(_) => plan.overlap.max(SETTLE).saturating_add(plan.soak),
        Strategy::InPlace(_) | Strategy::Unlisted(_) => SETTLE,
    }
}

struct Check<'a> {
    config: &'a PolicyConfig,
    account: &'a PolicyAccount<'a>,
    sinks: &'a [SinkCapabilities],
}

fn refused(message: impl Into<String>, advice: impl Into<String>) -> Error {
    Error::configuration(message).with_advice(advice)
}

impl Check<'_> {
    fn plan_repeated(&self) -> Result<RotationPlan> {
        let plan = self.plan()?;
        self.check_triggers(&plan)?;
        Ok(plan)
    }

    fn plan(&self) -> Result<RotationPlan> {
        let (config, capabilities) = (self.config, self.account.capabilities);
        let strategy = Strategy::for_capabilities(capabilities, config.preference)
            .map_err(|error| error.with_kind(ErrorKind::Configuration))?;
        self.check_sinks()?;
        self.check_acting()?;
        let overlap = match &strategy {
            Strategy::Overlap(overlap) => self.check_overlap(overlap)?,
            Strategy::InPlace(_) => self.check_in_place()?,
            Strategy::Unlisted(unlisted) => self.check_unlisted(unlisted)?,
        };
        let sinks = self.sinks.iter().copied().map(PlannedSink::from);
        let plan = RotationPlan::new(strategy, sinks)?
            .with_overlap(overlap)
            .with_soak(config.soak)
            .with_old_secret(config.old_secret);
        Ok(match config.rest {
            Some(rest) => plan.with_rest(rest, config.max_overlap),
            None => plan,
        })
    }

    fn check_sinks(&self) -> Result<()> {
        let names = &self.config.sinks;
        if names.is_empty() {
            return Err(refused(
                "the new secret goes nowhere",
                "name at least one sink, as in `sinks = [\"vault\"]`",
            ));
        }
        if names.len() != self.sinks.len() {
            return Err(Error::configuration(format!(
                "{} sinks are named and {} are there",
                names.len(),
                self.sinks.len()
            )));
        }
        for (at, name) in names.iter().enumerate() {
            if names[..at].contains(name) {
                return Err(refused(
                    format!("the sink {name} is named twice"),
                    "name each sink once",
                ));
            }
        }
        Ok(())
    }

    /// Refuses to rotate the token by which the account authenticates: a lost answer would lock it
    /// out.
    fn check_acting(&self) -> Result<()> {
        match self.account.acting {
            Some(token) if self.config.matches(token, self.account.ledger) => Err(refused(
                "`where` matches the token that the account authenticates with",
                format!(
                    "exclude it (`and id != {}`), and let another account rotate it",
                    token.id
                ),
            )),
            _ => Ok(()),
        }
    }

    fn check_overlap(&self, platform: &Overlap) -> Result<Duration> {
        let config = self.config;
        if let Some(sink) = config.sinks.iter().find(|sink| sink.contains("{id}")) {
            return Err(refused(
                format!(
                    "the successor has an id of its own, so the place {sink} would be another one \
                     after each rotation, and the last one would keep a dead secret"
                ),
                "use `{name}` in the sink, which successors keep, or one place for one token",
            ));
        }
        let overlap = config.overlap.unwrap_or(PolicyConfig::DEFAULT_OVERLAP);
        if !config.soak.is_zero() && !platform.suspension {
            return Err(refused(
                "`soak` needs a platform that suspends tokens",
                "remove it, and set a longer `overlap`",
            ));
        }
        if config.rest.is_some() && !platform.last_used {
            return Err(refused(
                "`rest` needs a platform that reports when a token was last used",
                "remove it, and set a longer `overlap`",
            ));
        }
        if overlap.is_zero() {
            // A stamp says what was written, and not what is there.
            let has_unreadable = |sink: &SinkCapabilities| sink.readable < Readable::Secret;
            if self.sinks.iter().any(has_unreadable) {
                return Err(refused(
                    "without an `overlap`, every sink must be readable",
                    "set an overlap, or use sinks that return the secret",
                ));
            }
            if config.rest.is_some() {
                return Err(refused(
                    "without an `overlap`, the old token is revoked although it is used",
                    "remove `rest`, or set an `overlap`",
                ));
            }
        }
        if let Some(before) = config.rotate_before_expiry
            && overlap.saturating_add(config.soak) >= before
        {
            return Err(refused(
                "the old token would expire before its `overlap` and `soak` are over",
                "raise `rotate_before_expiry`, or shorten the two",
            ));
        }
        Ok(overlap)
    }

    fn check_in_place(&self) -> Result<Duration> {
        if !self.account.has_other_credential {
            return Err(refused(
                "the account has no credential but the one that is to be rotated",
                "add a second one, so that a lost answer does not lock it out",
            ));
        }
        self.check_readable("a secret that is rotated in place must be verified in every sink")?;
        self.check_no_overlap("the old secret stops working at once when it is rotated in place")
    }

    fn check_unlisted(&self, unlisted: &Unlisted) -> Result<Duration> {
        if self.config.old_secret == OldSecret::Revoke {
            self.check_readable("the old secret can be revoked only if it is read from the sink")?;
        }
        if let Some(before) = self.config.rotate_before_expiry
            && before >= unlisted.max_lifetime
        {
            return Err(refused(
                "`rotate_before_expiry` is as long as a secret lives",
                "shorten it",
            ));
        }
        self.check_no_overlap("the old secret is either revoked at once or left to expire")
    }

    fn check_readable(&self, reason: &str) -> Result<()> {
        if self
            .sinks
            .iter()
            .all(|sink| sink.readable == Readable::Secret)
        {
            return Ok(());
        }
        let advice = "use a sink that returns the secret, such as `file` or `kv2`";
        Err(refused(reason, advice))
    }

    /// Refuses waits that the platform cannot keep. A rotation without overlap is ready at once.
    fn check_no_overlap(&self, reason: &str) -> Result<Duration> {
        let config = self.config;
        let has_overlap = config.overlap.is_some_and(|overlap| !overlap.is_zero());
        if has_overlap || !config.soak.is_zero() || config.rest.is_some() {
            return Err(refused(reason, "remove `overlap`, `soak` and `rest`"));
        }
        // Only the wait for late requests is affected: nothing overlaps.
        Ok(PolicyConfig::DEFAULT_OVERLAP)
    }

    fn check_triggers(&self, plan: &RotationPlan) -> Result<()> {
        let (config, capabilities) = (self.config, self.account.capabilities);
        let strategy = &plan.strategy;
        if config.rotate_before_expiry.is_none() && config.max_age.is_none() {
            return Err(refused(
                "the policy would never be due",
                "set `rotate_before_expiry`, `max_age` or both",
            ));
        }
        let lifetime = self.lifetime(strategy)?;
        let reports_expiry = capabilities.reported_fields.contains(&TokenField::Expiry)
            || matches!(strategy, Strategy::Unlisted(_));
        if config.rotate_before_expiry.is_some() && !reports_expiry && config.max_age.is_none() {
            return Err(refused(
                "the platform does not report when a token expires",
                "set `max_age`",
            ));
        }
        let by_expiry = match (lifetime, config.rotate_before_expiry) {
            (Some(lifetime), Some(before)) => Some(lifetime.saturating_sub(before)),
            _ => None,
        };
        let Some(interval) = by_expiry.into_iter().chain(config.max_age).min() else {
            return Ok(());
        };
        let busy = busy(plan);
        if interval <= busy {
            let (interval, busy) = (duration_text(interval), duration_text(busy));
            return Err(refused(
                format!(
                    "a successor would be due before the old token is retired: after {interval}, and \
                     that takes {busy}: `overlap`, which is {} at least because a request may \
                     arrive late, and `soak`",
                    duration_text(SETTLE)
                ),
                format!(
                    "raise `new_expiry` or `max_age`, or shorten `rotate_before_expiry`, `overlap` \
                     and `soak`: successors have to be due after more than {busy}"
                ),
            ));
        }
        // Whether its expiry is looked at or not, it has to work until its own successor does.
        let is_by_age_alone = config.rotate_before_expiry.is_none() || !reports_expiry;
        if let (Some(lifetime), Some(age)) = (lifetime, config.max_age)
            && is_by_age_alone
            && age.saturating_add(busy) >= lifetime
        {
            let [age, busy, lifetime] = [age, busy, lifetime].map(duration_text);
            let raise = match config.new_expiry {
                Some(_) => ", or raise `new_expiry`",
                None => "",
            };
            return Err(refused(
                format!(
                    "a successor would expire after {lifetime}, but has to work for {age}, and for \
                     {busy} while it is rotated"
                ),
                format!("shorten `max_age`{raise}"),
            ));
        }
        Ok(())
    }

    /// Returns the lifetime of a successor if it is limited.
    fn lifetime(&self, strategy: &Strategy) -> Result<Option<Duration>> {
        match strategy {
            Strategy::Overlap(_) => self.new_lifetime(),
            Strategy::Unlisted(unlisted) => {
                self.check_no_expiry()?;
                Ok(Some(unlisted.max_lifetime))
            }
            Strategy::InPlace(_) => {
                self.check_no_expiry()?;
                Ok(None)
            }
        }
    }

    /// Returns the lifetime of a successor. Where the platform takes an expiry, there is one: it is
    /// what ends a token that nobody finds.
    fn new_lifetime(&self) -> Result<Option<Duration>> {
        let create = self.account.capabilities.create.as_ref();
        let takes_expiry = create.is_some_and(|create| create.expiry);
        let limit = create.and_then(|create| create.max_lifetime);
        match self.config.new_expiry {
            None if takes_expiry => Err(refused(
                "`new_expiry` is missing",
                "set it, as in `new_expiry = \"120d\"`: it ends a token that everything else missed",
            )),
            Some(_) if !takes_expiry => {
                self.check_no_expiry()?;
                Ok(limit)
            }
            Some(lifetime) => {
                if limit.is_some_and(|limit| lifetime > limit) {
                    return Err(refused(
                        "`new_expiry` is longer than a token can live on the platform",
                        "shorten it",
                    ));
                }
                Ok(Some(lifetime))
            }
            None => Ok(limit),
        }
    }

    fn check_no_expiry(&self) -> Result<()> {
        match self.config.new_expiry {
            Some(_) => Err(refused("the platform takes no `new_expiry`", "remove it")),
            None => Ok(()),
        }
    }
}
