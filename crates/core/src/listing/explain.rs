//! The explanation of a plan for people.

use std::fmt;

use crate::listing::{FastPath, Plan, ScanDirection};
use crate::query::{Direction, SortBy};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.explain_fast_path(f)?;
        self.explain_scan(f)?;
        self.explain_filter(f)?;
        if self.sorts_in_memory {
            let most = self.bounds.scan_limit;
            write!(f, "\nsort the matching tokens in memory, at most {most}")?;
        }
        if self.bounds.offset > 0 {
            write!(f, "\nskip the first {}", self.bounds.offset)?;
        }
        if let Some(limit) = self.bounds.limit {
            write!(f, "\nreturn at most {limit}")?;
        }
        let shown = if self.unlisted_tokens.is_some() {
            " as far as the platform lists its tokens"
        } else {
            ""
        };
        write!(f, "\nthe result is complete{shown}")?;
        f.write_str(if self.protected && self.keyset {
            ", even if tokens are created or deleted meanwhile: \
             each page begins where the one before it ended"
        } else if self.protected {
            ", even if tokens are created or deleted meanwhile"
        } else {
            " if it fits on one page, otherwise partial: tokens may move between pages meanwhile"
        })?;
        match &self.unlisted_tokens {
            Some(tokens) => write!(f, "\nthe platform never lists {tokens}"),
            None => Ok(()),
        }
    }
}

impl Plan {
    fn explain_fast_path(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.fast_path, &self.pushed_filter) {
            (Some(FastPath::PageRange(range, order)), _) => {
                let first = range.first_page + 1;
                match range.pages {
                    Some(1) => write!(f, "fetch only page {first}")?,
                    Some(pages) => {
                        let last = range.first_page.saturating_add(pages);
                        write!(f, "fetch only pages {first} to {last}")?;
                    }
                    None => write!(f, "fetch only page {first} and the pages after it")?,
                }
                write!(f, ", {} tokens per page", range.page_size)?;
                explain_order(f, order)?;
                f.write_str("\nif the platform does not serve pages of that size: ")
            }
            (Some(FastPath::FilteredPage), Some(filter)) => {
                write!(
                    f,
                    "fetch one page of tokens, filtered by the platform: {filter}"
                )?;
                f.write_str("\nif more tokens match: ")
            }
            _ => Ok(()),
        }
    }

    fn explain_scan(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.unpaged {
            f.write_str("fetch all tokens with one request")?;
            return explain_order(f, self.pushed_order);
        }
        f.write_str(match self.scan {
            ScanDirection::Forward if self.keyset => {
                "fetch pages from first to last by keyset cursor"
            }
            ScanDirection::Forward => "fetch pages from first to last",
            ScanDirection::Backward => "fetch pages from last to first",
        })?;
        if let Some(size) = self.page_size {
            write!(f, ", {size} tokens per page")?;
            if self.page_size_is_a_guess {
                f.write_str(", or as many as the platform serves")?;
            }
        }
        match self.max_concurrency {
            1 => f.write_str(", one page at a time")?,
            pages => write!(f, ", up to {pages} pages at a time")?,
        }
        explain_order(f, self.pushed_order)
    }

    fn explain_filter(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bounds.unfiltered {
            return Ok(());
        }
        if let Some(filter) = &self.pushed_filter
            && self.fast_path != Some(FastPath::FilteredPage)
        {
            write!(f, "\nthe platform filters by {filter}")?;
        }
        f.write_str("\napply the whole filter to every fetched token")
    }
}

