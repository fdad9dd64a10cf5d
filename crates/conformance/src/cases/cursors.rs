//! Law 4: a cursor resumes a listing.

use std::collections::BTreeSet;

use tokenfleet_core::{
    Cursor, Direction, ErrorKind, Filter, Query, SortKey, TokenId, TokenProviderExt,
};

use super::preconditions::lists;
use crate::Case;
use crate::case::case;
use crate::case_result::{CaseResult, describe, ensure, expect_err, expect_ok};
use crate::harness::{Harness, collect_ids, format_ids, next_id};

const GROUP: &str = "cursors";

pub(super) const CASES: &[Case] = &[
    case! {
        law 4: "a listing stopped at any token resumes without skipping any",
        when: lists,
        run: stopped_anywhere,
        killed_by: [RemembersItsPosition on read_only],
    },
    case! {
        law 4: "a listing resumes without skipping any although tokens were created in between",
        when: lists,
        run: created_in_between,
        killed_by: [RemembersItsPosition on read_only],
    },
    case! {
        law 4: "a sorted, filtered or limited listing resumes without skipping any",
        when: lists,
        run: sorted_filtered_limited,
        killed_by: [RemembersItsPosition on read_only],
    },
    case! {
        law 4: "a cursor is refused by another query",
        when: lists,
        run: other_query,
        // Only core can break this, so no mutant does.
        killed_by: [],
    },
    case! {
        law 4: "a cursor is refused by another account",
        when: lists,
        run: other_account,
        // Only core can break this, so no mutant does.
        killed_by: [],
    },
];

/// The ids that a listing returned before it was stopped, and after it was resumed.
struct Resumed {
    before: Vec<TokenId>,
    after: Vec<TokenId>,
}

/// Stops a listing after some tokens and resumes it from its cursor.
///
/// If a name is given, a token of that name is created in between.
async fn stop_and_resume(
    harness: &Harness,
    query: &Query,
    stop_after: usize,
    create_in_between: Option<&str>,
) -> CaseResult<Resumed> {
    let mut listing = harness.start_listing(query.clone())?;
    let before = collect_ids(&mut listing, stop_after, "a listing continues").await?;
    let text = listing.cursor().to_string();
    drop(listing);
    harness.inspector().search("a cursor", &text);
    if let Some(name) = create_in_between {
        harness.insert(harness.spec(name)).await;
    }
    let cursor: Cursor = expect_ok(text.parse(), "a cursor can be parsed from its text")?;
    let listing = harness.provider().list(query.clone());
    let resumed = listing.and_then(|listing| listing.resume(&cursor));
    let mut listing = expect_ok(resumed, "a listing resumes from its cursor")?;
    let after = collect_ids(&mut listing, usize::MAX, "a resumed listing continues").await?;
    Ok(Resumed { before, after })
}

fn expect_nothing_skipped(all: &BTreeSet<TokenId>, resumed: &Resumed) -> CaseResult {
    let Resumed { before, after } = resumed;
    let listed: BTreeSet<_> = before.iter().chain(after).cloned().collect();
    let skipped: Vec<_> = all.difference(&listed).collect();
    ensure(
        skipped.is_empty(),
        "a resumed listing skips nothing",
        format!(
            "{} was listed before it was stopped, {} after it was resumed, and {} was skipped",
            format_ids(before),
            format_ids(after),
            format_ids(skipped)
        ),
    )?;
    let distinct: BTreeSet<_> = after.iter().collect();
    ensure(
        distinct.len() == after.len(),
        "a resumed listing repeats none of its own tokens",
        format!("it returned {}", format_ids(after)),
    )
}

async fn stopped_anywhere(harness: &Harness) -> CaseResult {
    harness.seed_tokens(7).await?;
    let all = harness.existing_ids().await;
    for size in [1, 2, 3] {
        for stop_after in 0..=all.len() + 1 {
            let query = Query::new().page_size(harness.page_size(size));
            let resumed = stop_and_resume(harness, &query, stop_after, None).await?;
            expect_nothing_skipped(&all, &resumed)?;
        }
    }
    Ok(())
}

async fn created_in_between(harness: &Harness) -> CaseResult {
    harness.seed_tokens(5).await?;
    for stop_after in 0..5 {
        let all = harness.existing_ids().await;
        let query = Query::new().page_size(harness.page_size(2));
        let name = format!("new-{stop_after}");
        let resumed = stop_and_resume(harness, &query, stop_after, Some(&name)).await?;
        expect_nothing_skipped(&all, &resumed)?;
    }
    Ok(())
}

async fn sorted_filtered_limited(harness: &Harness) -> CaseResult {
    harness.seed_tokens(6).await?;
    for query in [
        Query::new().sort_by(SortKey::Name, Direction::Descending),
        Query::new().sort_by(SortKey::Id, Direction::Ascending),
        Query::new().sort_by(SortKey::Id, Direction::Descending),
        Query::new().filter(Filter::name_glob("seeded-*")),
        Query::new()
            .sort_by(SortKey::Id, Direction::Ascending)
            .offset(1)
            .limit(4),
    ] {
        let query = query.page_size(harness.page_size(2));
        let all = harness.list_ids(query.clone(), "a query succeeds").await?;
        let all: BTreeSet<_> = all.into_iter().collect();
        for stop_after in [1, 2, 3] {
            let resumed = stop_and_resume(harness, &query, stop_after, None).await?;
            expect_nothing_skipped(&all, &resumed)?;
        }
    }
    Ok(())
}

/// Returns the cursor of a listing that was stopped after its first token.
async fn some_cursor(harness: &Harness, query: &Query) -> CaseResult<Cursor> {
    harness.seed_tokens(3).await?;
    let mut listing = harness.start_listing(query.clone())?;
    let _ = next_id(&mut listing, "a listing continues").await;
    Ok(listing.cursor())
}

async fn other_query(harness: &Harness) -> CaseResult {
    let cursor = some_cursor(harness, &Query::new().page_size(1)).await?;
    let other = Query::new().filter(Filter::name("other")).page_size(1);
    expect_cursor_refused(harness.provider(), other, &cursor)
}

async fn other_account(harness: &Harness) -> CaseResult {
    let query = Query::new().page_size(1);
    let cursor = some_cursor(harness, &query).await?;
    expect_cursor_refused(&harness.provider().for_other_account(), query, &cursor)
}

fn expect_cursor_refused(
    provider: &impl TokenProviderExt,
    query: Query,
    cursor: &Cursor,
) -> CaseResult {
    let expected = "a cursor is refused by another query and by another account";
    let resumed = provider
        .list(query)
        .and_then(|listing| listing.resume(cursor).map(drop));
    let error = expect_err(resumed, expected)?;
    ensure(
        error.kind() == ErrorKind::InvalidCursor,
        expected,
        describe(&error),
    )
}
