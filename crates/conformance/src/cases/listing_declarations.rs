//! Laws 1 and 3: what a provider declares about its listing is so.

use std::collections::BTreeSet;

use tokenfleet_core::{Completeness, Query, TokenProvider};

use super::listing::MAX_FILLED_PAGE;
use super::preconditions::{lists, reads};
use crate::case::case;
use crate::case_result::{CaseResult, describe, ensure, expect_ok, fail};
use crate::harness::{Harness, format_ids, ids_of};
use crate::{Case, Decision};

const GROUP: &str = "listing";

pub(super) const CASES: &[Case] = &[
    case! {
        law 1: "a page of the declared maximum size is served",
        when: |declared| {
            Decision::run_if(
                (declared.list.as_ref()).is_some_and(|list| list.serves_max_page_size),
                "it declares no maximum page size that the platform serves",
            )
        },
        run: largest_page,
        killed_by: [DeclaresLargerPages on small_pages, DeclaresLargerPages on keyset],
    },
    case! {
        law 3: "a listing that is declared without pages is one page",
        when: |declared| {
            let unpaged = declared.list.as_ref().is_some_and(|list| list.unpaged);
            Decision::run_if(unpaged, "its listing has pages")
        },
        run: one_page,
        killed_by: [DeclaresNoPages on full],
    },
    case! {
        law 3: "a new token is listed and read after the declared delay",
        when: reads,
        run: new_token,
        killed_by: [DeclaresNoReadDelay on delaying, DeclaresShorterReadDelay on delaying],
    },
    case! {
        law 3: "tokens that the platform never lists are declared",
        when: lists,
        run: unlisted,
        killed_by: [DeclaresNoUnlistedTokens on hiding],
    },
];

async fn largest_page(harness: &Harness) -> CaseResult {
    let list = harness.capabilities().list.as_ref();
    let max = list.and_then(|list| list.max_page_size).unwrap_or_default();
    let request = harness.first_page().size(max);
    let expected = "a page of the declared maximum size is served";
    harness.page(request.clone(), expected).await?;
    if max > MAX_FILLED_PAGE {
        harness.left_out("a full page: the largest one holds more than this suite fills");
        return Ok(());
    }
    if harness.fill_account(max as usize + 1).await <= max as usize {
        harness.left_out("a full page: the account cannot hold more tokens");
        return Ok(());
    }
    let page = harness.page(request, expected).await?;
    let held = page.tokens.len();
    ensure(
        held >= max as usize || page.next.is_none(),
        expected,
        format!(
            "{max} tokens were requested, and the page holds {held} although more follow: declare \
             what the platform serves by `ListCapability::with_max_page_size`, or \
             `with_max_requested_page_size` if that is not documented"
        ),
    )
}

async fn one_page(harness: &Harness) -> CaseResult {
    harness.seed_tokens(3).await?;
    let expected = "the first response holds all tokens";
    let page = harness.page(harness.first_page().size(2), expected).await?;
    let (held, existing) = (page.tokens.len(), harness.existing_ids().await.len());
    ensure(
        page.next.is_none() && held == existing,
        expected,
        format!(
            "it holds {held} of {existing}: a listing with pages is no `ListCapability::unpaged`"
        ),
    )
}

async fn new_token(harness: &Harness) -> CaseResult {
    let created = harness.capabilities().create.is_some();
    let id = if created
        && harness
            .can_create(1, "a token that the provider creates")
            .await
    {
        harness
            .create(harness.minimal_request("new")?)
            .await?
            .token
            .id
    } else {
        harness.seed_tokens(1).await?.remove(0).id
    };
    let remedy = "declare how long that may take by `Capabilities::with_read_delay`";
    // Both wait for the declared delay, as every case does.
    if harness.capabilities().get {
        match harness.provider().get(&id).await {
            Err(error) if error.is_not_found() => {
                let expected = "a new token is found after the declared delay";
                return fail(expected, format!("{}; {remedy}", describe(&error)));
            }
            read => drop(expect_ok(read, "a new token is read")?),
        }
    }
    if harness.capabilities().list.is_some() {
        let listed = harness
            .list_ids(Query::new(), "the tokens are listed")
            .await?;
        ensure(
            listed.contains(&id),
            "a new token is listed after the declared delay",
            format!("it is missing; {remedy}"),
        )?;
    }
    Ok(())
}

async fn unlisted(harness: &Harness) -> CaseResult {
    if harness.token_count().await == 0 {
        harness.seed_tokens(1).await?;
    }
    let expected = "a listing that claims every token lacks none that exists";
    let found = harness.list(Query::new(), expected).await?;
    let listed: BTreeSet<_> = ids_of(&found.tokens).into_iter().collect();
    let existing = harness.fixture().tokens().await.into_iter();
    let existing: BTreeSet<_> = existing.map(|token| token.id).collect();
    let missing: Vec<_> = existing.difference(&listed).collect();
    ensure(
        missing.is_empty() || found.completeness != Completeness::Complete,
        expected,
        format!(
            "it lacks {}: if the platform never lists such tokens, declare it by \
             `ListCapability::with_unlisted_tokens`",
            format_ids(missing)
        ),
    )
}
