//! Random histories, and what a ledger must say about them.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokenfleet_core::model::Attribute;
use tokenfleet_core::{
    Account, Completeness, ErrorKind, Fact, PartialReason, Timestamp, Token, TokenId, TokenState,
};

use super::observe::{State, diff, ensure_eq, ensure_refused, record, state, versions, works};
use super::random::check_random;
use crate::{Change, Counts, Ledger, Snapshot, Source, Span, Verdict, Version};

/// Ids in which a ledger could stumble. Their orders by bytes and by length differ.
const IDS: [&str; 8] = [
    "1",
    "10",
    "9",
    "",
    "a\0b\n\\",
    "'); drop table token; --",
    "\u{202e}naïve \u{10ffff}",
    LONGEST,
];

/// The longest id that a ledger takes.
const LONGEST: &str = match str::from_utf8(&[b'9'; 1_024]) {
    Ok(id) => id,
    Err(_) => "",
};

/// A sequence of snapshots of a few accounts, and of what happened between them.
#[derive(Debug, Clone)]
pub struct History {
    steps: Vec<Step>,
    page: NonZeroUsize,
}

#[derive(Debug, Clone)]
enum Step {
    Snapshot {
        account: usize,
        verdict: Verdict,
        /// The places of ids in [`IDS`], each with the number of a record.
        tokens: Vec<(usize, u8)>,
        batch: NonZeroUsize,
        /// `true` if the snapshot is given up before it is closed.
        is_dropped: bool,
    },
    /// Forgets what is older than so many steps.
    Prune { steps: usize },
}

/// Checks random histories: `check` gives each to [`History::check`] with an empty ledger.
///
/// # Errors
///
/// The violation, with the smallest history that was found for it.
pub fn check_random_histories(
    cases: u32,
    check: impl Fn(&History) -> Result<(), String>,
) -> Result<(), String> {
    check_random(cases, &histories(), check)
}

fn histories() -> impl Strategy<Value = History> {
    let small = || (1..5_usize).prop_filter_map("a size", NonZeroUsize::new);
    let partial = Completeness::Partial(PartialReason::UnprotectedPaging);
    let verdicts = prop_oneof![
        4 => Just(Verdict::Listed(Completeness::Complete)),
        1 => Just(Verdict::Listed(partial)),
        1 => Just(Verdict::Listed(Completeness::CompleteAsShown("tokens of others".to_owned()))),
        1 => Just(Verdict::Interrupted("the connection was lost".to_owned())),
        1 => Just(Verdict::NotListable),
    ];
    let tokens = vec((0..IDS.len(), 0..3_u8), 0..8);
    let is_dropped = prop::bool::weighted(0.1);
    let snapshot = (0..3_usize, verdicts, tokens, small(), is_dropped).prop_map(
        |(account, verdict, mut tokens, batch, is_dropped)| {
            if verdict == Verdict::NotListable {
                tokens.clear();
            }
            Step::Snapshot {
                account,
                verdict,
                tokens,
                batch,
                is_dropped,
            }
        },
    );
    let prune = (0..6_usize).prop_map(|steps| Step::Prune { steps });
    let steps = vec(prop_oneof![9 => snapshot, 1 => prune], 0..16);
    (steps, small()).prop_map(|(steps, page)| History { steps, page })
}

/// Returns accounts that differ in one thing each.
fn accounts() -> [Source; 3] {
    [
        Account::new("losant", "iot"),
        Account::new("losant", "iot").with_place("https://staging.example"),
        Account::new("foreman", "iot"),
    ]
    .map(Source::from)
}

/// Returns the time of a step. The milliseconds differ.
fn time_of(step: usize) -> Timestamp {
    let first = Timestamp::from_unix_seconds(1_700_000_000).unwrap_or_else(Timestamp::now);
    first.saturating_add(Duration::from_millis(step as u64 * 1_001))
}

