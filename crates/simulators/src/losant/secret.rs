//! Bearer tokens: JWTs whose signature is a keyed hash. Nothing is stored; a token's JWT is computed
//! from its record.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a JWT says. Either it names a token's record, or it is a user's session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    pub(super) subtype: String,
    pub(super) scope: Vec<String>,
    pub(super) iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) exp: Option<i64>,
    /// The id of the record, for API tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) jti: Option<String>,
    pub(super) iss: String,
}

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

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

/// The claims of a JWT that this key signed.
pub(super) fn verify(jwt: &str, key: &[u8]) -> Option<Claims> {
    let (signed, given) = jwt.rsplit_once('.')?;
    if given != signature(signed, key) {
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
