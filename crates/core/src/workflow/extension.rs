//! What every provider can do because of what it does.

use std::future::Future;

use crate::error::{Error, ErrorKind, Fate, Operation, Result};
use crate::listing::{Completeness, Listing, PartialReason};
use crate::model::Token;
use crate::provider::TokenProvider;
use crate::query::{Filter, Query};
use crate::workflow::reconcile::reconcile;
use crate::workflow::{
    Reconciliation, RevocationPlan, RevokeMany, RevokeManyOptions, UnknownWrite,
};

/// Whole listings, for every [`TokenProvider`].
///
/// ```
/// use tokenfleet_core::{Query, Result, TokenProvider, TokenProviderExt};
///
/// async fn count_never_expiring(provider: &dyn TokenProvider) -> Result<u64> {
///     let mut listing = provider.list(Query::new())?;
///     let mut count = 0;
///     while let Some(token) = listing.next().await {
///         count += u64::from(token?.never_expires());
///     }
///     Ok(count)
/// }
/// ```
pub trait TokenProviderExt: TokenProvider {
    /// Walks over the tokens that a query asks for.
    ///
    /// # Errors
    ///
    /// As [`Listing::new`].
    fn list(&self, query: Query) -> Result<Listing<'_>> {
        Listing::new(self, query)
    }

    /// All tokens that a query asks for, and what the list may claim.
    ///
    /// # Errors
    ///
    /// The first error of the walk; the tokens read until then are dropped.
    fn list_all(&self, query: Query) -> impl Future<Output = Result<TokenList>> + Send {
        async move {
            let mut listing = self.list(query)?;
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
    }

    /// The one token of that name.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) when no token has the name (unless the listing was partial: then
    /// [`Other`](ErrorKind::Other) with the reason), [`Conflict`](ErrorKind::Conflict) when several
    /// have it: names are not unique on every platform.
    fn find_by_name(&self, name: &str) -> impl Future<Output = Result<Token>> + Send {
        let query = Query::new().filter(Filter::name(name));
        async move {
            let mut list = self.list_all(query).await?;
            let (kind, message) = match (list.tokens.len(), list.tokens.pop(), list.completeness) {
                (1, Some(token), _) => return Ok(token),
                (0, _, Completeness::Partial(reason)) => (
                    ErrorKind::Other,
                    format!("no token of that name was found, but {reason}"),
                ),
                (0, _, _) => (ErrorKind::NotFound, "no token has that name".to_owned()),
                _ => (
                    ErrorKind::Conflict,
                    "several tokens have that name".to_owned(),
                ),
            };
            Err(Error::new(kind, Fate::Rejected, message)
                .with_account(self.account())
                .with_operation(Operation::List))
        }
    }

    /// Finds out what became of a write whose answer was lost, and changes nothing.
    ///
    /// # Errors
    ///
    /// As [`list_page`](TokenProvider::list_page) and [`verify`](TokenProvider::verify).
    fn reconcile(
        &self,
        lost: UnknownWrite<'_>,
    ) -> impl Future<Output = Result<Reconciliation>> + Send {
        reconcile(self, lost)
    }

    /// Revokes the tokens of a plan, several at a time, and goes on after failures.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a plan of another account. What becomes of each token is told by
    /// its verdict.
    fn revoke_many(
        &self,
        plan: RevocationPlan,
        options: RevokeManyOptions,
    ) -> Result<RevokeMany<'_>> {
        RevokeMany::new(self, plan, options)
    }
}

impl<P: TokenProvider + ?Sized> TokenProviderExt for P {}

/// The tokens of a finished listing.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TokenList {
    /// The tokens, in the order of the query.
    pub tokens: Vec<Token>,
    /// Whether they are all.
    pub completeness: Completeness,
}
