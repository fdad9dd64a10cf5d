//! Bearer tokens: JWTs whose signature is a keyed hash.
//!
//! No secret is stored; the JWT of a token is computed from its record.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The claims of a JWT, which belongs to an API token or to a user session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    pub(super) subtype: String,
    pub(super) scope: Vec<String>,
    pub(super) iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) exp: Option<i64>,
    /// The id of the API token; `None` for a user session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) jti: Option<String>,
    pub(super) iss: String,
}

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Returns the JWT of the claims.
pub(super) fn sign(claims: &Claims, key: &[u8]) -> String {
    let payload = serde_json::to_vec(claims).unwrap_or_default();
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(HEADER),
        URL_SAFE_NO_PAD.encode(payload)
    );
    let signature = signature(&signed, key);
    format!("{signed}.{signature}")
}

/// Returns the claims of a JWT, if this key signed it.
pub(super) fn verify(jwt: &str, key: &[u8]) -> Option<Claims> {
    let (signed, presented) = jwt.rsplit_once('.')?;
    if presented != signature(signed, key) {
        return None;
    }
    let payload = URL_SAFE_NO_PAD.decode(signed.split_once('.')?.1).ok()?;
    serde_json::from_slice(&payload).ok()
}

fn signature(signed: &str, key: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(key);
    hash.update(signed.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.finalize())
}
