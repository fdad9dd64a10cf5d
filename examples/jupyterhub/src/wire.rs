//! The bodies of JupyterHub's API, in its own spelling.

use serde::Serialize;
use tokenfleet_core::model::Attributes;
use tokenfleet_core::{Fact, Secret};
use tokenfleet_http::decode::{JsonStr, from_fields};

/// The record of a token. Only the response to a creation has `token`, the secret.
#[derive(Default)]
pub(crate) struct ApiToken<'a> {
    pub(crate) id: Fact<JsonStr<'a>>,
    pub(crate) token: Fact<Secret>,
    pub(crate) user: Fact<JsonStr<'a>>,
    pub(crate) note: Fact<String>,
    pub(crate) created: Fact<JsonStr<'a>>,
    pub(crate) expires_at: Fact<JsonStr<'a>>,
    pub(crate) last_activity: Fact<JsonStr<'a>>,
    pub(crate) scopes: Fact<Vec<String>>,
    /// `kind`, `roles`, `oauth_client`, and what later releases add.
    pub(crate) rest: Attributes,
}

from_fields!(ApiToken<'a> {
    id, token, user, note, created, expires_at, last_activity, scopes,
} rest);

/// The body of a creation. JupyterHub takes `null` like a field that is missing.
#[derive(Serialize)]
pub(crate) struct NewToken {
    pub(crate) note: Option<String>,
    pub(crate) expires_in: Option<u64>,
    pub(crate) scopes: Option<Vec<String>>,
}

/// The body of an error, such as `{"status": 404, "message": "No such user: ada"}`.
#[derive(Default)]
pub(crate) struct ErrorResponse {
    pub(crate) status: Fact<u16>,
    pub(crate) message: Fact<String>,
}

from_fields!(ErrorResponse { status, message });
