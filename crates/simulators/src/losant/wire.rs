//! Response bodies in the format of Losant, with members in Losant's order.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Response;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{options::NoExpiry, record::Record, record::format_time};
use crate::response;

/// The owner of a collection.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) id: String,
    pub(super) kind: &'static str,
    /// The path of the collection without a trailing slash.
    pub(super) path: String,
}

/// The optional members of the envelope that the caller requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extras {
    pub(super) links: bool,
    pub(super) actions: bool,
}

/// A token as JSON.
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
    /// The secret, only in the response that creates the token.
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

/// The `_links` member.
#[derive(Debug, Serialize)]
pub(super) struct Links {
    #[serde(rename = "self")]
    this: Link,
    #[serde(rename = "apiTokens", skip_serializing_if = "Option::is_none")]
    parent: Option<Link>,
}

#[derive(Debug, Serialize)]
struct Link {
    href: String,
}

/// An item of `_actions`, whose format is a guess; only callers that request it get it.
#[derive(Debug, Serialize)]
pub(super) struct Action {
    name: &'static str,
    method: &'static str,
    href: String,
}

/// The data about a token that is not in its record.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenContext<'a> {
    pub(super) id: &'a str,
    pub(super) scope: &'a [String],
    pub(super) owner: &'a Owner,
    pub(super) user_id: &'a str,
    pub(super) user_name: &'a str,
    pub(super) no_expiry: NoExpiry,
    pub(super) extras: Extras,
}

impl<'a> ApiToken<'a> {
    /// Converts a record into JSON.
    pub(super) fn new(record: &'a Record, context: TokenContext<'a>) -> Self {
        let expiration_date = match (record.expires, context.no_expiry) {
            (Some(expires), _) => Some(Some(format_time(expires))),
            (None, NoExpiry::Null) => Some(None),
            (None, NoExpiry::Absent) => None,
        };
        let creator = record.creator.as_deref();
        let path = &context.owner.path;
        let href = || format!("{path}/{}", context.id);
        let content = format!("{} {} {}", context.id, record.updated, record.status());
        Self {
            id: context.id,
            api_token_id: context.id,
            creator_id: creator.map_or(context.user_id, |creator| &creator.id),
            creator_type: creator.map_or("user", |_| "apiToken"),
            creator_name: creator.map_or(context.user_name, |creator| &creator.name),
            owner_id: &context.owner.id,
            owner_type: context.owner.kind,
            name: &record.name,
            description: record.description.as_deref(),
            creation_date: format_time(record.created),
            last_updated: format_time(record.updated),
            expiration_date,
            scope: context.scope,
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
            links: context.extras.links.then(|| Links {
                this: Link { href: href() },
                parent: Some(Link { href: path.clone() }),
            }),
            actions: context.extras.actions.then(|| {
                [("get", "GET"), ("patch", "PATCH"), ("delete", "DELETE")]
                    .map(|(name, method)| Action {
                        name,
                        method,
                        href: href(),
                    })
                    .into()
            }),
            etag: etag(&content),
        }
    }
}

/// A page of tokens as JSON.
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

/// Returns the links of a collection.
pub(super) fn collection_links(owner: &Owner) -> Links {
    Links {
        this: Link {
            href: owner.path.clone(),
        },
        parent: None,
    }
}

/// Returns the actions of a collection.
pub(super) fn collection_actions(owner: &Owner) -> Vec<Action> {
    [("get", "GET"), ("post", "POST")]
        .map(|(name, method)| Action {
            name,
            method,
            href: owner.path.clone(),
        })
        .into()
}

/// Returns a quoted length and hash, as in recorded responses: `"36b-XyLg…"`.
pub(super) fn etag(content: &str) -> String {
    let hash = STANDARD.encode(Sha256::digest(content.as_bytes()));
    format!("\"{:x}-{}\"", content.len(), &hash[..27])
}

/// Adds the headers that recorded responses of Losant carry.
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
        response::set_header(response, name, value);
    }
}
