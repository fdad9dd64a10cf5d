//! The plan of a listing: the parts of a query that the platform does, and those done here.

use crate::error::Result;
use crate::listing::PageRange;
use crate::provider::{FilterCapability, ListCapability, Paging};
use crate::query::{Direction, Filter, NamePattern, Query, SortBy, SortKey};

/// The longest filter that is pushed down, in bytes. Each byte may take three in a URL, and this is
/// what fits into one everywhere.
const MAX_PUSHED_FILTER: usize = 1000;

/// The number of tokens that may be in flight at a time, whatever the page size (decision 0008).
const MAX_TOKENS_IN_FLIGHT: u32 = 8_192;

/// The smallest number of concurrent pages that is worth the probes of a backward scan.
const MIN_PROBED_PAGES: u32 = 4;

/// The largest page of a page range if the platform declares no maximum.
const MAX_RANGE_PAGE_SIZE: u32 = 1000;

/// The way a query is carried out: what the platform does and what is done in the client.
///
/// A plan is a pure function of the query and the platform's capabilities. Its `Display` explains
/// it to people, one line per step.
///
/// ```
/// use tokenfleet_core::capability::{FilterCapability, ListCapability, Paging};
/// use tokenfleet_core::{Filter, Plan, Query};
///
/// let list = ListCapability::new(Paging::Numbered).with_filters(FilterCapability::for_names());
/// let plan = Plan::for_query(&Query::new().filter(Filter::name("ci")), &list)?;
/// assert!(plan.to_string().starts_with("fetch one page of tokens, filtered by the platform"));
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The part of the filter that the platform applies. The client applies all of it again.
    pub(crate) pushed_filter: Option<Filter>,
    /// The order that is requested from the platform, so that the scan loses nothing.
    pub(crate) pushed_order: Option<SortBy>,
    /// The cheaper way that is tried before the scan.
    pub(crate) fast_path: Option<FastPath>,
    /// The direction in which the pages are read.
    pub(crate) scan: ScanDirection,
    /// The number of tokens requested per page; `None` leaves it to the platform.
    pub(crate) page_size: Option<u32>,
    /// The largest page that the platform serves, if it says so, or that was not too large to read.
    pub(crate) max_page_size: Option<u32>,
    /// `true` if the platform is not known to serve pages of `page_size`, and the query does not
    /// ask for them: if it refuses them, the size is left to it (decision 0040).
    pub(crate) page_size_is_a_guess: bool,
    /// The maximum number of pages in flight.
    pub(crate) max_concurrency: u32,
    /// The maximum number of pages in flight that are small enough.
    pub(crate) max_small_pages: u32,
    /// The tokens that the platform never lists, if there are any (decision 0022).
    pub(crate) unlisted_tokens: Option<String>,
    /// `true` if all matches must be held in memory to be sorted.
    pub(crate) sorts_in_memory: bool,
    /// `true` if the scan loses no token, whatever is created or deleted during it.
    pub(crate) protected: bool,
    /// The parts of the query that count tokens.
    pub(crate) bounds: Bounds,
    /// `true` if the query asks for no order.
    pub(crate) any_order: bool,
    /// `true` if new tokens come after all others.
    pub(crate) append_only: bool,
    /// `true` if the platform keeps the requested order exactly.
    pub(crate) exact_order: bool,
    /// `true` if each page begins after a place in an order in which no token moves
    /// (decision 0020).
    pub(crate) keyset: bool,
    /// `true` if one response holds everything.
    pub(crate) unpaged: bool,
}

/// The parts of a query that count tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) offset: u64,
    pub(crate) limit: Option<u64>,
    pub(crate) scan_limit: u64,
    /// `true` if the query has no filter, so that offset and limit count the platform's own tokens.
    pub(crate) unfiltered: bool,
}

/// The direction in which the pages of a listing are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ScanDirection {
    /// First page to last.
    Forward,
    /// Last page to first, in an order in which new tokens come last: deletions move tokens only
    /// onto pages that are still to be read (decision 0002).
    Backward,
}

/// A way that takes fewer requests than the scan. It is abandoned for the scan if its first
/// response shows that it does not serve the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FastPath {
    /// One page of what the platform filters, if all matches fit on it. Matches may change while
    /// several pages are read, and no scan protects from that (decision 0006).
    FilteredPage,
    /// The pages that hold the offset and limit of the query, in this order.
    PageRange(PageRange, Option<SortBy>),
}

impl Plan {
    /// Plans a query for a platform.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a page size of 0 or larger than the
    /// platform's maximum.
    pub fn for_query(query: &Query, list: &ListCapability) -> Result<Self> {
        let wanted = wanted_order(query, list).map(|by| by.key);
        let key = (list.orders.iter())
            .filter(|order| order.stable)
            .max_by_key(|order| {
                let protected = safest_scan(list, Some(order.key)).1;
                (protected, wanted == Some(order.key), order.appends)
            })
            .map(|order| order.key);
        Self::for_scan(query, list, safest_scan(list, key).0, key, None)
    }

