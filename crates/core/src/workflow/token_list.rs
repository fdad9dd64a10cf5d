//! The tokens of a finished listing.

use crate::error::Result;
use crate::listing::{Completeness, Listing, PartialReason};
use crate::model::Token;
use crate::provider::TokenProvider;
use crate::query::Query;

/// The tokens of a finished listing.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TokenList {
    /// The tokens, in the order of the query.
    pub tokens: Vec<Token>,
    /// The completeness of the list: complete, or the reason why it may not be.
    pub completeness: Completeness,
}

/// Lists all tokens of a query, as
/// [`TokenProviderExt::list_all`](crate::TokenProviderExt::list_all) documents.
pub(super) async fn list_all<P: TokenProvider + ?Sized>(
    provider: &P,
    query: Query,
) -> Result<TokenList> {
    let mut listing = Listing::new(provider, query)?;
    let mut tokens = Vec::new();
    while let Some(token) = listing.next().await {
        tokens.push(token?);
    }
    let unfinished = Completeness::Partial(PartialReason::UnprotectedPaging);
    Ok(TokenList {
        tokens,
        completeness: listing.completeness().unwrap_or(unfinished),
    })
}
