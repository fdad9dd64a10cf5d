//! Tokens that come and go while they are listed.

use std::collections::BTreeSet;

use tokenfleet_core::capability::TokenField;
use tokenfleet_core::{
    Capabilities, Completeness, Direction, Filter, Query, SortKey, TokenId, TokenProvider,
    TokenProviderExt, TokenState, UpdateToken,
};

use super::listing::lists;
use crate::case::case;
use crate::scene::{Scene, ids};
use crate::verdict::{Verdict, ensure, not_applicable, succeeded};
use crate::{Case, Decision};

const GROUP: &str = "changing meanwhile";

pub(super) const CASES: &[Case] = &[
    case!(
        3,
        "tokens deleted meanwhile hide no other",
        lists,
        deleted_meanwhile
    ),
    case!(
        3,
        "tokens created meanwhile hide no other",
        lists,
        created_meanwhile
    ),
    case!(
        3,
        "tokens that come and go in any rhythm hide no other",
        lists,
        any_rhythm
    ),
    case!(
        3,
        "tokens changed meanwhile hide no other",
        changes,
        altered_meanwhile
    ),
];

fn changes(declared: &Capabilities) -> Decision {
    let update = declared.update.as_ref();
    let moves = update.is_some_and(|update| update.suspension || update.name);
    Decision::run_if(
        declared.list.is_some() && moves,
        "it cannot list tokens and change what a filter looks at",
    )
}

/// Asking for each page only when the one before was consumed, so that what happens meanwhile falls between two requests.
fn one_by_one(query: Query) -> Query {
    query.max_concurrency(1)
}

async fn deleted_meanwhile(scene: &Scene) -> Verdict {
    // One run for every place at which a deletion may fall between two pages.
    for after in 0..6 {
        let planted = scene.plant_as(&format!("round-{after}"), 6).await?;
        if planted.len() < 6 {
            return not_applicable("the account cannot hold several pages");
        }
        let mut doomed: Vec<_> = planted.into_iter().map(|token| token.id).collect();
        let query = one_by_one(Query::new().page_size(2));
        let mut listing = succeeded(scene.provider().list(query), "a listing begins")?;
        let mut listed = Vec::new();
        while let Some(token) = listing.next().await {
            listed.push(succeeded(token, "the listing goes on when tokens vanish")?.id);
            if listed.len() > after && doomed.len() > 3 {
                let victim = doomed.remove(if after % 2 == 0 { 0 } else { doomed.len() - 1 });
                if !scene.fixture().remove(&victim).await {
                    return not_applicable("tokens never vanish here");
                }
            }
        }
        let survivors = existing(scene).await;
        demand_honest(listing.completeness(), &survivors, &listed)?;
        for id in survivors.iter().filter(|id| doomed.contains(id)) {
            scene.fixture().remove(id).await;
        }
    }
    Ok(())
}

async fn created_meanwhile(scene: &Scene) -> Verdict {
    for after in 0..5 {
        if scene.plant_as(&format!("round-{after}"), 5).await?.len() < 5 {
            return not_applicable("the account cannot hold several pages");
        }
        let before = existing(scene).await;
        let query = one_by_one(Query::new().page_size(2));
        let mut listing = succeeded(scene.provider().list(query), "a listing begins")?;
        let (mut listed, mut created) = (Vec::new(), 0);
        while let Some(token) = listing.next().await {
            listed.push(succeeded(token, "the listing goes on when tokens appear")?.id);
            if listed.len() > after && created < 3 {
                created += 1;
                let name = format!("newcomer-{after}-{created}");
                scene.insert(scene.spec(&name)).await;
            }
        }
        demand_honest(listing.completeness(), &before, &listed)?;
    }
    Ok(())
}

async fn any_rhythm(scene: &Scene) -> Verdict {
    for seed in 0..12_u64 {
        let earlier = existing(scene).await;
        let planted = scene.plant_as(&format!("rhythm-{seed}"), 8).await?;
        if planted.len() < 8 {
            return not_applicable("the account cannot hold several pages");
        }
        let before = existing(scene).await;
        let mut doomed: Vec<_> = planted.into_iter().map(|token| token.id).collect();
        let mut dice = Dice(seed);
        let mut query = Query::new().page_size(2 + u32::from(seed % 2 == 0));
        if seed % 3 > 0 {
            query = one_by_one(query);
        }
        let mut listing = succeeded(scene.provider().list(query), "a listing begins")?;
        let (mut listed, mut created) = (Vec::new(), 0);
        while let Some(token) = listing.next().await {
            listed.push(succeeded(token, "the listing goes on whatever happens")?.id);
            let roll = dice.roll(4);
            if roll == 0 && created < 6 {
                created += 1;
                let name = format!("rhythm-{seed}-newcomer-{created}");
                scene.insert(scene.spec(&name)).await;
            } else if roll == 1 && doomed.len() > 2 {
                let victim = doomed.remove(dice.roll(doomed.len()));
                scene.fixture().remove(&victim).await;
            }
        }
        let after: BTreeSet<_> = existing(scene).await.into_iter().collect();
        let throughout: Vec<_> = before.into_iter().filter(|id| after.contains(id)).collect();
        demand_honest(listing.completeness(), &throughout, &listed)?;
        for id in after.iter().filter(|id| !earlier.contains(id)) {
            scene.fixture().remove(id).await;
        }
    }
    Ok(())
}

