//! Listings never lie.

use std::collections::BTreeSet;

use tokenfleet_core::adapter::{Page, PagePosition, PageRequest};
use tokenfleet_core::capability::Paging;
use tokenfleet_core::{
    Capabilities, Completeness, Operation, Query, Token, TokenId, TokenProvider, TokenProviderExt,
};

use crate::case::case;

use crate::refusal::Refusal;

use crate::scene::{STATES, Scene, ids};

use crate::verdict::{Verdict, ensure, fail, not_applicable, succeeded};

use crate::{Case, Decision};

const GROUP: &str = "listing";

pub(super) const CASES: &[Case] = &[
    case!(
        3,
        "a listing yields every token that exists, each once",
        |declared| Decision::run_or_refuse(
            declared.list.is_some(),
            Refusal::Operation(Operation::List)
        ),
        every_token_once
    ),
    case!(
        3,
        "more tokens than usually fit on a page are all listed",
        lists,
        beyond_a_page
    ),
    case!(
        3,
        "an empty account lists as empty and complete",
        lists,
        empty
    ),
    case!(1, "a listing shows every state as it is", lists, states),
    case!(
        3,
        "pages follow each other without gap or overlap",
        lists,
        pages
    ),
    case!(3, "pages can be read in any order", numbered, any_order),
    case!(
        3,
        "a page beyond the last is empty",
        numbered,
        beyond_the_last
    ),
    case!(
        3,
        "every page says how many tokens match",
        |declared| {
            let totals = declared.list.as_ref().is_some_and(|list| list.totals);
            Decision::run_if(totals, "it declares no totals")
        },
        totals
    ),
];

pub(super) fn lists(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.list.is_some(), "it cannot list")
}

fn numbered(declared: &Capabilities) -> Decision {
    let paging = declared.list.as_ref().map(|list| list.paging);
    Decision::run_if(
        paging == Some(Paging::Numbered),
        "its pages have no numbers",
    )
}

/// The page sizes that show a walk which counts pages or tokens wrongly.
const SIZES: [Option<u32>; 6] = [None, Some(1), Some(2), Some(3), Some(7), Some(50)];

async fn every_token_once(scene: &Scene) -> Verdict {
    scene.plant(7).await?;
    for size in SIZES {
        let mut query = Query::new();
        query.page_size = size;
        demand_all(scene, query).await?;
    }
    Ok(())
}

/// The largest page that is filled and overflowed: a thousand is common.
const MOST: u32 = 1_100;

async fn beyond_a_page(scene: &Scene) -> Verdict {
    let list = scene.capabilities().list.as_ref();
    let usual = list.and_then(|list| list.default_page_size).unwrap_or(100);
    if usual > MOST {
        return not_applicable("its usual page is larger than this suite fills");
    }
    if scene.fill(usual as usize + 3).await <= usual as usize {
        return not_applicable("the account cannot hold more tokens than a page");
    }
    demand_all(scene, Query::new()).await
}

async fn empty(scene: &Scene) -> Verdict {
    if !scene.fixture().tokens().await.is_empty() {
        return not_applicable("the fixture never has an account without tokens");
    }
    demand_all(scene, Query::new()).await?;
    demand_all(scene, Query::new().page_size(2)).await
}

async fn states(scene: &Scene) -> Verdict {
    let mut planted = 0;
    for state in STATES {
        let spec = scene.spec(state.as_str()).in_state(state);
        planted += usize::from(scene.insert(spec).await.is_some());
    }
    let strange = scene
        .spec("strange")
        .in_state(tokenfleet_core::TokenState::Unknown);
    planted += usize::from(scene.insert(strange).await.is_some());
    if planted == 0 {
        return not_applicable("the fixture can insert no token");
    }
    let listed = scene
        .list(Query::new(), "tokens in every state are listed")
        .await?;
    for token in listed.tokens {
        let Some(truth) = scene.truth(&token.id).await else {
            return fail(
                "only tokens that exist are listed",
                format!("{} is listed", token.id),
            );
        };
        ensure(
            truth.state == token.state,
            "every state is shown as it is",
            format!(
                "a token that is {} at the platform is listed as {}",
                truth.state.as_str(),
                token.state.as_str()
            ),
        )?;
    }
    Ok(())
}

/// Demands that a listing of everything is everything, and that it says so where the plan can promise it.
async fn demand_all(scene: &Scene, query: Query) -> Verdict {
    let size = query.page_size;
    let expected = "a listing yields every token that exists, each once";
    let mut listing = succeeded(scene.provider().list(query), expected)?;
    let mut listed = Vec::new();
    let truth: BTreeSet<_> = scene
        .fixture()
        .tokens()
        .await
        .into_iter()
        .map(|t| t.id)
        .collect();
    while let Some(token) = listing.next().await {
        listed.push(succeeded(token, expected)?.id);
        // A provider that never stops must not keep the suite from finishing.
        if listed.len() > truth.len() * 2 + 10 {
            break;
        }
    }
    let sorted: BTreeSet<_> = listed.iter().cloned().collect();
    ensure(
        listed.len() == sorted.len() && sorted == truth,
        expected,
        format!(
            "with pages of {}, of the {} tokens {} were listed, {} of them different; missing {}, too many {}",
            size.map_or("the usual size".to_owned(), |size| size.to_string()),
            truth.len(),
            listed.len(),
            sorted.len(),
            ids(truth.difference(&sorted)),
            ids(sorted.difference(&truth)),
        ),
    )?;
    let complete = listing.completeness() == Some(Completeness::Complete);
    ensure(
        complete || !listing.plan().is_complete(),
        "a protected walk over tokens that rest is complete",
        format!("it says {:?}", listing.completeness()),
    )
}

