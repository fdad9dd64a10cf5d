//! The tokens of a finished listing.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::listing::{Completeness, Listing, PartialReason};
use crate::model::Token;
use crate::provider::TokenProvider;
use crate::query::Query;

/// The tokens of a finished listing.
///
/// Serialised, it is `{"tokens": […], "completeness": …, "reason": …}`, with tokens and words as in
/// the program's JSON. Deserialised, it is equal.
///
/// ```
/// # fn print(list: tokenfleet_core::TokenList) {
/// for token in &list {
///     println!("{}", token.id);
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TokenList {
    /// The tokens, in the order of the query.
    pub tokens: Vec<Token>,
    /// The completeness of the list: complete, or the reason why it may not be.
    #[serde(flatten)]
    pub completeness: Completeness,
}

impl IntoIterator for TokenList {
    type Item = Token;
    type IntoIter = std::vec::IntoIter<Token>;

    fn into_iter(self) -> Self::IntoIter {
        self.tokens.into_iter()
    }
}

impl<'a> IntoIterator for &'a TokenList {
    type Item = &'a Token;
    type IntoIter = std::slice::Iter<'a, Token>;

    fn into_iter(self) -> Self::IntoIter {
        self.tokens.iter()
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{TokenId, TokenState};

    #[test]
    fn a_list_is_read_back_equal_and_iterates() {
        for completeness in [
            Completeness::Complete,
            Completeness::Partial(PartialReason::UnexpectedOrder),
        ] {
            let tokens = vec![Token::new(TokenId::new("1"), TokenState::Active)];
            let list = TokenList {
                tokens: tokens.clone(),
                completeness,
            };
            let text = serde_json::to_string(&list).unwrap();
            let read: TokenList = serde_json::from_str(&text).unwrap();
            assert_eq!(read, list, "{text}");
            assert!((&read).into_iter().eq(&tokens));
            assert!(read.into_iter().eq(tokens));
        }
        for lie in [
            r#"{"tokens": [], "completeness": "partial", "reason": null}"#,
            r#"{"tokens": [], "completeness": "full", "reason": null}"#,
            r#"{"tokens": [], "reason": null}"#,
        ] {
            assert!(serde_json::from_str::<TokenList>(lie).is_err(), "{lie}");
        }
    }
}
