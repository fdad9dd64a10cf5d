//! Bodies exactly as Losant spells them.

use serde::de::{IgnoredAny, MapAccess};
use serde::{Deserialize, Serialize};
use tokenfleet_core::{Attributes, Fact, Secret};
use tokenfleet_http::{Object, Record, Text, read_once};

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
    fn read_field<A: MapAccess<'de>>(
        &mut self,
        name: &str,
        values: &mut A,
    ) -> Result<(), A::Error> {
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
                values.next_value::<IgnoredAny>()?;
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

/// `apiTokens`: a page of them, and where it lies.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiTokens<'a> {
    #[serde(borrow)]
    pub(crate) items: Vec<Object<ApiToken<'a>>>,
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