/// Tokens that a filter finds are made not to match and to match again, while others that it does not find are brought
/// in: a walk over the filtered pages sees them shift to and fro although nothing is created or deleted.
async fn altered_meanwhile(scene: &Scene) -> Verdict {
    for seed in 0..24_u64 {
        let Some(mut round) = Round::prepare(scene, seed).await? else {
            return not_applicable("the account cannot hold several pages");
        };
        let mut query = Query::new()
            .filter(round.filter.clone())
            .page_size(2 + u32::from(seed % 2 == 0));
        if seed % 3 == 0 {
            query = query.sort_by(SortKey::Id, Direction::Ascending);
        }
        let mut listing = succeeded(scene.provider().list(query), "a listing begins")?;
        let mut listed = Vec::new();
        while let Some(token) = listing.next().await {
            listed.push(succeeded(token, "the listing goes on whatever changes")?.id);
            round.change(scene).await?;
        }
        demand_honest(listing.completeness(), &round.throughout, &listed)?;
        for id in round.matching.iter().chain(&round.others) {
            scene.fixture().remove(id).await;
        }
    }
    Ok(())
}

/// One listing under a filter, and what is done to the tokens meanwhile.
struct Round {
    filter: Filter,
    by_name: bool,
    name: String,
    dice: Dice,
    matching: Vec<TokenId>,
    others: Vec<TokenId>,
    throughout: Vec<TokenId>,
}

impl Round {
    async fn prepare(scene: &Scene, seed: u64) -> Verdict<Option<Self>> {
        let update = scene.capabilities().update.as_ref();
        let renames = update.is_some_and(|update| update.name) && scene.reports(TokenField::Name);
        let suspends = update.is_some_and(|update| update.suspension);
        let by_name = renames && (seed % 4 < 2 || !suspends);
        let name = format!("altered-{seed}");
        let planted = scene.plant_as(&name, 12).await?;
        let mut round = Self {
            filter: if by_name {
                Filter::name_glob(format!("{name}-*"))
            } else {
                Filter::State(TokenState::Active)
            },
            by_name,
            name,
            dice: Dice(seed),
            matching: planted.into_iter().map(|token| token.id).collect(),
            others: Vec::new(),
            throughout: Vec::new(),
        };
        if round.matching.len() < 12 {
            return Ok(None);
        }
        // Some of the oldest are out of sight when the listing begins, where a walk may have ended or yet to come.
        for _ in 0..4 {
            let place = round.dice.roll(6.min(round.matching.len()));
            round.hide(scene, place).await?;
        }
        round.throughout.clone_from(&round.matching);
        Ok(Some(round))
    }

    /// Nothing, one going, one coming, or both at once: then the total does not change.
    async fn change(&mut self, scene: &Scene) -> Verdict {
        let roll = self.dice.roll(5);
        if matches!(roll, 0 | 1) && self.matching.len() > 4 {
            let place = self.dice.roll(self.matching.len());
            let hidden = self.hide(scene, place).await?;
            self.throughout.retain(|id| *id != hidden);
        }
        if matches!(roll, 0 | 2) && !self.others.is_empty() {
            let place = self.dice.roll(self.others.len());
            let shown = self.others.remove(place);
            let change = if self.by_name {
                UpdateToken::rename(format!("{}-back", self.name))
            } else {
                UpdateToken::resume()
            };
            update(scene, &shown, change).await?;
            self.matching.push(shown);
        }
        if roll == 3 && self.by_name {
            // Another name that the filter finds as well: it matches throughout.
            let place = self.dice.roll(self.matching.len());
            let change = UpdateToken::rename(format!("{}-renamed", self.name));
            update(scene, &self.matching[place], change).await?;
        }
        Ok(())
    }

    async fn hide(&mut self, scene: &Scene, place: usize) -> Verdict<TokenId> {
        let hidden = self.matching.remove(place);
        let change = if self.by_name {
            UpdateToken::rename(format!("hidden {}", self.name))
        } else {
            UpdateToken::suspend()
        };
        update(scene, &hidden, change).await?;
        self.others.push(hidden.clone());
        Ok(hidden)
    }
}

async fn update(scene: &Scene, id: &TokenId, change: UpdateToken) -> Verdict {
    let changed = scene.provider().update(id, change).await;
    succeeded(changed, "a token is changed while others are listed").map(drop)
}

async fn existing(scene: &Scene) -> Vec<TokenId> {
    let tokens = scene.fixture().tokens().await;
    tokens.into_iter().map(|token| token.id).collect()
}

/// The same rolls in every run, so that a failure comes back.
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

fn demand_honest(
    completeness: Option<Completeness>,
    throughout: &[TokenId],
    listed: &[TokenId],
) -> Verdict {
    let distinct: BTreeSet<_> = listed.iter().collect();
    ensure(
        distinct.len() == listed.len(),
        "no token is listed twice, whatever happens meanwhile",
        format!("{} was listed", ids(listed)),
    )?;
    let missing: Vec<_> = throughout
        .iter()
        .filter(|id| !distinct.contains(id))
        .collect();
    ensure(
        completeness != Some(Completeness::Complete) || missing.is_empty(),
        "a complete listing holds every token that existed throughout",
        format!("it calls itself complete and lacks {}", ids(missing)),
    )
}
