//! Push-down changes nothing but cost.

use std::collections::BTreeSet;

use tokenfleet_core::query::{NamePattern, TimePredicate};
use tokenfleet_core::{
    Direction, ErrorKind, Filter, Query, RequestedExpiry, SortKey, Token, TokenId,
    TokenProviderExt, TokenState,
};

use super::listing::lists;

use super::reading::ODD_NAMES;

use crate::case::case;

use crate::scene::{STATES, Scene, ids};

use crate::verdict::{Verdict, describe, ensure, failed, not_applicable};

use crate::Case;

const GROUP: &str = "querying";

pub(super) const CASES: &[Case] = &[
    case!(
        2,
        "a filter by name finds what its definition finds",
        lists,
        by_name
    ),
    case!(
        2,
        "a filter by pattern finds what its definition finds",
        lists,
        by_pattern
    ),
    case!(
        2,
        "a filter by state finds what its definition finds",
        lists,
        by_state
    ),
    case!(
        2,
        "a filter by time finds what its definition finds",
        lists,
        by_time
    ),
    case!(
        2,
        "joined filters find what their definition finds",
        lists,
        joined
    ),
    case!(
        2,
        "every order is the one that its key defines",
        lists,
        orders
    ),
    case!(
        2,
        "an offset and a limit cut what their definition cuts",
        lists,
        cut
    ),
    case!(
        2,
        "sorting more than allowed fails instead of shortening",
        lists,
        bounded
    ),
];

/// Tokens of odd names, all states and several expiries, and all of them as one listing shows them.
pub(super) async fn populate(scene: &Scene) -> Verdict<Vec<Token>> {
    for name in ODD_NAMES {
        scene.insert(scene.spec(name)).await;
    }
    for state in STATES {
        let name = format!("plain {}", state.as_str());
        scene.insert(scene.spec(&name).in_state(state)).await;
    }
    for days in [3, 2, 3] {
        let at = RequestedExpiry::At(scene.in_days(days));
        let name = format!("expiring {days} {}", scene.fixture().tokens().await.len());
        scene.insert(scene.spec(&name).expiring(at)).await;
    }
    // The first listing may itself count as the first use of the acting token.
    scene.list(Query::new(), "everything is listed").await?;
    let all = scene
        .list(Query::new(), "everything is listed")
        .await?
        .tokens;
    if all.is_empty() {
        return not_applicable("the fixture can insert no token");
    }
    Ok(all)
}

/// Demands that a query finds what its definition finds in the whole list.
async fn demand(scene: &Scene, all: &[Token], query: Query) -> Verdict {
    let query = query.page_size(10);
    let found = scene
        .list(query.clone(), "a query is answered")
        .await?
        .tokens;
    let found: Vec<TokenId> = found.into_iter().map(|token| token.id).collect();
    let defined: Vec<TokenId> = query
        .evaluate(all.to_vec())
        .into_iter()
        .map(|token| token.id)
        .collect();
    let same = if query.sort.is_empty() {
        let set = |ids: &[TokenId]| ids.iter().cloned().collect::<BTreeSet<_>>();
        found.len() == defined.len() && set(&found) == set(&defined)
    } else {
        found == defined
    };
    ensure(
        same,
        "a query finds what its definition finds in the whole list, in its order",
        format!(
            "{:?} sorted by {:?} found {} instead of {}",
            query.filter,
            query.sort,
            ids(&found),
            ids(&defined)
        ),
    )
}

async fn by_name(scene: &Scene) -> Verdict {
    let all = populate(scene).await?;
    for name in ODD_NAMES
        .into_iter()
        .chain(["PLAIN", "two", "missing", " plain", "plain "])
    {
        demand(scene, &all, Query::new().filter(Filter::name(name))).await?;
    }
    for prefix in [
        "pl", "Pl", "quote\"", "100%", "u", "star*", "ключ", "not", "é", "",
    ] {
        let prefix = Filter::Name(NamePattern::Prefix(prefix.to_owned()));
        demand(scene, &all, Query::new().filter(prefix)).await?;
    }
    Ok(())
}

/// Patterns that a query language might read otherwise.
pub(super) const PATTERNS: [&str; 22] = [
    "*",
    "**",
    "plain",
    "PLAIN",
    "p*",
    "*n",
    "*a*",
    "a*b",
    "100%",
    "1*%",
    "under_score",
    "u*_*e",
    "star*name",
    "*\"*",
    "*'*",
    "*\\*",
    "*,*",
    "n*t",
    "*о*",
    "* *",
    "(*)",
    "",
];

async fn by_pattern(scene: &Scene) -> Verdict {
    let all = populate(scene).await?;
    for pattern in PATTERNS {
        demand(scene, &all, Query::new().filter(Filter::name_glob(pattern))).await?;
    }
    Ok(())
}

