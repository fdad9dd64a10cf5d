//! Push-down changes nothing but cost.

use std::collections::BTreeSet;

use tokenfleet_core::{
    Capabilities, Direction, ErrorKind, Filter, NamePattern, OrderCapability, PageRequest, Query,
    RequestedExpiry, SortBy, SortKey, Token, TokenId, TokenProvider, TokenProviderExt, TokenState,
    When,
};

use super::listing::{all_pages, lists, tokens};
use super::reading::ODD_NAMES;
use crate::case::case;
use crate::refusal::refused;
use crate::scene::{STATES, Scene, ids};
use crate::verdict::{Verdict, describe, ensure, failed, not_applicable};
use crate::{Case, Decision};

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
        "what a platform filters loses no match",
        filters,
        pushed_filters
    ),
    case!(
        2,
        "an order is as exact, stable and appending as declared",
        orders_declared,
        declared_orders
    ),
    case!(
        1,
        "an undeclared filter or order is refused before any request",
        lists,
        undeclared
    ),
    case!(
        2,
        "sorting more than allowed fails instead of shortening",
        lists,
        bounded
    ),
];

fn filters(declared: &Capabilities) -> Decision {
    let some = declared.list.as_ref().is_some_and(|list| {
        let filters = &list.filters;
        filters.name_exact || filters.name_pattern || !filters.states.is_empty()
    });
    Decision::run_if(some, "it declares no filter")
}

fn orders_declared(declared: &Capabilities) -> Decision {
    let some = declared
        .list
        .as_ref()
        .is_some_and(|list| !list.orders.is_empty());
    Decision::run_if(some, "it declares no order")
}

/// Tokens of odd names, all states and several expiries, and all of them as one listing shows them.
async fn populate(scene: &Scene) -> Verdict<Vec<Token>> {
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
    let query = query.with_page_size(10);
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
        demand(scene, &all, Query::new().matching(Filter::name(name))).await?;
    }
    for prefix in [
        "pl", "Pl", "quote\"", "100%", "u", "star*", "ключ", "not", "é", "",
    ] {
        let prefix = Filter::Name(NamePattern::Prefix(prefix.to_owned()));
        demand(scene, &all, Query::new().matching(prefix)).await?;
    }
    Ok(())
}

/// Patterns that a query language might read otherwise.
const PATTERNS: [&str; 22] = [
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
        demand(
            scene,
            &all,
            Query::new().matching(Filter::name_glob(pattern)),
        )
        .await?;
    }
    Ok(())
}

async fn by_state(scene: &Scene) -> Verdict {
    let all = populate(scene).await?;
    for state in STATES.into_iter().chain([TokenState::Unknown]) {
        let filter = Filter::State(state);
        demand(scene, &all, Query::new().matching(filter.clone())).await?;
        let others = Filter::Not(Box::new(filter));
        demand(scene, &all, Query::new().matching(others)).await?;
    }
    Ok(())
}

async fn by_time(scene: &Scene) -> Verdict {
    let all = populate(scene).await?;
    let mut moments = vec![When::Never, When::NotReported];
    for days in [0, 2, 3] {
        let at = scene.in_days(days);
        moments.extend([When::Before(at), When::From(at)]);
    }
    for when in moments {
        for filter in [Filter::Created(when), Filter::Expiry(when)] {
            demand(scene, &all, Query::new().matching(filter)).await?;
        }
    }
    Ok(())
}

async fn joined(scene: &Scene) -> Verdict {
    let all = populate(scene).await?;
    let glob = |pattern: &str| Filter::name_glob(pattern);
    let active = || Filter::State(TokenState::Active);
    let soon = Filter::Expiry(When::Before(scene.in_days(3)));
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
        demand(scene, &all, Query::new().matching(filter)).await?;
    }
    Ok(())
}

async fn orders(scene: &Scene) -> Verdict {
    let all = populate(scene).await?;
    for key in SortKey::ALL {
        for direction in [Direction::Ascending, Direction::Descending] {
            let query = Query::new().sorted_by(key, direction);
            demand(scene, &all, query.clone()).await?;
            let filtered = query.matching(Filter::name_glob("*a*"));
            demand(scene, &all, filtered).await?;
        }
    }
    let both = Query::new()
        .sorted_by(SortKey::State, Direction::Descending)
        .sorted_by(SortKey::Name, Direction::Ascending);
    demand(scene, &all, both).await
}

