//! Which tokens shall be revoked, to be reviewed before anything is.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{Account, Error, Result, Token, TokenId};

const HEADING: &str = "tokenfleet revocations 1";

/// The tokens of one account that shall be revoked, each once.
///
/// It is made from a finished listing, so that nothing is revoked while a list is read, and it has a text: write it to a
/// file, have it reviewed, strike lines out, and read it again. What follows a `#` is for people. A plan that was carried out in part is simply carried
/// out again, for revoking twice succeeds.
///
/// ```
/// use tokenfleet_core::{Account, RevocationPlan, Token, TokenId, TokenState};
///
/// let account = Account::new("losant", "iot");
/// let token = Token::new(TokenId::new("575ec7417ae143cd83dc4a95"), TokenState::Active);
/// let plan = RevocationPlan::of(&account, [&token]);
/// assert_eq!(plan.to_string().parse::<RevocationPlan>()?, plan);
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationPlan {
    account: Account,
    tokens: Vec<TokenId>,
    last: Option<TokenId>,
}

impl RevocationPlan {
    /// A plan to revoke these tokens of that account.
    #[must_use]
    pub fn of<'a>(account: &Account, tokens: impl IntoIterator<Item = &'a Token>) -> Self {
        let ids = tokens.into_iter().map(|token| token.id.clone());
        Self::of_ids(account, ids)
    }

    /// A plan to revoke the tokens of that account that have these ids.
    #[must_use]
    pub fn of_ids(account: &Account, ids: impl IntoIterator<Item = TokenId>) -> Self {
        let mut seen = HashSet::new();
        let new = |id: &TokenId| seen.insert(id.clone());
        Self {
            account: account.clone(),
            tokens: ids.into_iter().filter(new).collect(),
            last: None,
        }
    }

    /// And at the very end, when all others are dead, this one: the token that the provider authenticates with.
    #[must_use]
    pub fn ending_with(mut self, acting: TokenId) -> Self {
        self.tokens.retain(|id| *id != acting);
        self.last = Some(acting);
        self
    }

    /// Without a token, because it shall live or is dead.
    #[must_use]
    pub fn without(mut self, id: &TokenId) -> Self {
        self.tokens.retain(|planned| planned != id);
        self.last = self.last.filter(|last| last != id);
        self
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The tokens, in the order in which their revocations begin.
    pub fn tokens(&self) -> impl Iterator<Item = &TokenId> {
        self.tokens.iter().chain(&self.last)
    }

    /// Those to begin with, and the one to end with.
    pub(crate) fn into_parts(self) -> (Vec<TokenId>, Option<TokenId>) {
        (self.tokens, self.last)
    }
}

fn encode(text: &str) -> impl fmt::Display {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}

/// A heading, the account, and a line for each token.
impl fmt::Display for RevocationPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (provider, name) = (self.account.provider(), self.account.name());
        writeln!(f, "{HEADING}")?;
        writeln!(f, "account {} {}", encode(provider), encode(name))?;
        for id in &self.tokens {
            writeln!(f, "revoke {}", encode(id.as_str()))?;
        }
        match &self.last {
            Some(last) => writeln!(f, "last {}", encode(last.as_str())),
            None => Ok(()),
        }
    }
}

impl FromStr for RevocationPlan {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut lines = (1..).zip(text.lines());
        if lines.next().map(|(_, line)| line) != Some(HEADING) {
            return Err(Error::invalid_input(format!(
                "a plan of revocations begins with the line \"{HEADING}\""
            )));
        }
        let (mut account, mut tokens, mut last) = (None, Vec::new(), None);
        for (number, line) in lines {
            let line = line.split('#').next().unwrap_or_default();
            let words: Option<Vec<_>> = line.split_whitespace().map(decode).collect();
            let words = words.unwrap_or_default();
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            match (words.as_slice(), &account, &last) {
                ([], ..) if line.trim().is_empty() => {}
                (["account", provider, name], None, _) => {
                    account = Some(Account::new(provider, name))
                }
                (["revoke", id], Some(_), None) => tokens.push(TokenId::new(*id)),
                (["last", id], Some(_), None) => last = Some(TokenId::new(*id)),
                _ => {
                    return Err(Error::invalid_input(format!(
                        "line {number} of the plan is neither the account nor a token to revoke"
                    )));
                }
            }
        }
        let account =
            account.ok_or_else(|| Error::invalid_input("the plan does not name its account"))?;
        let plan = Self::of_ids(&account, tokens);
        Ok(match last {
            Some(last) => plan.ending_with(last),
            None => plan,
        })
    }
}

fn decode(word: &str) -> Option<String> {
    let decoded = percent_decode_str(word).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_plan_survives_its_text(
            names in (".{1,9}", ".{1,9}"), ids in prop::collection::vec(".{1,9}", 0..9), last in prop::option::of(".{1,9}"),
        ) {
            let account = Account::new(&names.0, &names.1);
            let mut plan = RevocationPlan::of_ids(&account, ids.into_iter().map(TokenId::new));
            if let Some(last) = last {
                plan = plan.ending_with(TokenId::new(last));
            }
            prop_assert_eq!(plan.to_string().parse::<RevocationPlan>().unwrap(), plan);
        }

        #[test]
        fn what_follows_a_hash_is_for_people(ids in prop::collection::vec(".{1,9}", 0..9), remark in "[^\n]{0,20}") {
            let plan = RevocationPlan::of_ids(&Account::new("a", "b"), ids.into_iter().map(TokenId::new));
            let text = plan.to_string();
            let (heading, rest) = text.split_once('\n').unwrap();
            let rest = rest.replace('\n', &format!(" # {remark}\n"));
            prop_assert_eq!(format!("{heading}\n{rest}").parse::<RevocationPlan>().unwrap(), plan);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(tokenfleet revocations 1\n)?(account a b\n)?(.|\n){0,60}") {
            let _ = text.parse::<RevocationPlan>();
        }
    }
}