/// All pages as the platform gives them, in the order and with the filter of the request.
pub(super) async fn all_pages(scene: &Scene, request: PageRequest) -> Verdict<Vec<Page>> {
    let bound = scene.fixture().tokens().await.len() + 3;
    let mut pages: Vec<Page> = Vec::new();
    let mut request = request;
    loop {
        let page = scene.provider().list_page(request.clone()).await;
        let page = succeeded(page, "a page is read")?;
        let next = page.next.clone();
        pages.push(page);
        match next {
            None => return Ok(pages),
            Some(_) if pages.len() > bound => {
                return fail(
                    "the pages come to an end",
                    format!("after {} pages there are still more", pages.len()),
                );
            }
            Some(position) => request = request.position(position),
        }
    }
}

pub(super) fn tokens(pages: Vec<Page>) -> Vec<Token> {
    pages.into_iter().flat_map(|page| page.tokens).collect()
}

async fn pages(scene: &Scene) -> Verdict {
    scene.plant(5).await?;
    let pages = all_pages(scene, ordered(scene).size(2)).await?;
    for (number, page) in pages.iter().enumerate() {
        // A platform that does not page gives everything at once, whatever is asked for.
        let whole = pages.len() == 1;
        ensure(
            whole || page.tokens.len() <= 2,
            "a page holds no more tokens than asked for",
            format!("a page of 2 holds {}", page.tokens.len()),
        )?;
        ensure(
            page.number.is_none_or(|said| said == number as u64),
            "page numbers count from 0, whatever the platform counts from",
            format!("page {number} calls itself {:?}", page.number),
        )?;
    }
    let truth: BTreeSet<_> = scene
        .fixture()
        .tokens()
        .await
        .into_iter()
        .map(|t| t.id)
        .collect();
    let read: Vec<TokenId> = tokens(pages).into_iter().map(|token| token.id).collect();
    let distinct: BTreeSet<_> = read.iter().cloned().collect();
    ensure(
        distinct == truth && read.len() == truth.len(),
        "pages of 2 together hold every token once",
        format!("they hold {} of {}", ids(&read), ids(&truth)),
    )
}

/// A request in an order that keeps pages comparable, where the platform offers one.
fn ordered(scene: &Scene) -> PageRequest {
    let list = scene.capabilities().list.as_ref();
    let stable = list.and_then(|list| list.orders.iter().find(|order| order.stable));
    let mut request = PageRequest::first();
    request.sort = stable.map(|order| {
        tokenfleet_core::query::SortBy::new(order.key, tokenfleet_core::Direction::Ascending)
    });
    request
}

async fn any_order(scene: &Scene) -> Verdict {
    if scene.plant(5).await?.len() < 5 {
        return not_applicable("the account cannot hold several pages");
    }
    let read = async |number| {
        let request = ordered(scene)
            .size(2)
            .position(PagePosition::Number(number));
        let page = scene.provider().list_page(request).await;
        let page = succeeded(page, "a page is read by its number")?;
        Ok(page
            .tokens
            .into_iter()
            .map(|token| token.id)
            .collect::<Vec<_>>())
    };
    let forward = [read(0).await?, read(1).await?, read(2).await?];
    let backward = [read(2).await?, read(1).await?, read(0).await?];
    ensure(
        forward.iter().eq(backward.iter().rev()),
        "a page is the same whichever was read before",
        "a page changed although no token did",
    )?;
    let first = scene.provider().list_page(ordered(scene).size(2)).await;
    let first = succeeded(first, "the first page is read")?;
    let first: Vec<_> = first.tokens.into_iter().map(|token| token.id).collect();
    ensure(
        first == forward[0] && first != forward[1],
        "page 0 is the first page, whatever the platform counts from",
        format!(
            "the first page is {} and page 0 is {}",
            ids(&first),
            ids(&forward[0])
        ),
    )
}

async fn beyond_the_last(scene: &Scene) -> Verdict {
    scene.plant(3).await?;
    for number in [40, 4_000] {
        let request = ordered(scene)
            .size(2)
            .position(PagePosition::Number(number));
        let page = scene.provider().list_page(request).await;
        let page = succeeded(page, "a page beyond the last is empty")?;
        ensure(
            page.tokens.is_empty() && page.next.is_none(),
            "a page beyond the last is empty",
            format!("page {number} holds {} tokens", page.tokens.len()),
        )?;
    }
    Ok(())
}

async fn totals(scene: &Scene) -> Verdict {
    scene.plant(5).await?;
    let truth = scene.fixture().tokens().await.len() as u64;
    for page in all_pages(scene, ordered(scene).size(2)).await? {
        ensure(
            page.total == Some(truth),
            "every page says how many tokens match in all",
            format!("of {truth} tokens a page says {:?}", page.total),
        )?;
    }
    Ok(())
}
