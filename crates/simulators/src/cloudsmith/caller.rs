//! Who asks. A wrong key is refused; a scheme that Cloudsmith does not look at is nobody.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, header};

use super::{
    Platform, State,
    error::Error,
    options::{BadKey, Credential},
};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    Anonymous,
    User,
}

/// What an `Authorization` header says, in so far as anyone listens.
enum Offered<'a> {
    Nothing,
    Key(&'a str),
    Login(String, String),
}

impl Platform {
    pub(super) fn caller(&self, state: &State, request: &Request<Bytes>) -> Result<Caller, Error> {
        let key = request
            .headers()
            .get("x-api-key")
            .and_then(|value| value.to_str().ok());
        if let Some(key) = key {
            return self.holder(state, key);
        }
        match offered(request) {
            Offered::Nothing => Ok(Caller::Anonymous),
            Offered::Key(key) => self.holder(state, key),
            Offered::Login(user, password) if self.is_login(&user, &password) => Ok(Caller::User),
            Offered::Login(..) => Err(Error::unauthorized("Invalid username/password.")),
        }
    }

    /// Whose key this is.
    fn holder(&self, state: &State, key: &str) -> Result<Caller, Error> {
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

    /// Whether this key works now.
    pub(super) fn is_key(&self, state: &State, key: &str) -> bool {
        let separate = self.options.api_key.is_some()
            || self.options.credential == Credential::Separate
            || state.keys.places().is_empty();
        (separate && key == self.separate_key()) || state.keys.by_secret(key).is_some()
    }

    pub(super) fn is_login(&self, user: &str, password: &str) -> bool {
        let known = [self.options.email.as_str(), super::USERNAME];
        known.contains(&user) && password == self.options.password
    }
}

/// The name and password of HTTP Basic, if that is what is offered.
pub(super) fn basic(request: &Request<Bytes>) -> Option<(String, String)> {
    match offered(request) {
        Offered::Login(user, password) => Some((user, password)),
        _ => None,
    }
}

fn offered(request: &Request<Bytes>) -> Offered<'_> {
    let header = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '));
    match header {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("token") => Offered::Key(key.trim()),
        Some((scheme, login)) if scheme.eq_ignore_ascii_case("basic") => {
            let decoded = STANDARD.decode(login.trim()).unwrap_or_default();
            let decoded = String::from_utf8_lossy(&decoded);
            let (user, password) = decoded.split_once(':').unwrap_or((&decoded, ""));
            Offered::Login(user.to_owned(), password.to_owned())
        }
        _ => Offered::Nothing,
    }
}
