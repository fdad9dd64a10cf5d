//! A token that a rule finds.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::{Past, Rule, RuleKind};
use crate::annotations;
use crate::model::{Principal, TokenField};
use crate::{Account, Fact, Timestamp, Token, TokenId, TokenState};

/// A token that a rule of a check finds, with what people need to act on it.
///
/// It holds only a part of the token, so that the findings of a large fleet fit into memory.
/// Serialised, it is the object that `tokenfleet check --output json` prints.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    account: Account,
    check: Arc<str>,
    rule: RuleKind,
    id: TokenId,
    name: Fact<String>,
    state: TokenState,
    owner: Fact<Principal>,
    creator: Fact<Principal>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    scopes: Option<String>,
    created_at: Option<Timestamp>,
    annotation: Vec<(&'static str, String)>,
}

impl Finding {
    pub(super) fn new(
        account: &Account,
        check: Arc<str>,
        rule: &Rule,
        token: &Token,
        past: Option<Past>,
    ) -> Self {
        let kind = rule.kind();
        let seen = past.map(Past::at);
        let since = match kind {
            RuleKind::AppearedWithin | RuleKind::VanishedWithin => seen.as_ref(),
            RuleKind::UnusedFor => token.last_used.known().or(token.created_at.known()),
            _ => token.created_at.known(),
        };
        Self {
            account: account.clone(),
            check,
            rule: kind,
            id: token.id.clone(),
            name: token.name.clone(),
            state: token.state,
            owner: token.owner.clone(),
            creator: token.creator.clone(),
            since: since.copied(),
            until: token.expiry.known().copied(),
            scopes: rule.matched_scopes(token),
            created_at: token.created_at.known().copied(),
            annotation: annotations::of(token)
                .map(|(field, value)| (field, value.to_owned()))
                .collect(),
        }
    }

    /// Returns the account of the token.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Returns the name of the check.
    #[must_use]
    pub fn check(&self) -> &str {
        &self.check
    }

    /// Returns the rule.
    #[must_use]
    pub fn rule(&self) -> RuleKind {
        self.rule
    }

    /// Returns the id of the token.
    #[must_use]
    pub fn id(&self) -> &TokenId {
        &self.id
    }

    /// Returns the name of the token.
    #[must_use]
    pub fn name(&self) -> &Fact<String> {
        &self.name
    }

    /// Returns the state of the token.
    #[must_use]
    pub fn state(&self) -> TokenState {
        self.state
    }

    /// Returns the owner of the token.
    #[must_use]
    pub fn owner(&self) -> &Fact<Principal> {
        &self.owner
    }

    /// Returns the creator of the token.
    #[must_use]
    pub fn creator(&self) -> &Fact<Principal> {
        &self.creator
    }

    /// Returns since when it is so, if that is known: the last use of an unused token, the time of
    /// the listing that saw that a token appeared or vanished, otherwise the creation.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// Returns the expiry of the token, if it has one that is known.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// Returns the scopes that the rule objects to, separated by spaces.
    #[must_use]
    pub fn scopes(&self) -> Option<&str> {
        self.scopes.as_deref()
    }

    /// Returns the time at which the token was created, if that is known.
    #[must_use]
    pub fn created_at(&self) -> Option<Timestamp> {
        self.created_at
    }

    /// Returns a field that the token is annotated with: `owner`, `team`, `purpose` or `until`.
    #[must_use]
    pub fn annotation(&self, field: &str) -> Option<&str> {
        let mut fields = self.annotation.iter();
        let found = fields.find(|(name, _)| *name == field);
        found.map(|(_, value)| value.as_str())
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let reported = [
            (TokenField::Name, self.name.is_reported()),
            (TokenField::Owner, self.owner.is_reported()),
            (TokenField::Creator, self.creator.is_reported()),
        ];
        let not_reported = reported.iter().filter(|(_, is_reported)| !is_reported);
        let not_reported: Vec<_> = not_reported.map(|(field, _)| field.as_str()).collect();
        let annotation: BTreeMap<_, _> = self.annotation.iter().cloned().collect();
        let length = 13 + usize::from(!annotation.is_empty());
        let mut fields = serializer.serialize_struct("Finding", length)?;
        fields.serialize_field("account", self.account.name())?;
        fields.serialize_field("provider", self.account.provider())?;
        fields.serialize_field("check", &*self.check)?;
        fields.serialize_field("rule", self.rule.as_str())?;
        fields.serialize_field("id", &self.id)?;
        fields.serialize_field("name", &self.name)?;
        fields.serialize_field("state", self.state.as_str())?;
        fields.serialize_field("owner", &self.owner)?;
        fields.serialize_field("creator", &self.creator)?;
        fields.serialize_field("since", &self.since)?;
        fields.serialize_field("until", &self.until)?;
        fields.serialize_field("scopes", &self.scopes)?;
        fields.serialize_field("not_reported", &not_reported)?;
        if !annotation.is_empty() {
            fields.serialize_field("annotation", &annotation)?;
        }
        fields.end()
    }
}
