//! Checks: policies for tokens, judged while the tokens are listed.
//!
//! A [`Check`] is a named policy of one or more [`Rule`]s. A token that a rule finds is a
//! [`Finding`], unless a [`Waiver`] covers it. What a rule cannot judge, because the platform does
//! not report the field that it asks about, is [`NotJudged`](Judgement::NotJudged) and never passes
//! as well (decision 0030).
//!
//! ```
//! use tokenfleet::check::{Check, Judgement, Rule};
//! use tokenfleet::{Account, Fact, Token, TokenId, TokenState};
//!
//! let check = Check::new("immortal").with_rule(Rule::never_expires());
//! let account = Account::new("losant", "iot");
//! let mut token = Token::new(TokenId::new("1"), TokenState::Active);
//! let judgements = check.judge(&account, &token);
//! let [Judgement::NotJudged { missing, .. }] = &judgements[..] else {
//!     panic!("the expiry is not reported")
//! };
//! assert_eq!(missing, "expiry");
//!
//! token.expiry = Fact::Absent;
//! let judgements = check.judge(&account, &token);
//! assert!(matches!(&judgements[..], [Judgement::Found(_)]));
//! ```

mod finding;
mod past;
mod rule;
#[cfg(test)]
#[cfg(feature = "toml")]
mod tests;
mod truth;
mod waiver;

use std::sync::Arc;

use crate::config::Settings;
use crate::query::NamePattern;
use crate::{Account, Filter, Result, Timestamp, Token};

pub use self::finding::Finding;
pub use self::past::Past;
pub use self::rule::{Rule, RuleKind};
pub use self::waiver::{Waiver, Waivers};

use self::truth::Truth;

/// A named policy: rules, and the accounts that they concern.
#[derive(Debug, Clone)]
pub struct Check {
    name: Arc<str>,
    description: Option<String>,
    /// Globs of account names; empty for all accounts.
    accounts: Vec<NamePattern>,
    /// Globs of tags, of which an account needs one; empty for all accounts.
    tags: Vec<NamePattern>,
    /// Globs of provider names; empty for all accounts.
    providers: Vec<NamePattern>,
    /// The tokens that the check concerns, unless it concerns all.
    tokens: Option<Filter>,
    rules: Vec<Rule>,
}

/// The result of one rule for one token, unless the rule has nothing to object to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Judgement {
    /// The rule finds the token.
    Found(Box<Finding>),
    /// The rule cannot judge the token.
    NotJudged {
        /// The rule.
        rule: RuleKind,
        /// The field that the platform does not report of the token, such as `last_used`.
        missing: String,
    },
}

