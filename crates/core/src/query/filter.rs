//! The filter of a query, built or parsed from text.

mod lexer;
mod parser;
mod predicate;
mod syntax_error;
mod text;

#[cfg(test)]
mod tests;

use std::ops::Not;

use crate::error::{Account, Result};
use crate::model::{Timestamp, Token, TokenId, TokenState};

pub use self::predicate::{NamePattern, OwnerPredicate, TextPredicate, TimePredicate};

/// A condition that tokens must match.
///
/// Names and owners are compared by code points, so case matters.
///
/// # As text
///
/// On the command line and in a configuration, a filter is written in the language of its
/// `Display`, which writes equal filters equally. `and` binds tighter than `or`; `not` and
/// parentheses work as usual.
///
/// | condition | matches |
/// | --- | --- |
/// | `name = ci`, `name = "two words"` | exactly this name |
/// | `name ~ "ci-*"` | a pattern; `*` stands for any characters |
/// | `name ^= ci-` | names with this prefix |
/// | `state = active` | this state: `active`, `suspended`, `revoked`, `expired` or `unknown` |
/// | `owner = alice` | an owner with this id or name |
/// | `owner is none` | no owner |
/// | `created_at < 2026-01-01`, `expiry >= now+30d`, `last_used < now-90d` | before (`<`), at or after (`>=`), after (`>`), or before or at (`<=`) this time; a date is its first instant |
/// | `expiry is never`, `last_used is never` | never expires; never used |
/// | `expiry is not_reported` | a field that the platform does not report; also every other field but `name`, `state` and `id` |
/// | `id = 17`, `updated_at < now-1y` | this id; the time of the last change |
/// | `description ~ "*nightly*"`, `description is none` | as for a name; no description |
/// | `scopes = all.User.read`, `scopes ~ "all.*"`, `scopes is none` | a scope of the token; no scopes |
/// | `attribute.kind = session`, `attribute.kind is none` | an attribute of the platform, as text; the value `null` |
/// | `attribute.kind is not_reported` | tokens without this attribute; `is reported` for those with it |
/// | `annotation.team = ops`, `annotation.team is none`, `annotation.until < now` | an annotation; tokens without it; its time |
/// | `provider = foreman`, `account ~ "prod-*"` | tokens of an account, in an inventory of several |
/// | `everything`, `nothing` | all tokens; no token |
///
/// `!=` negates `=`, so it also matches tokens without a name or owner; `is not` negates `is`.
/// `state in (active, suspended)` matches any of several values, for the other fields with values
/// too. Times are written as [`Timestamp::parse_at`] accepts them; `expiry < 30d` means
/// `expiry < now+30d`. An attribute that is a list matches if one of its values does. Anything but
/// a plain word is written in single or double quotes, with the escapes `\"`, `\'`, `\\`, `\n`,
/// `\r`, `\t` and `\u{…}`.
///
/// ```
/// use tokenfleet_core::{Filter, Timestamp, TokenState};
///
/// let now: Timestamp = "2026-04-01T00:00:00Z".parse()?;
/// let text = "state = active and (last_used < now-90d or last_used is never)";
/// let stale = Filter::parse_at(text, now)?;
///
/// let built = Filter::State(TokenState::Active)
///     .and(Filter::used_before("2026-01-01T00:00:00Z".parse()?).or(Filter::never_used()));
/// assert_eq!(stale, built);
/// assert_eq!(
///     stale.to_string(),
///     "state = active and (last_used < 2026-01-01T00:00:00Z or last_used is never)",
/// );
///
/// let error = "stat = active".parse::<Filter>().unwrap_err();
/// assert_eq!(error.to_string(), "at character 1: unknown field; did you mean `state`?");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Filter {
    /// Matches tokens whose name is known and matches the pattern.
    Name(NamePattern),
    /// Matches tokens in this state.
    State(TokenState),
    /// Matches tokens by their owner.
    Owner(OwnerPredicate),
    /// Matches tokens by the time of their creation.
    Created(TimePredicate),
    /// Matches tokens by their expiry; [`TimePredicate::Never`] matches those that never expire.
    Expiry(TimePredicate),
    /// Matches tokens by their last use; [`TimePredicate::Never`] matches those never used.
    LastUsed(TimePredicate),
    /// Matches tokens by the time of their last change.
    Updated(TimePredicate),
    /// Matches the token with this id.
    Id(TokenId),
    /// Matches tokens by their description.
    Description(TextPredicate),
    /// Matches tokens by their scopes: one of them must match.
    Scopes(TextPredicate),
    /// Matches tokens by the attribute of this name; of a list, one of its values must match.
    Attribute(String, TextPredicate),
    /// Matches the tokens of the providers with a matching name: see
    /// [`for_account`](Self::for_account).
    Provider(NamePattern),
    /// Matches the tokens of the accounts with a matching name: see
    /// [`for_account`](Self::for_account).
    Account(NamePattern),
    /// Matches tokens that match all of these filters.
    All(Vec<Filter>),
    /// Matches tokens that match at least one of these filters.
    Any(Vec<Filter>),
    /// Matches tokens that do not match this filter.
    Not(Box<Filter>),
}

