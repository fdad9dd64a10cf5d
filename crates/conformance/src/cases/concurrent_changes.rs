//! Law 3: a listing stays honest while tokens are created, updated and deleted.

use std::collections::BTreeSet;

use tokenfleet_core::capability::TokenField;
use tokenfleet_core::{
    Capabilities, Completeness, Direction, Filter, Query, SortKey, TokenId, TokenProvider,
    TokenState, UpdateToken,
};

use super::preconditions::lists;
use crate::case::case;
use crate::case_result::{CaseResult, ensure, expect_ok, not_applicable};
use crate::harness::{Harness, format_ids, next_id};
use crate::{Case, Decision};

const GROUP: &str = "concurrent changes";

pub(super) const CASES: &[Case] = &[
    case! {
        law 3: "deletions during a listing hide no other token",
        when: lists,
        run: deletions,
        killed_by: [
            DeclaresThatNoTokenVanishes on deleting_without_totals,
            PagesByOffset on keyset,
        ],
    },
    case! {
        law 3: "creations during a listing hide no other token",
        when: lists,
        run: creations,
        killed_by: [IgnoresOrder on deleting],
    },
    case! {
        law 3: "random creations and deletions during a listing hide no other token",
        when: lists,
        run: random_creations_and_deletions,
        killed_by: [DeclaresThatNoTokenVanishes on deleting_without_totals],
    },
    case! {
        law 3: "updates during a listing hide no other token",
        when: updates_what_filters_match,
        run: updates,
        killed_by: [DeclaresThatMatchesStay on deleting],
    },
];

fn updates_what_filters_match(declared: &Capabilities) -> Decision {
    let update = declared.update.as_ref();
    let filtered = update.is_some_and(|update| update.suspension || update.name);
    Decision::run_if(
        declared.list.is_some() && filtered,
        "it cannot list tokens and update what a filter matches",
    )
}

/// Requests each page only after the previous one was consumed, so that changes fall between two
/// requests.
fn sequentially(query: Query) -> Query {
    query.max_concurrency(1)
}

async fn deletions(harness: &Harness) -> CaseResult {
    // One round for each place at which a deletion can fall between two pages.
    for after in 0..6 {
        let prefix = format!("round-{after}");
        let mut to_delete = harness.seed_several_pages(&prefix, 6).await?;
        let mut listing =
            harness.start_listing(sequentially(Query::new().page_size(harness.page_size(2))))?;
        let mut listed = Vec::new();
        let expected = "the listing continues when tokens are deleted";
        while let Some(id) = next_id(&mut listing, expected).await? {
            listed.push(id);
            if listed.len() > after && to_delete.len() > 3 {
                let last = to_delete.len() - 1;
                let deleted = to_delete.remove(if after % 2 == 0 { 0 } else { last });
                if !harness.fixture().remove(&deleted).await {
                    return not_applicable("tokens cannot be deleted here");
                }
            }
        }
        let remaining = harness.existing_ids().await;
        expect_honest(harness, listing.completeness(), &remaining, &listed)?;
        for id in to_delete {
            harness.clean_up(&id).await;
        }
    }
    Ok(())
}

async fn creations(harness: &Harness) -> CaseResult {
    for after in 0..5 {
        harness
            .seed_several_pages(&format!("round-{after}"), 5)
            .await?;
        let before = harness.existing_ids().await;
        let mut listing =
            harness.start_listing(sequentially(Query::new().page_size(harness.page_size(2))))?;
        let (mut listed, mut created) = (Vec::new(), 0);
        let expected = "the listing continues when tokens are created";
        while let Some(id) = next_id(&mut listing, expected).await? {
            listed.push(id);
            if listed.len() > after && created < 3 {
                created += 1;
                let name = format!("new-{after}-{created}");
                harness.insert(harness.spec(&name)).await;
            }
        }
        expect_honest(harness, listing.completeness(), &before, &listed)?;
    }
    Ok(())
}

async fn random_creations_and_deletions(harness: &Harness) -> CaseResult {
    for seed in 0..12_u64 {
        let earlier = harness.existing_ids().await;
        let prefix = format!("random-{seed}");
        let mut to_delete = harness.seed_several_pages(&prefix, 8).await?;
        let before = harness.existing_ids().await;
        let mut dice = Dice(seed);
        let mut query = Query::new().page_size(harness.page_size(2 + u32::from(seed % 2 == 0)));
        if seed % 3 > 0 {
            query = sequentially(query);
        }
        let mut listing = harness.start_listing(query)?;
        let (mut listed, mut created) = (Vec::new(), 0);
        let mut throughout = before;
        let expected = "the listing continues when tokens are created and deleted";
        while let Some(id) = next_id(&mut listing, expected).await? {
            listed.push(id);
            let roll = dice.roll(4);
            if roll == 0 && created < 6 {
                created += 1;
                let name = format!("random-{seed}-new-{created}");
                harness.insert(harness.spec(&name)).await;
            } else if roll == 1 && to_delete.len() > 2 {
                let deleted = to_delete.remove(dice.roll(to_delete.len()));
                harness.fixture().remove(&deleted).await;
                // A new token may get its id.
                throughout.remove(&deleted);
            }
        }
        let after = harness.existing_ids().await;
        expect_honest(
            harness,
            listing.completeness(),
            &(&throughout & &after),
            &listed,
        )?;
        for id in after.difference(&earlier) {
            harness.clean_up(id).await;
        }
    }
    Ok(())
}

