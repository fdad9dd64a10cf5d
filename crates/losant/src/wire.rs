//! The bodies of Losant's API, in its own spelling.

use serde::de::MapAccess;
use serde::{Deserialize, Serialize};
use tokenfleet_core::model::Attributes;
use tokenfleet_core::{Fact, Secret};
use tokenfleet_http::decode::{FromFields, JsonStr, read_unique};

/// The schema `apiToken`, in which every field is formally optional.
#[derive(Debug, Default)]
pub(crate) struct ApiToken<'a> {
    pub(crate) id: Fact<JsonStr<'a>>,
    pub(crate) api_token_id: Fact<JsonStr<'a>>,
    pub(crate) owner_id: Fact<JsonStr<'a>>,
    pub(crate) owner_type: Fact<JsonStr<'a>>,
    pub(crate) creator_id: Fact<JsonStr<'a>>,
    pub(crate) creator_type: Fact<JsonStr<'a>>,
    pub(crate) creator_name: Fact<JsonStr<'a>>,
    pub(crate) name: Fact<JsonStr<'a>>,
    pub(crate) description: Fact<JsonStr<'a>>,
    pub(crate) creation_date: Fact<JsonStr<'a>>,
    pub(crate) last_updated: Fact<JsonStr<'a>>,
    pub(crate) expiration_date: Fact<JsonStr<'a>>,
    pub(crate) scope: Fact<Vec<JsonStr<'a>>>,
    pub(crate) status: Fact<JsonStr<'a>>,
    pub(crate) rest: Attributes,
}

impl<'de: 'a, 'a> FromFields<'de> for ApiToken<'a> {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "id" => read_unique(&mut self.id, values)?,
            "apiTokenId" => read_unique(&mut self.api_token_id, values)?,
            "ownerId" => read_unique(&mut self.owner_id, values)?,
            "ownerType" => read_unique(&mut self.owner_type, values)?,
            "creatorId" => read_unique(&mut self.creator_id, values)?,
            "creatorType" => read_unique(&mut self.creator_type, values)?,
            "creatorName" => read_unique(&mut self.creator_name, values)?,
            "name" => read_unique(&mut self.name, values)?,
            "description" => read_unique(&mut self.description, values)?,
            "creationDate" => read_unique(&mut self.creation_date, values)?,
            "lastUpdated" => read_unique(&mut self.last_updated, values)?,
            "expirationDate" => read_unique(&mut self.expiration_date, values)?,
            "scope" => read_unique(&mut self.scope, values)?,
            "status" => read_unique(&mut self.status, values)?,
            // `_type`, `_links` and `_etag` describe the response, not the token.
            metadata if metadata.starts_with('_') => {
                ().read(metadata, values)?;
            }
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
pub(crate) struct Issued<'a> {
    pub(crate) id: Fact<JsonStr<'a>>,
    pub(crate) api_token_id: Fact<JsonStr<'a>>,
    /// The secret, a JWT.
    pub(crate) token: Fact<Secret>,
}

impl<'de: 'a, 'a> FromFields<'de> for Issued<'a> {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "id" => read_unique(&mut self.id, values),
            "apiTokenId" => read_unique(&mut self.api_token_id, values),
            "token" => read_unique(&mut self.token, values),
            other => ().read(other, values),
        }
    }
}

/// The schema `apiTokens` without its items: where a page lies in the listing.
#[derive(Debug, Default)]
pub(crate) struct ApiTokens {
    pub(crate) total_count: Fact<u64>,
    pub(crate) page: Fact<u64>,
    pub(crate) per_page: Fact<u32>,
}

impl<'de> FromFields<'de> for ApiTokens {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "totalCount" => read_unique(&mut self.total_count, values),
            "page" => read_unique(&mut self.page, values),
            "perPage" => read_unique(&mut self.per_page, values),
            other => ().read(other, values),
        }
    }
}

/// The schema `apiTokenPost`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiTokenPost {
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expiration_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<Vec<String>>,
    pub(crate) status: &'static str,
    /// Known since API 1.30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default_role: Option<String>,
}

/// The schema `apiTokenPatch`.
#[derive(Debug, Serialize)]
pub(crate) struct ApiTokenPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<&'static str>,
}

/// The schema `success`.
#[derive(Debug, Deserialize)]
pub(crate) struct Success {
    pub(crate) success: bool,
}

/// The schema `error`.
#[derive(Debug, Default)]
pub(crate) struct ErrorResponse {
    pub(crate) kind: Fact<String>,
    pub(crate) message: Fact<String>,
    /// `true` if there are fields that the schema does not have.
    pub(crate) has_other_fields: bool,
}

impl<'de> FromFields<'de> for ErrorResponse {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "type" => read_unique(&mut self.kind, values),
            "message" => read_unique(&mut self.message, values),
            other => {
                self.has_other_fields = true;
                ().read(other, values)
            }
        }
    }
}
