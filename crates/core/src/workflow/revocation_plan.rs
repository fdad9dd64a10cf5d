//! Which tokens shall be revoked, to be reviewed before anything is.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::{Account, Error, Result};
use crate::model::{Token, TokenId};

const HEADING: &str = "tokenfleet revocations 1";

/// What people could misread in a name or an id.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The tokens of one account that shall be revoked, each once.
///
/// It is made from a finished listing, so that nothing is revoked while a list is read, and it has a text: write it to a
/// file, have it reviewed, strike lines out, and read it again. What follows a blank and a `#` is for people. A text that shows
/// them something else than it says is refused: one with control characters, or with an id in another spelling than its own.
///
/// A plan that was carried out in part is simply carried out again, for revoking twice succeeds. Only where revoking means
/// replacing, strike out first what was replaced: its id now belongs to the replacement, which would be replaced in turn.
///
/// ```
/// use tokenfleet_core::{Account, RevocationPlan, Token, TokenId, TokenState};
///
/// let account = Account::new("losant", "iot");
/// let token = Token::new(TokenId::new("575ec7417ae143cd83dc4a95"), TokenState::Active);
/// let plan = RevocationPlan::from_tokens(&account, [&token]);
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
    pub fn from_tokens<'a>(account: &Account, tokens: impl IntoIterator<Item = &'a Token>) -> Self {
        let ids = tokens.into_iter().map(|token| token.id.clone());
        Self::from_ids(account, ids)
    }

    /// A plan to revoke the tokens of that account that have these ids.
    #[must_use]
    pub fn from_ids(account: &Account, ids: impl IntoIterator<Item = TokenId>) -> Self {
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
    pub fn with_acting_last(mut self, acting: TokenId) -> Self {
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
    utf8_percent_encode(text, ENCODED)
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
            if line.chars().any(hides_something) {
                return Err(Error::invalid_input(format!(
                    "line {number} of the plan holds a character that changes what people see of it"
                ))
                .with_advice("make the plan again"));
            }
            let line = before_remark(line);
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
                        "line {number} of the plan is neither the account nor a token to revoke, as a plan spells them"
                    )));
                }
            }
        }
        let account =
            account.ok_or_else(|| Error::invalid_input("the plan does not name its account"))?;
        let plan = Self::from_ids(&account, tokens);
        Ok(match last {
            Some(last) => plan.with_acting_last(last),
            None => plan,
        })
    }
}

/// What is meant by a word, if that is how it is written: each id has one spelling.
fn decode(word: &str) -> Option<String> {
    let decoded = percent_decode_str(word).decode_utf8().ok()?;
    let spelt = encode(&decoded).to_string();
    (spelt == word).then(|| decoded.into_owned())
}

/// A line without what is for people. Within a word a `#` begins no remark: half an id may be the id of another token.
fn before_remark(line: &str) -> &str {
    let begins =
        |(place, _): &(usize, &str)| line[..*place].trim_end().len() < *place || *place == 0;
    match line.match_indices('#').find(begins) {
        Some((place, _)) => &line[..place],
        None => line,
    }
}

/// Whether a terminal or an editor shows something else where that stands, such as another line or nothing.
fn hides_something(c: char) -> bool {
    c.is_control() && c != '\t' || matches!(c, '\u{2028}' | '\u{2029}')
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
            let mut plan = RevocationPlan::from_ids(&account, ids.into_iter().map(TokenId::new));
            if let Some(last) = last {
                plan = plan.with_acting_last(TokenId::new(last));
            }
            prop_assert_eq!(plan.to_string().parse::<RevocationPlan>().unwrap(), plan);
        }

        #[test]
        fn what_follows_a_hash_is_for_people(ids in prop::collection::vec(".{1,9}", 0..9), remark in "[^\\p{Cc}\u{2028}\u{2029}]{0,20}") {
            let plan = RevocationPlan::from_ids(&Account::new("a", "b"), ids.into_iter().map(TokenId::new));
            let text = plan.to_string();
            let (heading, rest) = text.split_once('\n').unwrap();
            let rest = rest.replace('\n', &format!(" # {remark}\n"));
            prop_assert_eq!(format!("{heading}\n{rest}").parse::<RevocationPlan>().unwrap(), plan);
        }

        #[test]
        fn an_id_is_read_in_its_own_spelling_only(id in "[!-~]{1,9}") {
            let text = format!("{HEADING}\naccount a b\nrevoke {id}\n");
            if let Ok(plan) = text.parse::<RevocationPlan>() {
                let written = plan.to_string();
                prop_assert_eq!(written.lines().last(), Some(&*format!("revoke {id}")));
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(tokenfleet revocations 1\n)?(account a b\n)?(.|\n){0,60}") {
            let _ = text.parse::<RevocationPlan>();
        }
    }

    #[test]
    fn a_text_that_shows_people_something_else_is_refused() {
        let read =
            |lines: &str| format!("{HEADING}\naccount a b\n{lines}").parse::<RevocationPlan>();
        assert!(read("revoke 12\t# ci\r\n# 13\r\n#14").is_ok());
        for lines in [
            "revoke 12#34",
            "revoke 12 #\rrevoke 13  # ci",
            "revoke 12 # \u{1b}[1A\u{1b}[2K",
            "revoke 12 # ci\u{2028}revoke 13",
            "revoke 1\u{8}2",
            "revoke 1\u{200b}2",
            "revoke %31%32",
        ] {
            let error = read(lines).unwrap_err().to_string();
            assert!(
                error.starts_with("line 3 of the plan "),
                "{lines:?}: {error}"
            );
        }
    }
}
