//! The owner whose tokens a revocation plan names.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::model::{Token, TokenField};
use crate::provider::TokenProvider;
use crate::query::Query;
use crate::workflow::token_list::list_all;

/// The owner of the listed tokens, and whether this account reaches them.
pub(super) struct PlannedOwner {
    id: Option<String>,
    /// `true` if a token of the owner was read.
    was_read: AtomicBool,
    /// `true` if a listing shows the tokens of the owner.
    is_listed: OnceLock<bool>,
}

impl PlannedOwner {
    /// Creates the owner that a plan names, if it names one.
    pub(super) fn new(id: Option<String>) -> Self {
        Self {
            id,
            was_read: AtomicBool::new(false),
            is_listed: OnceLock::new(),
        }
    }

    /// Returns `true` if a token that was just read may belong to this owner.
    pub(super) fn may_own(&self, token: &Token) -> bool {
        let owner = token.owner.known().map(|owner| owner.id());
        match (self.id.as_deref(), owner) {
            (Some(planned), Some(owner)) => {
                self.was_read.fetch_or(planned == owner, Relaxed);
                planned == owner
            }
            _ => true,
        }
    }

    /// Returns `true` if this account reaches the tokens of the owner, so that a token which it
    /// does not find is gone: it has just read one of them, or can list them. The place may not say
    /// whose they are, as in "the user's own"; an empty listing does not say so either.
    pub(super) async fn is_here<P: TokenProvider + ?Sized>(&self, provider: &P) -> bool {
        if self.was_read.load(Relaxed) {
            return true;
        }
        if let Some(is_listed) = self.is_listed.get() {
            return *is_listed;
        }
        let Ok(list) = list_all(provider, Query::new().limit(1)).await else {
            return false;
        };
        let mut owners = list.tokens.iter().filter_map(|token| token.owner.known());
        let place = provider.account().place();
        let is_listed = match self.id.as_deref() {
            Some(planned) => {
                let mut segments = place.unwrap_or_default().split('/');
                segments.any(|segment| segment == planned)
                    || owners.any(|owner| owner.id() == planned)
            }
            // A platform that reports owners did not say whose the listed tokens are.
            None => {
                let reported = &provider.capabilities().reported_fields;
                place.is_some() && owners.next().is_none() && !reported.contains(&TokenField::Owner)
            }
        };
        *self.is_listed.get_or_init(|| is_listed)
    }
}
