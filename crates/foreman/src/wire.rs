//! Bodies exactly as Foreman spells them.

use std::collections::BTreeMap;

use serde::de::MapAccess;
use serde::{Deserialize, Serialize};
use tokenfleet_core::model::{Attribute, Attributes};
use tokenfleet_core::{Fact, Secret};
use tokenfleet_http::{FromFields, JsonStr, read_unique};

/// A token as listed, shown and created.
#[derive(Debug, Default)]
pub(crate) struct PersonalAccessToken<'a> {
    pub(crate) id: Fact<u64>,
    pub(crate) name: Fact<JsonStr<'a>>,
    pub(crate) user_id: Fact<u64>,
    pub(crate) created_at: Fact<JsonStr<'a>>,
    pub(crate) updated_at: Fact<JsonStr<'a>>,
    pub(crate) expires_at: Fact<JsonStr<'a>>,
    pub(crate) last_used_at: Fact<JsonStr<'a>>,
    pub(crate) active: Fact<bool>,
    /// Sent since 2.4.
    pub(crate) revoked: Fact<bool>,
    pub(crate) rest: Attributes,
}

impl<'de: 'a, 'a> FromFields<'de> for PersonalAccessToken<'a> {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "id" => read_unique(&mut self.id, values)?,
            "name" => read_unique(&mut self.name, values)?,
            "user_id" => read_unique(&mut self.user_id, values)?,
            "created_at" => read_unique(&mut self.created_at, values)?,
            "updated_at" => read_unique(&mut self.updated_at, values)?,
            "expires_at" => read_unique(&mut self.expires_at, values)?,
            "last_used_at" => read_unique(&mut self.last_used_at, values)?,
            "active?" => read_unique(&mut self.active, values)?,
            "revoked?" => read_unique(&mut self.revoked, values)?,
            other => self.rest.insert(other, values.next_value()?),
        }
        Ok(())
    }
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

/// A page of tokens without its results. `subtotal` counts what matches the search, `total` all tokens of the user.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) subtotal: Fact<u64>,
    pub(crate) page: Fact<u64>,
    pub(crate) per_page: Fact<u32>,
}

impl<'de> FromFields<'de> for Index {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "subtotal" => read_unique(&mut self.subtotal, values),
            "page" => read_unique(&mut self.page, values),
            "per_page" => read_unique(&mut self.per_page, values),
            other => ().read(other, values),
        }
    }
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
