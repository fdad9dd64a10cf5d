//! Answers as Losant spells them, members in Losant's order.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Response;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{options::NoExpiry, record::Record, record::written};
use crate::answer;

/// Whom a collection belongs to.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) id: String,
    pub(super) kind: &'static str,
    /// The collection's path without a slash at its end.
    pub(super) path: String,
}

/// Which of the envelope's extra members the caller wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extras {
    pub(super) links: bool,
    pub(super) actions: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiToken<'a> {
    pub(super) id: &'a str,
    api_token_id: &'a str,
    creator_id: &'a str,
    creator_type: &'static str,
    creator_name: &'a str,
    owner_id: &'a str,
    owner_type: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    creation_date: String,
    last_updated: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_date: Option<Option<String>>,
    scope: &'a [String],
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_role: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_roles: Option<&'a Value>,
    /// Only in the answer that creates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<&'a str>,
    #[serde(rename = "_type")]
    resource: &'static str,
    #[serde(rename = "_links", skip_serializing_if = "Option::is_none")]
    links: Option<Links>,
    #[serde(rename = "_actions", skip_serializing_if = "Option::is_none")]
    actions: Option<Vec<Action>>,
    #[serde(rename = "_etag")]
    etag: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Links {
    #[serde(rename = "self")]
    own: Link,
    #[serde(rename = "apiTokens", skip_serializing_if = "Option::is_none")]
    parent: Option<Link>,
}

#[derive(Debug, Serialize)]
struct Link {
    href: String,
}

/// How an action is spelt is not known; this is a guess, given only to those who ask.
#[derive(Debug, Serialize)]
pub(super) struct Action {
    name: &'static str,
    method: &'static str,
    href: String,
}

/// Everything about a token that is not in its record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    pub(super) id: &'a str,
    pub(super) scope: &'a [String],
    pub(super) owner: &'a Owner,
    pub(super) user_id: &'a str,
    pub(super) user_name: &'a str,
    pub(super) no_expiry: NoExpiry,
    pub(super) extras: Extras,
}

impl<'a> ApiToken<'a> {
    pub(super) fn new(record: &'a Record, around: Around<'a>) -> Self {
        let expiration_date = match (record.expires, around.no_expiry) {
            (Some(expires), _) => Some(Some(written(expires))),
            (None, NoExpiry::Null) => Some(None),
            (None, NoExpiry::Absent) => None,
        };
        let creator = record.creator.as_deref();
        let path = &around.owner.path;
        let href = || format!("{path}/{}", around.id);
        let seen = format!("{} {} {}", around.id, record.updated, record.status());
        Self {
            id: around.id,
            api_token_id: around.id,
            creator_id: creator.map_or(around.user_id, |creator| &creator.id),
            creator_type: creator.map_or("user", |_| "apiToken"),
            creator_name: creator.map_or(around.user_name, |creator| &creator.name),
            owner_id: &around.owner.id,
            owner_type: around.owner.kind,
            name: &record.name,
            description: record.description.as_deref(),
            creation_date: written(record.created),
            last_updated: written(record.updated),
            expiration_date,
            scope: around.scope,
            status: record.status(),
            default_role: record
                .roles
                .as_ref()
                .and_then(|roles| roles.default_role.as_ref()),
            org_roles: record
                .roles
                .as_ref()
                .and_then(|roles| roles.org_roles.as_ref()),
            token: None,
            resource: "apiToken",
            links: around.extras.links.then(|| Links {
                own: Link { href: href() },
                parent: Some(Link { href: path.clone() }),
            }),
            actions: around.extras.actions.then(|| {
                [("get", "GET"), ("patch", "PATCH"), ("delete", "DELETE")]
                    .map(|(name, method)| Action {
                        name,
                        method,
                        href: href(),
                    })
                    .into()
            }),
            etag: etag(&seen),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiTokens<'a> {
    pub(super) items: Vec<ApiToken<'a>>,
    pub(super) count: usize,
    pub(super) total_count: usize,
    pub(super) per_page: u64,
    pub(super) page: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) filter: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) filter_field: Option<&'a str>,
    pub(super) sort_field: &'a str,
    pub(super) sort_direction: &'a str,
    pub(super) owner_id: &'a str,
    pub(super) owner_type: &'static str,
    #[serde(rename = "_type")]
    pub(super) resource: &'static str,
    #[serde(rename = "_links", skip_serializing_if = "Option::is_none")]
    pub(super) links: Option<Links>,
    #[serde(rename = "_actions", skip_serializing_if = "Option::is_none")]
    pub(super) actions: Option<Vec<Action>>,
    #[serde(rename = "_etag")]
    pub(super) etag: String,
}

/// Links of a collection.
pub(super) fn collection_links(owner: &Owner) -> Links {
    Links {
        own: Link {
            href: owner.path.clone(),
        },
        parent: None,
    }
}

/// Actions of a collection.
pub(super) fn collection_actions(owner: &Owner) -> Vec<Action> {
    [("get", "GET"), ("post", "POST")]
        .map(|(name, method)| Action {
            name,
            method,
            href: owner.path.clone(),
        })
        .into()
}

/// Quoted, a length and a hash, as in recorded answers: `"36b-XyLg…"`.
pub(super) fn etag(seen: &str) -> String {
    let hash = STANDARD.encode(Sha256::digest(seen.as_bytes()));
    format!("\"{:x}-{}\"", seen.len(), &hash[..27])
}

/// The headers that recorded answers of Losant carry.
pub(super) fn add_headers(response: &mut Response<Bytes>) {
    for (name, value) in [
        ("server", "Losant API"),
        ("pragma", "no-cache"),
        ("cache-control", "no-cache, no-store, must-revalidate"),
        ("x-content-type-options", "nosniff"),
        ("x-xss-protection", "1; mode=block"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'",
        ),
        ("access-control-allow-origin", "*"),
        ("strict-transport-security", "max-age=31536000"),
    ] {
        answer::set(response, name, value);
    }
}
