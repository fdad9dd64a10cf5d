//! What a provider declares of its listing: the facts that walks and push-down rest on.

use crate::model::TokenState;
use crate::query::{Filter, NamePattern, SortKey};

/// How a platform lists.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListCapability {
    /// How one gets from page to page.
    pub paging: Paging,
    /// The largest page that may be asked for; `None`: no bound is known.
    pub max_page_size: Option<u32>,
    /// The page size that a walk asks for when the caller does not say.
    pub default_page_size: Option<u32>,
    /// Whether every page says how many tokens match in all.
    pub totals: bool,
    /// Whether tokens can vanish from the listing. Where revoking only marks a record they cannot.
    pub tokens_vanish: bool,
    /// What the platform can order by.
    pub orders: Vec<OrderCapability>,
    /// What the platform can filter by.
    pub filters: FilterCapability,
}

impl ListCapability {
    /// A listing in its platform's own order, without totals, from which tokens may vanish.
    #[must_use]
    pub fn new(paging: Paging) -> Self {
        Self {
            paging,
            max_page_size: None,
            default_page_size: None,
            totals: false,
            tokens_vanish: true,
            orders: Vec::new(),
            filters: FilterCapability::default(),
        }
    }

    /// With pages of at most that many tokens.
    #[must_use]
    pub fn with_max_page_size(mut self, size: u32) -> Self {
        self.max_page_size = Some(size);
        self
    }

    /// With that page size unless the caller says another.
    #[must_use]
    pub fn with_default_page_size(mut self, size: u32) -> Self {
        self.default_page_size = Some(size);
        self
    }

    /// With a total on every page.
    #[must_use]
    pub fn with_totals(mut self) -> Self {
        self.totals = true;
        self
    }

    /// From which nothing ever vanishes.
    #[must_use]
    pub fn without_vanishing_tokens(mut self) -> Self {
        self.tokens_vanish = false;
        self
    }

    /// Orderable by one more key.
    #[must_use]
    pub fn with_order(mut self, order: OrderCapability) -> Self {
        self.orders.push(order);
        self
    }

    /// With these filters.
    #[must_use]
    pub fn with_filters(mut self, filters: FilterCapability) -> Self {
        self.filters = filters;
        self
    }

    /// What is declared of ordering by that key.
    #[must_use]
    pub fn order(&self, key: SortKey) -> Option<&OrderCapability> {
        self.orders.iter().find(|order| order.key == key)
    }
}

/// How one gets from page to page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Paging {
    /// Any page can be asked for by its number; the set may change meanwhile.
    Numbered,
    /// Each page names the next one, and all pages show the set as it was at the first.
    Snapshot,
    /// Each page names the next one; the set may change meanwhile.
    Sequential,
}

/// What is known of an order that a platform offers, both ascending and descending.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrderCapability {
    /// The key.
    pub key: SortKey,
    /// Whether it is exactly the order that [`SortKey`] defines, so that nothing must be sorted again.
    pub exact: bool,
    /// Whether no two tokens share a key and a token's key never changes.
    pub stable: bool,
    /// Whether new tokens come last in ascending order.
    pub appends: bool,
}

impl OrderCapability {
    /// An order by that key of which nothing is promised: other collation, other ties, other places for null.
    #[must_use]
    pub fn new(key: SortKey) -> Self {
        Self {
            key,
            exact: false,
            stable: false,
            appends: false,
        }
    }

    /// Exactly as the key defines it.
    #[must_use]
    pub fn with_exact_order(mut self) -> Self {
        self.exact = true;
        self
    }

    /// By a unique key that never changes.
    #[must_use]
    pub fn with_stable_keys(mut self) -> Self {
        self.stable = true;
        self
    }

    /// Where new tokens come last.
    #[must_use]
    pub fn with_append_only(mut self) -> Self {
        self.appends = true;
        self
    }
}

/// What a platform can filter by. It may return more than matches, never less: every filter is applied again here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FilterCapability {
    /// By the whole name.
    pub name_exact: bool,
    /// By a name's beginning or a pattern with `*`.
    pub name_pattern: bool,
    /// By these states.
    pub states: Vec<TokenState>,
    /// Several conditions at once, joined by *and* or *or*.
    pub combinations: bool,
    /// Whether a token that matches always matches and one that does not never will: names that cannot be changed.
    pub immutable_matches: bool,
}

impl FilterCapability {
    /// By whole names and by patterns.
    #[must_use]
    pub fn for_names() -> Self {
        Self {
            name_exact: true,
            name_pattern: true,
            ..Self::default()
        }
    }

    /// And by these states.
    #[must_use]
    pub fn with_states(mut self, states: impl IntoIterator<Item = TokenState>) -> Self {
        self.states.extend(states);
        self
    }

    /// And by several conditions at once.
    #[must_use]
    pub fn with_combinations(mut self) -> Self {
        self.combinations = true;
        self
    }

    /// On what never changes.
    #[must_use]
    pub fn with_immutable_matches(mut self) -> Self {
        self.immutable_matches = true;
        self
    }

    /// Whether the platform can apply this filter.
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
