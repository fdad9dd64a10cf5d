//! Ordering and searching by Foreman.

use tokenfleet_core::capability::{FilterCapability, ListCapability, OrderCapability, Paging};
use tokenfleet_core::query::{NamePattern, SortBy};
use tokenfleet_core::{Direction, Filter, SortKey};
use tokenfleet_http::ApiRequest;

use crate::Release;

/// Returns the list capability: numbered pages from 1 with a total. Revoked and expired tokens stay
/// in the listing.
///
/// Names are unique and never change, but are sorted by the database's collation. Ids can be
/// ordered by since 3.2.
pub(crate) fn list(release: Release) -> ListCapability {
    let list = ListCapability::new(Paging::Numbered)
        .with_default_page_size(1000)
        .with_totals()
        .without_vanishing_tokens()
        .with_order(OrderCapability::new(SortKey::Name).with_stable_keys())
        .with_filters(
            FilterCapability::for_names()
                .with_combinations()
                .with_immutable_matches(),
        );
    if release.orders_by_id() {
        let id = OrderCapability::new(SortKey::Id);
        list.with_order(id.with_exact_order().with_stable_keys().with_append_only())
    } else {
        list
    }
}

/// Adds `order`, always: without it Foreman's pages follow the positions of the rows on disk, which
/// change.
pub(crate) fn sort(request: ApiRequest, sort: Option<SortBy>, release: Release) -> ApiRequest {
    let field = match sort.map(|sort| sort.key) {
        Some(SortKey::Id) => "id",
        None if release.orders_by_id() => "id",
        _ => "name",
    };
    let direction = match sort.map(|sort| sort.direction).unwrap_or_default() {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    };
    request.query("order", format!("{field} {direction}"))
}

/// Adds `search`.
pub(crate) fn filter(request: ApiRequest, filter: Option<&Filter>) -> ApiRequest {
    request.query_if("search", filter.and_then(search))
}

/// Returns a search that finds at least what the filter matches, or `None` to find everything.
fn search(filter: &Filter) -> Option<String> {
    match filter {
        Filter::Name(NamePattern::Exact(name)) => {
            is_searchable(name).then(|| format!("name = {}", quoted(name)))
        }
        Filter::Name(NamePattern::Prefix(prefix)) => like(&format!("{prefix}*")),
        Filter::Name(NamePattern::Glob(glob)) => like(glob),
        Filter::All(filters) => joined(filters.iter().filter_map(search), "and"),
        Filter::Any(filters) => {
            let searches: Option<Vec<_>> = filters.iter().map(search).collect();
            joined(searches?.into_iter(), "or")
        }
        _ => None,
    }
}

/// Joins searches, each in parentheses, since Foreman's *and* and *or* have no precedence.
fn joined(searches: impl Iterator<Item = String>, word: &str) -> Option<String> {
    let searches: Vec<_> = searches.map(|search| format!("({search})")).collect();
    (!searches.is_empty()).then(|| searches.join(&format!(" {word} ")))
}

/// Returns a search for a pattern. `~` ignores case, and knows `%` and `*` for any characters, `_`
/// for one, and `\` as an escape, which is therefore searched for as any one character. So it may
/// find more than the pattern matches, but never less.
fn like(glob: &str) -> Option<String> {
    is_searchable(glob).then(|| format!("name ~ {}", quoted(&glob.replace('\\', "_"))))
}

/// Returns `true` if the value can be searched for: an empty one would end the expression, and
/// PostgreSQL has no null character.
fn is_searchable(value: &str) -> bool {
    !value.trim().is_empty() && !value.contains('\0')
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_can_be_quoted() {
        let search = |name: &str| search(&Filter::name(name)).unwrap();
        assert_eq!(search("ci"), r#"name = "ci""#);
        assert_eq!(
            search(r#"a "b" \ and (c), or not %_*"#),
            r#"name = "a \"b\" \\ and (c), or not %_*""#
        );
    }

    #[test]
    fn a_condition_that_cannot_be_expressed_searches_for_everything() {
        assert_eq!(search(&Filter::name("")), None);
        assert_eq!(
            search(&Filter::Any(vec![Filter::name("a"), Filter::name("\0")])),
            None
        );
        assert_eq!(
            search(&Filter::All(vec![Filter::name("a"), Filter::name("\0")])).unwrap(),
            r#"(name = "a")"#
        );
    }

    #[test]
    fn conditions_are_joined_in_parentheses() {
        let (a, b) = (Filter::name("a"), Filter::name_prefix("b"));
        assert_eq!(
            search(&Filter::Any(vec![a.clone(), b.clone()])).unwrap(),
            r#"(name = "a") or (name ~ "b*")"#
        );
        assert_eq!(
            search(&Filter::All(vec![b, Filter::Any(vec![a])])).unwrap(),
            r#"(name ~ "b*") and ((name = "a"))"#
        );
    }

    #[test]
    fn a_backslash_in_a_pattern_matches_any_character() {
        assert_eq!(
            search(&Filter::name_glob(r"back\*")).unwrap(),
            r#"name ~ "back_*""#
        );
    }
}
