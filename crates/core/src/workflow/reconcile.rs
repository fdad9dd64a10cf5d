//! What became of a write whose answer was lost.

use crate::error::Result;
use crate::listing::Completeness;
use crate::model::{Secret, Timestamp, Token};
use crate::provider::{Liveness, TokenProvider};
use crate::query::{Filter, Query};
use crate::workflow::{Marker, TokenProviderExt};

/// A write that [may have been applied](crate::Fate::MaybeApplied).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum UnknownWrite<'a> {
    /// A creation that carried a marker.
    Marked {
        /// The marker.
        marker: &'a Marker,
        /// The name that the token was given, if it is still known: it saves reading the whole list.
        name: Option<&'a str>,
    },
    /// A creation that carried none.
    Unmarked {
        /// When it was sent.
        at: Timestamp,
    },
    /// A rotation.
    Rotation {
        /// The secret that it was to replace.
        old: &'a Secret,
    },
}

/// What became of a write whose answer was lost.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Reconciliation {
    /// It was applied. Of a creation, these are the tokens that bear its marker: alive, and without anybody who knows
    /// the secret.
    Applied(Vec<Token>),
    /// It was not applied until now. A request that is still under way somewhere may be applied yet: look again later.
    NotApplied,
    /// The platform does not let it be known.
    Unknown {
        /// Why, for people.
        reason: String,
        /// When a token that it may have made is dead at the latest, unless it is renewed.
        dead_by: Option<Timestamp>,
    },
}

/// Finds out what became of a write.
pub(crate) async fn reconcile<P: TokenProvider + ?Sized>(
    provider: &P,
    lost: UnknownWrite<'_>,
) -> Result<Reconciliation> {
    match lost {
        UnknownWrite::Marked { marker, name } => marked(provider, marker, name).await,
        UnknownWrite::Unmarked { at } => unmarked(provider, at).await,
        UnknownWrite::Rotation { old } => Ok(match provider.verify(old).await? {
            Liveness::Dead => Reconciliation::Applied(Vec::new()),
            Liveness::Alive => Reconciliation::NotApplied,
            Liveness::Unknown { reason } => unknown(reason),
        }),
    }
}

async fn marked<P: TokenProvider + ?Sized>(
    provider: &P,
    marker: &Marker,
    name: Option<&str>,
) -> Result<Reconciliation> {
    let mut query = Query::new();
    if let Some(name) = name {
        query = query.filter(Filter::name(name));
    }
    let list = provider.list_all(query).await?;
    let bearing = list
        .tokens
        .into_iter()
        .filter(|token| marker.matches(token));
    let bearing: Vec<_> = bearing.collect();
    Ok(match (bearing.is_empty(), list.completeness) {
        (false, _) => Reconciliation::Applied(bearing),
        (true, Completeness::Complete) => Reconciliation::NotApplied,
        (true, Completeness::Partial(reason)) => {
            unknown(format!("it is not in the list, but {reason}"))
        }
    })
}

/// Without a marker only an empty account tells anything.
async fn unmarked<P: TokenProvider + ?Sized>(
    provider: &P,
    at: Timestamp,
) -> Result<Reconciliation> {
    let capabilities = provider.capabilities();
    let life = (capabilities.create.as_ref()).and_then(|create| create.max_lifetime);
    let dead_by = life.map(|life| at.saturating_add(life));
    let reason = if capabilities.list.is_none() {
        "the platform does not list its tokens"
    } else {
        let list = provider.list_all(Query::new().limit(1)).await?;
        if list.tokens.is_empty() && list.completeness.is_complete() {
            return Ok(Reconciliation::NotApplied);
        }
        "a token that it made cannot be told from others"
    };
    Ok(Reconciliation::Unknown {
        reason: reason.to_owned(),
        dead_by,
    })
}

fn unknown(reason: String) -> Reconciliation {
    Reconciliation::Unknown {
        reason,
        dead_by: None,
    }
}
