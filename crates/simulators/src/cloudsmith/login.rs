//! `POST /user/token/`: login by email address and password, with an optional second factor.

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    Platform, State,
    caller::basic_credentials,
    error::Error,
    options::{Login, TwoFactorAnswer},
};
use crate::response;

/// The state of logins: failures, the lockout, and a pending second factor.
#[derive(Debug, Default)]
pub(super) struct Logins {
    failures: u32,
    locked_until: Option<Timestamp>,
    /// The number of second-factor tokens issued.
    second_factors: u32,
    /// The second-factor token that awaits its code.
    pending: Option<String>,
}

impl Platform {
    /// Serves `POST /user/token/`.
    pub(super) fn log_in(
        &self,
        state: &mut State,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Error> {
        match self.options.login {
            Login::Enabled => {}
            Login::NotFound => return Err(Error::not_found()),
            Login::Gone => return Err(Error::new(410, "Password login is no longer available.")),
        }
        let now = self.now();
        if state.logins.locked_until.is_some_and(|until| now < until) {
            return Err(Error::new(403, "Locked out."));
        }
        let body = object(request.body())?;
        if let Some((user, password)) = basic_credentials(request) {
            if !self.is_login(&user, &password) {
                self.count_failure(state, now);
                return Err(Error::unauthorized("Invalid username/password."));
            }
            return Ok(self.logged_in(state));
        }
        if body.contains_key("two_factor_token") {
            return self.second_factor(state, &body, now);
        }
        let email = required_field(&body, "email")?;
        let password = required_field(&body, "password")?;
        if password == self.options.password && email == self.options.email {
            return Ok(self.logged_in(state));
        }
        if password == self.options.password && email == self.options.two_factor_email {
            return self.request_second_factor(state);
        }
        self.count_failure(state, now);
        Err(login_failed())
    }

    /// Returns a response with the existing key, or with a new one.
    fn logged_in(&self, state: &mut State) -> Response<Bytes> {
        state.logins.failures = 0;
        let first = state.keys.live_slots().first().copied();
        let slot = first.unwrap_or_else(|| state.keys.add(self.now().as_microsecond()));
        response::json(201, &json!({"token": state.keys.secret(slot)}))
    }

    /// Responds to a correct password by requesting the second factor.
    fn request_second_factor(&self, state: &mut State) -> Result<Response<Bytes>, Error> {
        state.logins.second_factors += 1;
        let token = format!("tft-{}", state.logins.second_factors);
        state.logins.pending = Some(token.clone());
        match self.options.two_factor_answer {
            TwoFactorAnswer::Created => {
                let body = json!({
                    "token": null, "two_factor_required": true, "two_factor_token": token,
                });
                Ok(response::json(201, &body))
            }
            TwoFactorAnswer::Unprocessable => {
                Err(Error::new(422, "Two-factor authentication required.")
                    .member("two_factor_required", true)
                    .member("two_factor_token", token))
            }
        }
    }

    /// Checks the second factor.
    fn second_factor(
        &self,
        state: &mut State,
        body: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Response<Bytes>, Error> {
        let token = required_field(body, "two_factor_token")?;
        let code = required_field(body, "totp_token")?;
        if state.logins.pending.as_deref() == Some(token) && code == self.options.totp {
            state.logins.pending = None;
            return Ok(self.logged_in(state));
        }
        self.count_failure(state, now);
        Err(login_failed())
    }

    /// Counts a failed login, and locks the user out after too many.
    fn count_failure(&self, state: &mut State, now: Timestamp) {
        let logins = &mut state.logins;
        logins.failures += 1;
        if logins.failures >= self.options.lockout_after {
            logins.failures = 0;
            let minutes = jiff::SignedDuration::from_mins(self.options.lockout_minutes.into());
            logins.locked_until = now.saturating_add(minutes).ok();
        }
    }
}

/// Creates an error for a failed login.
fn login_failed() -> Error {
    Error::new(422, "Failed to authenticate.").member("code", "invalid")
}

/// Parses a body as an object; an empty body is an empty object.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Error> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Error::invalid("non_field_errors", "Invalid data.")),
        Err(_) => {
            let detail = "JSON parse error - Expecting object: line 1 column 1 (char 0)";
            Err(Error::new(400, detail))
        }
    }
}

/// Returns a required string field.
pub(super) fn required_field<'a>(
    body: &'a Map<String, Value>,
    name: &str,
) -> Result<&'a str, Error> {
    match body.get(name) {
        None => Err(Error::invalid(name, "This field is required.")),
        Some(Value::Null) => Err(Error::invalid(name, "This field may not be null.")),
        Some(Value::String(text)) if text.is_empty() => {
            Err(Error::invalid(name, "This field may not be blank."))
        }
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Error::invalid(name, "Not a valid string.")),
    }
}
