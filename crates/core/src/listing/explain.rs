//! A plan in words.

use std::fmt;

use crate::listing::{FastPath, Plan, ScanDirection};
use crate::query::{Direction, SortBy};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.explain_shortcut(f)?;
        self.explain_walk(f)?;
        self.explain_filter(f)?;
        if self.sorts_in_memory {
            let most = self.bounds.scan_limit;
            write!(
                f,
                "\nsort here what matches: all of it is held in memory, at most {most} tokens"
            )?;
        }
        if self.bounds.offset > 0 {
            write!(f, "\nleave out the first {}", self.bounds.offset)?;
        }
        if let Some(limit) = self.bounds.limit {
            write!(f, "\nhand out at most {limit}")?;
        }
        f.write_str(match self.protected {
            true => "\nthe result is complete, whatever is created or deleted meanwhile",
            false => {
                "\nthe result is complete if one page holds it all; else partial, \
                 for tokens may move from page to page meanwhile"
            }
        })
    }
}

impl Plan {
    fn explain_shortcut(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.fast_path, &self.pushed_filter) {
            (Some(FastPath::PageRange(window, order)), _) => {
                let first = window.first_page + 1;
                match window.pages {
                    Some(1) => write!(f, "read page {first} and no other")?,
                    Some(pages) => write!(
                        f,
                        "read pages {first} to {} and no other",
                        window.first_page.saturating_add(pages)
                    )?,
                    None => write!(f, "read from page {first} on")?,
                }
                write!(f, ", {} tokens a page", window.page_size)?;
                explain_order(f, order)?;
                f.write_str("\nif the platform cuts its pages otherwise: ")
            }
            (Some(FastPath::FilteredPage), Some(filter)) => {
                write!(f, "ask for one page of what the platform finds by {filter}")?;
                f.write_str("\nif it finds more: ")
            }
            _ => Ok(()),
        }
    }

    fn explain_walk(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.scan {
            ScanDirection::Forward => "read from the first page to the last",
            ScanDirection::Backward => "read from the last page to the first",
        })?;
        if let Some(size) = self.page_size {
            write!(f, ", {size} tokens a page")?;
        }
        match self.max_concurrency {
            1 => f.write_str(", one page after another")?,
            pages => write!(f, ", up to {pages} pages at a time")?,
        }
        explain_order(f, self.pushed_order)
    }

    fn explain_filter(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.pushed_filter, self.fast_path) {
            _ if self.bounds.unfiltered => return Ok(()),
            (Some(filter), None | Some(FastPath::PageRange(..))) => {
                write!(f, "\nthe platform filters by {filter}")?;
            }
            _ => {}
        }
        f.write_str("\napply the filter here to every token that is read")
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

    fn platforms() -> [ListCapability; 6] {
        let numbered = || ListCapability::new(Paging::Numbered).with_totals();
        let by_id = OrderCapability::new(SortKey::Id)
            .with_exact_order()
            .with_stable_keys()
            .with_append_only();
        let by_name = FilterCapability::for_names();
        let settled = by_name.clone().with_combinations().with_immutable_matches();
        [
            numbered()
                .with_order(by_id.clone())
                .with_default_page_size(100)
                .with_filters(by_name),
            numbered()
                .with_order(by_id)
                .without_vanishing_tokens()
                .with_default_page_size(1000)
                .with_filters(settled.clone()),
            numbered()
                .with_order(OrderCapability::new(SortKey::Name).with_stable_keys())
                .without_vanishing_tokens()
                .with_filters(settled),
            numbered(),
            ListCapability::new(Paging::Snapshot),
            ListCapability::new(Paging::Sequential).with_default_page_size(10),
        ]
    }

    prop_compose! {
        /// Of so few kinds that several are alike.
        fn plan()(
            list in select(platforms().to_vec()),
            filter in select(vec![
                None,
                Some(Filter::name("a\nb")),
                Some(Filter::name("ci")),
                Some(Filter::State(TokenState::Active)),
            ]),
            sort in select(vec![vec![], vec![SortKey::Id], vec![SortKey::Name], vec![SortKey::Created]]),
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

    /// What decides which requests are sent and what is done with their answers.
    fn parts(plan: &Plan) -> impl PartialEq + fmt::Debug + use<> {
        let bounds = (plan.bounds.offset, plan.bounds.limit);
        let held = plan.sorts_in_memory.then_some(plan.bounds.scan_limit);
        let reading = (plan.scan, plan.page_size, plan.max_concurrency);
        let asking = (
            plan.pushed_filter.clone(),
            plan.pushed_order,
            plan.fast_path,
            plan.bounds.unfiltered,
        );
        (asking, reading, held, bounds, plan.protected)
    }

    proptest! {
        #[test]
        fn plans_that_read_alike_are_alike_and_each_step_is_one_line(plans in vec(plan(), 40)) {
            let mut read = HashMap::new();
            for plan in plans {
                let text = plan.to_string();
                prop_assert!(text.lines().all(|line| !line.trim().is_empty()));
                prop_assert!(text.lines().count() <= 7, "{}", text);
                let parts = parts(&plan);
                if let Some(earlier) = read.get(&text) {
                    prop_assert_eq!(earlier, &parts, "{}", text);
                }
                read.insert(text, parts);
            }
        }
    }

    #[test]
    fn a_filter_on_what_may_change_is_said_to_be_tried() {
        let query = Query::new().filter(Filter::name("ci"));
        let plan = Plan::for_query(&query, &platforms()[0]).unwrap();
        let steps = [
            "ask for one page of what the platform finds by name = \"ci\"",
            "if it finds more: read from the last page to the first, 100 tokens a page, up to 16 pages at a time, \
             ordered by id",
            "apply the filter here to every token that is read",
            "the result is complete, whatever is created or deleted meanwhile",
        ];
        assert_eq!(plan.to_string(), steps.join("\n"));
    }
}
