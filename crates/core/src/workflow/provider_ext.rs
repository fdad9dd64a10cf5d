//! The methods that every provider gets for free.

use std::future::Future;

use crate::error::{Error, ErrorKind, Fate, Operation, Result};
use crate::listing::{Completeness, Listing};
use crate::model::{Token, TokenId};
use crate::provider::TokenProvider;
use crate::query::{Filter, Query};
use crate::workflow::reconcile::reconcile;
use crate::workflow::revoke_many::{look_up, plan_revocation};
use crate::workflow::token_list::list_all;
use crate::workflow::{
    Reconciliation, RevocationPlan, RevokeMany, RevokeManyOptions, TokenList, UnknownWrite,
};

/// Whole listings, reconciliation and bulk revocation, for every [`TokenProvider`].
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
    /// Lists the tokens that match a query, as a stream that fetches pages on demand.
    ///
    /// # Errors
    ///
    /// The same as [`Listing::new`].
    fn list(&self, query: Query) -> Result<Listing<'_>> {
        Listing::new(self, query)
    }

    /// Lists all tokens that match a query, and reports whether the list is complete.
    ///
    /// # Errors
    ///
    /// The first error of the listing; the tokens listed until then are dropped.
    fn list_all(&self, query: Query) -> impl Future<Output = Result<TokenList>> + Send {
        list_all(self, query)
    }

    /// Finds the only token with this name.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if no token has the name, [`Other`](ErrorKind::Other) if
    /// none was found but the listing was partial, and [`Conflict`](ErrorKind::Conflict) if several
    /// tokens have the name, because names are not unique on every platform.
    fn find_by_name(&self, name: &str) -> impl Future<Output = Result<Token>> + Send {
        let query = Query::new().filter(Filter::name(name));
        async move {
            let mut list = self.list_all(query).await?;
            let (kind, message) = match (list.tokens.len(), list.tokens.pop(), list.completeness) {
                (1, Some(token), _) => return Ok(token),
                (0, _, Completeness::Partial(reason)) => (
                    ErrorKind::Other,
                    format!("no token with that name was found, but {reason}"),
                ),
                (0, _, Completeness::CompleteAsShown(tokens)) => (
                    ErrorKind::NotFound,
                    format!(
                        "no token with that name is listed, and the platform never lists {tokens}"
                    ),
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

    /// Returns the token that has this id now: read by its id, or, on a platform that cannot do
    /// that, looked for in a listing of its own.
    ///
    /// Use it to check right before a write that the id still belongs to the token that was
    /// reviewed, where [ids are given again](crate::Capabilities::reused_ids).
    ///
    /// # Errors
    ///
    /// Those of [`get`](TokenProvider::get) or of the listing. [`NotFound`](ErrorKind::NotFound) if
    /// no listed token has the id, and [`Other`](ErrorKind::Other) if the listing may lack some.
    fn look_up(&self, id: &TokenId) -> impl Future<Output = Result<Token>> + Send {
        look_up(self, id)
    }

    /// Finds out whether a write with an unknown outcome was applied, and changes nothing.
    ///
    /// # Errors
    ///
    /// The same as [`list_page`](TokenProvider::list_page) and [`verify`](TokenProvider::verify).
    fn reconcile(
        &self,
        write: UnknownWrite<'_>,
    ) -> impl Future<Output = Result<Reconciliation>> + Send {
        reconcile(self, write)
    }

    /// Plans the revocation of the tokens with these ids, whatever they are.
    ///
    /// Where [ids are given again](crate::Capabilities::reused_ids), the tokens are read first, and
    /// the plan is carried out only on what it was made from.
    ///
    /// # Errors
    ///
    /// Those of reading the tokens. An id that no token has is no error: it gets its verdict when
    /// the plan is carried out.
    fn plan_revocation(
        &self,
        ids: Vec<TokenId>,
    ) -> impl Future<Output = Result<RevocationPlan>> + Send {
        plan_revocation(self, ids)
    }

    /// Revokes the tokens of a plan, several at a time, and continues after failures.
    ///
    /// A token that was listed is read first, where the platform can do that, and is left alone if
    /// it is not the one that the plan describes. Where [ids are given
    /// again](crate::Capabilities::reused_ids), every token is read or looked for in a listing of
    /// its own first, and is left alone unless it is known to be the one of the plan.
    ///
    /// Each token gets its own [`RevocationVerdict`](crate::workflow::RevocationVerdict).
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the plan belongs to another account, or was
    /// made in another place.
    fn revoke_many(
        &self,
        plan: RevocationPlan,
        options: RevokeManyOptions,
    ) -> Result<RevokeMany<'_>> {
        RevokeMany::new(self, plan, options)
    }
}

impl<P: TokenProvider + ?Sized> TokenProviderExt for P {}
