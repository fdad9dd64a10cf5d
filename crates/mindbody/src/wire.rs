//! Bodies exactly as Mindbody spells them.

use serde::de::MapAccess;
use serde::{Deserialize, Serialize};
use tokenfleet_core::model::Attributes;
use tokenfleet_core::{Fact, Secret};
use tokenfleet_http::{FromFields, JsonStr, read_unique};

/// The body of an issue. Empty it asks for nothing and is refused.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct IssueRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<&'a str>,
}

/// The answer to an issue, and perhaps to a renewal, which is not specified.
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
}

/// What of that answer must not be lost, whatever else it says.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Issued {
    pub(crate) access_token: Option<Secret>,
}

/// Whom a token acts for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct User {
    /// 0 for admins and owners.
    pub(crate) id: Option<i64>,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    #[serde(rename = "Type")]
    pub(crate) kind: Option<String>,
}

/// The body of a refusal: `Error`, or `Message` alone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Refused {
    pub(crate) error: Option<ApiError>,
    pub(crate) message: Option<String>,
}

/// What is wrong.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ApiError {
    pub(crate) message: Option<String>,
    pub(crate) code: Option<String>,
}
