//! The tokens of many accounts in one list.

use std::collections::HashMap;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Account, AccountReport, Token};

/// The tokens of many accounts in one list, with a report for each account.
///
/// Serialised, it is the object that `tokenfleet inventory --output json` prints. Deserialised, it
/// is equal, so an inventory can be saved and compared with a later one (decision 0026). A list
/// that lacks tokens which its reports count, or has others, is not read.
///
/// ```
/// # fn save(found: tokenfleet::FleetTokens) -> Result<(), Box<dyn std::error::Error>> {
/// use tokenfleet::FleetTokens;
///
/// let saved = serde_json::to_string(&found)?;
/// let read: FleetTokens = serde_json::from_str(&saved)?;
/// assert_eq!(read, found);
/// for (account, token) in &read {
///     println!("{account}: {}", token.id);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FleetTokens {
    /// The tokens, each with its account, in the order of the query, or account by account if the
    /// query has no order.
    pub tokens: Vec<(Account, Token)>,
    /// The report of each account, in the order of the fleet. It counts only the account's tokens
    /// that are in [`tokens`](Self::tokens), and says whether there are others.
    pub accounts: Vec<AccountReport>,
}

impl FleetTokens {
    /// Returns `true` if every account was listed completely.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.accounts
            .iter()
            .all(|report| report.verdict.is_complete())
    }
}

impl FleetTokens {
    /// Returns `true` if each report counts the tokens of its account, and none is without report.
    fn agrees_with_reports(&self) -> bool {
        let mut counts = HashMap::<&Account, u64>::new();
        for (account, _) in &self.tokens {
            *counts.entry(account).or_default() += 1;
        }
        let counted = |report: &AccountReport| {
            counts.remove(&report.account).unwrap_or_default() == report.tokens
        };
        self.accounts.iter().all(counted) && counts.is_empty()
    }
}

impl IntoIterator for FleetTokens {
    type Item = (Account, Token);
    type IntoIter = std::vec::IntoIter<(Account, Token)>;

    fn into_iter(self) -> Self::IntoIter {
        self.tokens.into_iter()
    }
}

impl<'a> IntoIterator for &'a FleetTokens {
    type Item = &'a (Account, Token);
    type IntoIter = std::slice::Iter<'a, (Account, Token)>;

    fn into_iter(self) -> Self::IntoIter {
        self.tokens.iter()
    }
}

/// The accounts of reports by provider and name.
type Accounts<'a> = HashMap<(&'a str, &'a str), &'a Account>;

/// Returns the accounts by their names; of several with the same names, the first.
fn accounts_of(reports: &[AccountReport]) -> Accounts<'_> {
    let mut accounts = Accounts::new();
    for report in reports {
        let account = &report.account;
        let names = (account.provider(), account.name());
        accounts.entry(names).or_insert(account);
    }
    accounts
}

/// A token with the names of its account, as it is serialised in a list of several accounts.
///
/// ```
/// use tokenfleet::{Account, AccountToken, Token, TokenId, TokenState};
///
/// let (account, token) = (
///     Account::new("losant", "iot"),
///     Token::new(TokenId::new("1"), TokenState::Active),
/// );
/// let value = serde_json::to_value(AccountToken::new(&account, &token))?;
/// assert_eq!((&value["account"], &value["id"]), (&"iot".into(), &"1".into()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Serialize)]
pub struct AccountToken<'a> {
    account: &'a str,
    provider: &'a str,
    /// The place of the account, unless the account's report names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a str>,
    #[serde(flatten)]
    token: &'a Token,
}

impl<'a> AccountToken<'a> {
    /// Creates the serialised form of a token whose account has a report that names its place.
    #[must_use]
    pub fn new(account: &'a Account, token: &'a Token) -> Self {
        Self {
            account: account.name(),
            provider: account.provider(),
            place: None,
            token,
        }
    }
}

/// A token as it is read.
#[derive(Deserialize)]
struct OwnedRecord {
    account: String,
    provider: String,
    place: Option<String>,
    #[serde(flatten)]
    token: Token,
}

impl Serialize for FleetTokens {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("FleetTokens", 2)?;
        fields.serialize_field("tokens", &Records(self))?;
        fields.serialize_field("accounts", &self.accounts)?;
        fields.end()
    }
}

/// The tokens of the list with the names of their accounts.
struct Records<'a>(&'a FleetTokens);

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let accounts = accounts_of(&self.0.accounts);
        serializer.collect_seq(self.0.tokens.iter().map(|(account, token)| {
            let names = (account.provider(), account.name());
            let is_reported = accounts.get(&names).is_some_and(|known| *known == account);
            AccountToken {
                place: account.place().filter(|_| !is_reported),
                ..AccountToken::new(account, token)
            }
        }))
    }
}

