//! The support for listing tokens: paging, orders and filters.

use crate::model::TokenState;
use crate::query::{Direction, Filter, NamePattern, SortBy, SortKey};

/// The support for listing tokens: paging, orders and filters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListCapability {
    /// The way that pages are addressed.
    pub paging: Paging,
    /// `true` if one response holds all tokens, whatever page size is asked for.
    pub unpaged: bool,
    /// The largest page size that is requested: a larger one is rejected before any request. `None`
    /// if every size may be requested.
    pub max_page_size: Option<u32>,
    /// `true` if the platform is known to serve pages of [`max_page_size`](Self::max_page_size)
    /// tokens. Otherwise it may answer with fewer, or refuse the request.
    pub serves_max_page_size: bool,
    /// The page size that a listing requests if the query does not set one.
    pub default_page_size: Option<u32>,
    /// `true` if every page reports the total number of matching tokens.
    pub totals: bool,
    /// `true` if tokens can vanish from the listing. If revoking only marks a record, they cannot.
    pub tokens_vanish: bool,
    /// The tokens of the account that the platform never lists, such as "login tokens"; `None` if
    /// it lists all of them.
    pub unlisted_tokens: Option<String>,
    /// The orders that the platform supports.
    pub orders: Vec<OrderCapability>,
    /// The filters that the platform supports.
    pub filters: FilterCapability,
}

impl ListCapability {
    /// Creates a declaration of a listing in the platform's own order, without totals, from which
    /// tokens may vanish.
    #[must_use]
    pub fn new(paging: Paging) -> Self {
        Self {
            paging,
            unpaged: false,
            max_page_size: None,
            serves_max_page_size: false,
            default_page_size: None,
            totals: false,
            tokens_vanish: true,
            unlisted_tokens: None,
            orders: Vec::new(),
            filters: FilterCapability::default(),
        }
    }

    /// Creates a declaration of a listing without paging: one response holds all tokens.
    ///
    /// Answer with [`Page::last`](crate::adapter::Page::last), and ignore
    /// [`PageRequest::size`](crate::adapter::PageRequest::size): a page size changes nothing. No
    /// position but the first is ever asked for. One response shows one moment, so this is
    /// [`Paging::Snapshot`].
    ///
    /// ```
    /// use tokenfleet_core::capability::ListCapability;
    /// use tokenfleet_core::{Plan, Query};
    ///
    /// let plan = Plan::for_query(&Query::new(), &ListCapability::unpaged())?;
    /// assert!(plan.is_complete());
    /// assert!(plan.to_string().starts_with("fetch all tokens with one request"));
    /// # Ok::<(), tokenfleet_core::Error>(())
    /// ```
    #[must_use]
    pub fn unpaged() -> Self {
        Self {
            unpaged: true,
            ..Self::new(Paging::Snapshot)
        }
    }

    /// Sets the maximum page size, which the platform is known to serve.
    ///
    /// If its largest page is not documented, set
    /// [`with_max_requested_page_size`](Self::with_max_requested_page_size) instead.
    #[must_use]
    pub fn with_max_page_size(mut self, size: u32) -> Self {
        self.max_page_size = Some(size);
        self.serves_max_page_size = true;
        self
    }

    /// Sets the largest page size that is requested, without a claim that the platform serves it.
    ///
    /// A listing continues correctly if the platform answers with fewer tokens. If it refuses the
    /// default page size, its own is used (decision 0040).
    ///
    /// ```
    /// use tokenfleet_core::capability::{ListCapability, Paging};
    ///
    /// let list = ListCapability::new(Paging::Numbered).with_max_requested_page_size(1000);
    /// assert_eq!(list.max_page_size, Some(1000));
    /// assert!(!list.serves_max_page_size);
    /// ```
    #[must_use]
    pub fn with_max_requested_page_size(mut self, size: u32) -> Self {
        self.max_page_size = Some(size);
        self.serves_max_page_size = false;
        self
    }

    /// Sets the page size that is requested if the query does not set one.
    #[must_use]
    pub fn with_default_page_size(mut self, size: u32) -> Self {
        self.default_page_size = Some(size);
        self
    }

    /// Declares that every page reports the total.
    #[must_use]
    pub fn with_totals(mut self) -> Self {
        self.totals = true;
        self
    }

