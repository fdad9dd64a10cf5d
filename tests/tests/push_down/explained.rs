//! The steps of a plan, parsed from the text that explains it to people.

use tokenfleet_core::{Direction, Plan, SortKey};

/// The parts of a plan that these laws are about.
#[derive(Debug)]
pub(crate) struct Explained {
    pub(crate) fast_path: Option<FastPath>,
    pub(crate) backward: bool,
    pub(crate) page_size: Option<u32>,
    pub(crate) concurrent: bool,
    pub(crate) order: Option<(SortKey, Direction)>,
}

#[derive(Debug)]
pub(crate) enum FastPath {
    /// One page of tokens that the platform filters.
    FilteredPage,
    /// The pages that hold the tokens from an offset up to a limit.
    PageRange {
        page_size: u32,
        order: Option<(SortKey, Direction)>,
    },
}

impl FastPath {
    pub(crate) fn is_page_range(&self) -> bool {
        matches!(self, Self::PageRange { .. })
    }
}

impl Explained {
    pub(crate) fn new(plan: &Plan) -> Self {
        let text = plan.to_string();
        let mut lines = text.lines();
        let mut scan = lines.next().unwrap_or_default();
        let mut fast_path = None;
        if scan.starts_with("fetch one page") {
            fast_path = Some(FastPath::FilteredPage);
            let next = lines.next().unwrap_or_default();
            scan = next.strip_prefix("if more tokens match: ").expect(next);
        } else if let Some(range) = scan.strip_prefix("fetch only page") {
            fast_path = Some(FastPath::PageRange {
                page_size: page_size(range).expect(&text),
                order: order(range),
            });
            let next = lines.next().unwrap_or_default();
            scan = (next.strip_prefix("if the platform does not serve pages of that size: "))
                .expect(next);
        }
        Self {
            fast_path,
            backward: match scan {
                forward if forward.starts_with("fetch pages from first to last") => false,
                backward if backward.starts_with("fetch pages from last to first") => true,
                other => panic!("{other:?} in {text}"),
            },
            page_size: page_size(scan),
            concurrent: match scan {
                one if one.contains(", one page at a time") => false,
                several if several.contains(" pages at a time") => true,
                other => panic!("{other:?} in {text}"),
            },
            order: order(scan),
        }
    }

    pub(crate) fn reads_page_range(&self) -> bool {
        self.fast_path.as_ref().is_some_and(FastPath::is_page_range)
    }
}

fn page_size(step: &str) -> Option<u32> {
    let words = step
        .split(", ")
        .find_map(|part| part.strip_suffix(" tokens per page"))?;
    Some(words.parse().expect(step))
}

fn order(step: &str) -> Option<(SortKey, Direction)> {
    let order = step
        .split(", ")
        .find_map(|part| part.strip_prefix("ordered by "))?;
    let (key, direction) = match order.strip_suffix(" descending") {
        Some(key) => (key, Direction::Descending),
        None => (order, Direction::Ascending),
    };
    let key = SortKey::ALL.into_iter().find(|known| known.as_str() == key);
    Some((key.expect(step), direction))
}
