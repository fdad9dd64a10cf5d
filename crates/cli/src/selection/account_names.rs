//! The names and patterns of accounts, as `--account` takes them.

use tokenfleet::query::NamePattern;
use tokenfleet::{AccountConfiguration, Result};

use super::unknown_account;

/// The sign before the name or pattern of accounts that are left out.
const EXCLUSION: char = '!';

/// The names and patterns of accounts that are wanted, or of those that are not.
#[derive(Debug)]
pub(crate) struct AccountNames {
    /// The wanted accounts; none means all.
    included: Vec<String>,
    excluded: Vec<String>,
}

impl AccountNames {
    /// Tells the names and patterns that begin with `!` from the others.
    pub(crate) fn parse(names: &[String]) -> Self {
        let (excluded, included): (Vec<_>, Vec<_>) =
            names.iter().partition(|name| name.starts_with(EXCLUSION));
        Self {
            included: included.into_iter().cloned().collect(),
            excluded: excluded
                .into_iter()
                .map(|name| name[EXCLUSION.len_utf8()..].to_owned())
                .collect(),
        }
    }

    /// Returns `true` for the name of an account that is wanted and not left out.
    pub(crate) fn matches(&self, account: &str) -> bool {
        let is_named = |name: &String| NamePattern::Glob(name.clone()).matches(account);
        (self.included.is_empty() || self.included.iter().any(is_named))
            && !self.excluded.iter().any(is_named)
    }

    /// Rejects a name or pattern that no known account has.
    pub(crate) fn check(&self, mut known: Vec<&str>) -> Result<()> {
        known.sort_unstable();
        known.dedup();
        let mut names = self.included.iter().chain(&self.excluded);
        names.try_for_each(|name| matching(name, &known).map(|_| ()))
    }

    /// Returns the positions of the accounts that are wanted and not left out, in the order of the
    /// names.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet::ErrorKind::Configuration) for a name or pattern that no
    /// account has.
    pub(super) fn select(&self, all: &[AccountConfiguration]) -> Result<Vec<usize>> {
        let known: Vec<_> = all.iter().map(AccountConfiguration::name).collect();
        let mut is_taken = vec![false; all.len()];
        for name in &self.excluded {
            for index in matching(name, &known)? {
                is_taken[index] = true;
            }
        }
        if self.included.is_empty() {
            return Ok((0..all.len()).filter(|index| !is_taken[*index]).collect());
        }
        let mut accounts = Vec::new();
        for name in &self.included {
            for index in matching(name, &known)? {
                if !std::mem::replace(&mut is_taken[index], true) {
                    accounts.push(index);
                }
            }
        }
        Ok(accounts)
    }
}

/// Returns the positions of the accounts that have this name, or else match this pattern: at least
/// one.
fn matching(name: &str, known: &[&str]) -> Result<Vec<usize>> {
    let is_exact = !name.contains('*') || known.contains(&name);
    let pattern = if is_exact {
        NamePattern::Exact(name.to_owned())
    } else {
        NamePattern::Glob(name.to_owned())
    };
    let positions = known.iter().enumerate();
    let positions = positions.filter(|(_, account)| pattern.matches(account));
    let positions: Vec<_> = positions.map(|(index, _)| index).collect();
    if positions.is_empty() {
        return Err(unknown_account(name, known, is_exact));
    }
    Ok(positions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_select_and_exclusions_leave_out() {
        let all = ["iot", "iot-eu", "studio", "packages"]
            .map(|name| AccountConfiguration::new(name, "losant"));
        let select = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            let names = AccountNames::parse(&names);
            let selected = names.select(&all).ok()?;
            for (index, account) in all.iter().enumerate() {
                let is_selected = selected.contains(&index);
                assert_eq!(names.matches(account.name()), is_selected, "{names:?}");
            }
            let selected = selected.into_iter().map(|index| all[index].name());
            Some(selected.collect::<Vec<_>>().join(" "))
        };
        for (names, expected) in [
            (&[][..], Some("iot iot-eu studio packages")),
            (&["studio", "iot"], Some("studio iot")),
            (&["!studio"], Some("iot iot-eu packages")),
            (&["!iot*", "!studio"], Some("packages")),
            (&["iot*", "!iot-eu"], Some("iot")),
            (&["!iot-eu", "iot*"], Some("iot")),
            (&["!*"], Some("")),
            (&["!stduio"], None),
            (&["!"], None),
            (&["iot", "!nobody*"], None),
        ] {
            assert_eq!(select(names).as_deref(), expected, "{names:?}");
        }
    }
}
