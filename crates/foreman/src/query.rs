//! What Foreman orders and searches itself.

use tokenfleet_core::capability::{FilterCapability, ListCapability, OrderCapability, Paging};
use tokenfleet_core::query::{NamePattern, SortBy};
use tokenfleet_core::{Direction, Filter, SortKey};
use tokenfleet_http::ApiRequest;

use crate::Release;

/// Pages count from 1 and repeat the total; revoked and expired tokens stay, so nothing ever vanishes.
///
/// Names are unique and never change, but follow the database's collation. Ids can be ordered by since 3.2.
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

/// Adds `order`, always: without one Foreman's pages follow the places of the rows on disk, which move.
pub(crate) fn sort(call: ApiRequest, sort: Option<SortBy>, release: Release) -> ApiRequest {
    let field = match sort.map(|sort| sort.key) {
        Some(SortKey::Id) => "id",
        None if release.orders_by_id() => "id",
        _ => "name",
    };
    let direction = match sort.map(|sort| sort.direction).unwrap_or_default() {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    };
    call.query("order", format!("{field} {direction}"))
}

/// Adds `search`.
pub(crate) fn filter(call: ApiRequest, filter: Option<&Filter>) -> ApiRequest {
    call.query_if("search", filter.and_then(search))
}

/// A search that finds at least what the filter matches; `None`: everything.
fn search(filter: &Filter) -> Option<String> {
    match filter {
        Filter::Name(NamePattern::Exact(name)) => {
            sayable(name).then(|| format!("name = {}", quoted(name)))
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

/// Each in parentheses: Foreman's *and* and *or* have no precedence.
fn joined(searches: impl Iterator<Item = String>, word: &str) -> Option<String> {
    let searches: Vec<_> = searches.map(|search| format!("({search})")).collect();
    (!searches.is_empty()).then(|| searches.join(&format!(" {word} ")))
}

/// `~` ignores case and knows `%` and `*` for any characters, `_` for one, and `\` as an escape, which is therefore
/// asked for as any one character. So it finds more than the pattern matches, never less.
fn like(glob: &str) -> Option<String> {
    sayable(glob).then(|| format!("name ~ {}", quoted(&glob.replace('\\', "_"))))
}

/// An empty value would end the expression, and PostgreSQL has no null character.
fn sayable(value: &str) -> bool {
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
    fn a_condition_that_cannot_be_said_asks_for_everything() {
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
    fn a_backslash_in_a_pattern_is_any_character() {
        assert_eq!(
            search(&Filter::name_glob(r"back\*")).unwrap(),
            r#"name ~ "back_*""#
        );
    }
}
