//! Tokens that come and go while they are listed.

use std::collections::BTreeSet;

use tokenfleet_core::{Completeness, Query, TokenId, TokenProviderExt};

use super::listing::lists;
use crate::Case;
use crate::case::case;
use crate::scene::{Scene, ids};
use crate::verdict::{Verdict, ensure, not_applicable, succeeded};

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
];

async fn deleted_meanwhile(scene: &Scene) -> Verdict {
    // One run for every place at which a deletion may fall between two pages.
    for after in 0..6 {
        let planted = scene.plant_as(&format!("round-{after}"), 6).await?;
        if planted.len() < 6 {
            return not_applicable("the account cannot hold several pages");
        }
        let mut doomed: Vec<_> = planted.into_iter().map(|token| token.id).collect();
        let query = Query::new().with_page_size(2);
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
        let survivors: Vec<_> = scene
            .fixture()
            .tokens()
            .await
            .into_iter()
            .map(|t| t.id)
            .collect();
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
        let before: Vec<_> = scene
            .fixture()
            .tokens()
            .await
            .into_iter()
            .map(|t| t.id)
            .collect();
        let query = Query::new().with_page_size(2);
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
