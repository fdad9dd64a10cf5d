//! The bodies of Cloudsmith's API, in its own spelling. Blank fields are null, and any field may be
//! absent.

use serde::de::MapAccess;
use serde::{Deserialize, Serialize};
use tokenfleet_core::model::{Attribute, Attributes};
use tokenfleet_core::{Fact, Secret};
use tokenfleet_http::decode::{FromFields, JsonStr, read_unique};

/// The schema `UserAuthenticationToken`.
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

    fn attributes(&mut self) -> Option<&mut Attributes> {
        Some(&mut self.rest)
    }
}

/// The schema `Service`: a service account, with its key.
#[derive(Debug, Default)]
pub(crate) struct Service<'a> {
    pub(crate) slug: Fact<JsonStr<'a>>,
    pub(crate) name: Fact<JsonStr<'a>>,
    pub(crate) description: Fact<JsonStr<'a>>,
    pub(crate) created_at: Fact<JsonStr<'a>>,
    pub(crate) key_expires_at: Fact<JsonStr<'a>>,
    pub(crate) rest: Attributes,
}

impl<'de: 'a, 'a> FromFields<'de> for Service<'a> {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "slug" => read_unique(&mut self.slug, values)?,
            "name" => read_unique(&mut self.name, values)?,
            "description" => read_unique(&mut self.description, values)?,
            "created_at" => read_unique(&mut self.created_at, values)?,
            "key_expires_at" => read_unique(&mut self.key_expires_at, values)?,
            // Its mask shows the end of the key.
            "key" => ().read(name, values)?,
            other => self.rest.insert(other, values.next_value()?),
        }
        Ok(())
    }

    fn attributes(&mut self) -> Option<&mut Attributes> {
        Some(&mut self.rest)
    }
}

/// The schema `ServiceRequest`.
#[derive(Debug, Serialize)]
pub(crate) struct ServiceRequest {
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) role: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) teams: Vec<ServiceTeam>,
}

/// The schema `ServiceTeams`: a team, and the role in it.
#[derive(Debug, Serialize)]
pub(crate) struct ServiceTeam {
    pub(crate) slug: String,
    pub(crate) role: &'static str,
}

/// The schema `ServiceRequestPatch`, without what must not change: `role` and `teams`.
#[derive(Debug, Serialize)]
pub(crate) struct ServiceRequestPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The description; null removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<Option<String>>,
}

/// The part of the response to a creation or refresh that must not be lost, whatever the rest looks
/// like.
#[derive(Debug, Default)]
pub(crate) struct Issued<'a> {
    /// The id of a user's key.
    pub(crate) slug_perm: Fact<JsonStr<'a>>,
    /// The id of a service account.
    pub(crate) slug: Fact<JsonStr<'a>>,
    /// The key: complete after a creation and a refresh, masked otherwise.
    pub(crate) key: Fact<Secret>,
}

impl<'de: 'a, 'a> FromFields<'de> for Issued<'a> {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "slug_perm" => read_unique(&mut self.slug_perm, values),
            "slug" => read_unique(&mut self.slug, values),
            "key" => read_unique(&mut self.key, values),
            other => ().read(other, values),
        }
    }
}

/// The schema `UserBrief`.
#[derive(Debug, Default)]
pub(crate) struct UserBrief {
    pub(crate) authenticated: Fact<bool>,
    pub(crate) email: Fact<String>,
    pub(crate) name: Fact<String>,
    pub(crate) slug: Fact<String>,
    pub(crate) slug_perm: Fact<String>,
}

impl<'de> FromFields<'de> for UserBrief {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "authenticated" => read_unique(&mut self.authenticated, values),
            "email" => read_unique(&mut self.email, values),
            "name" => read_unique(&mut self.name, values),
            "slug" => read_unique(&mut self.slug, values),
            "slug_perm" => read_unique(&mut self.slug_perm, values),
            other => ().read(other, values),
        }
    }
}

/// The schema `UserAuthTokenRequest`, with the field that the schema omits and the official CLI
/// sends.
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

/// The schema `UserAuthToken`.
#[derive(Debug, Deserialize)]
pub(crate) struct UserAuthToken {
    pub(crate) token: Option<Secret>,
    #[serde(default)]
    pub(crate) two_factor_required: Option<bool>,
    pub(crate) two_factor_token: Option<Secret>,
}

/// The schema `ErrorDetail`.
#[derive(Debug, Default)]
pub(crate) struct ErrorResponse {
    pub(crate) detail: Fact<String>,
    pub(crate) code: Fact<String>,
    /// A map of fields to what is wrong with them.
    pub(crate) fields: Fact<Attribute>,
    /// `true` if there is a field of RFC 9457, which Cloudsmith does not send.
    pub(crate) is_problem: bool,
}

impl<'de> FromFields<'de> for ErrorResponse {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "detail" => read_unique(&mut self.detail, values),
            "code" => read_unique(&mut self.code, values),
            "fields" => read_unique(&mut self.fields, values),
            other => {
                self.is_problem |= matches!(other, "type" | "title");
                ().read(other, values)
            }
        }
    }
}
