//! The scopes that Losant publishes: to explain why it rejected one, and to tell which tokens may
//! create others.

use std::sync::LazyLock;

use tokenfleet_core::config::{did_you_mean, quoted};
use tokenfleet_core::query::TextPredicate;
use tokenfleet_core::{Error, Filter};

/// The members of Losant's lists of scopes, of API 1.20 and of 1.30. A newer API may know more, so
/// no scope is rejected here.
const PUBLISHED: &str = include_str!("scopes.txt");

static LIST: LazyLock<Vec<&str>> = LazyLock::new(|| PUBLISHED.lines().collect());

/// Returns the scopes that Losant publishes, in the order of the alphabet.
pub(crate) fn published() -> &'static [&'static str] {
    &LIST
}

/// The scopes with which a token creates others, in whichever of the three collections.
const MAKING: [&str; 14] = [
    "all.Application",
    "all.Instance",
    "all.Organization",
    "all.User",
    "applicationApiTokens.*",
    "applicationApiTokens.post",
    "instanceApiTokens.*",
    "instanceApiTokens.post",
    "only.Application",
    "only.Instance",
    "only.Organization",
    "only.User",
    "userApiTokens.*",
    "userApiTokens.post",
];

/// Matches the tokens that may create others: by one of their scopes, or because none is reported.
pub(crate) fn makers() -> Filter {
    let unknown = [TextPredicate::NotReported, TextPredicate::Absent].map(Filter::Scopes);
    Filter::any_of(MAKING.map(Filter::scope).into_iter().chain(unknown))
}

/// Adds to a rejected creation which of its scopes Losant does not publish, and the nearest one
/// that it does.
pub(crate) fn explain(error: Error, scopes: &[String]) -> Error {
    if error.status() != Some(400) {
        return error;
    }
    let published = published();
    let unknown = scopes
        .iter()
        .find(|scope| !published.contains(&scope.as_str()));
    let Some(unknown) = unknown else {
        return error;
    };
    let suggestion = did_you_mean(unknown, published);
    // It lists all that there are when none is near.
    let suggestion = if suggestion.starts_with("did you mean") {
        suggestion
    } else {
        "see Losant's documentation for the scopes".to_owned()
    };
    // It may be a secret in the wrong place.
    let name = match quoted(unknown, published) {
        name if name.is_empty() => " of one of these names".to_owned(),
        name => name,
    };
    error.with_advice(format!("Losant publishes no scope{name}: {suggestion}"))
}

#[cfg(test)]
mod tests {
    use tokenfleet_core::{ErrorKind, Fact, Fate, Token, TokenId, TokenState};

    use super::*;

    #[test]
    fn a_token_may_make_others_unless_its_scopes_rule_it_out() {
        let mut token = Token::new(TokenId::new("1"), TokenState::Active);
        assert!(makers().matches(&token), "nothing is known");
        for (scopes, is_maker) in [
            (["all.User", "devices.get"], true),
            (["devices.get", "userApiTokens.post"], true),
            (["all.User.read", "userApiTokens.get"], false),
        ] {
            token.scopes = Fact::Known(scopes.map(String::from).to_vec().into());
            assert_eq!(makers().matches(&token), is_maker, "{scopes:?}");
        }
    }

    #[test]
    fn a_rejected_scope_that_is_not_published_gets_a_suggestion() {
        let explain = |scopes: &[&str], status| {
            let scopes: Vec<_> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            let error = Error::new(ErrorKind::InvalidInput, Fate::Rejected, "rejected");
            let error = super::explain(error.with_status(status), &scopes);
            error.advice().map(str::to_owned)
        };
        assert_eq!(
            explain(&["all.User", "userApiToken.gets"], 400).as_deref(),
            Some("Losant publishes no scope `userApiToken.gets`: did you mean `userApiToken.get`?")
        );
        let far = explain(&["*"], 400).unwrap();
        assert!(
            far.ends_with("see Losant's documentation for the scopes"),
            "{far}"
        );
        let secret = explain(&["SK-PrjW98OTY1h8QTY9hUA"], 400).unwrap();
        assert!(!secret.contains("PrjW98"), "{secret}");
        assert_eq!(explain(&["all.User", "only.User.read"], 400), None);
        assert_eq!(explain(&["all.Usr"], 503), None);
    }
}
