//! The user behind the tokens: logging in, sessions, versions.

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use super::{
    Platform, USER_NAME,
    body::{self, text},
    error::Error,
    options::{AcceptVersion, Api},
    record::written,
    secret::{self, Claims},
};
use crate::answer;

impl Platform {
    /// A user's JWT that is no token's, with these scopes and, if any, this lifetime in seconds.
    pub(super) fn session(&self, scopes: &[&str], lifetime: Option<i64>) -> String {
        // One that never ends is the same each time, so that it can be written down.
        let issued = lifetime.map_or(0, |_| self.now().as_second());
        let claims = Claims {
            sub: self.user_id.clone(),
            subtype: "user".to_owned(),
            scope: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            iat: issued,
            exp: lifetime.map(|lifetime| issued.saturating_add(lifetime)),
            jti: None,
            iss: "api.losant.com".to_owned(),
        };
        secret::sign(&claims, &self.key)
    }

    /// `POST /auth/user`.
    pub(super) fn log_in(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let body = body::object(request.body())?;
        let required = |field, shortest, longest| {
            text(&body, field, shortest, longest)?
                .ok_or_else(|| Error::validation(field, "is required"))
        };
        let email = required("email", 1, 1024)?;
        let password = required("password", 8, 2048)?;
        let code = text(&body, "twoFactorCode", 1, 2048)?;
        let lifetime = match body.get("tokenTTL") {
            None => None,
            Some(Value::Number(seconds)) => seconds.as_i64().filter(|seconds| *seconds > 0),
            Some(_) => return Err(Error::validation("tokenTTL", "is the wrong type")),
        };
        let scopes = match body.get("requestedScopes") {
            None => vec!["all.User"],
            Some(Value::Array(scopes)) => scopes.iter().filter_map(Value::as_str).collect(),
            Some(_) => return Err(Error::validation("requestedScopes", "is the wrong type")),
        };
        let options = &self.options;
        let second_factor = options.two_factor_code.is_none() || options.two_factor_code == code;
        if email != options.email || password != options.password || !second_factor {
            return Err(self.unauthorized());
        }
        Ok(self.authed(&scopes, lifetime))
    }

    /// `GET /me/refreshToken`.
    pub(super) fn refresh_session(
        &self,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Error> {
        let caller = self.caller(request)?;
        let scopes: Vec<&str> = caller.scopes.iter().map(String::as_str).collect();
        Ok(self.authed(&scopes, None))
    }

    fn authed(&self, scopes: &[&str], lifetime: Option<i64>) -> Response<Bytes> {
        let token = self.session(scopes, lifetime);
        answer::json(200, &json!({"userId": self.user_id, "token": token}))
    }

    /// `GET /me`.
    pub(super) fn show_user(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Error> {
        self.caller(request)?;
        let body = json!({
            "id": self.user_id,
            "email": self.options.email,
            "emailVerified": true,
            "firstName": "Example",
            "lastName": "Name",
            "fullName": USER_NAME,
            "creationDate": written(1_465_790_400_000),
            "lastUpdated": written(1_465_790_400_000),
        });
        Ok(answer::json(200, &body))
    }

    pub(super) fn check_version(&self, request: &Request<Bytes>) -> Result<(), Error> {
        let served = match self.options.api {
            Api::V1_31 => [1, 31, 0],
            Api::V1_20 => [1, 20, 1],
        };
        let asked = request
            .headers()
            .get("accept-version")
            .and_then(|value| value.to_str().ok());
        match asked {
            Some(range)
                if self.options.accept_version == AcceptVersion::Enforce
                    && !satisfies(served, range) =>
            {
                let message = format!("{range} is not supported");
                Err(Error::new(400, "InvalidVersion", message))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a version lies in a range like `^1.20.1` or `1.20.1`.
fn satisfies(served: [u64; 3], range: &str) -> bool {
    let version = range.strip_prefix('^').unwrap_or(range);
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let asked: [u64; 3] = std::array::from_fn(|_| parts.next().unwrap_or(0));
    if range.starts_with('^') {
        served[0] == asked[0] && served >= asked
    } else {
        served == asked
    }
}
