//! `POST /user/token/`: the key for an email address and a password, perhaps with a second factor.

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    Platform, State,
    caller::basic,
    error::Error,
    options::{Login, TwoFactorAnswer},
};
use crate::response;

/// Failed logins, and second factors waited for.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    failures: u32,
    locked_until: Option<Timestamp>,
    /// Counts the tokens handed out for a second factor.
    asked: u32,
    /// The one that is waited for.
    pending: Option<String>,
}

impl Platform {
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
        if state.attempts.locked_until.is_some_and(|until| now < until) {
            return Err(Error::new(403, "Locked out."));
        }
        let body = object(request.body())?;
        if let Some((user, password)) = basic(request) {
            if !self.is_login(&user, &password) {
                self.count_failure(state, now);
                return Err(Error::unauthorized("Invalid username/password."));
            }
            return Ok(self.logged_in(state));
        }
        if body.contains_key("two_factor_token") {
            return self.second_factor(state, &body, now);
        }
        let email = field(&body, "email")?;
        let password = field(&body, "password")?;
        if password == self.options.password && email == self.options.email {
            return Ok(self.logged_in(state));
        }
        if password == self.options.password && email == self.options.two_factor_email {
            return self.ask_for_second_factor(state);
        }
        self.count_failure(state, now);
        Err(failed())
    }

    /// The key there is, or a new one.
    fn logged_in(&self, state: &mut State) -> Response<Bytes> {
        state.attempts.failures = 0;
        let first = state.keys.places().first().copied();
        let place = first.unwrap_or_else(|| state.keys.add(self.now().as_microsecond()));
        response::json(201, &json!({"token": state.keys.secret(place)}))
    }

    fn ask_for_second_factor(&self, state: &mut State) -> Result<Response<Bytes>, Error> {
        state.attempts.asked += 1;
        let token = format!("tft-{}", state.attempts.asked);
        state.attempts.pending = Some(token.clone());
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

    fn second_factor(
        &self,
        state: &mut State,
        body: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Response<Bytes>, Error> {
        let token = field(body, "two_factor_token")?;
        let code = field(body, "totp_token")?;
        if state.attempts.pending.as_deref() == Some(token) && code == self.options.totp {
            state.attempts.pending = None;
            return Ok(self.logged_in(state));
        }
        self.count_failure(state, now);
        Err(failed())
    }

    fn count_failure(&self, state: &mut State, now: Timestamp) {
        let attempts = &mut state.attempts;
        attempts.failures += 1;
        if attempts.failures >= self.options.lockout_after {
            attempts.failures = 0;
            let minutes = jiff::SignedDuration::from_mins(self.options.lockout_minutes.into());
            attempts.locked_until = now.saturating_add(minutes).ok();
        }
    }
}

fn failed() -> Error {
    Error::new(422, "Failed to authenticate.").member("code", "invalid")
}

/// The body as an object; none at all is an empty one.
fn object(body: &[u8]) -> Result<Map<String, Value>, Error> {
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

fn field<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a str, Error> {
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
