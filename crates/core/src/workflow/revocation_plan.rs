//! The plan of a bulk revocation.

mod text;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::error::Account;
use crate::model::{Fact, Principal, Timestamp, Token, TokenId};
use crate::provider::Capabilities;

/// The difference to the platform's clock that is allowed for.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// A plan to revoke tokens of one account, without duplicates.
///
/// It is built from a finished listing, so that nothing is revoked while tokens are listed. As text
/// it can be saved, reviewed, shortened by deleting lines, and parsed again. It names the place
/// that it was made in and what the reviewer sees of each token, and is carried out only there and
/// only on those tokens (decision 0014). A `#` after a space starts a comment. Text that displays
/// differently from what it means is rejected: each id has exactly one spelling, and a name is
/// quoted, with every character escaped that a terminal or an editor might not show.
///
/// A plan that was interrupted can simply be executed again: a token that was listed in this place
/// and no longer exists there counts as revoked. The exception is a platform that revokes by
/// replacing: first remove the tokens that were replaced, because their ids now belong to the
/// replacements. Where [ids are given again](crate::Capabilities::reused_ids), a token that now has
/// the id of a revoked one is told from it by its time of creation, or by its name where names are
/// unique, and left alone.
///
/// ```
/// use tokenfleet_core::{Account, Fact, RevocationPlan, Token, TokenId, TokenState};
///
/// let account = Account::new("losant", "iot").with_place("https://api.losant.com/me/tokens");
/// let mut token = Token::new(TokenId::new("575ec7417ae143cd83dc4a95"), TokenState::Active);
/// token.name = Fact::Known("ci".to_owned());
/// let plan = RevocationPlan::from_tokens(&account, [&token]);
/// let text = "tokenfleet revocations 2\n\
///             account losant iot\n\
///             place \"https://api.losant.com/me/tokens\"\n\
///             revoke 575ec7417ae143cd83dc4a95 name \"ci\"\n";
/// assert_eq!(plan.to_string(), text);
/// assert_eq!(text.parse::<RevocationPlan>()?, plan);
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationPlan {
    account: Account,
    /// The id of the owner that all listed tokens share, as far as their owners are known.
    owner: Option<String>,
    /// The tokens that are revoked before all others.
    first: Vec<PlannedToken>,
    tokens: Vec<PlannedToken>,
    /// The acting token, which is revoked after all others.
    last: Option<PlannedToken>,
}

/// A token of a plan, as the reviewer saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedToken {
    /// The id.
    pub id: TokenId,
    /// The name in the listing that the plan was made from.
    pub name: Fact<String>,
    /// `true` if the listing marked the name as unreadable, so that it equals no readable one.
    name_is_unreadable: bool,
    /// The time of creation in that listing.
    pub created_at: Fact<Timestamp>,
}

impl PlannedToken {
    fn from_id(id: TokenId) -> Self {
        Self {
            id,
            name: Fact::NotReported,
            name_is_unreadable: false,
            created_at: Fact::NotReported,
        }
    }

    fn from_token(token: &Token) -> Self {
        Self {
            id: token.id.clone(),
            name: token.name.clone(),
            name_is_unreadable: has_unreadable_name(token),
            created_at: Fact::from_optional(token.created_at.known().copied()),
        }
    }

    /// Returns `true` if the plan tells this token from another one that is given its id later: by
    /// its time of creation, or by a name that no other token ever gets.
    pub(crate) fn is_identified(&self, declared: &Capabilities) -> bool {
        let create = declared.create.as_ref();
        let has_own_name = create.is_some_and(|create| create.unique_names);
        self.is_dated() || (has_own_name && self.name.known().is_some())
    }

    /// Returns `true` if the time of creation is known, and not only its day.
    fn is_dated(&self) -> bool {
        self.created_at.known().is_some_and(|at| !at.is_whole_day())
    }

    /// Returns `true` if the plan says what the reviewer saw: the token was listed.
    pub(crate) fn was_listed(&self) -> bool {
        self.name.is_reported() || self.created_at.is_reported()
    }

    /// Returns `true` unless the token may be so new that the platform does not show it yet.
    pub(crate) fn is_shown_by_now(&self, read_delay: Option<Duration>) -> bool {
        read_delay.is_none_or(|delay| {
            let delay = delay.saturating_add(CLOCK_TOLERANCE);
            let created_at = self.created_at.known();
            created_at.is_some_and(|at| at.saturating_add(delay) < Timestamp::now())
        })
    }

    /// Returns the difference to the token that has this id now, to complete "this token …".
    pub(crate) fn difference(&self, now: &Token) -> Option<String> {
        if let Fact::Known(reviewed) = self.created_at
            && now.created_at != self.created_at
        {
            return Some(match now.created_at {
                Fact::Known(at) => format!("was created at {at}, not at {reviewed}"),
                _ => format!("has no known time of creation, which was {reviewed}"),
            });
        }
        let describe = |name: &Fact<String>, is_unreadable: bool| match name {
            Fact::Known(name) if is_unreadable => {
                format!("has a name that cannot be read, shown as {name:?}")
            }
            Fact::Known(name) => format!("is named {name:?}"),
            Fact::Absent => "has no name".to_owned(),
            Fact::NotReported => "does not report its name".to_owned(),
        };
        let reviewed = (&self.name, self.name_is_unreadable);
        let found = (&now.name, has_unreadable_name(now));
        (self.name.is_reported() && found != reviewed).then(|| {
            let (found, reviewed) = (describe(found.0, found.1), describe(reviewed.0, reviewed.1));
            format!("{found}, and the one in the plan {reviewed}")
        })
    }
}

