//! The user account: login, sessions, and the API version.

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use super::{
    Platform, USER_NAME,
    body::{self, text},
    error::Error,
    options::{AcceptVersion, Api},
    record::format_time,
    secret::{self, Claims},
};
use crate::response;

impl Platform {
    /// Returns the JWT of a user session with these scopes and an optional lifetime in seconds.
    pub(super) fn session(&self, scopes: &[&str], lifetime: Option<i64>) -> String {
        // A session without an end is deterministic, so that it can serve as a fixed credential.
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

    /// Serves `POST /auth/user`.
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
        Ok(self.session_response(&scopes, lifetime))
    }

    /// Serves `GET /me/refreshToken`.
    pub(super) fn refresh_session(
        &self,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Error> {
        let caller = self.caller(request)?;
        let scopes: Vec<&str> = caller.scopes.iter().map(String::as_str).collect();
        Ok(self.session_response(&scopes, None))
    }

    /// Returns a response with a new session.
    fn session_response(&self, scopes: &[&str], lifetime: Option<i64>) -> Response<Bytes> {
        let token = self.session(scopes, lifetime);
        response::json(200, &json!({"userId": self.user_id, "token": token}))
    }

    /// Serves `GET /me`.
    pub(super) fn show_user(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Error> {
        self.caller(request)?;
        let body = json!({
            "id": self.user_id,
            "email": self.options.email,
            "emailVerified": true,
            "firstName": "Example",
            "lastName": "Name",
            "fullName": USER_NAME,
            "creationDate": format_time(1_465_790_400_000),
            "lastUpdated": format_time(1_465_790_400_000),
        });
        Ok(response::json(200, &body))
    }

    /// Rejects an `Accept-Version` that the served version does not satisfy, if that is enforced.
    pub(super) fn check_version(&self, request: &Request<Bytes>) -> Result<(), Error> {
        let served = match self.options.api {
            Api::V1_31 => [1, 31, 0],
            Api::V1_20 => [1, 20, 1],
        };
        let range = request
            .headers()
            .get("accept-version")
            .and_then(|value| value.to_str().ok());
        match range {
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

/// Returns `true` if a version satisfies a range such as `^1.20.1` or `1.20.1`.
fn satisfies(served: [u64; 3], range: &str) -> bool {
    let version = range.strip_prefix('^').unwrap_or(range);
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let required: [u64; 3] = std::array::from_fn(|_| parts.next().unwrap_or(0));
    if range.starts_with('^') {
        served[0] == required[0] && served >= required
    } else {
        served == required
    }
}
