//! The tokens that the report shows one by one: the most urgent ones first.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use tokenfleet::{Account, Fact, Timestamp, Token};

use super::concern::Concern;
use crate::output::escape;

/// The part of a token that the report shows. Every text is safe to show, and still to be escaped
/// for the format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(super) account: String,
    pub(super) provider: String,
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) state: &'static str,
    pub(super) created: Option<Timestamp>,
    pub(super) expiry: Fact<Timestamp>,
    pub(super) last_used: Fact<Timestamp>,
    pub(super) scopes: Option<String>,
    pub(super) concerns: Vec<Concern>,
}

/// The maximum length of a text in a row, in characters.
const MAX_TEXT: usize = 200;

impl Row {
    pub(super) fn new(account: &Account, token: &Token, concerns: Vec<Concern>) -> Self {
        let scopes = token.scopes.known();
        Self {
            account: shown(account.name()),
            provider: shown(account.provider()),
            id: shown(token.id.as_str()),
            name: token.name.known().map(|name| shown(name)),
            state: token.state.as_str(),
            created: token.created_at.known().copied(),
            expiry: token.expiry,
            last_used: token.last_used,
            scopes: scopes.map(|scopes| shown(&scopes.join(" "))),
            concerns,
        }
    }

    /// Returns the place of the row in the report: by concern, then by expiry, account and id.
    fn rank(&self) -> (u8, Option<Timestamp>, &str, &str) {
        let concern = self
            .concerns
            .iter()
            .min()
            .map_or(u8::MAX, |first| *first as u8);
        let expiry = self.expiry.known().copied();
        (concern, expiry, &self.account, &self.id)
    }
}

/// Returns a text with everything escaped that a reader could not see, cut at a bound.
pub(super) fn shown(text: &str) -> String {
    let mut cut: String = text.chars().take(MAX_TEXT).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    escape(&cut)
}

impl Ord for Row {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Row {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The first rows in their order, however many there are.
#[derive(Debug)]
pub(super) struct FirstRows {
    limit: usize,
    /// The last row that is kept is on top.
    kept: BinaryHeap<Row>,
}

impl FirstRows {
    pub(super) fn new(limit: usize) -> Self {
        let kept = BinaryHeap::new();
        Self { limit, kept }
    }

    pub(super) fn add(&mut self, row: Row) {
        self.kept.push(row);
        if self.kept.len() > self.limit {
            self.kept.pop();
        }
    }

    pub(super) fn into_sorted(self) -> Vec<Row> {
        self.kept.into_sorted_vec()
    }
}
