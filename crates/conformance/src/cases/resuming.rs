//! A cursor resumes.

use std::collections::BTreeSet;

use tokenfleet_core::{
    Cursor, Direction, ErrorKind, Filter, Query, SortKey, TokenId, TokenProviderExt,
};

use super::listing::lists;
use crate::Case;
use crate::case::case;
use crate::scene::{Scene, ids};
use crate::verdict::{Verdict, describe, ensure, failed, succeeded};

const GROUP: &str = "resuming";

pub(super) const CASES: &[Case] = &[
    case!(
        4,
        "a listing that is cut anywhere resumes without skipping",
        lists,
        anywhere
    ),
    case!(
        4,
        "a listing resumes from a cut although tokens came meanwhile",
        lists,
        grown
    ),
    case!(
        4,
        "a sorted or limited listing resumes without skipping",
        lists,
        sorted
    ),
    case!(4, "a cursor is refused by another query", lists, foreign),
    case!(
        4,
        "a cursor is refused by another account",
        lists,
        elsewhere
    ),
];

/// The ids of a listing: the first `before` ones, then what the cursor taken there gives.
async fn cut_at(
    scene: &Scene,
    query: &Query,
    before: usize,
    meanwhile: Option<&str>,
) -> Verdict<(Vec<TokenId>, Vec<TokenId>)> {
    let mut listing = succeeded(scene.provider().list(query.clone()), "a listing begins")?;
    let mut first = Vec::new();
    while first.len() < before {
        match listing.next().await {
            Some(token) => first.push(succeeded(token, "a listing goes on")?.id),
            None => break,
        }
    }
    let text = listing.cursor().to_string();
    drop(listing);
    scene.known().inspect("a cursor", &text);
    if let Some(name) = meanwhile {
        scene.insert(scene.spec(name)).await;
    }
    let cursor: Cursor = succeeded(text.parse(), "a cursor survives as a text")?;
    let again = scene.provider().list(query.clone());
    let again = again.and_then(|listing| listing.resume(&cursor));
    let mut listing = succeeded(again, "a listing resumes where it was cut")?;
    let mut rest = Vec::new();
    while let Some(token) = listing.next().await {
        rest.push(succeeded(token, "a resumed listing goes on")?.id);
    }
    Ok((first, rest))
}

fn demand_all(
    all: &BTreeSet<TokenId>,
    before: usize,
    (first, rest): &(Vec<TokenId>, Vec<TokenId>),
) -> Verdict {
    let seen: BTreeSet<_> = first.iter().chain(rest).cloned().collect();
    let skipped: Vec<_> = all.difference(&seen).collect();
    ensure(
        skipped.is_empty(),
        "a resumed listing skips nothing",
        format!(
            "cut after {before} tokens, {} came before, {} after, and never {}",
            ids(first),
            ids(rest),
            ids(skipped)
        ),
    )?;
    let distinct: BTreeSet<_> = rest.iter().collect();
    ensure(
        distinct.len() == rest.len(),
        "after it is resumed a listing repeats nothing of its own",
        format!("it gave {}", ids(rest)),
    )
}

async fn anywhere(scene: &Scene) -> Verdict {
    scene.plant(7).await?;
    let all: BTreeSet<_> = scene
        .fixture()
        .tokens()
        .await
        .into_iter()
        .map(|t| t.id)
        .collect();
    for size in [1, 2, 3] {
        for before in 0..=all.len() + 1 {
            let query = Query::new().page_size(size);
            let parts = cut_at(scene, &query, before, None).await?;
            demand_all(&all, before, &parts)?;
        }
    }
    Ok(())
}

async fn grown(scene: &Scene) -> Verdict {
    scene.plant(5).await?;
    for before in 0..5 {
        let all: BTreeSet<_> = scene
            .fixture()
            .tokens()
            .await
            .into_iter()
            .map(|t| t.id)
            .collect();
        let query = Query::new().page_size(2);
        let name = format!("newcomer-{before}");
        let parts = cut_at(scene, &query, before, Some(&name)).await?;
        demand_all(&all, before, &parts)?;
    }
    Ok(())
}

async fn sorted(scene: &Scene) -> Verdict {
    scene.plant(6).await?;
    for query in [
        Query::new().sort_by(SortKey::Name, Direction::Descending),
        Query::new().sort_by(SortKey::Id, Direction::Ascending),
        Query::new().sort_by(SortKey::Id, Direction::Descending),
        Query::new().filter(Filter::name_glob("planted-*")),
        Query::new()
            .sort_by(SortKey::Id, Direction::Ascending)
            .offset(1)
            .limit(4),
    ] {
        let query = query.page_size(2);
        let whole = scene
            .list(query.clone(), "a query is answered")
            .await?
            .tokens;
        let all: BTreeSet<_> = whole.into_iter().map(|token| token.id).collect();
        for before in [1, 2, 3] {
            let parts = cut_at(scene, &query, before, None).await?;
            demand_all(&all, before, &parts)?;
        }
    }
    Ok(())
}

async fn foreign(scene: &Scene) -> Verdict {
    scene.plant(3).await?;
    let query = Query::new().page_size(1);
    let mut listing = succeeded(scene.provider().list(query), "a listing begins")?;
    let _ = listing.next().await;
    let cursor = listing.cursor();
    let other = Query::new().filter(Filter::name("other")).page_size(1);
    let expected = "a cursor is refused by another query";
    let resumed = scene
        .provider()
        .list(other)
        .and_then(|listing| listing.resume(&cursor));
    let error = failed(resumed, expected)?;
    ensure(
        error.kind() == ErrorKind::InvalidCursor,
        expected,
        describe(&error),
    )
}

async fn elsewhere(scene: &Scene) -> Verdict {
    scene.plant(3).await?;
    let query = Query::new().page_size(1);
    let mut listing = succeeded(scene.provider().list(query.clone()), "a listing begins")?;
    let _ = listing.next().await;
    let cursor = listing.cursor();
    let expected = "a cursor is refused by another account";
    let other = scene.provider().elsewhere();
    let resumed = other
        .list(query)
        .and_then(|listing| listing.resume(&cursor).map(drop));
    let error = failed(resumed, expected)?;
    ensure(
        error.kind() == ErrorKind::InvalidCursor,
        expected,
        describe(&error),
    )
}
