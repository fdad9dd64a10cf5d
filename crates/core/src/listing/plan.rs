//! How a query is carried out on a platform.

use crate::error::{Error, Result};
use crate::listing::Window;
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
/// use tokenfleet_core::{Filter, ListCapability, FilterCapability, Paging, Plan, Query};
///
/// let list = ListCapability::new(Paging::Numbered).with_filters(FilterCapability::by_name());
/// let plan = Plan::of(&Query::new().matching(Filter::name("ci")), &list)?;
/// assert_eq!(plan.pushed_filter, Some(Filter::name("ci")));
/// assert!(plan.to_string().starts_with("ask for one page of what the platform finds by name"));
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The part of the filter that the platform applies. All of it is applied again here.
    pub pushed_filter: Option<Filter>,
    /// The order that the platform is asked for, for the sake of the walk.
    pub pushed_order: Option<SortBy>,
    /// What is tried first, because it would be cheaper than the walk.
    pub shortcut: Option<Shortcut>,
    /// Which way the pages are read.
    pub walk: Walk,
    /// How many tokens are asked for per page; `None` leaves it to the platform.
    pub page_size: Option<u32>,
    /// How many pages are asked for at a time, at most.
    pub pages_at_a_time: u32,
    /// Whether all matches must be held in memory to be sorted here.
    pub sorts_here: bool,
    /// Whether the walk protects from tokens that come and go meanwhile.
    pub protected: bool,
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
#[non_exhaustive]
pub enum Walk {
    /// From the first page to the last.
    Forward,
    /// From the last page to the first, in an order to whose end new tokens are added: what is deleted meanwhile moves
    /// the others only onto pages that are still to be read.
    Backward,
}

/// A way that needs fewer requests than the walk, and is given up for it when the first answer shows that it does not
/// serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shortcut {
    /// The platform filters, and one page holds all that match. What matches may change while several pages are read,
    /// which no walk protects from.
    Filtered,
    /// Only the pages that hold the wanted window are read, in this order.
    Window(Window, Option<SortBy>),
}

impl Plan {
    /// Plans a query on a platform.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a page size of 0 or beyond the platform's largest.
    pub fn of(query: &Query, list: &ListCapability) -> Result<Self> {
        let wanted = wanted_order(query, list).map(|by| by.key);
        let key = (list.orders.iter())
            .filter(|order| order.stable)
            .max_by_key(|order| {
                let protected = protecting_walk(list, Some(order.key)).1;
                (protected, wanted == Some(order.key), order.appends)
            })
            .map(|order| order.key);
        Self::by(query, list, protecting_walk(list, key).0, key)
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
            (size, _) => size.or(list.usual_page.filter(|usual| *usual > 0)),
        };
        let (protecting, protected) = protecting_walk(list, key);
        let protected = protected && walk == protecting;
        let wanted = wanted_order(query, list);
        let pushed_order = key.map(|key| match wanted {
            Some(by) if by.key == key && walk == Walk::Forward && protected => by,
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
        let pages_at_a_time = match (countable, page_size) {
            (true, Some(size)) => match query.pages_at_a_time.min(TOKENS_AT_A_TIME / size) {
                pages if walk == Walk::Backward && pages < FEWEST_WATCHED => 1,
                pages => pages.max(1),
            },
            _ => 1,
        };
        Ok(Self {
            shortcut: match pushed_filter {
                Some(_) if !list.filters.settled => Some(Shortcut::Filtered),
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
            pages_at_a_time,
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
            Some(Shortcut::Window(window, _)) => {
                let there = pages(window.page_size).saturating_sub(window.first_page);
                Some(there.min(window.pages.unwrap_or(there)).max(1))
            }
            shortcut => Some(match (self.walk, pages(size?)) {
                (_, 0 | 1) => 1,
                (walk, pages) => {
                    let counting = u64::from(walk == Walk::Backward);
                    pages + counting + u64::from(shortcut.is_some())
                }
            }),
        }
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
fn protecting_walk(list: &ListCapability, key: Option<SortKey>) -> (Walk, bool) {
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
fn yields(wanted: Option<SortBy>, walk: Walk, pushed: Option<SortBy>) -> bool {
    match (wanted, pushed) {
        (Some(wanted), Some(pushed)) => {
            let same_way = wanted.direction == pushed.direction;
            wanted.key == pushed.key && same_way == (walk == Walk::Forward)
        }
        _ => false,
    }
}

/// The pages to read for an offset or a limit alone, where that is as safe as the walk: one page is true of its moment,
/// and several are where the walk reads in the same order and nothing vanishes.
fn window(
    query: &Query,
    list: &ListCapability,
    walk: Walk,
    pushed_order: Option<SortBy>,
    protected: bool,
) -> Option<Shortcut> {
    let bounded = query.offset > 0 || query.limit.is_some();
    let countable = list.paging == Paging::Numbered && list.totals;
    if !bounded || !countable || query.filter.is_some() {
        return None;
    }
    let order = match query.sort.first() {
        Some(_) => Some(wanted_order(query, list)?),
        // The order of the walk, so that one window goes on where another ends.
        None => pushed_order.map(|by| match walk {
            Walk::Forward => by,
            Walk::Backward => SortBy::new(by.key, Direction::Descending),
        }),
    };
    let largest = list.largest_page.or(list.usual_page);
    let (smallest, largest) = match query.page_size {
        Some(size) => (size, size),
        None => (1, largest.unwrap_or(LARGEST_WINDOW).min(LARGEST_WINDOW)),
    };
    let window = Window::over(query.offset, query.limit, smallest, largest);
    let several = protected && !list.tokens_vanish && order == pushed_order;
    (window.pages == Some(1) || several).then_some(Shortcut::Window(window, order))
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
