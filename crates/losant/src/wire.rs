//! Bodies exactly as Losant spells them.

use serde::de::{IgnoredAny, MapAccess};
use serde::{Deserialize, Deserializer, Serialize};
use tokenfleet_core::{Attributes, Fact, Secret};
use tokenfleet_http::{Record, Text, read_record};

/// `apiToken`: every field is formally optional.
#[derive(Debug, Default)]
pub(crate) struct ApiToken<'a> {
    pub(crate) id: Option<Text<'a>>,
    pub(crate) api_token_id: Option<Text<'a>>,
    pub(crate) owner_id: Option<Text<'a>>,
    pub(crate) owner_type: Option<Text<'a>>,
    pub(crate) creator_id: Option<Text<'a>>,
    pub(crate) creator_type: Option<Text<'a>>,
    pub(crate) creator_name: Option<Text<'a>>,
    pub(crate) name: Option<Text<'a>>,
    pub(crate) description: Fact<Text<'a>>,
    pub(crate) creation_date: Fact<Text<'a>>,
    pub(crate) last_updated: Fact<Text<'a>>,
    pub(crate) expiration_date: Fact<Text<'a>>,
    pub(crate) scope: Option<Vec<Text<'a>>>,
    pub(crate) status: Option<Text<'a>>,
    pub(crate) rest: Attributes,
}

impl<'a> Record<'a> for ApiToken<'a> {
    fn read_field<A: MapAccess<'a>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "id" => self.id = values.next_value()?,
            "apiTokenId" => self.api_token_id = values.next_value()?,
            "ownerId" => self.owner_id = values.next_value()?,
            "ownerType" => self.owner_type = values.next_value()?,
            "creatorId" => self.creator_id = values.next_value()?,
            "creatorType" => self.creator_type = values.next_value()?,
            "creatorName" => self.creator_name = values.next_value()?,
            "name" => self.name = values.next_value()?,
            "description" => self.description = values.next_value()?,
            "creationDate" => self.creation_date = values.next_value()?,
            "lastUpdated" => self.last_updated = values.next_value()?,
            "expirationDate" => self.expiration_date = values.next_value()?,
            "scope" => self.scope = values.next_value()?,
            "status" => self.status = values.next_value()?,
            // `_type`, `_links` and `_etag` describe the answer, not the token.
            about_the_answer if about_the_answer.starts_with('_') => {
                values.next_value::<IgnoredAny>()?;
            }
            other => self.rest.keep(other, values.next_value()?),
        }
        Ok(())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ApiToken<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_record(deserializer)
    }
}

/// What of the answer to a creation must not be lost, whatever else it says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Issued<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) api_token_id: Option<Text<'a>>,
    /// The JWT.
    pub(crate) token: Option<Secret>,
}

/// `apiTokens`: a page of them, and where it lies.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiTokens<'a> {
    #[serde(borrow)]
    pub(crate) items: Vec<ApiToken<'a>>,
    pub(crate) total_count: u64,
    pub(crate) page: Option<u64>,
    pub(crate) per_page: Option<u32>,
}

/// `apiTokenPost`.
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
}

/// `apiTokenPatch`.
#[derive(Debug, Serialize)]
pub(crate) struct ApiTokenPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<&'static str>,
}

/// `success`.
#[derive(Debug, Deserialize)]
pub(crate) struct Success {
    pub(crate) success: bool,
}

/// `error`.
#[derive(Debug, Deserialize)]
pub(crate) struct Refused {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) message: Option<String>,
}
