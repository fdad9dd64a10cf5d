//! What a program without tokenfleet reads the pages of a platform into: the vendor's fields as owned values.

use serde::Deserialize;

/// A page of Losant's tokens.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the vendor's own names")]
pub struct LosantPage {
    pub items: Vec<LosantToken>,
    pub count: u64,
    pub total_count: u64,
    pub per_page: u32,
    pub page: u64,
}

/// A token of Losant.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the vendor's own names")]
pub struct LosantToken {
    pub id: String,
    pub api_token_id: String,
    pub owner_id: String,
    pub owner_type: String,
    pub creator_id: String,
    pub creator_type: String,
    pub creator_name: Option<String>,
    pub name: String,
    pub description: Option<String>,
    pub creation_date: String,
    pub last_updated: String,
    pub expiration_date: Option<String>,
    pub scope: Vec<String>,
    pub status: String,
}

/// A page of Foreman's tokens.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the vendor's own names")]
pub struct ForemanPage {
    pub total: u64,
    pub subtotal: u64,
    pub page: u64,
    pub per_page: u32,
    pub results: Vec<ForemanToken>,
}

/// A token of Foreman.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the vendor's own names")]
pub struct ForemanToken {
    pub id: u64,
    pub name: String,
    pub user_id: u64,
    pub created_at: String,
    pub updated_at: String,
    pub expires_at: Option<String>,
    pub last_used_at: Option<String>,
    #[serde(rename = "active?")]
    pub active: bool,
    #[serde(rename = "revoked?")]
    pub revoked: Option<bool>,
}
