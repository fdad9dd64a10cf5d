//! What Losant sorts and filters itself.

use tokenfleet_core::capability::{FilterCapability, ListCapability, OrderCapability, Paging};
use tokenfleet_core::query::NamePattern;
use tokenfleet_core::{Direction, Filter, SortKey, TokenState};
use tokenfleet_http::ApiRequest;

use crate::convert::{ACTIVE, INACTIVE};

/// Pages count from 0 and repeat the total; ids are Mongo's and grow; deleted tokens vanish.
///
/// Of the other orders collation, ties and the place of absent dates are not documented. Losant documents a default of
/// 100 tokens a page; first-party programs ask other collections for 1,000.
pub(crate) fn list() -> ListCapability {
    let id = OrderCapability::new(SortKey::Id)
        .with_exact_order()
        .with_stable_keys()
        .with_append_only();
    ListCapability::new(Paging::Numbered)
        .with_default_page_size(100)
        .with_max_page_size(1000)
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
pub(crate) fn sort(call: ApiRequest, sort: Option<tokenfleet_core::query::SortBy>) -> ApiRequest {
    let Some(sort) = sort else { return call };
    let field = match sort.key {
        SortKey::Id => "id",
        SortKey::Name => "name",
        SortKey::State => "status",
        SortKey::Created => "creationDate",
        SortKey::Updated => "lastUpdated",
        SortKey::Expiry => "expirationDate",
        // Refused by the capabilities before it gets here.
        _ => return call,
    };
    let direction = match sort.direction {
        Direction::Ascending => "asc",
        Direction::Descending => "desc",
    };
    call.query("sortField", field)
        .query("sortDirection", direction)
}

/// Adds `filterField` and `filter`.
pub(crate) fn filter(call: ApiRequest, filter: Option<&Filter>) -> ApiRequest {
    match filter.and_then(field_and_glob) {
        Some((field, glob)) => call.query("filterField", field).query("filter", glob),
        None => call,
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

/// A pattern that finds at least what the given one does.
///
/// Only `*` is documented, for any characters. Letters, digits, spaces within, `-`, `_` and `.` stand for themselves in every
/// dialect of globs or find more; whatever else may be special in one becomes a `*`, and so does white space at the ends.
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
    fn a_sent_pattern_finds_at_least_what_was_asked_for() {
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
    fn plain_names_are_sent_as_they_are() {
        assert_eq!(glob("my*token v1.2-é"), "my*token v1.2-é");
    }
}