/// Returns one of the records of a token.
fn token(id: usize, record: u8) -> Token {
    let mut token = Token::new(TokenId::new(IDS.get(id).unwrap_or(&"")), TokenState::Active);
    match record {
        0 => {}
        1 => {
            token.name = Fact::Known("'\0\u{1b}[31m\\u0000 ; --".to_owned());
            token.description = Fact::Absent;
            token.attributes.insert("role", Attribute::from("$1"));
        }
        _ => {
            token.state = TokenState::Suspended;
            token.expiry = Fact::Known(time_of(0));
        }
    }
    token
}

/// The tokens that an account held, by the simplest reading of the laws.
#[derive(Debug, Default)]
struct Expected {
    /// The snapshots with the state after each. A state is `None` before the first listing.
    snapshots: Vec<(Snapshot, Option<State>)>,
    versions: BTreeMap<TokenId, Vec<Version>>,
}

impl Expected {
    fn add(&mut self, at: Timestamp, verdict: &Verdict, tokens: &[Token]) -> Snapshot {
        let before = self.snapshots.last().and_then(|(_, state)| state.clone());
        if *verdict == Verdict::NotListable {
            let snapshot = Snapshot {
                at,
                verdict: verdict.clone(),
                counts: None,
            };
            self.snapshots.push((snapshot.clone(), before));
            return snapshot;
        }
        let before = before.unwrap_or_default();
        let tokens = tokens.iter().map(|token| (token.id.clone(), token.clone()));
        let seen: State = tokens.collect();
        let mut after = before.clone();
        if *verdict == Verdict::Listed(Completeness::Complete) {
            after.clear();
        }
        after.extend(seen.clone());
        let mut counts = Counts {
            seen: seen.len() as u64,
            ..Counts::default()
        };
        let ids: BTreeSet<&TokenId> = before.keys().chain(after.keys()).collect();
        for id in ids {
            match (before.get(id), after.get(id)) {
                (None, Some(_)) => counts.appeared += 1,
                (Some(_), None) => counts.vanished += 1,
                (old, new) if old != new => counts.changed += 1,
                _ => continue,
            }
            let versions = self.versions.entry(id.clone()).or_default();
            if let Some(last) = versions.last_mut() {
                last.to = last.to.or(Some(at));
            }
            versions.extend(after.get(id).map(|token| Version {
                from: at,
                to: None,
                token: token.clone(),
            }));
        }
        let snapshot = Snapshot {
            at,
            verdict: verdict.clone(),
            counts: Some(counts),
        };
        self.snapshots.push((snapshot.clone(), Some(after)));
        snapshot
    }

    fn prune(&mut self, before: Timestamp) {
        let until = || self.snapshots.iter().filter(|(kept, _)| kept.at <= before);
        let listed = until().rfind(|(kept, _)| kept.verdict != Verdict::NotListable);
        let Some(base) = listed.or(until().next_back()).map(|(kept, _)| kept.at) else {
            return;
        };
        self.snapshots.retain(|(kept, _)| kept.at >= base);
        for versions in self.versions.values_mut() {
            versions.retain(|version| version.to.is_none_or(|to| to > base));
        }
    }
}

impl History {
    /// Replays the history into an empty ledger and checks everything that the ledger says.
    ///
    /// # Errors
    ///
    /// The first violation.
    pub async fn check(&self, ledger: &dyn Ledger) -> Result<(), String> {
        let accounts = accounts();
        let mut all = [const { None::<Expected> }; 3];
        for (step, what) in self.steps.iter().enumerate() {
            let at = time_of(step);
            match what {
                Step::Snapshot {
                    account,
                    verdict,
                    tokens,
                    batch,
                    is_dropped,
                } => {
                    let (Some(name), Some(expected)) =
                        (accounts.get(*account), all.get_mut(*account))
                    else {
                        continue;
                    };
                    let tokens = tokens.iter().map(|(id, record)| token(*id, *record));
                    let tokens: Vec<Token> = tokens.collect();
                    if *is_dropped {
                        let begun = ledger.begin(name, at).await;
                        let mut recorder = works("beginning a snapshot", begun)?;
                        works("recording", recorder.record(&tokens).await)?;
                        continue;
                    }
                    let found = record(ledger, name, at, &tokens, *batch, verdict).await;
                    let found = works("a snapshot", found)?;
                    let expected = expected.get_or_insert_default();
                    ensure_eq("a snapshot", &found, &expected.add(at, verdict, &tokens))?;
                }
                Step::Prune { steps } => {
                    let before = time_of(step.saturating_sub(*steps));
                    works("pruning", ledger.prune(before).await)?;
                    all.iter_mut()
                        .flatten()
                        .for_each(|expected| expected.prune(before));
                }
            }
        }
        for (account, expected) in accounts.iter().zip(&all) {
            let nothing = Expected::default();
            let expected = expected.as_ref().unwrap_or(&nothing);
            self.check_account(ledger, account, expected).await?;
        }
        let findings = works("the check", ledger.check().await)?;
        ensure_eq("the findings of the check", &findings, &Vec::new())
    }

