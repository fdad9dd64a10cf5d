//! The ground truth: the tokens of a platform, read and written past its own API.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A token as the platform stores it, secret included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Token {
    /// The platform's id; for Mindbody, which has none, a number that only the simulator knows.
    pub id: String,
    /// The name, on platforms that have names.
    pub name: Option<String>,
    /// The state; suspension and revocation take precedence over expiry.
    pub state: State,
    /// The time of creation.
    pub created: Timestamp,
    /// The time of the last change, on platforms that report it.
    pub updated: Option<Timestamp>,
    /// The time of expiry; `None` if the token never expires.
    pub expires: Option<Timestamp>,
    /// The time of the last use, on platforms that record it.
    pub last_used: Option<Timestamp>,
    /// The secret that authenticates while the token is active.
    pub secret: String,
}

/// The state of a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// The token authenticates.
    #[default]
    Active,
    /// The token is switched off and can be switched on again (Losant).
    Suspended,
    /// The token is revoked for good, and its record remains (Foreman).
    Revoked,
    /// The token has expired.
    Expired,
    /// The token is in a state that no client knows yet, and does not authenticate (Losant).
    ///
    /// JSON spells it `"tomorrow"`.
    #[serde(rename = "tomorrow")]
    Unrecognized,
}

/// A token to insert into a platform directly; fields that the platform lacks are ignored.
///
/// ```
/// use tokenfleet_simulators::{NewToken, State};
/// let token = NewToken::named("ci").state(State::Suspended);
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct NewToken {
    /// The name; if empty, the platform chooses one.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// The state; `Expired` without an expiry sets one in the past.
    pub state: State,
    /// The time of creation; `None` is now.
    pub created: Option<Timestamp>,
    /// The time of expiry; `None` is never, or the platform's own rule.
    pub expires: Option<Timestamp>,
    /// The time of the last use.
    pub last_used: Option<Timestamp>,
    /// The scopes; if empty, the platform's default.
    pub scopes: Vec<String>,
}

impl NewToken {
    /// Creates an active token with this name, created now and never expiring.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Sets the description.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Sets the state.
    #[must_use]
    pub fn state(mut self, state: State) -> Self {
        self.state = state;
        self
    }

    /// Sets the time of creation.
    #[must_use]
    pub fn created(mut self, at: Timestamp) -> Self {
        self.created = Some(at);
        self
    }

    /// Sets the time of expiry.
    #[must_use]
    pub fn expires(mut self, at: Timestamp) -> Self {
        self.expires = Some(at);
        self
    }

    /// Sets the time of the last use.
    #[must_use]
    pub fn last_used(mut self, at: Timestamp) -> Self {
        self.last_used = Some(at);
        self
    }

    /// Sets the scopes.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }
}

/// The id and secret of a token that [`Simulator::insert`](crate::Simulator::insert) created.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inserted {
    /// The id, as in [`Token::id`].
    pub id: String,
    /// The secret.
    pub secret: String,
}

impl Inserted {
    /// Creates an inserted token with this id and secret.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret: secret.into(),
        }
    }
}