async fn cut(scene: &Scene) -> Verdict {
    let all = populate(scene).await?;
    let count = all.len() as u64;
    for key in [SortKey::Id, SortKey::Name] {
        for direction in [Direction::Ascending, Direction::Descending] {
            let query = || Query::new().sorted_by(key, direction);
            demand(scene, &all, query().limited_to(1)).await?;
            demand(scene, &all, query().limited_to(0)).await?;
            demand(scene, &all, query().skipping(2).limited_to(11)).await?;
            demand(scene, &all, query().skipping(count - 1)).await?;
            demand(scene, &all, query().skipping(count + 5)).await?;
        }
    }
    for limit in [0, 1, 10, 11, count, count + 1] {
        let query = Query::new().limited_to(limit).with_page_size(10);
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

async fn pushed_filters(scene: &Scene) -> Verdict {
    let all = populate(scene).await?;
    let Some(list) = scene.capabilities().list.clone() else {
        return Ok(());
    };
    let mut tried = Vec::new();
    for name in ODD_NAMES {
        tried.push(Filter::name(name));
        tried.push(Filter::Name(NamePattern::Prefix(name.to_owned())));
    }
    tried.extend(PATTERNS.into_iter().map(Filter::name_glob));
    tried.extend(STATES.into_iter().map(Filter::State));
    tried.push(Filter::name_glob("*a*").and(Filter::name_glob("p*")));
    tried.push(Filter::Any(vec![Filter::name("not"), Filter::name("or")]));
    for filter in tried
        .into_iter()
        .filter(|filter| list.filters.covers(filter))
    {
        let request = PageRequest::first().with_size(10).matching(filter.clone());
        let given: BTreeSet<_> = tokens(all_pages(scene, request).await?)
            .into_iter()
            .map(|token| token.id)
            .collect();
        let lost: Vec<_> = all
            .iter()
            .filter(|token| filter.matches(token) && !given.contains(&token.id))
            .map(|token| &token.id)
            .collect();
        ensure(
            lost.is_empty(),
            "what a platform filters loses no match",
            format!("{filter:?} loses {}", ids(lost)),
        )?;
    }
    Ok(())
}

async fn declared_orders(scene: &Scene) -> Verdict {
    let all = populate(scene).await?;
    let Some(list) = scene.capabilities().list.clone() else {
        return Ok(());
    };
    for order in &list.orders {
        for direction in [Direction::Ascending, Direction::Descending] {
            let sort = SortBy {
                key: order.key,
                direction,
            };
            let request = PageRequest::first().with_size(10).sorted_by(sort);
            let given = tokens(all_pages(scene, request).await?);
            demand_order(order, sort, &all, &given)?;
        }
    }
    let Some(appending) = list.orders.iter().find(|order| order.appends) else {
        return Ok(());
    };
    let Some(newcomer) = scene.insert(scene.spec("newcomer")).await else {
        return Ok(());
    };
    let sort = SortBy {
        key: appending.key,
        direction: Direction::Ascending,
    };
    let request = PageRequest::first().with_size(10).sorted_by(sort);
    let given = tokens(all_pages(scene, request).await?);
    ensure(
        given.last().is_some_and(|last| last.id == newcomer.id),
        "in an order that is declared to append, a new token comes last",
        format!("by {} it does not", appending.key.as_str()),
    )
}

fn demand_order(order: &OrderCapability, sort: SortBy, all: &[Token], given: &[Token]) -> Verdict {
    let key = order.key.as_str();
    let set = |tokens: &[Token]| tokens.iter().map(|t| t.id.clone()).collect::<BTreeSet<_>>();
    // In an order with ties, tokens may move between pages: then only a walk over them protects.
    ensure(
        !order.stable || (given.len() == all.len() && set(given) == set(all)),
        "pages in a stable order together hold every token once",
        format!("by {key} they hold {} of {} tokens", given.len(), all.len()),
    )?;
    let by_key = |pair: &[Token]| {
        let query = Query::new().sorted_by(sort.key, sort.direction);
        let mut alike = pair[1].clone();
        alike.id = pair[0].id.clone();
        // Compared without the id that breaks ties, unless the id is the key.
        if sort.key == SortKey::Id {
            query.compare(&pair[0], &pair[1])
        } else {
            query.compare(&pair[0], &alike)
        }
    };
    ensure(
        !order.exact || given.windows(2).all(|pair| by_key(pair).is_le()),
        "an order that is declared exact is the one that its key defines",
        format!("by {key}, {:?}, it is not", sort.direction),
    )?;
    ensure(
        !order.stable || !order.exact || given.windows(2).all(|pair| by_key(pair).is_ne()),
        "in a stable order no two tokens share a key",
        format!("by {key} two do"),
    )
}

async fn undeclared(scene: &Scene) -> Verdict {
    let Some(list) = scene.capabilities().list.clone() else {
        return Ok(());
    };
    let provider = scene.provider();
    let mut tried = false;
    for key in SortKey::ALL {
        if list.order(key).is_none() {
            tried = true;
            let sort = SortBy {
                key,
                direction: Direction::Ascending,
            };
            let page = provider.list_page(PageRequest::first().sorted_by(sort));
            refused(scene, &format!("the order by {}", key.as_str()), page).await?;
        }
    }
    let mut filters = vec![
        Filter::name("x"),
        Filter::name_glob("x*"),
        Filter::Created(When::Never),
        Filter::Expiry(When::Never),
        Filter::Not(Box::new(Filter::name("x"))),
        Filter::name("x").and(Filter::name("y")),
        Filter::All(Vec::new()),
    ];
    filters.extend(STATES.into_iter().map(Filter::State));
    for filter in filters {
        if !list.filters.covers(&filter) {
            tried = true;
            let what = format!("the filter {filter:?}");
            let page = provider.list_page(PageRequest::first().matching(filter));
            refused(scene, &what, page).await?;
        }
    }
    if tried {
        Ok(())
    } else {
        not_applicable("every filter and order is declared")
    }
}

async fn bounded(scene: &Scene) -> Verdict {
    if scene.plant(3).await?.len() < 3 {
        return not_applicable("the account cannot hold more tokens than a bound");
    }
    for key in SortKey::ALL {
        let query = Query::new()
            .sorted_by(key, Direction::Ascending)
            .scanning_at_most(1);
        let listing =
            crate::verdict::succeeded(scene.provider().list(query.clone()), "a listing begins")?;
        if !listing.plan().sorts_here {
            continue;
        }
        let expected = "sorting more than allowed fails";
        let error = failed(scene.provider().collect(query).await, expected)?;
        ensure(
            error.kind() == ErrorKind::LimitExceeded,
            expected,
            describe(&error),
        )?;
    }
    Ok(())
}
