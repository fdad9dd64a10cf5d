//! Reconciliation of a write with an unknown outcome.

use crate::error::Result;
use crate::listing::Completeness;
use crate::model::{Secret, Timestamp, Token};
use crate::provider::{Liveness, Resolution, TokenProvider};
use crate::query::{Filter, Query};
use crate::workflow::Marker;
use crate::workflow::token_list::list_all;

/// A write that [may have been applied](crate::Fate::MaybeApplied).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum UnknownWrite<'a> {
    /// A creation with a marker.
    Marked {
        /// The marker.
        marker: &'a Marker,
        /// The name of the token, if it is still known: a token that has it is found without
        /// listing all tokens.
        name: Option<&'a str>,
    },
    /// A creation without a marker.
    Unmarked {
        /// The time the request was sent.
        at: Timestamp,
    },
    /// A rotation.
    Rotation {
        /// The secret that the rotation was to replace.
        old: &'a Secret,
    },
}

/// The outcome of a write, as far as the platform reveals it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Reconciliation {
    /// The write was applied. For a creation, these are the tokens with its marker: they are
    /// active, and nobody knows their secret.
    Applied(Vec<Token>),
    /// The write was not applied so far. A request that is still in flight may be applied yet, so
    /// check again later.
    NotApplied,
    /// The platform does not reveal the outcome.
    Unknown {
        /// The reason, for people to read.
        reason: String,
        /// The latest time at which a token that the write may have created expires, unless it is
        /// renewed.
        dead_by: Option<Timestamp>,
    },
}

impl Reconciliation {
    /// Returns what to [record](crate::journal::Journal::record_resolution) about the write, or
    /// `None` if its outcome is still unknown.
    #[must_use]
    pub fn resolution(&self) -> Option<Resolution> {
        match self {
            Self::Applied(tokens) => {
                let ids = tokens.iter().map(|token| token.id.clone());
                Some(Resolution::Applied(ids.collect()))
            }
            Self::NotApplied => Some(Resolution::NotApplied),
            Self::Unknown { dead_by, .. } => {
                let is_over = dead_by.is_some_and(|dead_by| dead_by < Timestamp::now());
                is_over.then_some(Resolution::Expired)
            }
        }
    }
}

/// Finds out whether a write was applied.
pub(crate) async fn reconcile<P: TokenProvider + ?Sized>(
    provider: &P,
    write: UnknownWrite<'_>,
) -> Result<Reconciliation> {
    match write {
        UnknownWrite::Marked { marker, name } => {
            reconcile_marked_creation(provider, marker, name).await
        }
        UnknownWrite::Unmarked { at } => reconcile_unmarked_creation(provider, at).await,
        UnknownWrite::Rotation { old } => Ok(match provider.verify(old).await? {
            Liveness::Dead => Reconciliation::Applied(Vec::new()),
            Liveness::Alive => Reconciliation::NotApplied,
            Liveness::Unknown { reason } => unknown(reason),
        }),
    }
}

/// Searches for the tokens with a marker: first among those with the name, and then among all.
///
/// A platform may store the name otherwise than it was sent, and a person may misspell it. A token
/// that is active must not look as if it did not exist.
async fn reconcile_marked_creation<P: TokenProvider + ?Sized>(
    provider: &P,
    marker: &Marker,
    name: Option<&str>,
) -> Result<Reconciliation> {
    if let Some(name) = name {
        let by_name = Query::new().filter(Filter::name(name));
        // The second search replaces a failed one.
        if let Ok(found @ Reconciliation::Applied(_)) = find_marked(provider, marker, by_name).await
        {
            return Ok(found);
        }
    }
    find_marked(provider, marker, Query::new()).await
}

async fn find_marked<P: TokenProvider + ?Sized>(
    provider: &P,
    marker: &Marker,
    query: Query,
) -> Result<Reconciliation> {
    let list = list_all(provider, query).await?;
    let marked: Vec<_> = list
        .tokens
        .into_iter()
        .filter(|token| marker.matches(token))
        .collect();
    Ok(match (marked.is_empty(), list.completeness) {
        (false, _) => Reconciliation::Applied(marked),
        // What a platform never lists was not created through it (decision 0022).
        (true, Completeness::Complete | Completeness::CompleteAsShown(_)) => {
            Reconciliation::NotApplied
        }
        (true, Completeness::Partial(reason)) => {
            unknown(format!("no listed token has the marker, but {reason}"))
        }
    })
}

/// Reconciles a creation without a marker, which only an empty account can rule out.
async fn reconcile_unmarked_creation<P: TokenProvider + ?Sized>(
    provider: &P,
    at: Timestamp,
) -> Result<Reconciliation> {
    let capabilities = provider.capabilities();
    let lifetime = (capabilities.create.as_ref()).and_then(|create| create.max_lifetime);
    let dead_by = lifetime.map(|lifetime| at.saturating_add(lifetime));
    let reason = if capabilities.list.is_none() {
        "the platform does not list its tokens"
    } else {
        let list = list_all(provider, Query::new().limit(1)).await?;
        if list.tokens.is_empty() && list.completeness.is_complete_as_shown() {
            return Ok(Reconciliation::NotApplied);
        }
        "a token without a marker cannot be distinguished from others"
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
