//! Authentication of callers: a wrong key is rejected, an unknown scheme counts as anonymous.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, header};

use super::{
    Platform, State,
    error::Error,
    options::{BadKey, Credential},
};

/// The sender of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    Anonymous,
    User,
    /// The service account in this slot.
    Service(u32),
}

/// The credentials in an `Authorization` header, of the schemes that Cloudsmith reads.
enum PresentedCredentials<'a> {
    Nothing,
    Key(&'a str),
    Login(String, String),
}

impl Platform {
    /// Authenticates the sender of a request.
    pub(super) fn caller(&self, state: &State, request: &Request<Bytes>) -> Result<Caller, Error> {
        let key = request
            .headers()
            .get("x-api-key")
            .and_then(|value| value.to_str().ok());
        if let Some(key) = key {
            return self.caller_with_key(state, key);
        }
        match presented_credentials(request) {
            PresentedCredentials::Nothing => Ok(Caller::Anonymous),
            PresentedCredentials::Key(key) => self.caller_with_key(state, key),
            PresentedCredentials::Login(user, password) if self.is_login(&user, &password) => {
                Ok(Caller::User)
            }
            PresentedCredentials::Login(..) => {
                Err(Error::unauthorized("Invalid username/password."))
            }
        }
    }

    /// Returns the caller that presents this key.
    fn caller_with_key(&self, state: &State, key: &str) -> Result<Caller, Error> {
        if let Some(slot) = state.services.by_key(key) {
            let service = state.services.get(slot);
            if service.is_some_and(|service| service.is_expired(self.now())) {
                let detail = "You do not have permission to perform this action.";
                return Err(Error::new(403, detail));
            }
            return Ok(Caller::Service(slot));
        }
        if self.is_key(state, key) {
            return Ok(Caller::User);
        }
        match self.options.bad_key {
            BadKey::InvalidToken => Err(Error::unauthorized("Invalid token.")),
            BadKey::Sentence => Err(Error::unauthorized(
                "Invalid authentication credentials provided in Authorization header.",
            )),
            BadKey::Anonymous => Ok(Caller::Anonymous),
        }
    }

    /// Returns `true` if this key is valid now.
    pub(super) fn is_key(&self, state: &State, key: &str) -> bool {
        let separate = self.options.api_key.is_some()
            || self.options.credential == Credential::Separate
            || state.keys.live_slots().is_empty();
        let service = state.services.by_key(key);
        let service = service.and_then(|slot| state.services.get(slot));
        (separate && key == self.separate_key())
            || state.keys.by_secret(key).is_some()
            || service.is_some_and(|service| !service.is_expired(self.now()))
    }

    /// Returns `true` if name and password are those of the user.
    pub(super) fn is_login(&self, user: &str, password: &str) -> bool {
        let known = [self.options.email.as_str(), super::USERNAME];
        known.contains(&user) && password == self.options.password
    }
}

/// Returns the name and password of HTTP Basic, if the request has them.
pub(super) fn basic_credentials(request: &Request<Bytes>) -> Option<(String, String)> {
    match presented_credentials(request) {
        PresentedCredentials::Login(user, password) => Some((user, password)),
        _ => None,
    }
}

/// Reads the `Authorization` header.
fn presented_credentials(request: &Request<Bytes>) -> PresentedCredentials<'_> {
    let header = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '));
    match header {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("token") => {
            PresentedCredentials::Key(key.trim())
        }
        Some((scheme, login)) if scheme.eq_ignore_ascii_case("basic") => {
            let decoded = STANDARD.decode(login.trim()).unwrap_or_default();
            let decoded = String::from_utf8_lossy(&decoded);
            let (user, password) = decoded.split_once(':').unwrap_or((&decoded, ""));
            PresentedCredentials::Login(user.to_owned(), password.to_owned())
        }
        _ => PresentedCredentials::Nothing,
    }
}
