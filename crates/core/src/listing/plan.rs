//! How a query is carried out on a platform.

use crate::error::Result;
use crate::listing::PageRange;
use crate::provider::{FilterCapability, ListCapability, PageRequest, Paging};
use crate::query::{Direction, Filter, NamePattern, Query, SortBy, SortKey};

/// How many bytes a platform is asked to filter by, at most: a URL, which may take three for each, holds no more
/// everywhere.
const LONGEST_PUSHED: usize = 1000;

/// How many tokens may be on their way at a time, whatever the size of the pages.
const TOKENS_AT_A_TIME: u32 = 8_192;

/// How many pages must travel together for it to be worth making sure that nothing was deleted meanwhile.
const FEWEST_WATCHED: u32 = 4;

/// The largest page that a window is laid onto where the platform knows no bound.
const LARGEST_WINDOW: u32 = 1000;

/// How a query is carried out: what is left to the platform and what is done here.
///
/// A pure function of the query and of what the platform declares; its `Display` explains it to people, a line for each
/// step.
///
/// ```
/// use tokenfleet_core::capability::{FilterCapability, ListCapability, Paging};
/// use tokenfleet_core::{Filter, Plan, Query};
///
/// let list = ListCapability::new(Paging::Numbered).with_filters(FilterCapability::for_names());
/// let plan = Plan::for_query(&Query::new().filter(Filter::name("ci")), &list)?;
/// assert!(plan.to_string().starts_with("ask for one page of what the platform finds by name"));
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The part of the filter that the platform applies. All of it is applied again here.
    pub(crate) pushed_filter: Option<Filter>,
    /// The order that the platform is asked for, for the sake of the walk.
    pub(crate) pushed_order: Option<SortBy>,
    /// What is tried first, because it would be cheaper than the walk.
    pub(crate) shortcut: Option<FastPath>,
    /// Which way the pages are read.
    pub(crate) walk: ScanDirection,
    /// How many tokens are asked for per page; `None` leaves it to the platform.
    pub(crate) page_size: Option<u32>,
    /// How many pages are asked for at a time, at most.
    pub(crate) max_concurrency: u32,
    /// Whether all matches must be held in memory to be sorted here.
    pub(crate) sorts_here: bool,
    /// Whether the walk protects from tokens that come and go meanwhile.
    pub(crate) protected: bool,
    /// What the listing is bounded by: the query's offset, limit and scan limit.
    pub(crate) bounds: Bounds,
    /// Whether the query leaves the order to us.
    pub(crate) any_order: bool,
    /// Whether new tokens come after all that were read.
    pub(crate) appends: bool,
    /// Whether the platform keeps exactly the order that it is asked for.
    pub(crate) exact: bool,
}

/// The part of a query that counts tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) offset: u64,
    pub(crate) limit: Option<u64>,
    pub(crate) scan_limit: u64,
    /// Whether offset and limit count the platform's own tokens, none of which is filtered out here.
    pub(crate) unfiltered: bool,
}

/// Which way the pages of a listing are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ScanDirection {
    /// From the first page to the last.
    Forward,
    /// From the last page to the first, in an order to whose end new tokens are added: what is deleted meanwhile moves
    /// the others only onto pages that are still to be read.
    Backward,
}

/// A way that needs fewer requests than the walk, and is given up for it when the first answer shows that it does not
/// serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FastPath {
    /// The platform filters, and one page holds all that match. What matches may change while several pages are read,
    /// which no walk protects from.
    FilteredPage,
    /// Only the pages that hold the wanted window are read, in this order.
    PageRange(PageRange, Option<SortBy>),
}

