//! Scopes: the closed list of them, and which of them an operation asks for.

use std::{collections::BTreeSet, sync::LazyLock};

use super::options::{Api, Collection};

static SCOPES_1_20: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| read(include_str!("scopes-1.20.json")));
static SCOPES_1_30: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| read(include_str!("scopes-1.30.json")));

fn read(list: &str) -> BTreeSet<String> {
    serde_json::from_str(list).unwrap_or_default()
}

/// Whether the API knows this scope. There is no globbing: `user*` is unknown.
pub(super) fn exists(api: Api, scope: &str) -> bool {
    match api {
        Api::V1_20 => SCOPES_1_20.contains(scope),
        Api::V1_31 => SCOPES_1_30.contains(scope),
    }
}

/// An operation on tokens, as far as scopes are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    List,
    Create,
    Read,
    Update,
    Delete,
}

/// Whether one of these scopes allows the operation.
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
        if let Some(own) = scope.strip_prefix(resource) {
            return own == ".*" || own.strip_prefix('.') == Some(action);
        }
        in_group(scope, collection, reads)
    })
}

/// The groups that cover a collection. `all.User.bounded` and `only.User.bounded` read tokens but
/// do not write them; for the other two collections the groups are an inference from their names.
fn in_group(scope: &str, collection: Collection, reads: bool) -> bool {
    let groups: &[&str] = match collection {
        Collection::User => &["all.User", "only.User"],
        Collection::Application => &["all.User", "all.Organization", "all.Application"],
        Collection::Instance => &["all.User", "all.Organization", "all.Instance"],
    };
    groups
        .iter()
        .filter_map(|group| scope.strip_prefix(group))
        .any(|rest| rest.is_empty() || (reads && matches!(rest, ".read" | ".bounded")))
}

/// What a token may do when its creator did not say.
pub(super) fn default_scope(collection: Collection) -> &'static str {
    match collection {
        Collection::User => "all.User",
        Collection::Application => "all.Application",
        Collection::Instance => "all.Instance",
    }
}
