//! The plan of a bulk revocation, as text for review.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::{Account, Error, Result};
use crate::model::{Token, TokenId};

/// The first line of a plan, with the version of the format.
const HEADING: &str = "tokenfleet revocations 1";

/// The characters that are percent-encoded, because a reviewer could misread them.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A plan to revoke tokens of one account, without duplicates.
///
/// It is built from a finished listing, so that nothing is revoked while tokens are listed. As text
/// it can be saved, reviewed, shortened by deleting lines, and parsed again. A `#` after a space
/// starts a comment. Text that displays differently from what it means is rejected: control
/// characters are not allowed, and each id has exactly one spelling.
///
/// A plan that was interrupted can simply be executed again, because revoking twice succeeds. The
/// exception is a platform that revokes by replacing: first remove the tokens that were replaced,
/// because their ids now belong to the replacements.
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
    /// The acting token, which is revoked after all others.
    last: Option<TokenId>,
}

impl RevocationPlan {
    /// Creates a plan to revoke these tokens of an account.
    #[must_use]
    pub fn from_tokens<'a>(account: &Account, tokens: impl IntoIterator<Item = &'a Token>) -> Self {
        let ids = tokens.into_iter().map(|token| token.id.clone());
        Self::from_ids(account, ids)
    }

    /// Creates a plan to revoke the tokens of an account with these ids.
    #[must_use]
    pub fn from_ids(account: &Account, ids: impl IntoIterator<Item = TokenId>) -> Self {
        let mut seen = HashSet::new();
        let is_new = |id: &TokenId| seen.insert(id.clone());
        Self {
            account: account.clone(),
            tokens: ids.into_iter().filter(is_new).collect(),
            last: None,
        }
    }

    /// Adds the token that the account authenticates with, to be revoked after all others.
    #[must_use]
    pub fn with_acting_last(mut self, acting: TokenId) -> Self {
        self.tokens.retain(|id| *id != acting);
        self.last = Some(acting);
        self
    }

    /// Removes a token, because it must stay or was revoked already.
    #[must_use]
    pub fn without(mut self, id: &TokenId) -> Self {
        self.tokens.retain(|planned| planned != id);
        self.last = self.last.filter(|last| last != id);
        self
    }

    /// Returns the account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Returns the tokens, in the order in which they are revoked.
    pub fn tokens(&self) -> impl Iterator<Item = &TokenId> {
        self.tokens.iter().chain(&self.last)
    }

    /// Returns the tokens to revoke first, and the acting token to revoke last.
    pub(crate) fn into_parts(self) -> (Vec<TokenId>, Option<TokenId>) {
        (self.tokens, self.last)
    }
}

fn encode(text: &str) -> impl fmt::Display {
    utf8_percent_encode(text, ENCODED)
}

/// Writes a heading, the account and a line for each token.
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
                "a revocation plan must start with the line \"{HEADING}\""
            )));
        }
        let (mut account, mut tokens, mut last) = (None, Vec::new(), None);
        for (number, line) in lines {
            if line.chars().any(alters_display) {
                return Err(Error::invalid_input(format!(
                    "line {number} of the plan contains a control character, \
                     which could hide what the line says"
                ))
                .with_advice("create the plan again"));
            }
            let line = strip_comment(line);
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
                        "line {number} of the plan is not a valid account, revoke or last line"
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

/// Decodes a word, or returns `None` unless encoding it again yields the same spelling.
fn decode(word: &str) -> Option<String> {
    let decoded = percent_decode_str(word).decode_utf8().ok()?;
    let canonical = encode(&decoded).to_string();
    (canonical == word).then(|| decoded.into_owned())
}

/// Strips the comment of a line. A `#` within a word does not start one, because half an id may be
/// the id of another token.
fn strip_comment(line: &str) -> &str {
    let starts_comment =
        |(index, _): &(usize, &str)| *index == 0 || line[..*index].trim_end().len() < *index;
    match line.match_indices('#').find(starts_comment) {
        Some((index, _)) => &line[..index],
        None => line,
    }
}

/// Returns `true` for a character that makes a terminal or an editor show something else, such as
/// another line or nothing.
fn alters_display(c: char) -> bool {
    c.is_control() && c != '\t' || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_plan_round_trips_through_its_text(
            names in (".{1,9}", ".{1,9}"),
            ids in prop::collection::vec(".{1,9}", 0..9),
            last in prop::option::of(".{1,9}"),
        ) {
            let account = Account::new(&names.0, &names.1);
            let mut plan = RevocationPlan::from_ids(&account, ids.into_iter().map(TokenId::new));
            if let Some(last) = last {
                plan = plan.with_acting_last(TokenId::new(last));
            }
            prop_assert_eq!(plan.to_string().parse::<RevocationPlan>().unwrap(), plan);
        }

        #[test]
        fn comments_are_ignored(
            ids in prop::collection::vec(".{1,9}", 0..9),
            comment in "[^\\p{Cc}\u{2028}\u{2029}]{0,20}",
        ) {
            let ids = ids.into_iter().map(TokenId::new);
            let plan = RevocationPlan::from_ids(&Account::new("a", "b"), ids);
            let text = plan.to_string();
            let (heading, rest) = text.split_once('\n').unwrap();
            let rest = rest.replace('\n', &format!(" # {comment}\n"));
            let commented = format!("{heading}\n{rest}");
            prop_assert_eq!(commented.parse::<RevocationPlan>().unwrap(), plan);
        }

        #[test]
        fn an_id_is_accepted_in_one_spelling_only(id in "[!-~]{1,9}") {
            let text = format!("{HEADING}\naccount a b\nrevoke {id}\n");
            if let Ok(plan) = text.parse::<RevocationPlan>() {
                let written = plan.to_string();
                prop_assert_eq!(written.lines().last(), Some(&*format!("revoke {id}")));
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(
            text in "(tokenfleet revocations 1\n)?(account a b\n)?(.|\n){0,60}",
        ) {
            let _ = text.parse::<RevocationPlan>();
        }
    }

    #[test]
    fn a_text_that_displays_differently_from_what_it_means_is_rejected() {
        let parse =
            |lines: &str| format!("{HEADING}\naccount a b\n{lines}").parse::<RevocationPlan>();
        assert!(parse("revoke 12\t# ci\r\n# 13\r\n#14").is_ok());
        for lines in [
            "revoke 12#34",
            "revoke 12 #\rrevoke 13  # ci",
            "revoke 12 # \u{1b}[1A\u{1b}[2K",
            "revoke 12 # ci\u{2028}revoke 13",
            "revoke 1\u{8}2",
            "revoke 1\u{200b}2",
            "revoke %31%32",
        ] {
            let error = parse(lines).unwrap_err().to_string();
            assert!(
                error.starts_with("line 3 of the plan "),
                "{lines:?}: {error}"
            );
        }
    }
}
