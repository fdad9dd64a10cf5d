//! The ground truth: what exists on a platform, past the platform's own interface.

use jiff::Timestamp;

/// A token as it really is on the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Token {
    /// The platform's id. Mindbody has none: there it is a number that only the simulator knows.
    pub id: String,
    /// The name, where the platform has names.
    pub name: Option<String>,
    /// What has become of it. A suspension or revocation is named before an expiry.
    pub state: State,
    /// When it was created.
    pub created: Timestamp,
    /// When it was changed last, where the platform says so.
    pub updated: Option<Timestamp>,
    /// When it expires; `None` is never.
    pub expires: Option<Timestamp>,
    /// When it was used last, where the platform keeps that.
    pub last_used: Option<Timestamp>,
    /// The secret that authenticates as long as the token lives.
    pub secret: String,
}

/// What has become of a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It authenticates.
    #[default]
    Active,
    /// Switched off, can be switched on again (Losant).
    Suspended,
    /// Revoked for good, the record remains (Foreman).
    Revoked,
    /// Its time has passed.
    Expired,
    /// In a state that does not exist yet, called by a word that no client knows (Losant). It does not
    /// authenticate.
    Tomorrow,
}

/// A token to put onto a platform directly. A platform ignores what it has no place for.
///
/// ```
/// use tokenfleet_simulators::{NewToken, State};
/// let token = NewToken::named("ci").state(State::Suspended);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct NewToken {
    /// The name; empty lets the platform choose one.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// The state. `Expired` without an expiry date in the past sets one.
    pub state: State,
    /// When it was created; `None` is now.
    pub created: Option<Timestamp>,
    /// When it expires; `None` is never, or the platform's own rule.
    pub expires: Option<Timestamp>,
    /// When it was used last.
    pub last_used: Option<Timestamp>,
    /// What it may do; empty is the platform's default.
    pub scopes: Vec<String>,
}

impl NewToken {
    /// A token with this name, active, created now, never expiring.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// With this description.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// In this state.
    #[must_use]
    pub fn state(mut self, state: State) -> Self {
        self.state = state;
        self
    }

    /// Created then.
    #[must_use]
    pub fn created(mut self, at: Timestamp) -> Self {
        self.created = Some(at);
        self
    }

    /// Expiring then.
    #[must_use]
    pub fn expires(mut self, at: Timestamp) -> Self {
        self.expires = Some(at);
        self
    }

    /// Used last then.
    #[must_use]
    pub fn last_used(mut self, at: Timestamp) -> Self {
        self.last_used = Some(at);
        self
    }

    /// With these scopes.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }
}

/// What [`Simulator::insert`](crate::Simulator::insert) made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inserted {
    /// Its id, as in [`Token::id`].
    pub id: String,
    /// Its secret.
    pub secret: String,
}

impl Inserted {
    /// This id and this secret.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret: secret.into(),
        }
    }
}
