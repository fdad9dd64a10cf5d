//! The rules of a check.

use std::fmt;
use std::time::Duration;

use super::truth::Truth;
use crate::config::Settings;
use crate::query::{NamePattern, TextPredicate, TimePredicate};
use crate::{Account, Error, ErrorKind, Filter, Result, Timestamp, Token, TokenState};

/// A rule: a condition under which a token is found.
///
/// All rules but [`expired`](Self::expired), [`expired_within`](Self::expired_within) and
/// [`matching`](Self::matching) leave out tokens that are revoked or expired.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    kind: RuleKind,
    condition: Filter,
    /// The time from which a rule about the past needs to know it.
    start: Option<Timestamp>,
}

/// The kind of a rule: its key in a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RuleKind {
    /// The token never expires.
    NeverExpires,
    /// The token expires within a period.
    ExpiresWithin,
    /// The token is expired, by its state or by its expiry, and not revoked.
    Expired,
    /// The token expired within a period, and may not be listed any more.
    ExpiredWithin,
    /// The token appeared within a period.
    AppearedWithin,
    /// The token vanished within a period, and had not expired.
    VanishedWithin,
    /// The token was not used for a period.
    UnusedFor,
    /// The token was created longer than a period ago.
    OlderThan,
    /// The token has a scope that matches a glob.
    BroadScopes,
    /// The name of the token matches none of some globs.
    NameNotMatching,
    /// The token matches a filter.
    Where,
}

impl RuleKind {
    /// All kinds.
    pub const ALL: &[Self] = &[
        Self::NeverExpires,
        Self::ExpiresWithin,
        Self::Expired,
        Self::ExpiredWithin,
        Self::AppearedWithin,
        Self::VanishedWithin,
        Self::UnusedFor,
        Self::OlderThan,
        Self::BroadScopes,
        Self::NameNotMatching,
        Self::Where,
    ];

    /// Returns the key in a configuration, which is also the word in the output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NeverExpires => "never_expires",
            Self::ExpiresWithin => "expires_within",
            Self::Expired => "expired",
            Self::ExpiredWithin => "expired_within",
            Self::AppearedWithin => "appeared_within",
            Self::VanishedWithin => "vanished_within",
            Self::UnusedFor => "unused_for",
            Self::OlderThan => "older_than",
            Self::BroadScopes => "broad_scopes",
            Self::NameNotMatching => "name_not_matching",
            Self::Where => "where",
        }
    }
}

impl fmt::Display for RuleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Rule {
    /// Finds tokens that never expire.
    #[must_use]
    pub fn never_expires() -> Self {
        Self::new(RuleKind::NeverExpires, Filter::never_expires())
    }

    /// Finds tokens that expire within a period from `now`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the period ends beyond the last representable
    /// time.
    pub fn expires_within(period: Duration, now: Timestamp) -> Result<Self> {
        let end = now.checked_add(period).ok_or_else(too_long)?;
        let kind = RuleKind::ExpiresWithin;
        Ok(Self::new(kind, Filter::expires_before(end)))
    }

    /// Finds tokens that are expired by `now`, and not revoked, even where the platform still calls
    /// them active.
    #[must_use]
    pub fn expired(now: Timestamp) -> Self {
        let is_over = Filter::Expiry(TimePredicate::UpTo(now));
        // Without an expiry, the state decides.
        let is_reported = !Filter::Expiry(TimePredicate::NotReported);
        let is_revoked = Filter::State(TokenState::Revoked);
        let by_expiry = Filter::all_of([is_reported, is_over, !is_revoked]);
        let condition = Filter::State(TokenState::Expired).or(by_expiry);
        Self::new(RuleKind::Expired, condition)
    }

    /// Finds tokens that expired within a period before `now` and are not revoked, and those that
    /// are no longer listed if their [past](super::Past) is judged too.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the period starts before the first
    /// representable time.
    pub fn expired_within(period: Duration, now: Timestamp) -> Result<Self> {
        let start = now.checked_sub(period).ok_or_else(too_long)?;
        let is_over = Filter::Expiry(TimePredicate::UpTo(now));
        let is_recent = Filter::expires_from(start);
        let is_revoked = Filter::State(TokenState::Revoked);
        let condition = Filter::all_of([is_over, is_recent, !is_revoked]);
        Ok(Self::new(RuleKind::ExpiredWithin, condition).about_past(start))
    }

    /// Finds tokens that appeared within a period before `now`, which only their
    /// [past](super::Past) tells.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the period starts before the first
    /// representable time.
    pub fn appeared_within(period: Duration, now: Timestamp) -> Result<Self> {
        let start = now.checked_sub(period).ok_or_else(too_long)?;
        Ok(Self::new(RuleKind::AppearedWithin, Filter::any_of([])).about_past(start))
    }

    /// Finds tokens that vanished within a period before `now` although they had not expired, which
    /// only their [past](super::Past) tells.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the period starts before the first
    /// representable time.
    pub fn vanished_within(period: Duration, now: Timestamp) -> Result<Self> {
        let start = now.checked_sub(period).ok_or_else(too_long)?;
        Ok(Self::new(RuleKind::VanishedWithin, Filter::any_of([])).about_past(start))
    }

