//! How a query is carried out on a platform.

use std::fmt;

use crate::{
    Direction, Error, Filter, FilterCapability, ListCapability, NamePattern, PageRequest, Paging,
    Query, Result, SortBy, SortKey,
};

/// How many bytes of names a platform is asked to filter by, at most: a URL holds no more everywhere.
const LONGEST_PUSHED: usize = 1000;

/// How a query is carried out: what is left to the platform and what is done here.
///
/// A pure function of the query and of what the platform declares; its `Display` explains it to people.
///
/// ```
/// use tokenfleet_core::{Filter, ListCapability, FilterCapability, Paging, Plan, Query};
///
/// let list = ListCapability::new(Paging::Numbered).with_filters(FilterCapability::by_name());
/// let plan = Plan::of(&Query::new().matching(Filter::name("ci")), &list)?;
/// assert_eq!(plan.pushed_filter, Some(Filter::name("ci")));
/// assert!(plan.to_string().contains("the platform filters"));
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The part of the filter that the platform applies. All of it is applied again here.
    pub pushed_filter: Option<Filter>,
    /// Whether a filter that finds more than a page is dropped and all tokens are read instead: what matches it may
    /// change while its pages are read, which no walk protects from.
    pub filter_for_one_page: bool,
    /// The order that the platform is asked for, for the sake of the walk.
    pub pushed_order: Option<SortBy>,
    /// Whether all matches must be held in memory to be sorted here.
    pub sorts_here: bool,
    /// Which way the pages are read.
    pub walk: Walk,
    /// How many tokens are asked for per page.
    pub page_size: Option<u32>,
    /// Whether the walk protects from tokens that come and go meanwhile.
    pub protected: bool,
    /// Whether new tokens come after all that were read.
    pub(crate) appends: bool,
}

/// Which way the pages of a listing are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Walk {
    /// From the first page to the last.
    Forward,
    /// From the last page to the first, in an order to whose end new tokens are added: what is deleted meanwhile moves
    /// the others only onto pages that are still to be read.
    Backward,
}

impl Plan {
    /// Plans a query on a platform.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a page size of 0 or beyond the platform's largest.
    pub fn of(query: &Query, list: &ListCapability) -> Result<Self> {
        let stable = list.orders.iter().filter(|order| order.stable);
        let key = stable
            .max_by_key(|order| order.appends)
            .map(|order| order.key);
        let (walk, _) = Self::walk_by(list, key);
        Self::by(query, list, walk, key)
    }

    /// Plans a query for a walk that was begun by that key.
    pub(crate) fn by(
        query: &Query,
        list: &ListCapability,
        walk: Walk,
        key: Option<SortKey>,
    ) -> Result<Self> {
        let page_size = match (query.page_size, list.largest_page) {
            (Some(0), _) => return Err(Error::invalid_input("a page holds at least one token")),
            (Some(size), Some(largest)) if size > largest => {
                return Err(Error::invalid_input(format!(
                    "a page of {size} tokens is larger than the {largest} allowed here"
                )));
            }
            (size, _) => size.or(list.usual_page),
        };
        let (protecting, protected) = Self::walk_by(list, key);
        let pushed_order = key.map(|key| SortBy::new(key, Direction::Ascending));
        let pushed_filter = query
            .filter
            .as_ref()
            .and_then(|filter| push_down(filter, &list.filters))
            .filter(|filter| filter.text_length() <= LONGEST_PUSHED);
        Ok(Self {
            filter_for_one_page: pushed_filter.is_some() && !list.filters.settled,
            pushed_filter,
            sorts_here: !query.sort.is_empty() && !yields(query, list, walk, pushed_order),
            appends: match key.and_then(|key| list.order(key)) {
                Some(order) => order.appends,
                None => list.paging == Paging::Snapshot,
            },
            pushed_order,
            walk,
            page_size,
            protected: protected && walk == protecting,
        })
    }

    /// The walk by that key that loses most surely nothing, and whether it loses nothing.
    fn walk_by(list: &ListCapability, key: Option<SortKey>) -> (Walk, bool) {
        let order = key
            .and_then(|key| list.order(key))
            .filter(|order| order.stable);
        match (list.paging, order) {
            (Paging::Snapshot, _) => (Walk::Forward, true),
            (_, Some(_)) if !list.tokens_vanish => (Walk::Forward, true),
            (Paging::Numbered, Some(order)) if order.appends && order.exact && list.totals => {
                (Walk::Backward, true)
            }
            _ => (Walk::Forward, false),
        }
    }

    /// The request for the first page of this plan.
    pub(crate) fn request(&self) -> PageRequest {
        PageRequest {
            size: self.page_size,
            filter: self.pushed_filter.clone(),
            sort: self.pushed_order,
            ..PageRequest::default()
        }
    }
}

/// Whether the walk itself yields the order that the query asks for.
fn yields(query: &Query, list: &ListCapability, walk: Walk, pushed: Option<SortBy>) -> bool {
    let direction = match walk {
        Walk::Forward => Direction::Ascending,
        Walk::Backward => Direction::Descending,
    };
    match (query.sort.first(), pushed) {
        (Some(first), Some(pushed)) => {
            first.key == pushed.key
                && first.direction == direction
                && list
                    .order(pushed.key)
                    .is_some_and(|order| order.exact && order.stable)
        }
        _ => false,
    }
}

/// The largest part of a filter that the platform can apply without losing a match.
fn push_down(filter: &Filter, offered: &FilterCapability) -> Option<Filter> {
    if offered.covers(filter) {
        return Some(filter.clone());
    }
    match filter {
        Filter::Name(NamePattern::Exact(name)) if offered.name_pattern && !name.contains('*') => {
            Some(Filter::name_glob(name.clone()))
        }
        Filter::All(filters) => {
            let mut parts: Vec<_> = filters
                .iter()
                .filter_map(|filter| push_down(filter, offered))
                .collect();
            if !offered.combined {
                parts.truncate(1);
            }
            match parts.len() {
                0 | 1 => parts.pop(),
                _ => Some(Filter::All(parts)),
            }
        }
        Filter::Any(filters) if offered.combined && !filters.is_empty() => filters
            .iter()
            .map(|filter| push_down(filter, offered))
            .collect::<Option<Vec<_>>>()
            .map(Filter::Any),
        _ => None,
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.walk {
            Walk::Forward => f.write_str("read from the first page to the last")?,
            Walk::Backward => f.write_str("read from the last page to the first")?,
        }
        if let Some(order) = self.pushed_order {
            write!(f, ", ordered by {} by the platform", order.key.as_str())?;
        }
        if let Some(size) = self.page_size {
            write!(f, ", {size} tokens a page")?;
        }
        match (&self.pushed_filter, self.filter_for_one_page) {
            (None, _) => f.write_str("; filters are applied here")?,
            (Some(_), false) => {
                f.write_str("; the platform filters, and every token is checked again here")?;
            }
            (Some(_), true) => f.write_str(
                "; the platform filters, and every token is checked again here; should more than a page match, all are \
                 read and filtered here",
            )?,
        }
        if self.sorts_here {
            f.write_str("; all matches are held in memory and sorted here")?;
        }
        if !self.protected {
            f.write_str("; more than one page cannot be promised to be complete")?;
        }
        Ok(())
    }
}
