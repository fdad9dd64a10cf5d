//! A token as the platform in memory keeps it.

use std::fmt;

use sha2::{Digest, Sha256};
use tokenfleet_core::capability::TokenField;
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
    /// A state in a word of tomorrow.
    pub(super) strange: bool,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) last_used: Option<Timestamp>,
    pub(super) renewals: u32,
}

impl Record {
    pub(super) fn state(&self, now: Timestamp) -> TokenState {
        if self.revoked {
            TokenState::Revoked
        } else if self.expires_at.is_some_and(|at| at <= now) {
            TokenState::Expired
        } else if self.suspended {
            TokenState::Suspended
        } else if self.strange {
            TokenState::Unknown
        } else {
            TokenState::Active
        }
    }

    pub(super) fn works(&self, now: Timestamp) -> bool {
        matches!(self.state(now), TokenState::Active | TokenState::Unknown)
    }

    /// What the platform tells about it: only what the profile reports.
    pub(super) fn told(&self, profile: &MemoryProfile, now: Timestamp) -> Token {
        let reports = |field| profile.capabilities.reported_fields.contains(&field);
        let mut token = Token::new(self.id.clone(), self.state(now));
        let owner = || Principal::new("1").with_kind("user".to_owned());
        tell(
            &mut token.name,
            reports(TokenField::Name),
            self.name.clone(),
        );
        tell(
            &mut token.description,
            reports(TokenField::Description),
            self.description.clone(),
        );
        tell(
            &mut token.created_at,
            reports(TokenField::CreatedAt),
            Some(self.created_at),
        );
        tell(
            &mut token.updated_at,
            reports(TokenField::UpdatedAt),
            Some(self.updated_at),
        );
        tell(
            &mut token.expiry,
            reports(TokenField::Expiry),
            self.expires_at,
        );
        tell(
            &mut token.last_used,
            reports(TokenField::LastUsed),
            self.last_used,
        );
        tell(&mut token.owner, reports(TokenField::Owner), Some(owner()));
        tell(
            &mut token.creator,
            reports(TokenField::Creator),
            Some(owner()),
        );
        tell(
            &mut token.scopes,
            reports(TokenField::Scopes),
            Some(self.scopes.clone().into()),
        );
        if self.strange {
            token
                .attributes
                .insert("status", Attribute::from("hibernating"));
        }
        token
    }
}

/// The secret stays out, as everywhere.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

fn tell<T>(fact: &mut Fact<T>, reported: bool, value: Option<T>) {
    if reported {
        *fact = Fact::from_nullable(value);
    }
}

/// A text from which the original cannot be computed.
pub(super) fn fingerprint(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest[..12]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
