//! The numbers of a report, counted while the tokens arrive.

use std::collections::BTreeMap;
use std::time::Duration;

use tokenfleet::{Account, AccountReport, Fact, Filter, Timestamp, Token, TokenState, Verdict};

use super::changes::Changes;
use super::concern::Concern;
use super::row::{FirstRows, Row};
use super::timeline::Timeline;

/// The limits by which the report calls a token unused, for expiring soon, and for a broad scope.
#[derive(Debug, Clone)]
pub(crate) struct Criteria {
    pub(crate) now: Timestamp,
    pub(crate) unused_for: Duration,
    pub(crate) expires_within: Duration,
    pub(crate) broad_scopes: Filter,
    pub(crate) max_rows: usize,
}

/// The numbers of one account or of all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    pub(super) tokens: u64,
    pub(super) by_state: BTreeMap<&'static str, u64>,
    pub(super) by_concern: [u64; Concern::ALL.len()],
    /// The usable tokens whose last use the platform does not report.
    pub(super) unknown_use: u64,
    /// The usable tokens whose scopes the platform does not report.
    pub(super) unknown_scopes: u64,
}

impl Counts {
    pub(super) fn state(&self, state: TokenState) -> u64 {
        self.by_state.get(state.as_str()).copied().unwrap_or(0)
    }

    pub(super) fn concern(&self, concern: Concern) -> u64 {
        self.by_concern[concern as usize]
    }
}

/// Everything that a report shows.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(super) criteria: Criteria,
    pub(super) all: Counts,
    pub(super) by_account: BTreeMap<Account, Counts>,
    pub(super) timeline: Timeline,
    pub(super) reports: Vec<AccountReport>,
    /// The changes since an earlier time, if they are requested.
    pub(crate) changes: Option<Changes>,
    rows: FirstRows,
}

impl Summary {
    pub(crate) fn new(criteria: Criteria) -> Self {
        Self {
            all: Counts::default(),
            by_account: BTreeMap::new(),
            timeline: Timeline::new(criteria.now),
            reports: Vec::new(),
            changes: None,
            rows: FirstRows::new(criteria.max_rows),
            criteria,
        }
    }

    /// Counts a token.
    pub(crate) fn add(&mut self, account: &Account, token: &Token) {
        let concerns = self.concerns(token);
        let is_usable = is_usable(token);
        if is_usable {
            match &token.expiry {
                Fact::Known(at) => self.timeline.add(*at),
                Fact::Absent => self.timeline.never += 1,
                Fact::NotReported => self.timeline.not_reported += 1,
            }
        }
        if !self.by_account.contains_key(account) {
            self.by_account.insert(account.clone(), Counts::default());
        }
        let of_account = self.by_account.get_mut(account);
        for counts in [Some(&mut self.all), of_account].into_iter().flatten() {
            counts.tokens += 1;
            *counts.by_state.entry(token.state.as_str()).or_default() += 1;
            for concern in &concerns {
                counts.by_concern[*concern as usize] += 1;
            }
            let is_unknown = |is_reported: bool| u64::from(is_usable && !is_reported);
            counts.unknown_use += is_unknown(!matches!(token.last_used, Fact::NotReported));
            counts.unknown_scopes += is_unknown(!matches!(token.scopes, Fact::NotReported));
        }
        self.rows.add(Row::new(account, token, concerns));
    }

    /// Adds the completeness of each account, in the order of the report.
    pub(crate) fn finish(&mut self, reports: &[AccountReport]) {
        self.reports = reports.to_vec();
    }

    /// Returns the numbers of an account, or `None` if nothing is known of its tokens: zero would
    /// say that it has none.
    pub(super) fn counts(&self, report: &AccountReport) -> Option<Counts> {
        let found = self.by_account.get(&report.account);
        match report.verdict {
            Verdict::Failed(_) | Verdict::NotListable => found.cloned(),
            _ => Some(found.cloned().unwrap_or_default()),
        }
    }

    /// Takes the rows, the most urgent ones first.
    pub(crate) fn take_rows(&mut self) -> Vec<Row> {
        let rows = std::mem::replace(&mut self.rows, FirstRows::new(0));
        rows.into_sorted()
    }

    /// Returns why a token deserves attention. A dead token does not.
    fn concerns(&self, token: &Token) -> Vec<Concern> {
        if !is_usable(token) {
            return Vec::new();
        }
        let Criteria {
            now,
            unused_for,
            expires_within,
            broad_scopes,
            ..
        } = &self.criteria;
        let holds = |concern: &Concern| match concern {
            Concern::ExpiresSoon => {
                let end = now.saturating_add(*expires_within);
                token.expiry.known().is_some_and(|at| *at < end)
            }
            Concern::NeverExpires => token.never_expires(),
            Concern::BroadScope => broad_scopes.matches(token),
            Concern::Unused => {
                let is_before = |at: &Fact<Timestamp>| {
                    at.known()
                        .is_some_and(|at| at.saturating_add(*unused_for) < *now)
                };
                // A new token that was not used yet is not an unused one.
                is_before(&token.last_used) || (token.never_used() && is_before(&token.created_at))
            }
        };
        Concern::ALL
            .into_iter()
            .filter(|concern| holds(concern))
            .collect()
    }
}

/// Returns `true` if somebody may act with the token now or after it is resumed.
fn is_usable(token: &Token) -> bool {
    !matches!(token.state, TokenState::Revoked | TokenState::Expired)
}