    /// Plans a query for a scan that was begun in this direction of pages, by this key and, if it
    /// is known, in this direction of it.
    pub(crate) fn for_scan(
        query: &Query,
        list: &ListCapability,
        scan: ScanDirection,
        key: Option<SortKey>,
        direction: Option<Direction>,
    ) -> Result<Self> {
        if let Some(size) = query.page_size {
            list.check_page_size(size)?;
        }
        let page_size = (query.page_size).or(list.default_page_size.filter(|size| *size > 0));
        let (safest, protected) = safest_scan(list, key);
        let protected = protected && scan == safest;
        let max_small_pages = if page_size.is_some() && protected && is_countable(list) {
            query.max_concurrency
        } else {
            1
        };
        let wanted = wanted_order(query, list);
        let pushed_order = key.map(|key| match wanted {
            Some(by)
                if by.key == key
                    && scan == ScanDirection::Forward
                    && protected
                    && direction.is_none_or(|direction| direction == by.direction) =>
            {
                by
            }
            _ => SortBy::new(key, direction.unwrap_or(direction_of_scan(list, key))),
        });
        let order = pushed_order.and_then(|by| Some((by.direction, list.order(by.key)?)));
        let pushed_filter = query
            .filter
            .as_ref()
            .and_then(|filter| push_down(filter, &list.filters))
            .filter(|filter| filter.text_length() <= MAX_PUSHED_FILTER);
        let keyset = list.paging == Paging::Keyset;
        Ok(Self {
            fast_path: match pushed_filter {
                // One response holds all matches: there is nothing to try first.
                _ if list.unpaged => None,
                // Between the pages of a keyset no token moves because another one matches.
                Some(_) if !list.filters.immutable_matches && !keyset => {
                    Some(FastPath::FilteredPage)
                }
                _ => page_range(query, list, scan, pushed_order, protected),
            },
            pushed_filter,
            sorts_in_memory: !query.sort.is_empty() && !yields(wanted, scan, pushed_order),
            append_only: match order {
                Some((direction, order)) => order.appends && direction == Direction::Ascending,
                None => list.paging == Paging::Snapshot,
            },
            exact_order: order.is_some_and(|(_, order)| order.exact && order.stable),
            any_order: query.sort.is_empty(),
            bounds: Bounds {
                offset: query.offset,
                limit: query.limit,
                scan_limit: query.scan_limit,
                unfiltered: query.filter.is_none(),
            },
            max_concurrency: page_size
                .map_or(1, |size| pages_at_a_time(max_small_pages, scan, size)),
            max_small_pages,
            page_size_is_a_guess: query.page_size.is_none()
                && page_size.is_some()
                && list.max_page_size.is_some()
                && !list.serves_max_page_size,
            pushed_order,
            scan,
            keyset,
            unpaged: list.unpaged,
            page_size,
            max_page_size: list.max_page_size,
            unlisted_tokens: list.unlisted_tokens.clone(),
            protected,
        })
    }

    /// Returns the maximum number of requests on a platform that holds this many tokens, all of
    /// which match, while none is created or deleted. Returns `None` if the platform decides how
    /// many tokens a page holds.
    ///
    /// Changes during the listing add requests, and so do the probes that detect them while pages
    /// are fetched concurrently. Where tokens were created seconds before it, the newest ones are
    /// looked at again, up to eight times (decision 0019). So does a platform that does not serve
    /// pages of the size that it is asked for.
    #[must_use]
    pub fn requests(&self, tokens: u64) -> Option<u64> {
        if self.unpaged {
            return Some(1);
        }
        let pages = |size: u32| tokens.div_ceil(u64::from(size.max(1)));
        if let Some(FastPath::PageRange(range, _)) = self.fast_path {
            let there = pages(range.page_size).saturating_sub(range.first_page);
            return Some(there.min(range.pages.unwrap_or(there)).max(1));
        }
        let pages = match self.page_size? {
            // A full last page may name another one, which is empty.
            size if self.keyset => tokens / u64::from(size.max(1)) + 1,
            size => pages(size),
        };
        let is_backward = self.scan == ScanDirection::Backward;
        // One full page may have been counted after it was read (decision 77).
        let is_full = is_backward && self.page_size.map(u64::from) == Some(tokens);
        if pages <= 1 && !is_full {
            return Some(1);
        }
        // A backward scan counts the pages first.
        let first_page = u64::from(is_backward);
        Some(pages + first_page + u64::from(self.fast_path.is_some()))
    }

    /// Returns how many pages of a size may be in flight.
    pub(crate) fn concurrency_in_pages_of(&self, size: u32) -> u32 {
        pages_at_a_time(self.max_small_pages, self.scan, size)
    }

