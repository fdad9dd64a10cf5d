//! Sorting and filtering by Losant.

use tokenfleet_core::capability::{FilterCapability, ListCapability, OrderCapability, Paging};
use tokenfleet_core::query::{NamePattern, SortBy};
use tokenfleet_core::{Direction, Filter, SortKey, TokenState};
use tokenfleet_http::ApiRequest;

use crate::convert::{ACTIVE, INACTIVE};

/// The page size that a listing asks for, and the largest one that is ever asked for.
pub(crate) const PAGE_SIZE: u32 = 1000;

/// Returns the list capability: numbered pages from 0 with a total, and ids that grow (they are
/// Mongo's). Deleted tokens vanish from the listing.
///
/// Collation, ties and the position of absent dates are not documented for the other orders. Losant
/// documents a default of 100 tokens per page, and no maximum; its own programs request 1,000 of
/// other collections, and so does a listing, until the platform turns out to serve fewer.
pub(crate) fn list() -> ListCapability {
    let id = OrderCapability::new(SortKey::Id)
        .with_exact_order()
        .with_stable_keys()
        .with_append_only();
    ListCapability::new(Paging::Numbered)
        .with_default_page_size(PAGE_SIZE)
        .with_max_requested_page_size(PAGE_SIZE)
        .with_totals()
        .with_order(id)
        .with_order(OrderCapability::new(SortKey::Name))
        .with_order(OrderCapability::new(SortKey::State))
        .with_order(OrderCapability::new(SortKey::Created))
        .with_order(OrderCapability::new(SortKey::Updated))
        .with_order(OrderCapability::new(SortKey::Expiry))
        .with_filters(
            FilterCapability::for_names().with_states([TokenState::Active, TokenState::Suspended]),
        )
}

/// Adds `sortField` and `sortDirection`.
pub(crate) fn sort(request: ApiRequest, sort: Option<SortBy>) -> ApiRequest {
    let Some(sort) = sort else { return request };
    let field = match sort.key {
        SortKey::Id => "id",
        SortKey::Name => "name",
        SortKey::State => "status",
        SortKey::Created => "creationDate",
        SortKey::Updated => "lastUpdated",
        SortKey::Expiry => "expirationDate",
        // Rejected by the check of the capabilities before it gets here.
        _ => return request,
    };
    let direction = match sort.direction {
        Direction::Ascending => "asc",
        Direction::Descending => "desc",
    };
    request
        .query("sortField", field)
        .query("sortDirection", direction)
}

/// Adds `filterField` and `filter`.
pub(crate) fn filter(request: ApiRequest, filter: Option<&Filter>) -> ApiRequest {
    match filter.and_then(field_and_glob) {
        Some((field, glob)) => request.query("filterField", field).query("filter", glob),
        None => request,
    }
}

fn field_and_glob(filter: &Filter) -> Option<(&'static str, String)> {
    match filter {
        Filter::Name(NamePattern::Exact(name)) => Some(("name", glob(name))),
        Filter::Name(NamePattern::Prefix(prefix)) => Some(("name", glob(&format!("{prefix}*")))),
        Filter::Name(NamePattern::Glob(pattern)) => Some(("name", glob(pattern))),
        Filter::State(TokenState::Active) => Some(("status", ACTIVE.to_owned())),
        Filter::State(TokenState::Suspended) => Some(("status", INACTIVE.to_owned())),
        Filter::All(filters) | Filter::Any(filters) if filters.len() == 1 => {
            field_and_glob(filters.first()?)
        }
        _ => None,
    }
}

/// Returns a pattern that matches at least what the given one does.
///
/// Only `*` is documented, for any characters. Letters, digits, inner spaces, `-`, `_` and `.`
/// match themselves or more in every glob syntax. Anything else may be special in some syntax and
/// becomes a `*`, and so does leading or trailing white space.
fn glob(pattern: &str) -> String {
    let trimmed = pattern.trim();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '*');
    let inner = trimmed.chars().map(|c| if plain(c) { c } else { '*' });
    let ends = if trimmed.len() < pattern.len() {
        "*"
    } else {
        ""
    };
    let glob = format!("{ends}{}{ends}", inner.collect::<String>());
    if glob.is_empty() {
        "*".to_owned()
    } else {
        glob
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sent_pattern_matches_at_least_what_was_requested() {
        for name in [
            "cost$1",
            "#1",
            "ci/prod",
            "ci",
            "a[b]",
            "x?",
            " padded ",
            "",
            "{a,b}",
            "back\\slash",
            "a\nb",
        ] {
            let sent = NamePattern::Glob(glob(name));
            assert!(sent.matches(name), "{name:?}");
        }
    }

    #[test]
    fn a_filter_is_sent_if_it_is_about_one_field() {
        let (ci, cd) = (Filter::name("ci"), Filter::name("cd"));
        let active = Filter::State(TokenState::Active);
        for (filter, sent) in [
            (ci.clone(), Some(("name", "ci"))),
            (Filter::name_prefix("ci"), Some(("name", "ci*"))),
            (Filter::name_glob("c*i"), Some(("name", "c*i"))),
            (active.clone(), Some(("status", ACTIVE))),
            (
                Filter::State(TokenState::Suspended),
                Some(("status", INACTIVE)),
            ),
            (Filter::State(TokenState::Expired), None),
            (Filter::All(vec![ci.clone()]), Some(("name", "ci"))),
            (Filter::Any(vec![active.clone()]), Some(("status", ACTIVE))),
            (Filter::All(vec![ci.clone(), active]), None),
            (Filter::Any(vec![ci, cd]), None),
            (Filter::All(Vec::new()), None),
        ] {
            let parameters = field_and_glob(&filter);
            let parameters = parameters
                .as_ref()
                .map(|(field, glob)| (*field, glob.as_str()));
            assert_eq!(parameters, sent, "{filter:?}");
        }
    }

    #[test]
    fn plain_names_are_sent_as_they_are() {
        assert_eq!(glob("my*token v1.2-é"), "my*token v1.2-é");
    }
}
