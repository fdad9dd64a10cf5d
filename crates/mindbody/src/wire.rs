//! The bodies of Mindbody's API, in its own spelling.

use serde::de::{IgnoredAny, MapAccess};
use serde::{Deserialize, Serialize};
use tokenfleet_core::model::Attributes;
use tokenfleet_core::{Fact, Secret};
use tokenfleet_http::decode::{FromFields, JsonStr, if_readable, read_unique};

/// The body of an issue request. An empty one is rejected.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct IssueRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<&'a str>,
}

/// The response to an issue request, and perhaps to a renewal, whose response is not specified.
#[derive(Debug, Default)]
pub(crate) struct UserToken<'a> {
    pub(crate) expires: Fact<JsonStr<'a>>,
    pub(crate) user: Fact<User>,
    pub(crate) rest: Attributes,
}

impl<'de: 'a, 'a> FromFields<'de> for UserToken<'a> {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "Expires" => read_unique(&mut self.expires, values)?,
            "User" => read_unique(&mut self.user, values)?,
            other => self.rest.insert(other, values.next_value()?),
        }
        Ok(())
    }

    fn attributes(&mut self) -> Option<&mut Attributes> {
        Some(&mut self.rest)
    }
}

/// The part of that response that must not be lost, whatever the rest looks like.
#[derive(Debug, Default)]
pub(crate) struct Issued {
    pub(crate) access_token: Fact<Secret>,
    unreadable: Attributes,
}

impl Issued {
    /// Returns the secret; an empty one if the response holds something else in its place.
    pub(crate) fn secret(self) -> Option<Secret> {
        match self.access_token {
            Fact::Known(secret) => Some(secret),
            Fact::NotReported if !self.unreadable.is_unreadable("AccessToken") => None,
            _ => Some(Secret::new("")),
        }
    }
}

impl<'de> FromFields<'de> for Issued {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "AccessToken" => read_unique(&mut self.access_token, values),
            other => ().read(other, values),
        }
    }

    fn attributes(&mut self) -> Option<&mut Attributes> {
        Some(&mut self.unreadable)
    }
}

/// The user that a token acts for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct User {
    /// The id of the user; 0 for admins and owners.
    pub(crate) id: Option<i64>,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    #[serde(rename = "Type")]
    pub(crate) kind: Option<String>,
}

/// The body of an error response: `Error`, or `Message` alone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ErrorResponse {
    #[serde(default, deserialize_with = "if_readable")]
    pub(crate) error: Option<ApiError>,
    #[serde(default, deserialize_with = "if_readable")]
    pub(crate) message: Option<String>,
    pub(crate) access_token: Option<IgnoredAny>,
}

/// The field `Error`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ApiError {
    #[serde(default, deserialize_with = "if_readable")]
    pub(crate) message: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    pub(crate) code: Option<String>,
}