    /// Returns `true` if the plan promises a complete listing, as far as the platform lists its
    /// tokens, whatever is created or deleted while it is read. Otherwise the listing is complete
    /// only if a single page holds all of it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.protected
    }

    /// Returns `true` if all matches must be held in memory to be sorted, up to
    /// [`Query::scan_limit`].
    #[must_use]
    pub fn sorts_in_memory(&self) -> bool {
        self.sorts_in_memory
    }
}

/// Returns how many pages of a size may be in flight, of at most so many small ones (decision
/// 0008).
fn pages_at_a_time(small_pages: u32, scan: ScanDirection, size: u32) -> u32 {
    let pages = small_pages.min(MAX_TOKENS_IN_FLIGHT / size.max(1));
    if scan == ScanDirection::Backward && pages < MIN_PROBED_PAGES {
        return 1;
    }
    pages.max(1)
}

/// Returns whether pages have numbers and say how many tokens there are. Concurrent pages need
/// totals, which show that no token slipped between two of them (decision 0008).
fn is_countable(list: &ListCapability) -> bool {
    list.paging == Paging::Numbered && list.totals
}

/// Returns the safest scan by a key, and whether it loses no token.
fn safest_scan(list: &ListCapability, key: Option<SortKey>) -> (ScanDirection, bool) {
    let order = key
        .and_then(|key| list.order(key))
        .filter(|order| order.stable);
    match (list.paging, order) {
        (Paging::Snapshot, _) => (ScanDirection::Forward, true),
        // The platform's own order keeps every token in its place, and so does a stable one.
        (Paging::Keyset, order) => (ScanDirection::Forward, key.is_none() || order.is_some()),
        (_, Some(_)) if !list.tokens_vanish => (ScanDirection::Forward, true),
        (Paging::Numbered, Some(order))
            if order.appends
                && order.exact
                && order.serves(Direction::Ascending)
                && list.totals =>
        {
            (ScanDirection::Backward, true)
        }
        _ => (ScanDirection::Forward, false),
    }
}

/// Returns the direction in which a scan reads an order if the query does not choose it: ascending
/// where the platform serves that.
fn direction_of_scan(list: &ListCapability, key: SortKey) -> Direction {
    list.order(key)
        .and_then(|order| order.direction)
        .unwrap_or(Direction::Ascending)
}

/// Returns the order that the query asks for, if the platform keeps it exactly and no two tokens
/// share a place in it.
fn wanted_order(query: &Query, list: &ListCapability) -> Option<SortBy> {
    let first = *query.sort.first()?;
    let order = list.order(first.key)?;
    let plain = SortBy::new(first.key, first.direction);
    // Every token has an id, so it does not matter where tokens without one would come.
    let as_declared = plain == first || first.key == SortKey::Id;
    let is_kept = order.exact && order.stable && order.serves(first.direction);
    (is_kept && as_declared).then_some(plain)
}

/// Returns whether the scan itself yields the order that the query asks for.
fn yields(wanted: Option<SortBy>, scan: ScanDirection, pushed: Option<SortBy>) -> bool {
    match (wanted, pushed) {
        (Some(wanted), Some(pushed)) => {
            let same_direction = wanted.direction == pushed.direction;
            wanted.key == pushed.key && same_direction == (scan == ScanDirection::Forward)
        }
        _ => false,
    }
}

/// Returns the pages that hold an offset and limit without a filter, if reading them alone is as
/// safe as the scan: a single page is a snapshot, and several pages are safe if the scan reads in
/// the same order and nothing vanishes.
fn page_range(
    query: &Query,
    list: &ListCapability,
    scan: ScanDirection,
    pushed_order: Option<SortBy>,
    protected: bool,
) -> Option<FastPath> {
    let bounded = query.offset > 0 || query.limit.is_some();
    if !bounded || !is_countable(list) || query.filter.is_some() {
        return None;
    }
    let order = match query.sort.first() {
        Some(_) => Some(wanted_order(query, list)?),
        // The order of the scan, so that one range continues where another ends.
        None => pushed_order.map(|by| match scan {
            ScanDirection::Forward => by,
            ScanDirection::Backward => SortBy::new(by.key, Direction::Descending),
        }),
    };
    if order.is_some_and(|by| !list.serves(by)) {
        return None;
    }
    let largest = list.max_page_size.or(list.default_page_size);
    let (smallest, largest) = match query.page_size {
        Some(size) => (size, size),
        None => (
            1,
            largest
                .unwrap_or(MAX_RANGE_PAGE_SIZE)
                .min(MAX_RANGE_PAGE_SIZE),
        ),
    };
    let range = PageRange::covering(query.offset, query.limit, smallest, largest);
    let several = protected && !list.tokens_vanish && order == pushed_order;
    (range.pages == Some(1) || several).then_some(FastPath::PageRange(range, order))
}

/// Returns the largest part of a filter that the platform can apply without losing a match.
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

#[cfg(test)]
mod tests;