    /// Declares that tokens never vanish from the listing.
    #[must_use]
    pub fn without_vanishing_tokens(mut self) -> Self {
        self.tokens_vanish = false;
        self
    }

    /// Declares that the platform has tokens of this account that it never lists, and which.
    ///
    /// A listing then claims at most to be [complete as
    /// shown](crate::Completeness::CompleteAsShown) (decision 0022). The tokens that
    /// [`create`](crate::TokenProvider::create) makes are always listed.
    #[must_use]
    pub fn with_unlisted_tokens(mut self, tokens: impl Into<String>) -> Self {
        self.unlisted_tokens = Some(tokens.into());
        self
    }

    /// Adds an order.
    #[must_use]
    pub fn with_order(mut self, order: OrderCapability) -> Self {
        self.orders.push(order);
        self
    }

    /// Sets the supported filters.
    #[must_use]
    pub fn with_filters(mut self, filters: FilterCapability) -> Self {
        self.filters = filters;
        self
    }

    /// Returns the declaration of the order by this key, if the platform supports it.
    #[must_use]
    pub fn order(&self, key: SortKey) -> Option<&OrderCapability> {
        self.orders.iter().find(|order| order.key == key)
    }

    /// Returns `true` if the platform serves this order in this direction.
    pub(crate) fn serves(&self, sort: SortBy) -> bool {
        (self.order(sort.key)).is_some_and(|order| order.serves(sort.direction))
    }
}

/// The way that pages are addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Paging {
    /// Each page is requested by its number; tokens may change between requests.
    Numbered,
    /// Each page names the next one, and all pages show the tokens as they were when the first page
    /// was requested. A token that is created or deleted meanwhile changes none of them.
    ///
    /// A listing without paging is one such page: [`ListCapability::unpaged`].
    Snapshot,
    /// Each page names the next one by its place in a fixed order (keyset pagination, a cursor that
    /// loses nothing): `WHERE id > last ORDER BY id`, `starting_after`, `since_id`.
    ///
    /// This declares, of the listing's own order and of every order with
    /// [stable keys](OrderCapability::with_stable_keys), and with every filter:
    ///
    /// * No token ever changes its place before or after another one. Ids keep it, and so do
    ///   creation times if the platform breaks ties; the time of the last use does not.
    /// * A page holds the tokens that come after the position which the page before it named, so
    ///   deletions move nothing, even if the token at the position is deleted itself. Where new
    ///   tokens come does not matter.
    /// * A position stands for the same place whenever it is requested. If the platform forgets
    ///   positions, the adapter returns [`Error::cursor_expired`](crate::Error::cursor_expired).
    ///
    /// The adapter puts the position into
    /// [`PagePosition::Token`](crate::adapter::PagePosition::Token): the platform's own cursor, or
    /// one that it makes from the last token of the page. A listing is then complete without totals
    /// and can be resumed. A platform that counts tokens instead (`offset=40`), if only behind an
    /// opaque cursor, is [`Sequential`](Self::Sequential): a deletion moves every later token.
    ///
    /// ```
    /// use tokenfleet_core::capability::{ListCapability, OrderCapability, Paging};
    /// use tokenfleet_core::{Direction, Plan, Query, SortKey};
    ///
    /// // In the platform's own order, whatever it is.
    /// let list = ListCapability::new(Paging::Keyset);
    /// assert!(Plan::for_query(&Query::new(), &list)?.is_complete());
    ///
    /// // Sorted by id, newest first only. Any other order is sorted in memory. Creation times
    /// // would not do: two tokens of one second share one, so they are no stable keys.
    /// let newest_first = OrderCapability::new(SortKey::Id)
    ///     .with_exact_order()
    ///     .with_stable_keys()
    ///     .with_direction(Direction::Descending);
    /// let list = list.with_order(newest_first);
    /// let sorted = |direction| {
    ///     let query = Query::new().sort_by(SortKey::Id, direction);
    ///     Plan::for_query(&query, &list).map(|plan| plan.sorts_in_memory())
    /// };
    /// assert!(!sorted(Direction::Descending)?);
    /// assert!(sorted(Direction::Ascending)?);
    /// # Ok::<(), tokenfleet_core::Error>(())
    /// ```
    Keyset,
    /// Each page names the next one; tokens may change between requests.
    Sequential,
}