impl Filter {
    /// Matches tokens with exactly this name.
    pub fn name(name: impl Into<String>) -> Self {
        Self::Name(NamePattern::Exact(name.into()))
    }

    /// Matches tokens whose name has this prefix.
    pub fn name_prefix(prefix: impl Into<String>) -> Self {
        Self::Name(NamePattern::Prefix(prefix.into()))
    }

    /// Matches tokens whose name matches a pattern with `*`.
    pub fn name_glob(glob: impl Into<String>) -> Self {
        Self::Name(NamePattern::Glob(glob.into()))
    }

    /// Matches tokens whose owner has this id or name.
    pub fn owned_by(owner: impl Into<String>) -> Self {
        Self::Owner(OwnerPredicate::Is(owner.into()))
    }

    /// Matches tokens created before `end`.
    #[must_use]
    pub fn created_before(end: Timestamp) -> Self {
        Self::Created(TimePredicate::Before(end))
    }

    /// Matches tokens created at or after `start`.
    #[must_use]
    pub fn created_from(start: Timestamp) -> Self {
        Self::Created(TimePredicate::From(start))
    }

    /// Matches tokens that expire, or expired, before `end`.
    #[must_use]
    pub fn expires_before(end: Timestamp) -> Self {
        Self::Expiry(TimePredicate::Before(end))
    }

    /// Matches tokens that expire, or expired, at or after `start`, but not those that never do.
    #[must_use]
    pub fn expires_from(start: Timestamp) -> Self {
        Self::Expiry(TimePredicate::From(start))
    }

    /// Matches tokens that never expire.
    #[must_use]
    pub fn never_expires() -> Self {
        Self::Expiry(TimePredicate::Never)
    }

    /// Matches tokens last used before `end`, but not those never used.
    #[must_use]
    pub fn used_before(end: Timestamp) -> Self {
        Self::LastUsed(TimePredicate::Before(end))
    }

    /// Matches tokens last used at or after `start`.
    #[must_use]
    pub fn used_from(start: Timestamp) -> Self {
        Self::LastUsed(TimePredicate::From(start))
    }

    /// Matches tokens that were never used.
    #[must_use]
    pub fn never_used() -> Self {
        Self::LastUsed(TimePredicate::Never)
    }

    /// Matches the token with this id.
    pub fn id(id: impl AsRef<str>) -> Self {
        Self::Id(TokenId::new(id))
    }

    /// Matches tokens that have this scope.
    pub fn scope(scope: impl Into<String>) -> Self {
        Self::Scopes(TextPredicate::exact(scope))
    }

    /// Matches tokens with an attribute of this name and value, such as `kind` and `session`.
    pub fn attribute(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::Attribute(name.into(), TextPredicate::exact(value))
    }

    /// Matches tokens of the provider with this name.
    pub fn of_provider(provider: impl Into<String>) -> Self {
        Self::Provider(NamePattern::Exact(provider.into()))
    }

    /// Matches tokens of the account with this name.
    pub fn of_account(account: impl Into<String>) -> Self {
        Self::Account(NamePattern::Exact(account.into()))
    }

