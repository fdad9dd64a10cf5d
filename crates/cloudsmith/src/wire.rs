//! Bodies exactly as Cloudsmith spells them. Blank fields are null; none is promised to be there.

use serde::de::MapAccess;
use serde::{Deserialize, Serialize};
use tokenfleet_core::model::Attributes;
use tokenfleet_core::{Fact, Secret};
use tokenfleet_http::{FromFields, JsonStr, read_unique};

/// `UserAuthenticationToken`.
#[derive(Debug, Default)]
pub(crate) struct UserAuthenticationToken<'a> {
    pub(crate) slug_perm: Fact<JsonStr<'a>>,
    pub(crate) created: Fact<JsonStr<'a>>,
    pub(crate) rest: Attributes,
}

impl<'de: 'a, 'a> FromFields<'de> for UserAuthenticationToken<'a> {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "slug_perm" => read_unique(&mut self.slug_perm, values)?,
            "created" => read_unique(&mut self.created, values)?,
            other => self.rest.insert(other, values.next_value()?),
        }
        Ok(())
    }
}

/// What of the answer to a creation or refresh must not be lost, whatever else it says.
#[derive(Debug, Deserialize)]
pub(crate) struct Issued<'a> {
    #[serde(borrow)]
    pub(crate) slug_perm: Option<JsonStr<'a>>,
    /// Whole after POST and PUT; listings mask it.
    pub(crate) key: Option<Secret>,
}

/// `UserBrief`.
#[derive(Debug, Deserialize)]
pub(crate) struct UserBrief {
    pub(crate) authenticated: bool,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) slug: Option<String>,
}

/// `UserAuthTokenRequest`, with the field that the schema omits and the official program sends.
#[derive(Default, Serialize)]
pub(crate) struct UserAuthTokenRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) totp_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) two_factor_token: Option<&'a str>,
}

/// `UserAuthToken`.
#[derive(Debug, Deserialize)]
pub(crate) struct UserAuthToken {
    pub(crate) token: Option<Secret>,
    #[serde(default)]
    pub(crate) two_factor_required: Option<bool>,
    pub(crate) two_factor_token: Option<Secret>,
}

/// `ErrorDetail`.
#[derive(Debug, Deserialize)]
pub(crate) struct Refused {
    pub(crate) detail: Option<String>,
    pub(crate) code: Option<String>,
}
