//! The normalized record of a token.

use std::str::FromStr;

use serde::Serialize;

use crate::error::{Error, Result, did_you_mean};
use crate::model::fact::serialize_moment;
use crate::model::{Attributes, Fact, Principal, Scopes, Secret, Timestamp, TokenId};

/// A token as its platform describes it: never its secret.
///
/// Serialised it is the object that `tokenfleet list --output json` prints, without account and provider.
///
/// ```
/// use tokenfleet_core::{Fact, Token, TokenId, TokenState};
///
/// let mut token = Token::new(TokenId::new("575ec7417ae143cd83dc4a95"), TokenState::Active);
/// token.name = Fact::Known("ci".into());
/// token.expiry = Fact::Absent;
/// assert!(token.never_expires());
/// assert!(!token.last_used.is_reported(), "the platform does not say when it was used");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Token {
    /// Its id within the account.
    pub id: TokenId,
    /// The name that people gave it. Not unique on every platform.
    pub name: Fact<String>,
    /// A longer text about it.
    pub description: Fact<String>,
    /// Whether it works, as far as the platform says.
    pub state: TokenState,
    /// When it was created.
    pub created_at: Fact<Timestamp>,
    /// When its record was last changed.
    pub updated_at: Fact<Timestamp>,
    /// When it stops working; [`Fact::Absent`]: never.
    #[serde(serialize_with = "serialize_moment")]
    pub expiry: Fact<Timestamp>,
    /// When it was last used; [`Fact::Absent`]: never.
    #[serde(serialize_with = "serialize_moment")]
    pub last_used: Fact<Timestamp>,
    /// Whom it acts for.
    pub owner: Fact<Principal>,
    /// Who made it.
    pub creator: Fact<Principal>,
    /// What it may do, in the platform's own words.
    pub scopes: Fact<Scopes>,
    /// What else the platform reports.
    pub attributes: Attributes,
}

impl Token {
    /// A token of which nothing but id and state is reported yet.
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

    /// Returns `true` if the platform says that this token never expires.
    ///
    /// A platform that does not report an expiry says nothing: see [`Fact::NotReported`].
    #[must_use]
    pub fn never_expires(&self) -> bool {
        self.expiry.is_absent()
    }

    /// Whether the platform says anything about a field, be it that there is none.
    #[must_use]
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

/// A fact that a platform may or may not report of its tokens.
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
    /// All fields.
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
}

/// Whether a token works.
///
/// Where several hold, the most final is reported: revoked, then expired, then suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TokenState {
    /// It works.
    Active,
    /// It is switched off and can be switched on again.
    Suspended,
    /// It is dead for good.
    Revoked,
    /// Its time is over.
    Expired,
    /// The platform uses a word that this version does not know; [`Token::attributes`] hold it.
    Unknown,
}

impl TokenState {
    /// All states.
    pub const ALL: [Self; 5] = [
        Self::Active,
        Self::Suspended,
        Self::Revoked,
        Self::Expired,
        Self::Unknown,
    ];

    /// The state as it is spelt in JSON and on the command line.
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

/// Reads what [`TokenState::as_str`] writes.
impl FromStr for TokenState {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| {
            Error::invalid_input("no such state")
                .with_advice(did_you_mean(text, &Self::ALL.map(Self::as_str)))
        })
    }
}

/// A token together with its secret: the one and only time that the secret is seen.
///
/// Store the secret before doing anything else; no platform shows it again.
#[derive(Debug)]
#[non_exhaustive]
pub struct IssuedToken {
    /// The record.
    pub token: Token,
    /// The credential.
    pub secret: Secret,
}

impl IssuedToken {
    /// Puts a record and its secret together.
    #[must_use]
    pub fn new(token: Token, secret: Secret) -> Self {
        Self { token, secret }
    }
}

/// A token whose life was prolonged.
#[derive(Debug)]
#[non_exhaustive]
pub struct RenewedToken {
    /// The record with its new expiry.
    pub token: Token,
    /// A new secret, if the platform changed it on this occasion; the old one must then be forgotten.
    pub secret: Option<Secret>,
}

impl RenewedToken {
    /// Puts the record and, where it changed, the secret together.
    #[must_use]
    pub fn new(token: Token, secret: Option<Secret>) -> Self {
        Self { token, secret }
    }
}
