//! What must not be seen in a text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokenfleet::{Credential, Error, Secret};

/// The credential that the providers act with.
pub(crate) const ACTING: &str = "Ac7ting4Rt8Bn3Yp6";
/// The secret that a call is about.
pub(crate) const SUBJECT: &str = "Su5bject8Hd2Lm9Qe";
/// The secret that a platform issues, where an input plants it.
pub(crate) const PLANTED: &str = "Zq7Planted9Kx2Wv5";
/// The login at platforms that want one.
pub(crate) const LOGIN: &str = "admin";

pub(crate) fn acting() -> Credential {
    Credential::from_secret(Secret::new(ACTING))
}

/// No secret shows in an error, however it is printed, nor in what caused it; and it is one line.
pub(crate) fn assert_silent(error: &Error) {
    let text = format!("{error} {error:?}");
    let basic = STANDARD.encode(format!("{LOGIN}:{ACTING}"));
    for secret in [ACTING, SUBJECT, PLANTED, &basic] {
        assert!(!text.contains(secret), "{text}");
    }
    let line = error.to_string();
    assert!(!line.contains(char::is_control), "{line:?}");
}
