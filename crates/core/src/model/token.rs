//! The normalized record of a token, alone or together with its secret.

use std::str::FromStr;

use crate::error::{Error, Result, did_you_mean};
use crate::model::{Attributes, Fact, Principal, Scopes, Secret, Timestamp, TokenId};

/// A token as its platform describes it, without its secret.
///
/// Serialised, it is the object that `tokenfleet list --output json` prints, without the account
/// and the provider. Deserialised, it is equal to the token that was serialised (decision 0026).
///
/// ```
/// use tokenfleet_core::{Fact, Token, TokenId, TokenState};
///
/// let mut token = Token::new(TokenId::new("575ec7417ae143cd83dc4a95"), TokenState::Active);
/// token.name = Fact::Known("ci".into());
/// token.expiry = Fact::Absent;
/// assert!(token.never_expires());
/// assert!(!token.never_used(), "the platform does not report when it was last used");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Token {
    /// The id of the token, unique within the account.
    pub id: TokenId,
    /// The name that people gave the token. Names are not unique on every platform.
    pub name: Fact<String>,
    /// A longer description of the token.
    pub description: Fact<String>,
    /// The state of the token, as far as the platform reports it.
    pub state: TokenState,
    /// The time the token was created.
    pub created_at: Fact<Timestamp>,
    /// The time the record was last changed.
    pub updated_at: Fact<Timestamp>,
    /// The time the token expires; [`Fact::Absent`] if it never does.
    pub expiry: Fact<Timestamp>,
    /// The time the token was last used; [`Fact::Absent`] if it never was.
    pub last_used: Fact<Timestamp>,
    /// The principal that the token acts for.
    pub owner: Fact<Principal>,
    /// The principal that created the token.
    pub creator: Fact<Principal>,
    /// The scopes of the token, in the platform's own words.
    pub scopes: Fact<Scopes>,
    /// The fields that the platform reports beyond the model, and those that cannot be read: see
    /// [`Attributes::mark_unreadable`].
    pub attributes: Attributes,
}

impl Token {
    /// Creates a token of which only the id and the state are known.
    #[must_use]
    pub fn new(id: TokenId, state: TokenState) -> Self {
        Self {
            id,
            name: Fact::NotReported,
            description: Fact::NotReported,
            state,
            created_at: Fact::NotReported,
            updated_at: Fact::NotReported,
            expiry: Fact::NotReported,
            last_used: Fact::NotReported,
            owner: Fact::NotReported,
            creator: Fact::NotReported,
            scopes: Fact::NotReported,
            attributes: Attributes::default(),
        }
    }

    /// Returns `true` if the platform reports that this token never expires.
    ///
    /// It is `false` if the platform does not report an expiry: see [`Fact::NotReported`].
    #[must_use]
    pub fn never_expires(&self) -> bool {
        self.expiry.is_absent()
    }

    /// Returns `true` if the platform reports that this token was never used.
    ///
    /// It is `false` if the platform does not report uses: see [`Fact::NotReported`].
    #[must_use]
    pub fn never_used(&self) -> bool {
        self.last_used.is_absent()
    }

    /// Returns `true` if this is the token's name, and the name can be read.
    ///
    /// A name with half a surrogate pair is shown with that half escaped, as in `ci \ud83d`. It
    /// equals no name, not even one with those very characters (decision 0016).
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.name.known().is_some_and(|own| own == name) && !self.attributes.is_unreadable("name")
    }

    /// Returns `true` if the platform reports this field, even as absent.
    #[must_use]
    #[inline]
    pub fn is_reported(&self, field: TokenField) -> bool {
        match field {
            TokenField::Name => self.name.is_reported(),
            TokenField::Description => self.description.is_reported(),
            TokenField::CreatedAt => self.created_at.is_reported(),
            TokenField::UpdatedAt => self.updated_at.is_reported(),
            TokenField::Expiry => self.expiry.is_reported(),
            TokenField::LastUsed => self.last_used.is_reported(),
            TokenField::Owner => self.owner.is_reported(),
            TokenField::Creator => self.creator.is_reported(),
            TokenField::Scopes => self.scopes.is_reported(),
        }
    }
}

/// A field that a platform may or may not report of its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TokenField {
    /// [`Token::name`].
    Name,
    /// [`Token::description`].
    Description,
    /// [`Token::created_at`].
    CreatedAt,
    /// [`Token::updated_at`].
    UpdatedAt,
    /// [`Token::expiry`].
    Expiry,
    /// [`Token::last_used`].
    LastUsed,
    /// [`Token::owner`].
    Owner,
    /// [`Token::creator`].
    Creator,
    /// [`Token::scopes`].
    Scopes,
}

impl TokenField {
    /// All fields, in the order of [`Token`].
    pub const ALL: [Self; 9] = [
        Self::Name,
        Self::Description,
        Self::CreatedAt,
        Self::UpdatedAt,
        Self::Expiry,
        Self::LastUsed,
        Self::Owner,
        Self::Creator,
        Self::Scopes,
    ];

    /// Returns the field's key in the JSON of a token.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Description => "description",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::Expiry => "expiry",
            Self::LastUsed => "last_used",
            Self::Owner => "owner",
            Self::Creator => "creator",
            Self::Scopes => "scopes",
        }
    }
}

/// The state of a token.
///
/// If several apply, the most final one is reported: revoked, then expired, then suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TokenState {
    /// The token authenticates.
    Active,
    /// The token is suspended and can be resumed.
    Suspended,
    /// The token was revoked for good.
    Revoked,
    /// The token has passed its expiry.
    Expired,
    /// The platform reports a state that this version does not know; [`Token::attributes`] holds
    /// its word.
    Unknown,
}

impl TokenState {
    /// All states, in the order in which they are sorted.
    pub const ALL: [Self; 5] = [
        Self::Active,
        Self::Suspended,
        Self::Revoked,
        Self::Expired,
        Self::Unknown,
    ];

    /// Returns the state as it is written in JSON and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }
}

/// Parses the words of [`TokenState::as_str`].
impl FromStr for TokenState {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| {
            Error::invalid_input("unknown state")
                .with_advice(did_you_mean(text, &Self::ALL.map(Self::as_str)))
        })
    }
}

/// A new token together with its secret.
///
/// Store the secret before doing anything else: no platform shows it again.
#[derive(Debug)]
#[non_exhaustive]
pub struct IssuedToken {
    /// The record of the token.
    pub token: Token,
    /// The secret of the token.
    pub secret: Secret,
    /// The time on the platform's clock when it answered; `None` if the response does not say.
    ///
    /// On a platform that takes lifetimes and does not report when a token was created, the expiry
    /// is judged by it.
    pub served_at: Option<Timestamp>,
}

impl IssuedToken {
    /// Combines a record and its secret.
    #[must_use]
    pub fn new(token: Token, secret: Secret) -> Self {
        Self {
            token,
            secret,
            served_at: None,
        }
    }

    /// Sets the time on the platform's clock when it answered.
    #[must_use]
    pub fn with_served_at(mut self, at: Timestamp) -> Self {
        self.served_at = Some(at);
        self
    }
}

/// A token whose expiry was extended.
#[derive(Debug)]
#[non_exhaustive]
pub struct RenewedToken {
    /// The record with its new expiry.
    pub token: Token,
    /// The new secret, if the platform issued one; discard the old one.
    pub secret: Option<Secret>,
}

impl RenewedToken {
    /// Combines a record and the new secret, if there is one.
    #[must_use]
    pub fn new(token: Token, secret: Option<Secret>) -> Self {
        Self { token, secret }
    }
}
