//! Bodies exactly as Foreman spells them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokenfleet_core::{Attribute, Fact, Secret};

/// A token as listed, shown and created.
#[derive(Debug, Deserialize)]
pub(crate) struct PersonalAccessToken {
    pub(crate) id: u64,
    pub(crate) name: Option<String>,
    pub(crate) user_id: Option<u64>,
    #[serde(default)]
    pub(crate) created_at: Fact<String>,
    #[serde(default)]
    pub(crate) updated_at: Fact<String>,
    #[serde(default)]
    pub(crate) expires_at: Fact<String>,
    #[serde(default)]
    pub(crate) last_used_at: Fact<String>,
    #[serde(rename = "active?")]
    pub(crate) active: Option<bool>,
    /// Sent since 2.4.
    #[serde(rename = "revoked?")]
    pub(crate) revoked: Option<bool>,
    #[serde(flatten)]
    pub(crate) rest: BTreeMap<String, Attribute>,
}

/// What of the answer to a creation must not be lost, whatever else it says.
#[derive(Debug, Deserialize)]
pub(crate) struct Issued {
    pub(crate) id: u64,
    /// The secret.
    pub(crate) token_value: Option<Secret>,
}

/// The users that a search for a login finds.
#[derive(Debug, Deserialize)]
pub(crate) struct Users {
    pub(crate) results: Vec<User>,
}

/// One of them.
#[derive(Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) login: Option<String>,
}

/// A page of tokens. `subtotal` counts what matches the search, `total` all tokens of the user.
#[derive(Debug, Deserialize)]
pub(crate) struct Index {
    pub(crate) subtotal: u64,
    pub(crate) page: Option<u64>,
    pub(crate) per_page: Option<u32>,
    pub(crate) results: Vec<PersonalAccessToken>,
}

/// The answer to DELETE has another shape; its `token` is a hash and is not read.
#[derive(Debug, Deserialize)]
pub(crate) struct Revoked {
    pub(crate) id: u64,
    pub(crate) revoked: bool,
}

/// The body of a creation.
#[derive(Debug, Serialize)]
pub(crate) struct Creation {
    pub(crate) personal_access_token: NewToken,
}

/// What is created.
#[derive(Debug, Serialize)]
pub(crate) struct NewToken {
    pub(crate) name: Option<String>,
    pub(crate) expires_at: Option<String>,
}

/// The body of a refusal. `error` is an object, a string or absent.
#[derive(Debug, Deserialize)]
pub(crate) struct Refused {
    pub(crate) error: Option<RefusedError>,
    pub(crate) message: Option<String>,
}

/// The two shapes of `error`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum RefusedError {
    Text(String),
    Details {
        message: Option<String>,
        details: Option<String>,
        class: Option<String>,
        full_messages: Option<Vec<String>>,
        #[serde(default)]
        errors: BTreeMap<String, Attribute>,
    },
}
