//! Collecting and formatting ids.

use std::fmt::Write as _;

use tokenfleet_core::{Listing, Token, TokenId};

use crate::case_result::{CaseResult, expect_ok};

/// Returns the next id of a listing, or `None` at its end.
pub(crate) async fn next_id(
    listing: &mut Listing<'_>,
    expected: &str,
) -> CaseResult<Option<TokenId>> {
    match listing.next().await {
        Some(token) => Ok(Some(expect_ok(token, expected)?.id)),
        None => Ok(None),
    }
}

/// Returns up to `max` further ids of a listing.
pub(crate) async fn collect_ids(
    listing: &mut Listing<'_>,
    max: usize,
    expected: &str,
) -> CaseResult<Vec<TokenId>> {
    let mut ids = Vec::new();
    while ids.len() < max
        && let Some(id) = next_id(listing, expected).await?
    {
        ids.push(id);
    }
    Ok(ids)
}

/// Returns the ids of tokens, in their order.
pub(crate) fn ids_of<'a>(tokens: impl IntoIterator<Item = &'a Token>) -> Vec<TokenId> {
    tokens.into_iter().map(|token| token.id.clone()).collect()
}

/// Formats ids for a failure.
pub(crate) fn format_ids<'a>(ids: impl IntoIterator<Item = &'a TokenId>) -> String {
    let mut text = String::new();
    for id in ids {
        let separator = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{separator}{id}");
    }
    format!("[{text}]")
}