/// Returns `true` for a name that is shown with escapes, and equals no readable one (decision
/// 0016).
fn has_unreadable_name(token: &Token) -> bool {
    token.name.known().is_some() && token.attributes.is_unreadable("name")
}

impl RevocationPlan {
    /// Creates a plan to revoke these tokens of an account, which were listed there.
    #[must_use]
    pub fn from_tokens<'a>(account: &Account, tokens: impl IntoIterator<Item = &'a Token>) -> Self {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut owners = tokens.iter().filter_map(|token| token.owner.known());
        let first = owners.next().map(Principal::id);
        let is_shared = owners.all(|owner| Some(owner.id()) == first);
        let planned = tokens.iter().copied().map(PlannedToken::from_token);
        let mut plan = Self::new(account, planned);
        plan.owner = first.filter(|_| is_shared).map(str::to_owned);
        plan
    }

    /// Creates a plan to revoke the tokens of an account with these ids, whatever they are.
    ///
    /// Where [ids are given again](crate::Capabilities::reused_ids), such a plan revokes nothing:
    /// use [`plan_revocation`](crate::TokenProviderExt::plan_revocation).
    #[must_use]
    pub fn from_ids(account: &Account, ids: impl IntoIterator<Item = TokenId>) -> Self {
        Self::new(account, ids.into_iter().map(PlannedToken::from_id))
    }

    fn new(account: &Account, tokens: impl IntoIterator<Item = PlannedToken>) -> Self {
        let mut seen = HashSet::new();
        let is_new = |token: &PlannedToken| seen.insert(token.id.clone());
        Self {
            account: account.clone(),
            owner: None,
            first: Vec::new(),
            tokens: tokens.into_iter().filter(is_new).collect(),
            last: None,
        }
    }

    /// Moves tokens of the plan to its beginning, to be revoked before all others: those that may
    /// [create tokens](crate::capability::CreateCapability::makers), so that nobody makes another
    /// one while the rest is revoked.
    #[must_use]
    pub fn with_first(mut self, is_first: impl Fn(&TokenId) -> bool) -> Self {
        let all = std::mem::take(&mut self.tokens).into_iter();
        let (first, others): (Vec<_>, _) = all.partition(|token| is_first(&token.id));
        self.first.extend(first);
        self.tokens = others;
        self
    }

    /// Adds the token that the account authenticates with, to be revoked after all others.
    #[must_use]
    pub fn with_acting_last(mut self, acting: TokenId) -> Self {
        let planned = self.planned().find(|token| token.id == acting).cloned();
        self = self.without(&acting);
        self.last = Some(planned.unwrap_or_else(|| PlannedToken::from_id(acting)));
        self
    }

    /// Holds the tokens of a plan to what these tokens show, as if they had been listed.
    ///
    /// What has the same id when the plan is carried out, but another name or time of creation, is
    /// left alone.
    pub(crate) fn with_seen<'a>(mut self, tokens: impl IntoIterator<Item = &'a Token>) -> Self {
        for token in tokens {
            let mut planned = (self.first.iter_mut())
                .chain(&mut self.tokens)
                .chain(&mut self.last);
            if let Some(planned) = planned.find(|planned| planned.id == token.id) {
                *planned = PlannedToken::from_token(token);
            }
        }
        self
    }

    /// Removes a token, because it must stay or was revoked already.
    #[must_use]
    pub fn without(self, id: &TokenId) -> Self {
        self.retaining(|planned| planned != id)
    }

    /// Keeps only the tokens for which this is true.
    #[must_use]
    pub fn retaining(mut self, mut keeps: impl FnMut(&TokenId) -> bool) -> Self {
        self.first.retain(|planned| keeps(&planned.id));
        self.tokens.retain(|planned| keeps(&planned.id));
        self.last = self.last.filter(|planned| keeps(&planned.id));
        self
    }

    /// Returns the tokens that another plan names as well, because its account is this one under
    /// another name.
    ///
    /// A token is the same if it was listed at the same place with the same owner, id, name and
    /// time of creation. The id alone proves nothing: the place may be "the user's own tokens", and
    /// another user's may be numbered alike.
    #[must_use]
    pub fn shared_tokens<'a>(&'a self, other: &Self) -> Vec<&'a TokenId> {
        let (account, others) = (&self.account, &other.account);
        let is_one_place = account.place().is_some()
            && (account.provider(), account.place()) == (others.provider(), others.place());
        if !is_one_place || self.owner != other.owner {
            return Vec::new();
        }
        let others = other.planned().map(|planned| (&planned.id, planned));
        let others: HashMap<_, _> = others.collect();
        let shared = self.planned().filter(|planned| {
            (self.owner.is_some() || planned.is_dated()) && others.get(&planned.id) == Some(planned)
        });
        shared.map(|planned| &planned.id).collect()
    }

    /// Returns the account, with the place that the plan was made in.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Returns the ids of the tokens, in the order in which they are revoked.
    pub fn tokens(&self) -> impl Iterator<Item = &TokenId> {
        self.planned().map(|token| &token.id)
    }

    /// Returns the tokens as the reviewer saw them, in the order in which they are revoked.
    pub fn planned(&self) -> impl Iterator<Item = &PlannedToken> {
        self.first.iter().chain(&self.tokens).chain(&self.last)
    }

    /// Returns the owner of the tokens, and the tokens in waves: each is revoked after the one
    /// before.
    pub(crate) fn into_waves(self) -> (Option<String>, [Vec<PlannedToken>; 3]) {
        let last = self.last.into_iter().collect();
        (self.owner, [self.first, self.tokens, last])
    }

    /// Returns the id of the acting token, if it is in the plan.
    pub(crate) fn acting(&self) -> Option<&TokenId> {
        self.last.as_ref().map(|token| &token.id)
    }
}

#[cfg(test)]
mod tests;