impl Plan {
    /// Plans a query on a platform.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a page size of 0 or beyond the platform's largest.
    pub fn for_query(query: &Query, list: &ListCapability) -> Result<Self> {
        let wanted = wanted_order(query, list).map(|by| by.key);
        let key = (list.orders.iter())
            .filter(|order| order.stable)
            .max_by_key(|order| {
                let protected = protecting_walk(list, Some(order.key)).1;
                (protected, wanted == Some(order.key), order.appends)
            })
            .map(|order| order.key);
        Self::for_scan(query, list, protecting_walk(list, key).0, key)
    }

    /// Plans a query for a walk that was begun by that key.
    pub(crate) fn for_scan(
        query: &Query,
        list: &ListCapability,
        walk: ScanDirection,
        key: Option<SortKey>,
    ) -> Result<Self> {
        if let Some(size) = query.page_size {
            list.check_page_size(size)?;
        }
        let page_size = (query.page_size).or(list.default_page_size.filter(|size| *size > 0));
        let (protecting, protected) = protecting_walk(list, key);
        let protected = protected && walk == protecting;
        let wanted = wanted_order(query, list);
        let pushed_order = key.map(|key| match wanted {
            Some(by) if by.key == key && walk == ScanDirection::Forward && protected => by,
            _ => SortBy::new(key, Direction::Ascending),
        });
        let order = pushed_order.and_then(|by| Some((by.direction, list.order(by.key)?)));
        let pushed_filter = query
            .filter
            .as_ref()
            .and_then(|filter| push_down(filter, &list.filters))
            .filter(|filter| filter.text_length() <= LONGEST_PUSHED);
        // Side by side only where what each page says of the whole shows that no token slipped between two of them.
        let countable = list.paging == Paging::Numbered && list.totals && protected;
        let max_concurrency = match (countable, page_size) {
            (true, Some(size)) => match query.max_concurrency.min(TOKENS_AT_A_TIME / size) {
                pages if walk == ScanDirection::Backward && pages < FEWEST_WATCHED => 1,
                pages => pages.max(1),
            },
            _ => 1,
        };
        Ok(Self {
            shortcut: match pushed_filter {
                Some(_) if !list.filters.immutable_matches => Some(FastPath::FilteredPage),
                _ => window(query, list, walk, pushed_order, protected),
            },
            pushed_filter,
            sorts_here: !query.sort.is_empty() && !yields(wanted, walk, pushed_order),
            appends: match order {
                Some((direction, order)) => order.appends && direction == Direction::Ascending,
                None => list.paging == Paging::Snapshot,
            },
            exact: order.is_some_and(|(_, order)| order.exact && order.stable),
            any_order: query.sort.is_empty(),
            bounds: Bounds {
                offset: query.offset,
                limit: query.limit,
                scan_limit: query.scan_limit,
                unfiltered: query.filter.is_none(),
            },
            pushed_order,
            walk,
            page_size,
            max_concurrency,
            protected,
        })
    }

    /// How many requests the plan takes at most at a platform that holds so many tokens, none of which comes or goes
    /// meanwhile and all of which match. `None` where the platform decides how many tokens a page holds.
    ///
    /// Reading side by side adds some that make sure that nothing changed; so does what changes.
    #[must_use]
    pub fn requests(&self, tokens: u64) -> Option<u64> {
        let pages = |size: u32| tokens.div_ceil(u64::from(size.max(1)));
        let size = self.page_size;
        match self.shortcut {
            Some(FastPath::PageRange(window, _)) => {
                let there = pages(window.page_size).saturating_sub(window.first_page);
                Some(there.min(window.pages.unwrap_or(there)).max(1))
            }
            shortcut => Some(match (self.walk, pages(size?)) {
                (_, 0 | 1) => 1,
                (walk, pages) => {
                    let counting = u64::from(walk == ScanDirection::Backward);
                    pages + counting + u64::from(shortcut.is_some())
                }
            }),
        }
    }