    async fn check_account(
        &self,
        ledger: &dyn Ledger,
        account: &Source,
        expected: &Expected,
    ) -> Result<(), String> {
        let snapshots = works("the snapshots", ledger.snapshots(account).await)?;
        let expected_snapshots: Vec<Snapshot> = expected
            .snapshots
            .iter()
            .map(|(snapshot, _)| snapshot.clone())
            .collect();
        ensure_eq("the snapshots", &snapshots, &expected_snapshots)?;
        let accounts = works("the accounts", ledger.accounts().await)?;
        let is_known = accounts.contains(account);
        ensure_eq("an account is known", &is_known, &!snapshots.is_empty())?;

        self.check_states(ledger, account, expected).await?;
        for (earlier, (first, before)) in expected.snapshots.iter().enumerate() {
            for (second, after) in expected.snapshots.iter().skip(earlier) {
                let span = works("a span", Span::new(first.at, second.at))?;
                let found = diff(ledger, account, span, self.page).await;
                let (Some(before), Some(after)) = (before, after) else {
                    ensure_refused("a diff from nothing", found, ErrorKind::Unsupported)?;
                    continue;
                };
                let ids = before.keys().chain(after.keys());
                let changes = ids.filter_map(|id| {
                    let sides = [before.get(id), after.get(id)].map(Option::<&Token>::cloned);
                    let [before, after] = sides;
                    Some((id.clone(), Change::between(before, after)?))
                });
                ensure_eq("a diff", &works("a diff", found)?, &changes.collect())?;
            }
        }
        let found = versions(ledger, account, self.page).await;
        let mut all_expected = expected.versions.clone();
        all_expected.retain(|_, versions| !versions.is_empty());
        ensure_eq(
            "all versions",
            &works("all versions", found)?,
            &all_expected,
        )?;
        for id in IDS.map(TokenId::new) {
            let found = works("a history", ledger.history(account, &id).await)?;
            let versions = expected.versions.get(&id).cloned().unwrap_or_default();
            ensure_eq("a history", &found, &versions)?;
        }
        Ok(())
    }

    async fn check_states(
        &self,
        ledger: &dyn Ledger,
        account: &Source,
        expected: &Expected,
    ) -> Result<(), String> {
        let moment = Duration::from_millis(1);
        let first = expected.snapshots.first().map(|(snapshot, _)| snapshot.at);
        let before = first.unwrap_or(time_of(0)).checked_sub(moment);
        let before = before.unwrap_or(time_of(0));
        let found = state(ledger, account, before, self.page).await;
        ensure_refused(
            "a state before the first snapshot",
            found,
            ErrorKind::NotFound,
        )?;
        for (index, (snapshot, expected_state)) in expected.snapshots.iter().enumerate() {
            let next = expected.snapshots.get(index + 1).map(|(next, _)| next.at);
            let last = next.and_then(|next| next.checked_sub(moment));
            for at in [snapshot.at, last.unwrap_or(time_of(10_000))] {
                let found = state(ledger, account, at, self.page).await;
                match expected_state {
                    Some(state) => ensure_eq("a state", &works("a state", found)?, state)?,
                    None => {
                        ensure_refused("a state of no listing", found, ErrorKind::Unsupported)?;
                    }
                }
            }
        }
        Ok(())
    }
}
