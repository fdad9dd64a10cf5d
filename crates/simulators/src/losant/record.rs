//! The record of a token, compact enough for a million of them in a few hundred megabytes.

use jiff::Timestamp;
use serde_json::Value;

use super::options::Collection;

/// The record of a token, whose id and secret are computed instead of stored.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) name: Box<str>,
    pub(super) description: Option<Box<str>>,
    /// The time of creation in milliseconds since 1970, like all times here.
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) expires: Option<i64>,
    pub(super) status: Status,
    pub(super) collection: Collection,
    /// The index of the scopes in the store's list of scope sets.
    pub(super) scopes: u16,
    /// The token that created this one; `None` if the user did.
    pub(super) creator: Option<Box<Creator>>,
    pub(super) roles: Option<Box<Roles>>,
}

/// The `status` of a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    #[default]
    Active,
    Inactive,
    /// A status that no client knows yet.
    Unrecognized,
}

/// The token that created another, as it was at that time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Creator {
    pub(super) id: String,
    pub(super) name: String,
}

/// The roles of API 1.30, stored as received.
#[derive(Clone, Debug, Default)]
pub(super) struct Roles {
    pub(super) default_role: Option<Value>,
    pub(super) org_roles: Option<Value>,
}

impl Record {
    /// Returns the spelling of the status.
    pub(super) fn status(&self) -> &'static str {
        match self.status {
            Status::Active => "active",
            Status::Inactive => "inactive",
            Status::Unrecognized => "quarantined",
        }
    }

    /// Returns `true` if the token has expired.
    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires
            .is_some_and(|expires| expires <= now.as_millisecond())
    }
}

/// Formats a time as Losant does: UTC, three digits of milliseconds, `Z`.
pub(super) fn format_time(milliseconds: i64) -> String {
    let time = Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{time:.3}")
}