/// An order that a platform supports, ascending and descending unless limited to one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrderCapability {
    /// The sort key.
    pub key: SortKey,
    /// `true` if it is exactly the order that [`SortKey`] defines, so that nothing has to be sorted
    /// again.
    pub exact: bool,
    /// `true` if no two tokens share a key and the key of a token never changes.
    pub stable: bool,
    /// `true` if new tokens come last in ascending order.
    pub appends: bool,
    /// The only direction that the platform supports; `None` if it supports both.
    pub direction: Option<Direction>,
}

impl OrderCapability {
    /// Creates a declaration of an order without guarantees: collation, ties and the place of
    /// absent values may differ.
    #[must_use]
    pub fn new(key: SortKey) -> Self {
        Self {
            key,
            exact: false,
            stable: false,
            appends: false,
            direction: None,
        }
    }

    /// Declares that the order is exactly the one that [`SortKey`] defines.
    #[must_use]
    pub fn with_exact_order(mut self) -> Self {
        self.exact = true;
        self
    }

    /// Declares that keys are unique and never change.
    ///
    /// Ids are. Creation times alone are not unique: two tokens may be created within one second. A
    /// listing that meets such a pair is partial
    /// ([`UnexpectedOrder`](crate::PartialReason::UnexpectedOrder)) where it relies on the order.
    #[must_use]
    pub fn with_stable_keys(mut self) -> Self {
        self.stable = true;
        self
    }

    /// Declares that new tokens come last in ascending order.
    #[must_use]
    pub fn with_append_only(mut self) -> Self {
        self.appends = true;
        self
    }

    /// Declares that the platform supports this direction only.
    ///
    /// What the other declarations say about ascending order holds all the same: an order that
    /// appends, and is served in descending direction only, begins with the newest tokens.
    #[must_use]
    pub fn with_direction(mut self, direction: Direction) -> Self {
        self.direction = Some(direction);
        self
    }

    /// Returns `true` if the platform supports this direction.
    #[must_use]
    pub fn serves(&self, direction: Direction) -> bool {
        self.direction.is_none_or(|only| only == direction)
    }
}

/// The filters that a platform supports.
///
/// The platform may return more tokens than match, but never fewer: every filter is applied again
/// here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FilterCapability {
    /// `true` if the platform can match the whole name.
    pub name_exact: bool,
    /// `true` if the platform can match a prefix of the name and a pattern with `*`.
    pub name_pattern: bool,
    /// The states that the platform can filter by.
    pub states: Vec<TokenState>,
    /// `true` if the platform can combine several conditions by *and* and *or*.
    pub combinations: bool,
    /// `true` if a token can never start or stop matching, for example because names cannot be
    /// changed.
    pub immutable_matches: bool,
}

impl FilterCapability {
    /// Creates a declaration of filters by whole names and by patterns.
    #[must_use]
    pub fn for_names() -> Self {
        Self {
            name_exact: true,
            name_pattern: true,
            ..Self::default()
        }
    }

    /// Adds filters by these states.
    #[must_use]
    pub fn with_states(mut self, states: impl IntoIterator<Item = TokenState>) -> Self {
        self.states.extend(states);
        self
    }

    /// Adds combinations of several conditions.
    #[must_use]
    pub fn with_combinations(mut self) -> Self {
        self.combinations = true;
        self
    }

    /// Declares that the filtered fields never change.
    #[must_use]
    pub fn with_immutable_matches(mut self) -> Self {
        self.immutable_matches = true;
        self
    }

    /// Returns `true` if the platform can apply this filter.
    #[must_use]
    pub fn covers(&self, filter: &Filter) -> bool {
        match filter {
            Filter::Name(NamePattern::Exact(_)) => self.name_exact,
            Filter::Name(NamePattern::Prefix(_) | NamePattern::Glob(_)) => self.name_pattern,
            Filter::State(state) => self.states.contains(state),
            Filter::All(filters) | Filter::Any(filters) => {
                !filters.is_empty()
                    && (self.combinations || filters.len() == 1)
                    && filters.iter().all(|filter| self.covers(filter))
            }
            _ => false,
        }
    }
}
