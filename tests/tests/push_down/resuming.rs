//! Law 4 for the same queries: stopped at any token and resumed, a listing skips nothing.

use proptest::prelude::*;
use tokenfleet_conformance::MemoryProvider;
use tokenfleet_core::{Completeness, Cursor, Listing, Query, Result, Token, TokenProviderExt};

use crate::adapters::block_on;
use crate::explained::{Explained, FastPath};
use crate::generators::{platform, query, with_valid_page_size};
use crate::{collect, default_cases, id_set, ids};

/// Returns the first tokens of a query, and the tokens and completeness of the listing that a
/// cursor taken there and stored as text resumes.
async fn stop_and_resume(
    provider: &MemoryProvider,
    query: &Query,
    count: usize,
) -> Result<(Vec<Token>, Vec<Token>, Option<Completeness>)> {
    let mut listing: Listing<'_> = provider.list(query.clone())?;
    let mut first = Vec::new();
    while first.len() < count
        && let Some(token) = listing.next().await
    {
        first.push(token?);
    }
    let cursor: Cursor = listing.cursor().to_string().parse()?;
    let mut resumed = provider.list(query.clone())?.resume(&cursor)?;
    let (rest, completeness) = collect(&mut resumed).await?;
    Ok((first, rest, completeness))
}

proptest! {
    #![proptest_config(default_cases(300))]

    #[test]
    fn a_query_stopped_anywhere_and_resumed_skips_nothing(
        generated in platform(), query in query(),
    ) {
        let query = with_valid_page_size(query, &generated.list);
        let provider = MemoryProvider::new(generated.profile()).with_tokens(generated.tokens.clone());
        let mut listing = provider.list(query.clone()).unwrap();
        let (whole, _) = block_on(collect(&mut listing)).unwrap();
        let plan = listing.plan();
        let explained = Explained::new(plan);
        let page = match explained.fast_path {
            Some(FastPath::PageRange { page_size, .. }) => page_size,
            _ => explained.page_size.unwrap_or(30),
        };
        let restarts = plan.sorts_in_memory() && !explained.reads_page_range();
        // The last count is one more than there are, so that the listing has ended.
        for count in 0..=whole.len() + 1 {
            let resumed = block_on(stop_and_resume(&provider, &query, count));
            let (first, rest, completeness) =
                resumed.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let place = format!(
                "stopped after {count} of {:?}: then {:?}\n{plan}",
                ids(&whole),
                ids(&rest),
            );
            prop_assert_eq!(id_set(&rest).len(), rest.len(), "{}", place);
            let yielded: Vec<_> = first.iter().chain(&rest).cloned().collect();
            prop_assert_eq!(id_set(&yielded), id_set(&whole), "{}", place);
            let repeated = yielded.len() - whole.len();
            if restarts {
                prop_assert_eq!(ids(&rest), ids(&whole), "{}", place);
            } else if !explained.backward || !query.sort.is_empty() {
                prop_assert!(whole.ends_with(&rest), "{}", place);
                prop_assert!(repeated <= page as usize, "{}", place);
            } else {
                // The first page was yielded before the engine went to the last one, and is
                // yielded again in its place.
                prop_assert!(repeated <= 2 * page as usize, "{}", place);
            }
            prop_assert!(
                !plan.is_complete() || completeness == Some(Completeness::Complete),
                "{:?}, {}",
                completeness,
                place
            );
        }
    }
}