    /// Requires another filter in addition to this one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::All(mut filters) => {
                filters.push(other);
                Self::All(filters)
            }
            first => Self::All(vec![first, other]),
        }
    }

    /// Allows another filter as an alternative to this one.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::Any(mut filters) => {
                filters.push(other);
                Self::Any(filters)
            }
            first => Self::Any(vec![first, other]),
        }
    }

    /// Matches tokens that match all of these filters; without any filter, every token.
    #[must_use]
    pub fn all_of(filters: impl IntoIterator<Item = Self>) -> Self {
        Self::All(filters.into_iter().collect())
    }

    /// Matches tokens that match at least one of these filters; without any filter, no token.
    #[must_use]
    pub fn any_of(filters: impl IntoIterator<Item = Self>) -> Self {
        Self::Any(filters.into_iter().collect())
    }

    /// Parses a filter, with the time that `now` in the text stands for.
    ///
    /// [`str::parse`] uses the current time.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), with the position of the mistake and what
    /// was expected there. It never repeats the text. Text of more than 64 KiB, and parentheses and
    /// negations nested more than 64 levels deep, are rejected.
    pub fn parse_at(text: &str, now: Timestamp) -> Result<Self> {
        parser::parse(text, now)
    }

    /// Returns the filter that remains for the tokens of one account: conditions on the provider
    /// and the account are decided.
    ///
    /// Every listing does this first.
    ///
    /// ```
    /// use tokenfleet_core::{Account, Filter};
    ///
    /// let filter: Filter = "account = iot and name = ci or provider = foreman".parse()?;
    /// let iot = filter.for_account(&Account::new("losant", "iot"));
    /// assert_eq!(iot, Filter::name("ci"));
    /// let infra = filter.for_account(&Account::new("foreman", "infra"));
    /// assert_eq!(infra.to_string(), "everything");
    /// # Ok::<(), tokenfleet_core::Error>(())
    /// ```
    #[must_use]
    pub fn for_account(&self, account: &Account) -> Self {
        let constant = |matches| {
            if matches {
                Self::All(Vec::new())
            } else {
                Self::Any(Vec::new())
            }
        };
        let parts = |filters: &[Self], neutral: &Self| {
            let parts = filters.iter().map(|filter| filter.for_account(account));
            parts.filter(|part| part != neutral).collect::<Vec<_>>()
        };
        match self {
            filter if !filter.concerns_accounts() => filter.clone(),
            Self::Provider(pattern) => constant(pattern.matches(account.provider())),
            Self::Account(pattern) => constant(pattern.matches(account.name())),
            Self::All(filters) => {
                let parts = parts(filters, &constant(true));
                let is_nothing = parts.contains(&constant(false));
                if is_nothing {
                    constant(false)
                } else {
                    Self::All(parts).flattened()
                }
            }
            Self::Any(filters) => {
                let parts = parts(filters, &constant(false));
                let is_everything = parts.contains(&constant(true));
                if is_everything {
                    constant(true)
                } else {
                    Self::Any(parts).flattened()
                }
            }
            Self::Not(filter) => {
                let filter = filter.for_account(account);
                match [true, false]
                    .into_iter()
                    .find(|all| filter == constant(*all))
                {
                    Some(all) => constant(!all),
                    None => !filter,
                }
            }
            other => other.clone(),
        }
    }

    /// Returns `true` if the filter has a condition on the provider or the account.
    fn concerns_accounts(&self) -> bool {
        match self {
            Self::Provider(_) | Self::Account(_) => true,
            Self::All(filters) | Self::Any(filters) => filters.iter().any(Self::concerns_accounts),
            Self::Not(filter) => filter.concerns_accounts(),
            _ => false,
        }
    }

    /// Returns `true` if a token matches.
    ///
    /// A token does not say whose it is, so a condition on the provider or the account matches
    /// none: decide it with [`for_account`](Self::for_account) first.
    #[must_use]
    pub fn matches(&self, token: &Token) -> bool {
        match self {
            Self::Name(NamePattern::Exact(name)) => token.is_named(name),
            Self::Name(pattern) => token.name.known().is_some_and(|name| {
                pattern.matches(name) && (!pattern.is_literally(name) || token.is_named(name))
            }),
            Self::State(state) => token.state == *state,
            Self::Owner(owner) => owner.matches(&token.owner),
            Self::Created(predicate) => predicate.matches(token.created_at),
            Self::Expiry(predicate) => predicate.matches(token.expiry),
            Self::LastUsed(predicate) => predicate.matches(token.last_used),
            Self::Updated(predicate) => predicate.matches(token.updated_at),
            Self::Id(id) => token.id == *id,
            Self::Description(predicate) => predicate.matches_description(token),
            Self::Scopes(predicate) => predicate.matches_scopes(token),
            Self::Attribute(name, TextPredicate::Absent) if predicate::is_annotation(name) => {
                token.attributes.get(name).is_none()
            }
            Self::Attribute(name, predicate) => {
                predicate.matches_attribute(token.attributes.get(name))
            }
            Self::Provider(_) | Self::Account(_) => false,
            Self::All(filters) => filters.iter().all(|filter| filter.matches(token)),
            Self::Any(filters) => filters.iter().any(|filter| filter.matches(token)),
            Self::Not(filter) => !filter.matches(token),
        }
    }

    /// Estimates the number of bytes that the filter takes in a request.
    pub(crate) fn text_length(&self) -> usize {
        /// The bytes around a value: the field, the operator, quotes and `and`.
        const CONDITION_OVERHEAD: usize = 16;
        match self {
            Self::Name(
                NamePattern::Exact(text) | NamePattern::Prefix(text) | NamePattern::Glob(text),
            )
            | Self::Owner(OwnerPredicate::Is(text)) => CONDITION_OVERHEAD + text.len(),
            Self::All(filters) | Self::Any(filters) => filters.iter().map(Self::text_length).sum(),
            Self::Not(filter) => filter.text_length(),
            _ => CONDITION_OVERHEAD,
        }
    }
}

/// Negates a filter: `!Filter::name("ci")`.
impl Not for Filter {
    type Output = Self;

    fn not(self) -> Self {
        Self::Not(Box::new(self))
    }
}
