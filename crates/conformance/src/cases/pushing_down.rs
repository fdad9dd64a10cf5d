//! What is left to the platform: its filters and orders.

use std::collections::BTreeSet;

use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::capability::OrderCapability;
use tokenfleet_core::query::{NamePattern, SortBy, TimePredicate};
use tokenfleet_core::{Capabilities, Direction, Filter, Query, SortKey, Token, TokenProvider};

use super::listing::{all_pages, lists, tokens};
use super::querying::{PATTERNS, populate};
use super::reading::ODD_NAMES;
use crate::case::case;
use crate::refusal::refused;
use crate::scene::{STATES, Scene, ids};
use crate::verdict::{Verdict, ensure};
use crate::{Case, Decision};

const GROUP: &str = "pushing down";

pub(super) const CASES: &[Case] = &[
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
        let request = PageRequest::first().size(10).filter(filter.clone());
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
            let sort = SortBy::new(order.key, direction);
            let request = PageRequest::first().size(10).sort_by(sort);
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
    let sort = SortBy::new(appending.key, Direction::Ascending);
    let request = PageRequest::first().size(10).sort_by(sort);
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
        let query = Query::new().sort_by(sort.key, sort.direction);
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
    for key in SortKey::ALL {
        let usual = SortBy::new(key, Direction::Ascending);
        // Of an order that is declared the place of absent values is part.
        let sort = match list.order(key) {
            Some(_) => usual.nulls_first(),
            None => usual,
        };
        let page = provider.list_page(PageRequest::first().sort_by(sort));
        refused(scene, &format!("the order by {sort}"), page).await?;
    }
    let mut filters = vec![
        Filter::name("x"),
        Filter::name_glob("x*"),
        Filter::Created(TimePredicate::Never),
        Filter::Expiry(TimePredicate::Never),
        Filter::owned_by("x"),
        Filter::Not(Box::new(Filter::name("x"))),
        Filter::name("x").and(Filter::name("y")),
        Filter::All(Vec::new()),
    ];
    filters.extend(STATES.into_iter().map(Filter::State));
    for filter in filters {
        if !list.filters.covers(&filter) {
            let what = format!("the filter {filter:?}");
            let page = provider.list_page(PageRequest::first().filter(filter));
            refused(scene, &what, page).await?;
        }
    }
    Ok(())
}
