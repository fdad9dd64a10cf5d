//! Law 3: a listing is complete.

use std::collections::BTreeSet;
use std::time::Duration;

use tokenfleet_core::adapter::PagePosition;
use tokenfleet_core::capability::Paging;
use tokenfleet_core::{
    Capabilities, Completeness, Operation, PartialReason, Query, TokenProvider, TokenState,
};

use super::preconditions::lists;
use crate::case::case;
use crate::case_result::{CaseResult, ensure, expect_err, fail, not_applicable};
use crate::harness::{Harness, STATES, collect_ids, format_ids, ids_of};
use crate::{Case, Decision, Fault};

const GROUP: &str = "listing";

pub(super) const CASES: &[Case] = &[
    case! {
        law 3: "every token is listed exactly once",
        when: |declared| Decision::for_operation(declared, Operation::List),
        run: every_token_once,
        killed_by: [
            SinglePage on deleting_without_totals,
            SinglePage on full,
            CountsPagesFromOne on retaining,
            RepeatsFirstPage on retaining,
            ReturnsNoTokensIfListingIsUnsupported on secret_only,
            PositionStandsStill on keyset,
            PositionsCycle on keyset_newest_first,
        ],
    },
    case! {
        law 3: "more tokens than fit on a default page are all listed",
        when: lists,
        run: more_than_a_page,
        killed_by: [SinglePage on deleting_without_totals, StopsAfterThirtyTokens on deleting],
    },
    case! {
        law 3: "an empty account is listed as empty and complete",
        when: lists,
        run: empty,
        killed_by: [FailsOnEmptyAccount on deleting],
    },
    case! {
        law 1: "a listing reports every state correctly",
        when: lists,
        run: states,
        killed_by: [ReportsEveryTokenActive on retaining, ReportsUnknownStateAsActive on deleting],
    },
    case! {
        law 3: "pages have no gaps and no overlaps",
        when: lists,
        run: pages,
        killed_by: [
            SinglePage on deleting_without_totals,
            CountsPagesFromOne on retaining,
            RepeatsFirstPage on retaining,
            PositionStandsStill on keyset_newest_first,
            PositionsCycle on keyset,
        ],
    },
    case! {
        law 3: "numbered pages can be read in any order",
        when: has_numbered_pages,
        run: any_order,
        killed_by: [RepeatsFirstPage on retaining],
    },
    case! {
        law 3: "a page after the last one is empty",
        when: has_numbered_pages,
        run: after_the_last,
        killed_by: [FailsAfterLastPage on single_key],
    },
    case! {
        law 3: "a page that is refused with 404 does not end a listing",
        when: lists,
        run: missing_page,
        killed_by: [EndsAtMissingPage on retaining, EndsAtMissingPage on deleting_without_totals],
    },
    case! {
        law 3: "every page reports the total number of matching tokens",
        when: |declared| {
            let totals = declared.list.as_ref().is_some_and(|list| list.totals);
            Decision::run_if(totals, "it declares no totals")
        },
        run: totals,
        killed_by: [ReportsPageSizeAsTotal on deleting],
    },
];

fn has_numbered_pages(declared: &Capabilities) -> Decision {
    let paging = declared.list.as_ref().map(|list| list.paging);
    Decision::run_if(
        paging == Some(Paging::Numbered),
        "its pages are not numbered",
    )
}

/// Page sizes that expose a listing that counts pages or tokens incorrectly.
const PAGE_SIZES: [Option<u32>; 6] = [None, Some(1), Some(2), Some(3), Some(7), Some(50)];

async fn every_token_once(harness: &Harness) -> CaseResult {
    harness.seed_tokens(7).await?;
    for size in PAGE_SIZES {
        let mut query = Query::new();
        query.page_size = size.map(|size| harness.page_size(size));
        expect_complete(harness, query).await?;
    }
    Ok(())
}

/// The largest default page that the suite fills. Platforms commonly use a thousand.
pub(super) const MAX_FILLED_PAGE: u32 = 1_100;

async fn more_than_a_page(harness: &Harness) -> CaseResult {
    let list = harness.capabilities().list.as_ref();
    let default = list.and_then(|list| list.default_page_size).unwrap_or(100);
    if default > MAX_FILLED_PAGE {
        return not_applicable("its default page is larger than this suite fills");
    }
    if harness.fill_account(default as usize + 3).await <= default as usize {
        return not_applicable("the account cannot hold more tokens than a page");
    }
    expect_complete(harness, Query::new()).await
}

async fn empty(harness: &Harness) -> CaseResult {
    if !harness.existing_ids().await.is_empty() {
        return not_applicable("the fixture never has an account without tokens");
    }
    expect_complete(harness, Query::new()).await?;
    expect_complete(harness, Query::new().page_size(harness.page_size(2))).await
}

async fn states(harness: &Harness) -> CaseResult {
    let mut inserted = 0;
    for state in STATES.into_iter().chain([TokenState::Unknown]) {
        inserted += usize::from(harness.insert_in_state(state).await.is_some());
    }
    if inserted == 0 {
        return not_applicable("the fixture can insert no token");
    }
    let listed = harness.list(Query::new(), "all states are listed").await?;
    for token in listed.tokens {
        let Some(existing) = harness.existing(&token.id).await else {
            return fail(
                "only existing tokens are listed",
                format!("{} is listed", token.id),
            );
        };
        ensure(
            existing.state == token.state,
            "every state is reported correctly",
            format!(
                "a token that is {} at the platform is listed as {}",
                existing.state.as_str(),
                token.state.as_str()
            ),
        )?;
    }
    Ok(())
}

