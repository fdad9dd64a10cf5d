//! The bodies of Foreman's API, in its own spelling.

use serde::de::MapAccess;
use serde::{Deserialize, Serialize};
use tokenfleet_core::model::{Attribute, Attributes};
use tokenfleet_core::{Fact, Secret};
use tokenfleet_http::decode::{FromFields, JsonStr, read_unique};

/// A token, as in the responses to index, show and create.
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

    fn attributes(&mut self) -> Option<&mut Attributes> {
        Some(&mut self.rest)
    }
}

/// The part of the response to a creation that must not be lost, whatever the rest looks like.
#[derive(Debug, Default)]
pub(crate) struct Issued {
    pub(crate) id: Fact<u64>,
    /// The secret.
    pub(crate) token_value: Fact<Secret>,
}

impl<'de> FromFields<'de> for Issued {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "id" => read_unique(&mut self.id, values),
            "token_value" => read_unique(&mut self.token_value, values),
            other => ().read(other, values),
        }
    }
}

/// The result of a search for users.
#[derive(Debug, Deserialize)]
pub(crate) struct Users {
    pub(crate) results: Vec<User>,
}

/// A user in that result.
#[derive(Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) login: Option<String>,
}

/// The current user, or a user whose identity is asked for.
#[derive(Debug, Default)]
pub(crate) struct CurrentUser {
    pub(crate) id: Fact<u64>,
    pub(crate) login: Fact<String>,
    pub(crate) mail: Fact<String>,
}

impl<'de> FromFields<'de> for CurrentUser {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "id" => read_unique(&mut self.id, values),
            "login" => read_unique(&mut self.login, values),
            "mail" => read_unique(&mut self.mail, values),
            other => ().read(other, values),
        }
    }
}

/// A page of tokens without its results. `subtotal` counts the tokens that match the search,
/// `total` all tokens of the user.
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

/// The response to DELETE, which has another shape. Its `token` is a hash and is ignored.
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

/// The attributes of the token to create.
#[derive(Debug, Serialize)]
pub(crate) struct NewToken {
    pub(crate) name: Option<String>,
    pub(crate) expires_at: Option<String>,
}

/// The body of an error response. `error` is an object, a string or absent.
#[derive(Debug, Default)]
pub(crate) struct ErrorResponse {
    pub(crate) error: Fact<Attribute>,
    pub(crate) message: Fact<String>,
    pub(crate) status: Fact<u64>,
    /// `true` if there is any other field.
    pub(crate) has_more: bool,
}

impl<'de> FromFields<'de> for ErrorResponse {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "error" => read_unique(&mut self.error, values),
            "message" => read_unique(&mut self.message, values),
            "status" => read_unique(&mut self.status, values),
            other => {
                self.has_more = true;
                ().read(other, values)
            }
        }
    }
}
