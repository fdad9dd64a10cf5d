//! Falsified fields of a record: another id, a change that was not made, values of another type.

use bytes::Bytes;
use http::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Simulator;

/// A field of a record that a fault falsifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecordField {
    /// The id.
    Id,
    /// The name.
    Name,
    /// The state: a word, or a boolean on Foreman.
    Status,
    /// The mark of a revoked token, where the platform reports one.
    Revoked,
    /// The scopes.
    Scopes,
    /// The secret, in the response that issues it.
    Secret,
    /// The time of creation.
    Created,
    /// The time of expiry.
    Expiry,
}

impl RecordField {
    /// Returns the members that hold this field; none if the platform does not report it. At
    /// Cloudsmith, a key and a service account have different ones.
    fn members(self, provider: &str) -> &'static [&'static str] {
        match (provider, self) {
            ("losant", Self::Id) => &["id", "apiTokenId"],
            ("foreman", Self::Id) => &["id"],
            ("cloudsmith", Self::Id) => &["slug_perm", "slug"],
            ("losant" | "foreman" | "cloudsmith", Self::Name) => &["name"],
            ("losant", Self::Status) => &["status"],
            ("foreman", Self::Status) => &["active?"],
            ("foreman", Self::Revoked) => &["revoked?"],
            ("losant", Self::Scopes) => &["scope"],
            ("losant", Self::Secret) => &["token"],
            ("foreman", Self::Secret) => &["token_value"],
            ("cloudsmith", Self::Secret) => &["key"],
            ("mindbody", Self::Secret) => &["AccessToken"],
            ("losant", Self::Created) => &["creationDate"],
            ("foreman", Self::Created) => &["created_at"],
            ("cloudsmith", Self::Created) => &["created", "created_at"],
            ("losant", Self::Expiry) => &["expirationDate"],
            ("foreman", Self::Expiry) => &["expires_at"],
            ("cloudsmith", Self::Expiry) => &["key_expires_at"],
            ("mindbody", Self::Expiry) => &["Expires"],
            _ => &[],
        }
    }
}

/// Replaces a field of the record, or of the first record of a page, by this JSON, which need not
/// be valid.
///
/// A response without such a record is left alone, and so is a secret where none is issued, and a
/// mark that this release does not know.
pub(super) fn falsify(
    simulator: &dyn Simulator,
    field: RecordField,
    json: &str,
    response: &mut Response<Bytes>,
) {
    /// Stands for the JSON until the body is text again.
    const PLACEHOLDER: &str = "the falsified value";
    let provider = simulator.provider();
    let members = field.members(provider);
    let Ok(mut body) = serde_json::from_slice(response.body()) else {
        return;
    };
    if !response.status().is_success() {
        return;
    }
    let Some(record) = record(simulator, &mut body) else {
        return;
    };
    for member in members {
        let is_optional =
            provider == "cloudsmith" || matches!(field, RecordField::Secret | RecordField::Revoked);
        if !is_optional || record.contains_key(*member) {
            record.insert((*member).to_owned(), PLACEHOLDER.into());
        }
    }
    let body = body.to_string();
    *response.body_mut() = Bytes::from(body.replace(&format!("\"{PLACEHOLDER}\""), json));
}

/// Returns the record of a response, or the first one of a page.
fn record<'a>(
    simulator: &dyn Simulator,
    body: &'a mut Value,
) -> Option<&'a mut Map<String, Value>> {
    let items = simulator.listing_shape().and_then(|shape| shape.items);
    if let Some(items) = items.filter(|items| body.get(items).is_some()) {
        return body.get_mut(items)?.get_mut(0)?.as_object_mut();
    }
    let record = match body {
        Value::Array(records) => records.first_mut()?.as_object_mut()?,
        other => other.as_object_mut()?,
    };
    let provider = simulator.provider();
    let is_record = [RecordField::Id, RecordField::Secret]
        .iter()
        .any(|field| (field.members(provider).iter()).any(|member| record.contains_key(*member)));
    is_record.then_some(record)
}
