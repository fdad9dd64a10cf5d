//! The bodies of Verdaccio's API, in its own spelling.

use serde::Serialize;
use tokenfleet_core::model::Attributes;
use tokenfleet_core::{Fact, Secret};
use tokenfleet_http::decode::{JsonStr, from_fields};

/// The record of a token. `token` is the secret in the response to a creation, and masked in a
/// list.
#[derive(Default)]
pub(crate) struct NpmToken<'a> {
    pub(crate) key: Fact<JsonStr<'a>>,
    pub(crate) token: Fact<Secret>,
    pub(crate) user: Fact<JsonStr<'a>>,
    pub(crate) created: Fact<JsonStr<'a>>,
    /// `readonly` and `cidr`.
    pub(crate) rest: Attributes,
}

from_fields!(NpmToken<'a> { key, token, user, created } rest);

/// The body of a creation.
#[derive(Serialize)]
pub(crate) struct NewToken<'a> {
    pub(crate) password: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) readonly: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cidr_whitelist: Option<&'a [String]>,
}

/// The user that a credential belongs to; nobody if it is not accepted.
#[derive(Default)]
pub(crate) struct WhoAmI {
    pub(crate) username: Fact<String>,
}

from_fields!(WhoAmI { username });

/// The body of an error.
#[derive(Default)]
pub(crate) struct ErrorResponse {
    pub(crate) error: Fact<String>,
}

from_fields!(ErrorResponse { error });