async fn by_state(scene: &Scene) -> Verdict {
    let all = populate(scene).await?;
    for state in STATES.into_iter().chain([TokenState::Unknown]) {
        let filter = Filter::State(state);
        demand(scene, &all, Query::new().filter(filter.clone())).await?;
        let others = Filter::Not(Box::new(filter));
        demand(scene, &all, Query::new().filter(others)).await?;
    }
    Ok(())
}

async fn by_time(scene: &Scene) -> Verdict {
    let all = populate(scene).await?;
    let mut moments = vec![TimePredicate::Never, TimePredicate::NotReported];
    for days in [0, 2, 3] {
        let at = scene.in_days(days);
        moments.extend([TimePredicate::Before(at), TimePredicate::From(at)]);
    }
    for when in moments {
        for filter in [Filter::Created(when), Filter::Expiry(when)] {
            demand(scene, &all, Query::new().filter(filter)).await?;
        }
    }
    Ok(())
}

async fn joined(scene: &Scene) -> Verdict {
    let all = populate(scene).await?;
    let glob = |pattern: &str| Filter::name_glob(pattern);
    let active = || Filter::State(TokenState::Active);
    let soon = Filter::Expiry(TimePredicate::Before(scene.in_days(3)));
    for filter in [
        glob("*a*").and(active()),
        active().and(glob("p*")).and(glob("*n")),
        glob("p*").and(Filter::Not(Box::new(active()))),
        Filter::Any(vec![
            Filter::name("not"),
            Filter::name("or"),
            Filter::name("a&b"),
        ]),
        Filter::Any(vec![glob("*\"*"), soon.clone()]),
        Filter::Any(vec![
            Filter::State(TokenState::Suspended),
            Filter::State(TokenState::Expired),
        ]),
        Filter::Not(Box::new(glob("*a*"))),
        glob("*").and(soon),
        Filter::Any(vec![glob("p*").and(active()), Filter::name("(paren)")]).and(glob("*")),
        Filter::All(Vec::new()),
        Filter::Any(Vec::new()),
    ] {
        demand(scene, &all, Query::new().filter(filter)).await?;
    }
    Ok(())
}

async fn orders(scene: &Scene) -> Verdict {
    let all = populate(scene).await?;
    for key in SortKey::ALL {
        for direction in [Direction::Ascending, Direction::Descending] {
            let query = Query::new().sort_by(key, direction);
            demand(scene, &all, query.clone()).await?;
            let filtered = query.filter(Filter::name_glob("*a*"));
            demand(scene, &all, filtered).await?;
        }
    }
    let both = Query::new()
        .sort_by(SortKey::State, Direction::Descending)
        .sort_by(SortKey::Name, Direction::Ascending);
    demand(scene, &all, both).await
}

async fn cut(scene: &Scene) -> Verdict {
    let all = populate(scene).await?;
    let count = all.len() as u64;
    for key in [SortKey::Id, SortKey::Name] {
        for direction in [Direction::Ascending, Direction::Descending] {
            let query = || Query::new().sort_by(key, direction);
            demand(scene, &all, query().limit(1)).await?;
            demand(scene, &all, query().limit(0)).await?;
            demand(scene, &all, query().offset(2).limit(11)).await?;
            demand(scene, &all, query().offset(count - 1)).await?;
            demand(scene, &all, query().offset(count + 5)).await?;
        }
    }
    for limit in [0, 1, 10, 11, count, count + 1] {
        let query = Query::new().limit(limit).page_size(10);
        let found = scene.list(query, "a limited listing").await?.tokens;
        let distinct: BTreeSet<_> = found.iter().map(|token| &token.id).collect();
        ensure(
            distinct.len() as u64 == limit.min(count) && found.len() == distinct.len(),
            "a limit cuts exactly there",
            format!("of {count} tokens, at most {limit}, came {}", found.len()),
        )?;
    }
    Ok(())
}

async fn bounded(scene: &Scene) -> Verdict {
    if scene.plant(3).await?.len() < 3 {
        return not_applicable("the account cannot hold more tokens than a bound");
    }
    for key in SortKey::ALL {
        let query = Query::new()
            .sort_by(key, Direction::Ascending)
            .scan_limit(1);
        let listing =
            crate::verdict::succeeded(scene.provider().list(query.clone()), "a listing begins")?;
        if !listing.plan().sorts_in_memory() {
            continue;
        }
        let expected = "sorting more than allowed fails";
        let error = failed(scene.provider().list_all(query).await, expected)?;
        ensure(
            error.kind() == ErrorKind::LimitExceeded,
            expected,
            describe(&error),
        )?;
    }
    Ok(())
}