impl<'de> Deserialize<'de> for FleetTokens {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Listing {
            tokens: Vec<OwnedRecord>,
            accounts: Vec<AccountReport>,
        }
        let Listing { tokens, accounts } = Listing::deserialize(deserializer)?;
        let known = accounts_of(&accounts);
        let tokens = tokens.into_iter().map(|record| {
            let names = (record.provider.as_str(), record.account.as_str());
            let account = match (record.place, known.get(&names)) {
                (None, Some(account)) => (*account).clone(),
                (None, None) => Account::new(names.0, names.1),
                (Some(place), _) => Account::new(names.0, names.1).with_place(&place),
            };
            (account, record.token)
        });
        let tokens = tokens.collect();
        let found = Self { tokens, accounts };
        if found.agrees_with_reports() {
            Ok(found)
        } else {
            Err(de::Error::custom(
                "`tokens` does not match the `count` of each account in `accounts`",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, ErrorKind, Fact, Fate, PartialReason, TokenId, TokenState, Verdict};

    fn report(account: &Account, verdict: Verdict) -> AccountReport {
        AccountReport {
            account: account.clone(),
            tokens: 1,
            verdict,
            cut_off: false,
        }
    }

    #[test]
    fn an_inventory_with_every_verdict_is_read_back_equal() {
        let iot = Account::new("losant", "iot").with_place("https://api.losant.com/me/tokens");
        let other = iot
            .clone()
            .with_place("https://losant.example.com/me/tokens");
        let ours = Account::new("ours", "iot");
        let error = Error::new(ErrorKind::Unavailable, Fate::Rejected, "out of order")
            .with_account(&iot)
            .with_status(503);
        let mut token = Token::new(TokenId::new("1"), TokenState::Active);
        token.owner = Fact::Absent;
        let accounts = vec![
            report(&iot, Verdict::Complete),
            report(&ours, Verdict::Partial(PartialReason::TooManyNewTokens)),
            report(&other, Verdict::Failed(error)),
            AccountReport {
                cut_off: true,
                tokens: 0,
                ..report(&Account::new("mindbody", "studio"), Verdict::NotListable)
            },
        ];
        let places = [&iot, &ours, &other];
        let found = FleetTokens {
            tokens: places
                .map(|account| (account.clone(), token.clone()))
                .into(),
            accounts,
        };
        let text = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<FleetTokens>(&text).unwrap(), found);
        assert_eq!((&found).into_iter().count(), found.into_iter().count());
        // A token does not repeat the place that its account's report names.
        assert_eq!(text.matches("api.losant.com").count(), 2, "{text}");
    }

    #[test]
    fn a_report_that_contradicts_itself_is_not_read() {
        for contradiction in [
            r#"{"account": "a", "provider": "b", "completeness": "failed", "reason": "x", "count": 1}"#,
            r#"{"account": "a", "provider": "b", "completeness": "partial", "reason": "x", "count": 1}"#,
            r#"{"account": "a", "provider": "b", "completeness": "whole", "reason": null, "count": 1}"#,
            r#"{"account": "a", "provider": "b", "completeness": "complete", "reason": "x", "count": 1}"#,
        ] {
            let read = serde_json::from_str::<AccountReport>(contradiction);
            assert!(read.is_err(), "{contradiction}");
        }
    }

    #[test]
    fn a_list_that_its_reports_contradict_is_not_read() {
        let report = |count: u64, place: &str| {
            format!(
                r#"{{"account": "a", "provider": "b", "completeness": "complete", "reason": null,
                    "count": {count}{place}}}"#
            )
        };
        let token = |account: &str| {
            format!(r#"{{"id": "1", "state": "active", "account": "{account}", "provider": "b"}}"#)
        };
        let here = r#", "place": "https://b.example.com""#;
        let cases = [
            (vec![token("a")], vec![report(1, "")], true),
            (vec![], vec![report(0, "")], true),
            (vec![], vec![report(12, "")], false),
            (vec![token("a"), token("a")], vec![report(1, "")], false),
            (vec![token("c")], vec![report(0, "")], false),
            (vec![token("a"), token("c")], vec![report(1, "")], false),
            (vec![token("a")], vec![report(1, here), report(0, "")], true),
            (
                vec![token("a")],
                vec![report(0, here), report(1, "")],
                false,
            ),
        ];
        for (tokens, accounts, is_read) in cases {
            let (tokens, accounts) = (tokens.join(","), accounts.join(","));
            let text = format!(r#"{{"tokens": [{tokens}], "accounts": [{accounts}]}}"#);
            let read = serde_json::from_str::<FleetTokens>(&text);
            assert_eq!(read.is_ok(), is_read, "{text}");
        }
    }
}
