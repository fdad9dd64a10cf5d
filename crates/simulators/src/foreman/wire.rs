//! Tokens and pages of them as the platform writes them.

use super::{
    instant::{Instant, Zone},
    order::SortEcho,
    release::Release,
    reply::{escaped, text},
    secret::Secrets,
    store::Record,
};

/// What decides how a token is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style<'a> {
    pub(super) now: Instant,
    /// The caller's zone.
    pub(super) zone: &'a Zone,
    pub(super) release: &'a Release,
}

impl Style<'_> {
    /// A token as index, show and create show it.
    pub(super) fn token(&self, record: &Record, into: &mut String) {
        let plain = |instant: Instant| format!("\"{}\"", instant.plain(self.zone));
        let optional = |instant: Option<Instant>| instant.map_or_else(|| "null".to_owned(), plain);
        into.push_str(&format!(
            "\"created_at\":{},\"updated_at\":{},\"id\":{},\"name\":{},\"expires_at\":{},\"active?\":{},\
             \"user_id\":{},\"last_used_at\":{}",
            plain(record.created),
            plain(record.updated),
            record.id,
            text(&record.name),
            optional(record.expires),
            record.is_active(self.now),
            record.user_id,
            optional(record.last_used),
        ));
        if self.release.shows_revoked() {
            into.push_str(&format!(",\"revoked?\":{}", record.revoked));
        }
    }

    /// A token as its revocation shows it: the row itself, hash included.
    pub(super) fn revoked(&self, record: &Record, secrets: Secrets) -> String {
        let iso = |instant: Instant| format!("\"{}\"", instant.iso(self.zone));
        let optional = |instant: Option<Instant>| instant.map_or_else(|| "null".to_owned(), iso);
        let hash = secrets.digest_of(record.id, record.user_id, self.release.hashes_with_bcrypt());
        let first = if self.release.shows_revoked() {
            format!("\"revoked\":true,\"id\":{}", record.id)
        } else {
            format!("\"id\":{},\"revoked\":true", record.id)
        };
        format!(
            "{{{first},\"token\":\"{hash}\",\"name\":{},\"expires_at\":{},\"last_used_at\":{},\"user_id\":{},\
             \"created_at\":{},\"updated_at\":{}}}",
            escaped(&record.name),
            optional(record.expires),
            optional(record.last_used),
            record.user_id,
            iso(record.created),
            iso(record.updated),
        )
    }
}

/// What stands around a page of a list.
#[derive(Clone, Debug)]
pub(super) struct Envelope<'a> {
    pub(super) total: usize,
    pub(super) subtotal: usize,
    pub(super) page: i128,
    pub(super) per_page: i128,
    pub(super) search: Option<&'a str>,
    pub(super) sort: SortEcho,
    /// Whether the caller may create and edit, when it asked.
    pub(super) permissions: Option<(bool, bool)>,
    pub(super) root_name: &'a str,
}

impl Envelope<'_> {
    /// The page, around items already written.
    pub(super) fn around(&self, items: &str) -> String {
        let shown = |value: Option<&str>| value.map_or_else(|| "null".to_owned(), escaped);
        let permissions = match self.permissions {
            Some((create, edit)) => {
                format!("  \"can_create\": {create},\n  \"can_edit\": {edit},\n")
            }
            None => String::new(),
        };
        format!(
            "{{\n  \"total\": {},\n  \"subtotal\": {},\n  \"page\": {},\n  \"per_page\": {},\n  \"search\": {},\n\
             {permissions}  \"sort\": {{\n    \"by\": {},\n    \"order\": {}\n  }},\n  {}: [{items}]\n}}\n",
            self.total,
            self.subtotal,
            self.page,
            self.per_page,
            shown(self.search),
            shown(self.sort.by.as_deref()),
            shown(self.sort.order.as_deref()),
            escaped(self.root_name),
        )
    }
}
