//! Tokens and pages of tokens as Foreman writes them in JSON.

use super::{
    instant::{Instant, Zone},
    order::SortEcho,
    release::Release,
    reply::{html_safe_json_string, json_string},
    secret::Secrets,
    store::Record,
};

/// The settings that determine how a token is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenFormat<'a> {
    pub(super) now: Instant,
    /// The caller's time zone.
    pub(super) zone: &'a Zone,
    pub(super) release: &'a Release,
}

impl TokenFormat<'_> {
    /// Writes a token as listings and single tokens show it.
    pub(super) fn token(&self, record: &Record) -> String {
        format!("{{{}}}", self.members(record))
    }

    /// Writes a new token with its secret.
    pub(super) fn created(&self, record: &Record, secret: &str) -> String {
        format!("{{\"token_value\":\"{secret}\",{}}}", self.members(record))
    }

    fn members(&self, record: &Record) -> String {
        let time = |instant: Instant| format!("\"{}\"", instant.plain(self.zone));
        let mut members = format!(
            "\"created_at\":{},\"updated_at\":{},\"id\":{},\"name\":{},\"expires_at\":{},\
             \"active?\":{},\"user_id\":{},\"last_used_at\":{}",
            time(record.created),
            time(record.updated),
            record.id,
            json_string(&record.name),
            or_null(record.expires.map(time)),
            record.is_active(self.now),
            record.user_id,
            or_null(record.last_used.map(time)),
        );
        if self.release.shows_revoked() {
            members.push_str(&format!(",\"revoked?\":{}", record.revoked));
        }
        members
    }

    /// Writes a token as its revocation shows it: the database row, including the hash.
    pub(super) fn revoked(&self, record: &Record, secrets: Secrets) -> String {
        let time = |instant: Instant| format!("\"{}\"", instant.iso(self.zone));
        let hash = secrets.hash_of(record.id, record.user_id, self.release.hashes_with_bcrypt());
        let first = if self.release.shows_revoked() {
            format!("\"revoked\":true,\"id\":{}", record.id)
        } else {
            format!("\"id\":{},\"revoked\":true", record.id)
        };
        format!(
            "{{{first},\"token\":\"{hash}\",\"name\":{},\"expires_at\":{},\"last_used_at\":{},\
             \"user_id\":{},\"created_at\":{},\"updated_at\":{}}}",
            html_safe_json_string(&record.name),
            or_null(record.expires.map(time)),
            or_null(record.last_used.map(time)),
            record.user_id,
            time(record.created),
            time(record.updated),
        )
    }
}

/// A page of a listing without its items.
#[derive(Clone, Debug)]
pub(super) struct Envelope<'a> {
    pub(super) total: usize,
    pub(super) subtotal: usize,
    pub(super) page: i128,
    pub(super) per_page: i128,
    pub(super) search: Option<&'a str>,
    pub(super) sort: SortEcho,
    /// The caller's permissions, if the request asks for them.
    pub(super) permissions: Option<ListPermissions>,
    pub(super) root_name: &'a str,
}

/// The caller's permissions as a listing shows them.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListPermissions {
    pub(super) can_create: bool,
    pub(super) can_edit: bool,
}

impl Envelope<'_> {
    /// Writes the page with these items, each of them in JSON.
    pub(super) fn to_json(&self, items: &[String]) -> String {
        let text = |value: Option<&str>| or_null(value.map(html_safe_json_string));
        let permissions = self.permissions.map(|permissions| {
            let ListPermissions {
                can_create,
                can_edit,
            } = permissions;
            format!("  \"can_create\": {can_create},\n  \"can_edit\": {can_edit},\n")
        });
        format!(
            "{{\n  \"total\": {},\n  \"subtotal\": {},\n  \"page\": {},\n  \"per_page\": {},\n  \
             \"search\": {},\n{}  \"sort\": {{\n    \"by\": {},\n    \"order\": {}\n  }},\n  \
             {}: [{}]\n}}\n",
            self.total,
            self.subtotal,
            self.page,
            self.per_page,
            text(self.search),
            permissions.unwrap_or_default(),
            text(self.sort.by.as_deref()),
            text(self.sort.order.as_deref()),
            html_safe_json_string(self.root_name),
            items.join(","),
        )
    }
}

fn or_null(json: Option<String>) -> String {
    json.unwrap_or_else(|| "null".to_owned())
}