fn explain_order(f: &mut fmt::Formatter<'_>, order: Option<SortBy>) -> fmt::Result {
    let Some(order) = order else { return Ok(()) };
    write!(f, ", ordered by {}", order.key.as_str())?;
    match order.direction {
        Direction::Ascending => Ok(()),
        Direction::Descending => f.write_str(" descending"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::model::TokenState;
    use crate::provider::{FilterCapability, ListCapability, OrderCapability, Paging};
    use crate::query::{Filter, Query, SortKey};

    fn platforms() -> [ListCapability; 9] {
        let numbered = || ListCapability::new(Paging::Numbered).with_totals();
        let by_id = OrderCapability::new(SortKey::Id)
            .with_exact_order()
            .with_stable_keys()
            .with_append_only();
        let by_name = FilterCapability::for_names();
        let immutable = by_name.clone().with_combinations().with_immutable_matches();
        [
            numbered()
                .with_order(by_id.clone())
                .with_default_page_size(100)
                .with_filters(by_name),
            numbered()
                .with_order(by_id.clone())
                .without_vanishing_tokens()
                .with_default_page_size(1000)
                .with_filters(immutable.clone()),
            numbered()
                .with_order(OrderCapability::new(SortKey::Name).with_stable_keys())
                .without_vanishing_tokens()
                .with_filters(immutable),
            numbered(),
            ListCapability::new(Paging::Snapshot),
            ListCapability::new(Paging::Sequential).with_default_page_size(10),
            ListCapability::new(Paging::Keyset).with_default_page_size(10),
            ListCapability::new(Paging::Keyset)
                .with_order(by_id.with_direction(Direction::Descending))
                .with_filters(FilterCapability::for_names()),
            ListCapability::unpaged().with_filters(FilterCapability::for_names()),
        ]
    }

    prop_compose! {
        /// Generates plans of so few kinds that some are equal.
        fn plan()(
            list in select(platforms().to_vec()),
            filter in select(vec![
                None,
                Some(Filter::name("a\nb")),
                Some(Filter::name("ci")),
                Some(Filter::State(TokenState::Active)),
            ]),
            sort in select(vec![
                vec![],
                vec![SortKey::Id],
                vec![SortKey::Name],
                vec![SortKey::Created],
            ]),
            direction in select(vec![Direction::Ascending, Direction::Descending]),
            (offset, limit) in (select(vec![0, 5, 250]), select(vec![None, Some(5), Some(1500)])),
            page_size in select(vec![None, Some(10), Some(100)]),
            (pages, scan_limit) in (select(vec![1, 16]), select(vec![50, 1000])),
        ) -> Plan {
            let mut query = Query::new().offset(offset).scan_limit(scan_limit);
            (query.filter, query.limit, query.page_size) = (filter, limit, page_size);
            query.sort = sort.into_iter().map(|key| SortBy::new(key, direction)).collect();
            Plan::for_query(&query.max_concurrency(pages), &list).unwrap()
        }
    }

    /// Returns the parts of a plan that decide what is requested and what is done with it.
    fn parts(plan: &Plan) -> impl PartialEq + fmt::Debug + use<> {
        let bounds = (plan.bounds.offset, plan.bounds.limit);
        let held = plan.sorts_in_memory.then_some(plan.bounds.scan_limit);
        let scan = (plan.scan, plan.page_size, plan.max_concurrency);
        let pushed = (
            plan.pushed_filter.clone(),
            plan.pushed_order,
            plan.fast_path,
            plan.bounds.unfiltered,
        );
        let reads = (plan.protected, plan.keyset, plan.unpaged);
        // One response holds everything, whatever page size is asked for.
        let scan = (!plan.unpaged).then_some(scan);
        (pushed, scan, held, bounds, reads)
    }

    proptest! {
        #[test]
        fn plans_with_the_same_explanation_do_the_same_and_each_step_is_one_line(
            plans in vec(plan(), 40),
        ) {
            let mut explained = HashMap::new();
            for plan in plans {
                let text = plan.to_string();
                prop_assert!(text.lines().all(|line| !line.trim().is_empty()));
                prop_assert!(text.lines().count() <= 7, "{}", text);
                let parts = parts(&plan);
                if let Some(earlier) = explained.get(&text) {
                    prop_assert_eq!(earlier, &parts, "{}", text);
                }
                explained.insert(text, parts);
            }
        }
    }

    #[test]
    fn a_keyset_is_explained_with_its_direction_and_the_reason_why_it_is_complete() {
        let query = Query::new().filter(Filter::name("ci"));
        let plan = Plan::for_query(&query, &platforms()[7]).unwrap();
        let steps = [
            "fetch pages from first to last by keyset cursor, one page at a time, \
             ordered by id descending",
            "the platform filters by name = \"ci\"",
            "apply the whole filter to every fetched token",
            "the result is complete, even if tokens are created or deleted meanwhile: \
             each page begins where the one before it ended",
        ];
        assert_eq!(plan.to_string(), steps.join("\n"));
    }

    #[test]
    fn an_unpaged_list_is_explained_as_one_request() {
        for (size, filter) in [(None, None), (Some(10), Some(Filter::name("ci")))] {
            let mut query = Query::new().limit(5);
            (query.page_size, query.filter) = (size, filter);
            let plan = Plan::for_query(&query, &platforms()[8]).unwrap();
            let text = plan.to_string();
            assert!(
                text.starts_with("fetch all tokens with one request\n"),
                "{text}"
            );
            assert!(!text.contains("page"), "{text}");
            assert!(text.ends_with("even if tokens are created or deleted meanwhile"));
            assert_eq!(plan.requests(12_345), Some(1));
        }
    }

    #[test]
    fn a_mutable_filter_is_explained_as_a_first_try() {
        let query = Query::new().filter(Filter::name("ci"));
        let plan = Plan::for_query(&query, &platforms()[0]).unwrap();
        let steps = [
            "fetch one page of tokens, filtered by the platform: name = \"ci\"",
            "if more tokens match: fetch pages from last to first, 100 tokens per page, \
             up to 16 pages at a time, ordered by id",
            "apply the whole filter to every fetched token",
            "the result is complete, even if tokens are created or deleted meanwhile",
        ];
        assert_eq!(plan.to_string(), steps.join("\n"));
    }
}