    /// Finds tokens that were last used longer than a period before `now`, and those that were
    /// created longer ago and never used.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the period starts before the first
    /// representable time.
    pub fn unused_for(period: Duration, now: Timestamp) -> Result<Self> {
        let start = now.checked_sub(period).ok_or_else(too_long)?;
        let never = Filter::never_used().and(Filter::created_before(start));
        // A token that was created since is not unused, whether or not its last use is reported.
        let is_new = Filter::created_from(start);
        let may_be_old = (!is_new).or(Filter::Created(TimePredicate::NotReported));
        let condition = may_be_old.and(Filter::used_before(start).or(never));
        Ok(Self::new(RuleKind::UnusedFor, condition))
    }

    /// Finds tokens that were created longer than a period before `now`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the period starts before the first
    /// representable time.
    pub fn older_than(period: Duration, now: Timestamp) -> Result<Self> {
        let start = now.checked_sub(period).ok_or_else(too_long)?;
        let condition = Filter::created_before(start);
        Ok(Self::new(RuleKind::OlderThan, condition))
    }

    /// Finds tokens that have a scope matching one of these globs.
    #[must_use]
    pub fn broad_scopes<T: Into<String>>(globs: impl IntoIterator<Item = T>) -> Self {
        let pattern = |glob: T| NamePattern::Glob(glob.into());
        let scopes = globs.into_iter().map(pattern).map(TextPredicate::Matches);
        let condition = Filter::any_of(scopes.map(Filter::Scopes));
        Self::new(RuleKind::BroadScopes, condition)
    }

    /// Finds tokens whose name matches none of these globs, such as those without a name.
    #[must_use]
    pub fn name_not_matching<T: Into<String>>(globs: impl IntoIterator<Item = T>) -> Self {
        let names = globs.into_iter().map(Filter::name_glob);
        let condition = !Filter::any_of(names);
        Self::new(RuleKind::NameNotMatching, condition)
    }

    /// Finds tokens that match a filter, in whatever state they are.
    #[must_use]
    pub fn matching(filter: Filter) -> Self {
        Self::new(RuleKind::Where, filter)
    }

    fn new(kind: RuleKind, condition: Filter) -> Self {
        Self {
            kind,
            condition,
            start: None,
        }
    }

    fn about_past(mut self, start: Timestamp) -> Self {
        self.start = Some(start);
        self
    }

    /// Returns the time from which a rule about the past needs to know it.
    pub(super) fn start(&self) -> Option<Timestamp> {
        self.start
    }

    /// Evaluates the condition for a token.
    pub(super) fn condition_holds(&self, account: &Account, token: &Token) -> Truth {
        Truth::of(&self.condition, account, token)
    }

    /// Returns the kind of the rule.
    #[must_use]
    pub fn kind(&self) -> RuleKind {
        self.kind
    }

    /// Reads every rule of a check. Other keys stay in the settings.
    pub(super) fn all_from_settings(settings: &mut Settings, now: Timestamp) -> Result<Vec<Self>> {
        let mut rules = Vec::new();
        if settings.boolean("never_expires")? == Some(true) {
            rules.push(Self::never_expires());
        }
        if settings.boolean("expired")? == Some(true) {
            rules.push(Self::expired(now));
        }
        let periods: [(_, fn(_, _) -> _); 6] = [
            ("expires_within", Self::expires_within),
            ("expired_within", Self::expired_within),
            ("appeared_within", Self::appeared_within),
            ("vanished_within", Self::vanished_within),
            ("unused_for", Self::unused_for),
            ("older_than", Self::older_than),
        ];
        for (key, rule) in periods {
            if let Some(period) = settings.duration(key)? {
                let rule = rule(period, now);
                rules.push(rule.map_err(|error| with_place(error, settings, key))?);
            }
        }
        let globs = settings.texts("broad_scopes")?;
        if !globs.is_empty() {
            rules.push(Self::broad_scopes(globs));
        }
        let globs = settings.texts("name_not_matching")?;
        if !globs.is_empty() {
            rules.push(Self::name_not_matching(globs));
        }
        if let Some(text) = settings.text("where")? {
            let filter = Filter::parse_at(&text, now);
            let filter = filter.map_err(|error| with_place(error, settings, "where"))?;
            rules.push(Self::matching(filter));
        }
        Ok(rules)
    }

    /// Evaluates the rule for a token.
    pub(super) fn applies(&self, account: &Account, token: &Token) -> Truth {
        let is_dead = matches!(token.state, TokenState::Revoked | TokenState::Expired);
        let concerns_dead = matches!(
            self.kind,
            RuleKind::Expired | RuleKind::ExpiredWithin | RuleKind::Where
        );
        if is_dead && !concerns_dead {
            return Truth::No;
        }
        self.condition_holds(account, token)
    }

    /// Returns the scopes of a token that the rule objects to.
    pub(super) fn matched_scopes(&self, token: &Token) -> Option<String> {
        let (RuleKind::BroadScopes, Filter::Any(globs)) = (self.kind, &self.condition) else {
            return None;
        };
        let is_broad = |scope: &&String| {
            globs.iter().any(|glob| match glob {
                Filter::Scopes(TextPredicate::Matches(pattern)) => pattern.matches(scope),
                _ => false,
            })
        };
        let scopes = token.scopes.known()?.iter().filter(is_broad);
        let scopes: Vec<_> = scopes.map(String::as_str).collect();
        Some(scopes.join(" "))
    }
}

fn too_long() -> Error {
    Error::invalid_input("the period is too long")
}

/// Attaches the place of a setting to an error of its value.
fn with_place(error: Error, settings: &Settings, key: &str) -> Error {
    error
        .with_kind(ErrorKind::Configuration)
        .with_message_prefix(&settings.place(key))
}
