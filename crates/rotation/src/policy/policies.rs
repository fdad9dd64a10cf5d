//! All policies together: no token and no sink belongs to two.

use tokenfleet_core::{Error, Result, Timestamp, Token};

use super::{Due, Policy, without_marker};

/// All policies together: no token and no sink belongs to two of them.
///
/// Two owners of one secret would rotate it against each other for ever.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policies(Vec<Policy>);

/// The place of one sink for one token: its name in the configuration with `{name}`, `{id}` and
/// `{account}` filled in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SinkPlace(String);

impl SinkPlace {
    /// Fills in a place. The name of a token is taken without its marker, so that a successor goes
    /// where the token before it was.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration) if the place has `{name}` and
    /// the token has none that can be read, and for what would name a place elsewhere.
    pub fn new(template: &str, account: &str, token: Option<&Token>) -> Result<Self> {
        let mut place = template.to_owned();
        let mut fill = |variable: &str, value: &str| {
            if !place.contains(variable) {
                return Ok(());
            }
            let is_special = |c: char| c.is_control() || "/\\#{}".contains(c);
            if value.is_empty()
                || value == "."
                || value.contains("..")
                || value.contains(is_special)
            {
                return Err(super::refused(
                    format!("the sink {template} would be another place with this {variable}"),
                    "a name in a place has no `/`, `\\`, `#`, `..`, braces or control characters",
                ));
            }
            place = place.replace(variable, value);
            Ok(())
        };
        fill("{account}", account)?;
        if let Some(token) = token {
            fill("{id}", token.id.as_str())?;
        }
        if template.contains("{name}") {
            let name = token.filter(|token| !token.attributes.is_unreadable("name"));
            let Some(name) = name.and_then(|token| token.name.known()) else {
                return Err(super::refused(
                    format!("the sink {template} needs the name of a token that has none"),
                    "use `{id}`, or give the token a name",
                ));
            };
            fill("{name}", without_marker(name))?;
        }
        Ok(Self(place))
    }

    /// Returns the place.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns a place without what makes no difference, to be compared.
pub(crate) fn normalised(place: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in place.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

impl Policies {
    /// Accepts policies that do not fight over a token or a sink.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration) if two have one name, one sink,
    /// or the same filter on one account.
    pub fn new(policies: impl IntoIterator<Item = Policy>) -> Result<Self> {
        let mut accepted: Vec<Policy> = Vec::new();
        for policy in policies {
            for other in &accepted {
                let (one, two) = (other.config(), policy.config());
                if one.name == two.name {
                    return Err(conflict(other, &policy, "have one name"));
                }
                if one.account == two.account && one.filter == two.filter {
                    return Err(conflict(other, &policy, "rotate the same tokens"));
                }
                // What is filled in differs from account to account, and from token to token.
                let taken: Vec<_> = two.sinks.iter().map(|sink| normalised(sink)).collect();
                let is_taken = |sink: &&String| taken.contains(&normalised(sink));
                let sinks = one.sinks.iter().filter(is_taken);
                let is_shared = |sink: &String| {
                    let has_account = sink.contains("{account}") && one.account != two.account;
                    !has_account && !sink.contains("{name}") && !sink.contains("{id}")
                };
                if sinks.into_iter().any(is_shared) {
                    return Err(conflict(other, &policy, "write one sink"));
                }
            }
            accepted.push(policy);
        }
        Ok(Self(accepted))
    }

    /// Returns the policies.
    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.0.iter()
    }

    /// Returns the policy that rotates a token of an account, and when.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration) if two policies cover it.
    pub fn due(
        &self,
        account: &str,
        token: &Token,
        rotated_at: Option<Timestamp>,
    ) -> Result<Option<(&Policy, Due)>> {
        let mut covering = (self.0.iter())
            .filter(|policy| policy.config().account == account && policy.covers(token));
        let Some(policy) = covering.next() else {
            return Ok(None);
        };
        if let Some(other) = covering.next() {
            return Err(conflict(
                policy,
                other,
                &format!("both cover the token {}", token.id),
            ));
        }
        Ok(Some((policy, policy.due(token, rotated_at))))
    }

    /// Checks that each of the tokens has sinks of its own, and returns them in order.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration) if two tokens would be written
    /// to one place.
    pub fn places<'a>(
        &self,
        tokens: impl IntoIterator<Item = (&'a Policy, &'a Token)>,
    ) -> Result<Vec<Vec<SinkPlace>>> {
        let mut taken = std::collections::HashMap::new();
        let mut all = Vec::new();
        for (policy, token) in tokens {
            let config = policy.config();
            let mut places = Vec::new();
            for sink in &config.sinks {
                let place = SinkPlace::new(sink, &config.account, Some(token))?;
                if let Some(other) = taken.insert(normalised(place.as_str()), &token.id) {
                    return Err(super::refused(
                        format!(
                            "policies.{}: the tokens {other} and {} would be written to one place",
                            config.name, token.id
                        ),
                        "use `{name}` or `{id}` in the sink, or narrow `where` to one token",
                    ));
                }
                places.push(place);
            }
            all.push(places);
        }
        Ok(all)
    }
}

fn conflict(one: &Policy, other: &Policy, what: &str) -> Error {
    super::refused(
        format!(
            "policies.{} and policies.{} {what}",
            one.config().name,
            other.config().name
        ),
        "two owners of one secret would rotate it against each other: keep one",
    )
}