/// Expects a listing to return every token, and to report that it is complete if its plan promises
/// that.
async fn expect_complete(harness: &Harness, query: Query) -> CaseResult {
    let size = query.page_size;
    let expected = "every token is listed exactly once";
    let existing = harness.existing_ids().await;
    let mut listing = harness.start_listing(query)?;
    // Bounded, because a provider whose pages never end must not hang the suite.
    let max = existing.len() * 2 + 11;
    let listed = collect_ids(&mut listing, max, expected).await?;
    let distinct: BTreeSet<_> = listed.iter().cloned().collect();
    ensure(
        listed.len() == distinct.len() && distinct == existing,
        expected,
        format!(
            "with page size {}, {} of {} tokens were listed, {} of them distinct; missing {}, \
             unexpected {}",
            size.map_or("default".to_owned(), |size| size.to_string()),
            listed.len(),
            existing.len(),
            distinct.len(),
            format_ids(existing.difference(&distinct)),
            format_ids(distinct.difference(&existing)),
        ),
    )?;
    let completeness = listing.completeness();
    let complete = completeness
        .as_ref()
        .is_some_and(Completeness::is_complete_as_shown);
    let too_new = has_too_many_new(harness, completeness.as_ref()).await;
    ensure(
        complete || too_new || !listing.plan().is_complete(),
        "a listing is complete if its plan promises that and no token changes",
        format!("it reports {completeness:?}"),
    )
}

/// Returns `true` if a listing says that too many tokens are new, and the clock cannot be moved:
/// then every token here is new, and more of them than a page holds are honestly too many.
pub(super) async fn has_too_many_new(
    harness: &Harness,
    completeness: Option<&Completeness>,
) -> bool {
    let too_new = Completeness::Partial(PartialReason::TooManyNewTokens);
    completeness == Some(&too_new) && !harness.fixture().advance(Duration::ZERO).await
}

async fn pages(harness: &Harness) -> CaseResult {
    harness.seed_tokens(5).await?;
    let size = harness.page_size(2);
    let pages = harness.all_pages(harness.first_page().size(size)).await?;
    for (number, page) in pages.iter().enumerate() {
        // A platform that does not page returns everything at once, whatever the requested size.
        let unpaged = pages.len() == 1;
        ensure(
            unpaged || page.tokens.len() <= size as usize,
            "a page holds no more tokens than requested",
            format!("a page of {size} holds {}", page.tokens.len()),
        )?;
        ensure(
            page.number.is_none_or(|reported| reported == number as u64),
            "page numbers start at 0, whatever number the platform starts at",
            format!("page {number} reports the number {:?}", page.number),
        )?;
    }
    let existing = harness.existing_ids().await;
    let read = ids_of(pages.iter().flat_map(|page| &page.tokens));
    let distinct: BTreeSet<_> = read.iter().cloned().collect();
    ensure(
        distinct == existing && read.len() == existing.len(),
        "the pages together hold every token once",
        format!(
            "they hold {} of {}",
            format_ids(&read),
            format_ids(&existing)
        ),
    )
}

async fn any_order(harness: &Harness) -> CaseResult {
    harness.seed_several_pages("seeded", 5).await?;
    let read = async |number| {
        let position = PagePosition::Number(number);
        let request = harness
            .first_page()
            .size(harness.page_size(2))
            .position(position);
        let page = harness
            .page(request, "a page is read by its number")
            .await?;
        Ok(ids_of(&page.tokens))
    };
    let forward = [read(0).await?, read(1).await?, read(2).await?];
    let backward = [read(2).await?, read(1).await?, read(0).await?];
    ensure(
        forward.iter().eq(backward.iter().rev()),
        "a page does not depend on which page was read before",
        "a page changed although no token did",
    )?;
    let request = harness.first_page().size(harness.page_size(2));
    let first = ids_of(
        &harness
            .page(request, "the first page is read")
            .await?
            .tokens,
    );
    ensure(
        first == forward[0] && first != forward[1],
        "page 0 is the first page, whatever number the platform starts at",
        format!(
            "the first page is {} and page 0 is {}",
            format_ids(&first),
            format_ids(&forward[0])
        ),
    )
}

async fn after_the_last(harness: &Harness) -> CaseResult {
    harness.seed_tokens(3).await?;
    let expected = "a page after the last one is empty";
    for number in [40, 4_000] {
        let position = PagePosition::Number(number);
        let request = harness
            .first_page()
            .size(harness.page_size(2))
            .position(position);
        let page = harness.page(request, expected).await?;
        ensure(
            page.tokens.is_empty() && page.next.is_none(),
            expected,
            format!("page {number} holds {} tokens", page.tokens.len()),
        )?;
    }
    Ok(())
}

async fn missing_page(harness: &Harness) -> CaseResult {
    harness.seed_several_pages("seeded", 5).await?;
    let request = harness.first_page().size(harness.page_size(2));
    let first = harness.page(request.clone(), "the first page is read");
    let Some(next) = first.await?.next else {
        return not_applicable("it returns all tokens on one page");
    };
    harness.inject(Fault::MissingPage).await?;
    let page = harness.provider().list_page(request.position(next)).await;
    let expected = "a page that is refused with 404 is an error";
    expect_err(page, expected)?;
    Ok(())
}

async fn totals(harness: &Harness) -> CaseResult {
    harness.seed_tokens(5).await?;
    let count = harness.existing_ids().await.len() as u64;
    for page in harness
        .all_pages(harness.first_page().size(harness.page_size(2)))
        .await?
    {
        ensure(
            page.total == Some(count),
            "every page reports the total number of matching tokens",
            format!("a page reports {:?} of {count} tokens", page.total),
        )?;
    }
    Ok(())
}
