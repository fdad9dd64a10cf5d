//! Bodies exactly as Losant spells them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokenfleet_core::{Attribute, Fact, Secret};

/// `apiToken`: every field is formally optional.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiToken {
    pub(crate) id: Option<String>,
    pub(crate) api_token_id: Option<String>,
    pub(crate) owner_id: Option<String>,
    pub(crate) owner_type: Option<String>,
    pub(crate) creator_id: Option<String>,
    pub(crate) creator_type: Option<String>,
    pub(crate) creator_name: Option<String>,
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) description: Fact<String>,
    #[serde(default)]
    pub(crate) creation_date: Fact<String>,
    #[serde(default)]
    pub(crate) last_updated: Fact<String>,
    #[serde(default)]
    pub(crate) expiration_date: Fact<String>,
    pub(crate) scope: Option<Vec<String>>,
    pub(crate) status: Option<String>,
    #[serde(flatten)]
    pub(crate) rest: BTreeMap<String, Attribute>,
}

/// What of the answer to a creation must not be lost, whatever else it says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Issued {
    pub(crate) id: Option<String>,
    pub(crate) api_token_id: Option<String>,
    /// The JWT.
    pub(crate) token: Option<Secret>,
}

/// `apiTokens`: a page of them, and where it lies.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiTokens {
    pub(crate) items: Vec<ApiToken>,
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
