//! Law 4 under the same queries: cut at every token and resumed, nothing is skipped.

use proptest::prelude::*;
use tokenfleet_conformance::MemoryProvider;
use tokenfleet_core::{Completeness, Cursor, Listing, Query, Result, Token, TokenProviderExt};

use crate::adapters::block_on;
use crate::draws::{fitting, platform, query};
use crate::explained::{Explained, FastPath};
use crate::{ids, rest_of, set, usually};

/// The first tokens of a query, what a cursor that was taken there and stored as text still finds, and what it claims.
async fn cut_after(
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
    let (rest, claim) = rest_of(&mut resumed).await?;
    Ok((first, rest, claim))
}

proptest! {
    #![proptest_config(usually(300))]

    #[test]
    fn a_query_that_is_cut_anywhere_and_resumed_skips_nothing(drawn in platform(), query in query()) {
        let query = fitting(query, &drawn.list);
        let provider = MemoryProvider::new(drawn.profile()).with_tokens(drawn.tokens.clone());
        let mut listing = provider.list(query.clone()).unwrap();
        let (whole, _) = block_on(rest_of(&mut listing)).unwrap();
        let plan = listing.plan();
        let explained = Explained::new(plan);
        let page = match explained.fast_path {
            Some(FastPath::PageRange { page_size, .. }) => page_size,
            _ => explained.page_size.unwrap_or(30),
        };
        let anew = plan.sorts_in_memory() && !explained.reads_page_range();
        // One more than there are: cut when the listing has ended.
        for count in 0..=whole.len() + 1 {
            let cut = block_on(cut_after(&provider, &query, count));
            let (first, rest, claim) = cut.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let place = format!("cut after {count} of {:?}: then {:?}\n{plan}", ids(&whole), ids(&rest));
            prop_assert_eq!(set(&rest).len(), rest.len(), "{}", place);
            let seen: Vec<_> = first.iter().chain(&rest).cloned().collect();
            prop_assert_eq!(set(&seen), set(&whole), "{}", place);
            let repeated = seen.len() - whole.len();
            if anew {
                prop_assert_eq!(ids(&rest), ids(&whole), "{}", place);
            } else if !explained.backward || !query.sort.is_empty() {
                prop_assert!(whole.ends_with(&rest), "{}", place);
                prop_assert!(repeated <= page as usize, "{}", place);
            } else {
                // The first page was handed out before the walk went to the last one, and comes again in its place.
                prop_assert!(repeated <= 2 * page as usize, "{}", place);
            }
            prop_assert!(!plan.is_complete() || claim == Some(Completeness::Complete), "{:?}, {}", claim, place);
        }
    }
}
