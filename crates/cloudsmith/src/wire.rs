//! Bodies exactly as Cloudsmith spells them. Blank fields are null; none is promised to be there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokenfleet_core::{Attribute, Secret};

/// `UserAuthenticationToken`.
#[derive(Debug, Deserialize)]
pub(crate) struct UserAuthenticationToken {
    pub(crate) slug_perm: Option<String>,
    pub(crate) created: Option<String>,
    #[serde(flatten)]
    pub(crate) rest: BTreeMap<String, Attribute>,
}

/// What of the answer to a creation or refresh must not be lost, whatever else it says.
#[derive(Debug, Deserialize)]
pub(crate) struct Issued {
    pub(crate) slug_perm: Option<String>,
    /// Whole after POST and PUT; listings mask it.
    pub(crate) key: Option<Secret>,
}

/// The list: no totals in the body.
#[derive(Debug, Deserialize)]
pub(crate) struct UserTokens {
    pub(crate) results: Vec<UserAuthenticationToken>,
}

/// `UserBrief`.
#[derive(Debug, Deserialize)]
pub(crate) struct UserBrief {
    pub(crate) authenticated: bool,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) slug: Option<String>,
}

/// `UserAuthTokenRequest`, with the field that the schema omits and the official program sends.
#[derive(Default, Serialize)]
pub(crate) struct UserAuthTokenRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) totp_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) two_factor_token: Option<&'a str>,
}

/// `UserAuthToken`.
#[derive(Debug, Deserialize)]
pub(crate) struct UserAuthToken {
    pub(crate) token: Option<Secret>,
    #[serde(default)]
    pub(crate) two_factor_required: Option<bool>,
    pub(crate) two_factor_token: Option<Secret>,
}

/// `ErrorDetail`.
#[derive(Debug, Deserialize)]
pub(crate) struct Refused {
    pub(crate) detail: Option<String>,
    pub(crate) code: Option<String>,
}
