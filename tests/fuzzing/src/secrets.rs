//! The secrets that no error may show.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokenfleet::{Credential, Error, Secret};

/// The credential that the providers act with.
pub(crate) const ACTING: &str = "Ac7ting4Rt8Bn3Yp6";
/// The secret that an operation acts on.
pub(crate) const SUBJECT: &str = "Su5bject8Hd2Lm9Qe";
/// The secret that a platform issues, where an input contains it.
pub(crate) const ISSUED: &str = "Zq7Planted9Kx2Wv5";
/// The login at the platforms that need one.
pub(crate) const LOGIN: &str = "admin";

pub(crate) fn acting() -> Credential {
    Credential::from_secret(Secret::new(ACTING))
}

/// Asserts that an error is one line and shows no secret, whether displayed or debugged.
pub(crate) fn assert_no_secret(error: &Error) {
    let text = format!("{error} {error:?}");
    let basic = STANDARD.encode(format!("{LOGIN}:{ACTING}"));
    for secret in [ACTING, SUBJECT, ISSUED, &basic] {
        assert!(!text.contains(secret), "{text}");
    }
    let line = error.to_string();
    assert!(!line.contains(char::is_control), "{line:?}");
}