    /// Returns `true` if the plan promises a complete listing, whatever is created or deleted while
    /// it is read. Otherwise the listing is complete only if a single page holds all of it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.protected
    }

    /// Returns `true` if all matches must be held in memory to be sorted, up to
    /// [`Query::scan_limit`].
    #[must_use]
    pub fn sorts_in_memory(&self) -> bool {
        self.sorts_here
    }

    /// The request for the first page of this plan's walk.
    pub(crate) fn request(&self) -> PageRequest {
        PageRequest {
            size: self.page_size,
            filter: self.pushed_filter.clone(),
            sort: self.pushed_order,
            ..PageRequest::default()
        }
    }
}

/// The walk by that key that loses most surely nothing, and whether it loses nothing.
fn protecting_walk(list: &ListCapability, key: Option<SortKey>) -> (ScanDirection, bool) {
    let order = key
        .and_then(|key| list.order(key))
        .filter(|order| order.stable);
    match (list.paging, order) {
        (Paging::Snapshot, _) => (ScanDirection::Forward, true),
        (_, Some(_)) if !list.tokens_vanish => (ScanDirection::Forward, true),
        (Paging::Numbered, Some(order)) if order.appends && order.exact && list.totals => {
            (ScanDirection::Backward, true)
        }
        _ => (ScanDirection::Forward, false),
    }
}

/// The order that the query asks for, if the platform keeps it exactly and no two tokens share a place in it.
fn wanted_order(query: &Query, list: &ListCapability) -> Option<SortBy> {
    let first = *query.sort.first()?;
    let order = list.order(first.key)?;
    let plain = SortBy::new(first.key, first.direction);
    // Every token has an id, so it does not matter where the others would be.
    let as_declared = plain == first || first.key == SortKey::Id;
    (order.exact && order.stable && as_declared).then_some(plain)
}

/// Whether the walk itself yields the order that the query asks for.
fn yields(wanted: Option<SortBy>, walk: ScanDirection, pushed: Option<SortBy>) -> bool {
    match (wanted, pushed) {
        (Some(wanted), Some(pushed)) => {
            let same_way = wanted.direction == pushed.direction;
            wanted.key == pushed.key && same_way == (walk == ScanDirection::Forward)
        }
        _ => false,
    }
}

/// The pages to read for an offset or a limit alone, where that is as safe as the walk: one page is true of its moment,
/// and several are where the walk reads in the same order and nothing vanishes.
fn window(
    query: &Query,
    list: &ListCapability,
    walk: ScanDirection,
    pushed_order: Option<SortBy>,
    protected: bool,
) -> Option<FastPath> {
    let bounded = query.offset > 0 || query.limit.is_some();
    let countable = list.paging == Paging::Numbered && list.totals;
    if !bounded || !countable || query.filter.is_some() {
        return None;
    }
    let order = match query.sort.first() {
        Some(_) => Some(wanted_order(query, list)?),
        // The order of the walk, so that one window goes on where another ends.
        None => pushed_order.map(|by| match walk {
            ScanDirection::Forward => by,
            ScanDirection::Backward => SortBy::new(by.key, Direction::Descending),
        }),
    };
    let largest = list.max_page_size.or(list.default_page_size);
    let (smallest, largest) = match query.page_size {
        Some(size) => (size, size),
        None => (1, largest.unwrap_or(LARGEST_WINDOW).min(LARGEST_WINDOW)),
    };
    let window = PageRange::over(query.offset, query.limit, smallest, largest);
    let several = protected && !list.tokens_vanish && order == pushed_order;
    (window.pages == Some(1) || several).then_some(FastPath::PageRange(window, order))
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
            if !offered.combinations {
                parts.truncate(1);
            }
            match parts.len() {
                0 | 1 => parts.pop(),
                _ => Some(Filter::All(parts)),
            }
        }
        Filter::Any(filters) if offered.combinations && !filters.is_empty() => filters
            .iter()
            .map(|filter| push_down(filter, offered))
            .collect::<Option<Vec<_>>>()
            .map(Filter::Any),
        _ => None,
    }
}
