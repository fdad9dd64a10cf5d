//! Bodies exactly as Losant spells them.

use serde::de::MapAccess;
use serde::{Deserialize, Serialize};
use tokenfleet_core::{Attributes, Fact, Secret};
use tokenfleet_http::{Record, Text, read_once};

/// `apiToken`: every field is formally optional.
#[derive(Debug, Default)]
pub(crate) struct ApiToken<'a> {
    pub(crate) id: Fact<Text<'a>>,
    pub(crate) api_token_id: Fact<Text<'a>>,
    pub(crate) owner_id: Fact<Text<'a>>,
    pub(crate) owner_type: Fact<Text<'a>>,
    pub(crate) creator_id: Fact<Text<'a>>,
    pub(crate) creator_type: Fact<Text<'a>>,
    pub(crate) creator_name: Fact<Text<'a>>,
    pub(crate) name: Fact<Text<'a>>,
    pub(crate) description: Fact<Text<'a>>,
    pub(crate) creation_date: Fact<Text<'a>>,
    pub(crate) last_updated: Fact<Text<'a>>,
    pub(crate) expiration_date: Fact<Text<'a>>,
    pub(crate) scope: Fact<Vec<Text<'a>>>,
    pub(crate) status: Fact<Text<'a>>,
    pub(crate) rest: Attributes,
}

impl<'de: 'a, 'a> Record<'de> for ApiToken<'a> {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "id" => read_once(&mut self.id, values)?,
            "apiTokenId" => read_once(&mut self.api_token_id, values)?,
            "ownerId" => read_once(&mut self.owner_id, values)?,
            "ownerType" => read_once(&mut self.owner_type, values)?,
            "creatorId" => read_once(&mut self.creator_id, values)?,
            "creatorType" => read_once(&mut self.creator_type, values)?,
            "creatorName" => read_once(&mut self.creator_name, values)?,
            "name" => read_once(&mut self.name, values)?,
            "description" => read_once(&mut self.description, values)?,
            "creationDate" => read_once(&mut self.creation_date, values)?,
            "lastUpdated" => read_once(&mut self.last_updated, values)?,
            "expirationDate" => read_once(&mut self.expiration_date, values)?,
            "scope" => read_once(&mut self.scope, values)?,
            "status" => read_once(&mut self.status, values)?,
            // `_type`, `_links` and `_etag` describe the answer, not the token.
            about_the_answer if about_the_answer.starts_with('_') => {
                ().read(about_the_answer, values)?;
            }
            other => self.rest.keep(other, values.next_value()?),
        }
        Ok(())
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

/// `apiTokens` without its items: where a page of them lies.
#[derive(Debug, Default)]
pub(crate) struct ApiTokens {
    pub(crate) total_count: Fact<u64>,
    pub(crate) page: Fact<u64>,
    pub(crate) per_page: Fact<u32>,
}

impl<'de> Record<'de> for ApiTokens {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, values: &mut A) -> Result<(), A::Error> {
        match name {
            "totalCount" => read_once(&mut self.total_count, values),
            "page" => read_once(&mut self.page, values),
            "perPage" => read_once(&mut self.per_page, values),
            other => ().read(other, values),
        }
    }
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