/// Updates tokens during a filtered listing so that they start or stop matching its filter.
///
/// The listing sees the filtered pages shift although no token is created or deleted.
async fn updates(harness: &Harness) -> CaseResult {
    for seed in 0..24_u64 {
        let mut round = UpdateRound::prepare(harness, seed).await?;
        let mut query = Query::new()
            .filter(round.filter.clone())
            .page_size(harness.page_size(2 + u32::from(seed % 2 == 0)));
        if seed % 3 == 0 {
            query = query.sort_by(SortKey::Id, Direction::Ascending);
        }
        let mut listing = harness.start_listing(query)?;
        let mut listed = Vec::new();
        let expected = "the listing continues when tokens are updated";
        while let Some(id) = next_id(&mut listing, expected).await? {
            listed.push(id);
            round.update_some(harness).await?;
        }
        expect_honest(
            harness,
            listing.completeness(),
            &round.matching_throughout,
            &listed,
        )?;
        for id in round.matching.iter().chain(&round.not_matching) {
            harness.clean_up(id).await;
        }
    }
    Ok(())
}

/// One filtered listing and the tokens that are updated during it.
struct UpdateRound {
    filter: Filter,
    /// `true` if the filter matches names, `false` if it matches states.
    by_name: bool,
    name: String,
    dice: Dice,
    matching: Vec<TokenId>,
    not_matching: Vec<TokenId>,
    matching_throughout: BTreeSet<TokenId>,
    /// The number of names given so far, each of which is another one.
    names: usize,
}

impl UpdateRound {
    async fn prepare(harness: &Harness, seed: u64) -> CaseResult<Self> {
        let update = harness.capabilities().update.as_ref();
        let renames = update.is_some_and(|update| update.name) && harness.reports(TokenField::Name);
        let suspends = update.is_some_and(|update| update.suspension);
        let by_name = renames && (seed % 4 < 2 || !suspends);
        let name = format!("updated-{seed}");
        let matching = harness.seed_several_pages(&name, 12).await?;
        let mut round = Self {
            filter: if by_name {
                Filter::name_glob(format!("{name}-*"))
            } else {
                Filter::State(TokenState::Active)
            },
            by_name,
            name,
            dice: Dice(seed),
            matching,
            not_matching: Vec::new(),
            matching_throughout: BTreeSet::new(),
            names: 0,
        };
        // Some of the oldest tokens do not match at first: a listing reaches their place first or
        // last, depending on its direction.
        for _ in 0..4 {
            let index = round.dice.roll(6.min(round.matching.len()));
            round.hide(harness, index).await?;
        }
        round.matching_throughout = round.matching.iter().cloned().collect();
        Ok(round)
    }

    /// Makes a token stop matching, another start matching, both, or neither.
    ///
    /// If both happen, the total does not change.
    async fn update_some(&mut self, harness: &Harness) -> CaseResult {
        let roll = self.dice.roll(5);
        if matches!(roll, 0 | 1) && self.matching.len() > 4 {
            let index = self.dice.roll(self.matching.len());
            let hidden = self.hide(harness, index).await?;
            self.matching_throughout.remove(&hidden);
        }
        if matches!(roll, 0 | 2) && !self.not_matching.is_empty() {
            let index = self.dice.roll(self.not_matching.len());
            let shown = self.not_matching.remove(index);
            let number = self.next_number();
            let change = if self.by_name {
                UpdateToken::rename(format!("{}-back-{number}", self.name))
            } else {
                UpdateToken::resume()
            };
            self.matching.push(update(harness, &shown, change).await?);
        }
        if roll == 3 && self.by_name {
            // The new name matches the filter too, so the token matches throughout.
            let index = self.dice.roll(self.matching.len());
            let number = self.next_number();
            let change = UpdateToken::rename(format!("{}-renamed-{number}", self.name));
            let id = update(harness, &self.matching[index], change).await?;
            let old_id = std::mem::replace(&mut self.matching[index], id);
            if old_id != self.matching[index] {
                self.matching_throughout.remove(&old_id);
            }
        }
        Ok(())
    }

    fn next_number(&mut self) -> usize {
        self.names += 1;
        self.names
    }

    /// Updates a matching token so that the filter no longer matches it, and returns the id that it
    /// had until then.
    async fn hide(&mut self, harness: &Harness, index: usize) -> CaseResult<TokenId> {
        let hidden = self.matching.remove(index);
        let number = self.next_number();
        let change = if self.by_name {
            UpdateToken::rename(format!("hidden {} {number}", self.name))
        } else {
            UpdateToken::suspend()
        };
        self.not_matching
            .push(update(harness, &hidden, change).await?);
        Ok(hidden)
    }
}

/// Updates a token and returns its id from now on, which may follow its name.
async fn update(harness: &Harness, id: &TokenId, change: UpdateToken) -> CaseResult<TokenId> {
    let updated = harness.provider().update(id, change).await;
    Ok(expect_ok(updated, "a token is updated during a listing")?.id)
}

/// A random number generator with the same numbers in every run, so that a failure is reproducible.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides.max(1)
    }
}

/// Expects a listing without repeats, which holds every token that existed throughout if it reports
/// that it is complete.
fn expect_honest(
    harness: &Harness,
    completeness: Option<Completeness>,
    throughout: &BTreeSet<TokenId>,
    listed: &[TokenId],
) -> CaseResult {
    let distinct: BTreeSet<_> = listed.iter().cloned().collect();
    ensure(
        // Where ids are given again, another token may have one that was listed.
        distinct.len() == listed.len() || harness.reuses_ids(),
        "no token is listed twice, whatever changes during the listing",
        format!("{} was listed", format_ids(listed)),
    )?;
    let missing: Vec<_> = throughout.difference(&distinct).collect();
    ensure(
        missing.is_empty() || completeness.is_none_or(|it| !it.is_complete_as_shown()),
        "a complete listing holds every token that existed throughout",
        format!(
            "it reports that it is complete and lacks {}",
            format_ids(missing)
        ),
    )
}
