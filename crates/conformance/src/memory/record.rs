//! A token as the reference platform stores it.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};
use tokenfleet_core::capability::{ArgumentValue, TokenField};
use tokenfleet_core::model::{Attribute, Principal};
use tokenfleet_core::{Fact, Timestamp, Token, TokenId, TokenState};

use super::profile::MemoryProfile;

#[derive(Clone)]
pub(super) struct Record {
    pub(super) id: TokenId,
    pub(super) secret: String,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) suspended: bool,
    pub(super) revoked: bool,
    /// `true` if the token is in a state that the provider does not know.
    pub(super) unknown_state: bool,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) last_used: Option<Timestamp>,
    pub(super) renewals: u32,
    /// `true` if the platform never lists the token.
    pub(super) is_unlisted: bool,
    /// `true` if a login issued the token, where that decides what a revocation takes along.
    pub(super) is_of_login: bool,
    /// The arguments that only this platform has.
    pub(super) arguments: BTreeMap<String, ArgumentValue>,
}

impl Record {
    pub(super) fn state(&self, now: Timestamp) -> TokenState {
        if self.revoked {
            TokenState::Revoked
        } else if self.expires_at.is_some_and(|at| at <= now) {
            TokenState::Expired
        } else if self.suspended {
            TokenState::Suspended
        } else if self.unknown_state {
            TokenState::Unknown
        } else {
            TokenState::Active
        }
    }

    pub(super) fn works(&self, now: Timestamp) -> bool {
        matches!(self.state(now), TokenState::Active | TokenState::Unknown)
    }

    /// Returns the token with the fields that the profile reports.
    pub(super) fn to_token(&self, profile: &MemoryProfile, now: Timestamp) -> Token {
        let reported = &profile.capabilities.reported_fields;
        let reports = |field| reported.contains(&field);
        let owner = || Principal::new("1").with_kind("user".to_owned());
        let mut token = Token::new(self.id.clone(), self.state(now));
        if reports(TokenField::Name) {
            token.name = Fact::from_nullable(self.name.clone());
        }
        if reports(TokenField::Description) {
            token.description = Fact::from_nullable(self.description.clone());
        }
        if reports(TokenField::CreatedAt) {
            token.created_at = Fact::Known(self.created_at);
        }
        if reports(TokenField::UpdatedAt) {
            token.updated_at = Fact::Known(self.updated_at);
        }
        if reports(TokenField::Expiry) {
            token.expiry = Fact::from_nullable(self.expires_at);
        }
        if reports(TokenField::LastUsed) {
            token.last_used = Fact::from_nullable(self.last_used);
        }
        if reports(TokenField::Owner) {
            token.owner = Fact::Known(owner());
        }
        if reports(TokenField::Creator) {
            token.creator = Fact::Known(owner());
        }
        if reports(TokenField::Scopes) {
            token.scopes = Fact::Known(self.scopes.clone().into());
        }
        for (name, value) in &self.arguments {
            let value = match value {
                ArgumentValue::Boolean(value) => Attribute::Boolean(*value),
                ArgumentValue::Integer(value) => Attribute::Integer(*value),
                ArgumentValue::Text(text) => Attribute::from(text.as_str()),
                ArgumentValue::List(texts) => {
                    Attribute::List(texts.iter().map(|text| text.as_str().into()).collect())
                }
                _ => Attribute::Null,
            };
            token.attributes.insert(name.as_str(), value);
        }
        let revoke = profile.capabilities.revoke.as_ref();
        if revoke.is_some_and(|revoke| revoke.tokens_alone.is_some()) {
            let client = if self.is_of_login { "login" } else { "api" };
            token.attributes.insert("client", Attribute::from(client));
        }
        if self.unknown_state {
            token
                .attributes
                .insert("status", Attribute::from("hibernating"));
        }
        token
    }
}

/// Shows the id and the name, but not the secret.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Returns a string that identifies another string without revealing it.
pub(super) fn fingerprint(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest[..12]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
