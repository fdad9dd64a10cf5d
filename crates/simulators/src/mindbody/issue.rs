//! The operations on tokens: issue, renew and revoke.

use bytes::Bytes;
use http::{Request, Response, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Platform, State,
    error::{Error, JSON},
    options::{
        EmptyUsername, Expires, ExpiresFormat, ForeignSite, IssueAgain, OlderTokens, RenewAnswer,
        RenewalsExhausted, RenewedToken, RevokeAnswer, SecondRevoke, UserType,
    },
    tokens::Site,
};
use crate::{response, target::query_pairs};

/// The time in milliseconds within which a second token may be refused.
const REISSUE_WINDOW: i64 = 5000;
const HOUR: i64 = 3_600_000;

impl Platform {
    /// Serves `POST usertoken/issue`.
    pub(super) fn issue(
        &self,
        state: &mut State,
        site: Site,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Error> {
        let (username, password) = read_login(request);
        let empty = username.is_empty() || password.is_empty();
        if empty && self.options.empty_username == EmptyUsername::BadRequest {
            let message = "Username and Password are required.";
            return Err(Error::new(400, "MissingRequiredFields", message));
        }
        let options = &self.options;
        let is_source = username
            .strip_prefix('_')
            .is_some_and(|name| name == options.source_name);
        let is_valid = (username == options.username && password == options.password)
            || (is_source && password == options.source_password);
        let now = self.now().as_millisecond();
        let is_reissue = state
            .last_issue
            .is_some_and(|last| now - last < REISSUE_WINDOW);
        let is_refused = is_reissue && options.issue_again == IssueAgain::Refused;
        if !is_valid || is_refused {
            return Err(Error::denied(403, "Staff identity authentication failed."));
        }
        state.last_issue = Some(now);
        if options.older_tokens == OlderTokens::End {
            state.tokens.remove_all(site);
        }
        let slot = state.tokens.add(site, now, now + self.lifetime());
        let mut body = json!({
            "TokenType": "Bearer",
            "AccessToken": state.tokens.secret(slot),
        });
        self.add_expiry(state, slot, &mut body);
        body["User"] = self.user();
        Ok(response::with_body(200, JSON, body.to_string()))
    }

    /// Serves `POST usertoken/renew`.
    pub(super) fn renew(
        &self,
        state: &mut State,
        site: Site,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Error> {
        let slot = self.authenticate(state, site, request, 401)?;
        let options = &self.options;
        let token = state
            .tokens
            .get_mut(slot)
            .ok_or_else(|| invalid_token(401))?;
        if token.renewals < options.max_renewals {
            token.renewals += 1;
            token.expires += self.lifetime();
            if options.renewed_token == RenewedToken::Changes {
                state.tokens.replace_secret(slot);
            }
        } else {
            let message = "The token cannot be renewed any more.";
            match options.renewals_exhausted {
                RenewalsExhausted::Unchanged => {}
                RenewalsExhausted::Forbidden => return Err(Error::denied(403, message)),
                RenewalsExhausted::BadRequest => {
                    return Err(Error::new(400, "InvalidParameter", message));
                }
            }
        }
        let mut body = json!({});
        // The caller must learn the new token.
        let is_changed = options.renewed_token == RenewedToken::Changes;
        if options.renew_answer == RenewAnswer::Full || is_changed {
            body["TokenType"] = "Bearer".into();
            body["AccessToken"] = state.tokens.secret(slot).into();
        }
        if options.renew_answer != RenewAnswer::Empty {
            self.add_expiry(state, slot, &mut body);
        }
        Ok(response::with_body(200, JSON, body.to_string()))
    }

    /// Serves `DELETE usertoken/revoke`.
    pub(super) fn revoke(
        &self,
        state: &mut State,
        site: Site,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Error> {
        let status = match self.options.second_revoke {
            SecondRevoke::Unauthorized => 401,
            SecondRevoke::Forbidden => 403,
        };
        let slot = self.authenticate(state, site, request, status)?;
        state.tokens.remove(slot);
        Ok(match self.options.revoke_answer {
            RevokeAnswer::Object => response::with_body(
                200,
                JSON,
                json!({"Message": "User token revoked."}).to_string(),
            ),
            RevokeAnswer::Empty => response::empty(200),
            RevokeAnswer::NoContent => response::empty(204),
        })
    }

    /// Returns the slot of the valid token in the `Authorization` header, bare or after `Bearer`.
    ///
    /// `status` is the status for an invalid token.
    pub(super) fn authenticate(
        &self,
        state: &State,
        site: Site,
        request: &Request<Bytes>,
        status: u16,
    ) -> Result<u32, Error> {
        let token = presented_token(request).ok_or_else(|| invalid_token(status))?;
        let slot = self
            .live_token(state, token)
            .ok_or_else(|| invalid_token(status))?;
        if state
            .tokens
            .get(slot)
            .is_some_and(|token| token.site != site)
        {
            let status = match self.options.foreign_site {
                ForeignSite::Unauthorized => 401,
                ForeignSite::Forbidden => 403,
            };
            let message = "User token site id does not match requested site";
            return Err(Error::denied(status, message));
        }
        Ok(slot)
    }

    /// Returns the slot of a token that is valid now.
    pub(super) fn live_token(&self, state: &State, token: &str) -> Option<u32> {
        let slot = state.tokens.by_secret(token)?;
        let expires = state.tokens.get(slot)?.expires;
        (self.now().as_millisecond() < expires).then_some(slot)
    }

    /// Returns the lifetime of a token in milliseconds.
    pub(super) fn lifetime(&self) -> i64 {
        i64::from(self.options.lifetime_hours) * HOUR
    }

    /// Adds the expiry to a response body.
    fn add_expiry(&self, state: &State, slot: u32, body: &mut Value) {
        if let (Expires::Present, Some(token)) = (self.options.expires, state.tokens.get(slot)) {
            body["Expires"] = format_expiry(token.expires, self.options.expires_format).into();
        }
    }

    /// Returns the user as JSON.
    fn user(&self) -> Value {
        let (id, kind) = match self.options.user_type {
            UserType::Owner => (0, "Owner"),
            UserType::Staff => (116, "Staff"),
            UserType::Admin => (0, "Admin"),
        };
        json!({"Id": id, "FirstName": "Site", "LastName": "Owner", "Type": kind})
    }
}

/// Creates an error for an invalid token.
fn invalid_token(status: u16) -> Error {
    Error::denied(status, "Invalid or expired user token.")
}

/// Returns the token in the `Authorization` header.
pub(super) fn presented_token(request: &Request<Bytes>) -> Option<&str> {
    let header = request
        .headers()
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?;
    let header = header.trim();
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => header,
    };
    (!token.is_empty()).then_some(token)
}

/// Reads username and password from JSON or a form, with member names in any case, like .NET.
fn read_login(request: &Request<Bytes>) -> (String, String) {
    let body = request.body();
    let is_form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let members: Vec<(String, String)> = if is_form {
        query_pairs(&String::from_utf8_lossy(body))
    } else {
        match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => object
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
                .collect(),
            _ => Vec::new(),
        }
    };
    let member = |key: &str| {
        members
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    };
    (member("Username"), member("Password"))
}

/// Formats an expiry.
fn format_expiry(milliseconds: i64, format: ExpiresFormat) -> String {
    let time = Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    match format {
        ExpiresFormat::Milliseconds => format!("{time:.3}"),
        ExpiresFormat::Seconds => format!("{time:.0}"),
        ExpiresFormat::Ticks => format!("{time:.7}"),
        ExpiresFormat::Offset => format!("{time:.0}").replace('Z', "+00:00"),
        ExpiresFormat::Bare => format!("{time:.3}").replace('Z', ""),
    }
}
