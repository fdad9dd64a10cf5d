//! The bodies of Mindbody's API, in its own spelling.

use serde::de::MapAccess;
use serde::{Deserialize, Serialize};
use tokenfleet_core::model::{Attribute, Attributes};
use tokenfleet_core::{Fact, Secret};
use tokenfleet_http::decode::{FromFields, JsonStr, read_unique};

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
#[derive(Debug, Default)]
pub(crate) struct ErrorResponse {
    pub(crate) error: Fact<Attribute>,
    pub(crate) message: Fact<String>,
    /// `true` if a field says that the request failed. No success is documented that has one.
    pub(crate) has_failed: bool,
}

impl<'de> FromFields<'de> for ErrorResponse {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name.to_ascii_lowercase().as_str() {
            "error" | "errors" => {
                // Before it is read, since a value may be too deep for that.
                let before = std::mem::replace(&mut self.has_failed, true);
                let error: Attribute = values.next_value()?;
                self.has_failed = before || !is_nothing(&error);
                if name == "Error" && !is_nothing(&error) {
                    self.error = Fact::Known(error);
                }
                Ok(())
            }
            "success" => {
                let before = std::mem::replace(&mut self.has_failed, true);
                let success: Attribute = values.next_value()?;
                let is_success = matches!(success, Attribute::Boolean(true) | Attribute::Null);
                self.has_failed = before || !is_success;
                Ok(())
            }
            "message" => read_unique(&mut self.message, values),
            _ => {
                // The errors of API managers, and of RFC 9457.
                self.has_failed |= matches!(name, "__type" | "title");
                ().read(name, values)
            }
        }
    }
}

fn is_nothing(value: &Attribute) -> bool {
    match value {
        Attribute::Null | Attribute::Boolean(false) => true,
        Attribute::Text(text) => text.is_empty(),
        Attribute::List(list) => list.is_empty(),
        Attribute::Map(map) => map.is_empty(),
        _ => false,
    }
}