impl Check {
    /// Creates a check without rules, which concerns every account.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            description: None,
            accounts: Vec::new(),
            tags: Vec::new(),
            providers: Vec::new(),
            tokens: None,
            rules: Vec::new(),
        }
    }

    /// Adds a rule. A token is found if any of the rules finds it.
    #[must_use]
    pub fn with_rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Narrows the check to tokens that match a filter, and to the accounts that may have any.
    ///
    /// If the filter depends on a field that the platform does not report, the token is not judged.
    #[must_use]
    pub fn with_tokens(mut self, filter: Filter) -> Self {
        self.tokens = Some(match self.tokens.take() {
            Some(first) => first.and(filter),
            None => filter,
        });
        self
    }

    /// Reads a check from its table `[checks.NAME]`. Periods in it end or start at `now`.
    ///
    /// Each of the keys `never_expires`, `expires_within`, `expired`, `expired_within`,
    /// `appeared_within`, `vanished_within`, `unused_for`, `older_than`, `broad_scopes`,
    /// `name_not_matching` and `where` is a rule; any of them finds a token. The keys `accounts`,
    /// `tags` and `provider` (globs) narrow the accounts that the check concerns, and `description`
    /// is shown with it.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), with the line, for an unknown key, an
    /// unusable value, and a check without a rule.
    pub fn from_settings(name: &str, mut settings: Settings, now: Timestamp) -> Result<Self> {
        let rules = Rule::all_from_settings(&mut settings, now)?;
        let mut globs = |key| -> Result<Vec<NamePattern>> {
            let texts = settings.texts(key)?;
            Ok(texts.into_iter().map(NamePattern::Glob).collect())
        };
        let (accounts, tags) = (globs("accounts")?, globs("tags")?);
        let providers = globs("provider")?;
        let description = settings.text("description")?;
        // An error that does not depend on whether a misspelled key was meant to be a rule.
        settings.clone().finish()?;
        if rules.is_empty() {
            let keys: Vec<_> = RuleKind::ALL.iter().map(|kind| kind.as_str()).collect();
            let keys = keys.join(", ");
            return Err(settings
                .error("has no rule")
                .with_advice(format!("write at least one of {keys}")));
        }
        Ok(Self {
            description,
            accounts,
            tags,
            providers,
            rules,
            ..Self::new(name)
        })
    }

    /// Returns the name of the check.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what people are told about the check.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Returns `true` if the check concerns an account with these tags.
    #[must_use]
    pub fn concerns(&self, account: &Account, tags: &[String]) -> bool {
        let accepts = |patterns: &[NamePattern], name: &str| {
            patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(name))
        };
        accepts(&self.accounts, account.name())
            && accepts(&self.providers, account.provider())
            && (self.tags.is_empty() || tags.iter().any(|tag| accepts(&self.tags, tag)))
            && self
                .tokens
                .as_ref()
                .is_none_or(|filter| filter.for_account(account) != Filter::any_of([]))
    }

    /// Returns `true` if the check is [narrowed](Self::with_tokens) to other tokens than this one.
    #[must_use]
    pub fn leaves_out(&self, account: &Account, token: &Token) -> bool {
        self.concerned(account, token) == Truth::No
    }

    fn concerned(&self, account: &Account, token: &Token) -> Truth {
        let tokens = self.tokens.as_ref();
        tokens.map_or(Truth::Yes, |filter| Truth::of(filter, account, token))
    }

    /// Judges a listed token by every rule, whether or not the check [concerns](Self::concerns) the
    /// account. What became of it before is judged by [`judge_past`](Self::judge_past).
    #[must_use]
    pub fn judge(&self, account: &Account, token: &Token) -> Vec<Judgement> {
        self.judge_by(account, token, None)
    }

    /// Judges what became of a token, as it was last seen, by the rules about the past.
    ///
    /// The memory must reach back to [`past_from`](Self::past_from), and tell what a listing of
    /// that time or before lacked.
    #[must_use]
    pub fn judge_past(&self, account: &Account, token: &Token, past: Past) -> Vec<Judgement> {
        self.judge_by(account, token, Some(past))
    }

    /// Returns the time from which the rules about the past need to know it, with the one that
    /// looks back farthest, or `None` if the check has none.
    #[must_use]
    pub fn past_from(&self) -> Option<(RuleKind, Timestamp)> {
        let rules = self.rules.iter();
        let starts = rules.filter_map(|rule| Some((rule.kind(), rule.start()?)));
        starts.min_by_key(|(_, start)| *start)
    }

    fn judge_by(&self, account: &Account, token: &Token, past: Option<Past>) -> Vec<Judgement> {
        let applies = |rule: &Rule| {
            let concerned = self.concerned(account, token);
            concerned.and(|| match past {
                Some(past) => rule.applies_to_past(account, token, past),
                None => rule.applies(account, token),
            })
        };
        let judge = |rule: &Rule| match applies(rule) {
            Truth::No => None,
            Truth::Yes => {
                let name = Arc::clone(&self.name);
                let finding = Finding::new(account, name, rule, token, past);
                Some(Judgement::Found(Box::new(finding)))
            }
            Truth::Unknown(missing) => Some(Judgement::NotJudged {
                rule: rule.kind(),
                missing: missing.into_owned(),
            }),
        };
        self.rules.iter().filter_map(judge).collect()
    }
}
