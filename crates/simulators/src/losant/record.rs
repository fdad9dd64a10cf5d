//! One token, kept small: a million of them fit into a few hundred megabytes.

use jiff::Timestamp;
use serde_json::Value;

use super::options::Collection;

/// A token's record. Its id and its secret are computed, not stored.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) name: Box<str>,
    pub(super) description: Option<Box<str>>,
    /// Milliseconds since 1970, as all times here.
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) expires: Option<i64>,
    pub(super) status: Status,
    pub(super) collection: Collection,
    /// Which of the store's sets of scopes.
    pub(super) scopes: u16,
    /// The token that made this one; none when the user did.
    pub(super) creator: Option<Box<Creator>>,
    pub(super) roles: Option<Box<Roles>>,
}

/// What a token's `status` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    #[default]
    Active,
    Inactive,
    /// A word that Losant may come up with.
    Tomorrow,
}

/// A token that made another, as it was then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Creator {
    pub(super) id: String,
    pub(super) name: String,
}

/// Roles of API 1.30, kept as they were given.
#[derive(Clone, Debug, Default)]
pub(super) struct Roles {
    pub(super) default_role: Option<Value>,
    pub(super) org_roles: Option<Value>,
}

impl Record {
    pub(super) fn status(&self) -> &'static str {
        match self.status {
            Status::Active => "active",
            Status::Inactive => "inactive",
            Status::Tomorrow => "quarantined",
        }
    }

    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires
            .is_some_and(|expires| expires <= now.as_millisecond())
    }
}

/// A time as Losant writes it: UTC, three digits of milliseconds, `Z`.
pub(super) fn written(milliseconds: i64) -> String {
    let time = Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{time:.3}")
}
