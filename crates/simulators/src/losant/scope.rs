//! Scopes: the closed list of them, and the scopes that an operation requires.

use std::{collections::BTreeSet, sync::LazyLock};

use super::options::{Api, Collection};

static SCOPES_1_20: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| parse(include_str!("scopes-1.20.json")));
static SCOPES_1_30: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| parse(include_str!("scopes-1.30.json")));

fn parse(list: &str) -> BTreeSet<String> {
    serde_json::from_str(list).unwrap_or_default()
}

/// Returns `true` if the API knows this scope. Wildcards such as `user*` are unknown.
pub(super) fn exists(api: Api, scope: &str) -> bool {
    match api {
        Api::V1_20 => SCOPES_1_20.contains(scope),
        Api::V1_31 => SCOPES_1_30.contains(scope),
    }
}

/// An operation on tokens that needs a scope of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    List,
    Create,
    Read,
    Update,
    Delete,
}

/// Returns `true` if one of the scopes allows the operation.
pub(super) fn allows(held: &[String], collection: Collection, operation: Operation) -> bool {
    use Operation::{Create, Delete, List, Read, Update};
    let resource = match (collection, operation) {
        (Collection::User, List | Create) => "userApiTokens",
        (Collection::User, _) => "userApiToken",
        (Collection::Application, List | Create) => "applicationApiTokens",
        (Collection::Application, _) => "applicationApiToken",
        (Collection::Instance, List | Create) => "instanceApiTokens",
        (Collection::Instance, _) => "instanceApiToken",
    };
    let action = match operation {
        List | Read => "get",
        Create => "post",
        Update => "patch",
        Delete => "delete",
    };
    let reads = matches!(operation, List | Read);
    held.iter().any(|scope| {
        if let Some(suffix) = scope.strip_prefix(resource) {
            return suffix == ".*" || suffix.strip_prefix('.') == Some(action);
        }
        in_group(scope, collection, reads)
    })
}

/// Returns `true` if the scope is a group that covers the collection.
///
/// `all.User.bounded` and `only.User.bounded` allow reading but not writing; for the other two
/// collections the groups are inferred from their names.
fn in_group(scope: &str, collection: Collection, reads: bool) -> bool {
    let groups: &[&str] = match collection {
        Collection::User => &["all.User", "only.User"],
        Collection::Application => &["all.User", "all.Organization", "all.Application"],
        Collection::Instance => &["all.User", "all.Organization", "all.Instance"],
    };
    groups
        .iter()
        .filter_map(|group| scope.strip_prefix(group))
        .any(|suffix| suffix.is_empty() || (reads && matches!(suffix, ".read" | ".bounded")))
}

/// Returns the scope of a token that is created without scopes.
pub(super) fn default_scope(collection: Collection) -> &'static str {
    match collection {
        Collection::User => "all.User",
        Collection::Application => "all.Application",
        Collection::Instance => "all.Instance",
    }
}
