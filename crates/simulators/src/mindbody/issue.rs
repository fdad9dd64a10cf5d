//! Issue, renew, revoke.

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

/// Within so many milliseconds a second token may be refused.
const AGAIN: i64 = 5000;
const HOUR: i64 = 3_600_000;

impl Platform {
    /// `POST usertoken/issue`.
    pub(super) fn issue(
        &self,
        state: &mut State,
        site: Site,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Error> {
        let (username, password) = login(request);
        let empty = username.is_empty() || password.is_empty();
        if empty && self.options.empty_username == EmptyUsername::BadRequest {
            let message = "Username and Password are required.";
            return Err(Error::new(400, "MissingRequiredFields", message));
        }
        let options = &self.options;
        let source = username
            .strip_prefix('_')
            .is_some_and(|name| name == options.source_name);
        let known = (username == options.username && password == options.password)
            || (source && password == options.source_password);
        let now = self.now().as_millisecond();
        let again = state.last_issue.is_some_and(|last| now - last < AGAIN);
        let refused = again && options.issue_again == IssueAgain::Refused;
        if !known || refused {
            return Err(Error::denied(403, "Staff identity authentication failed."));
        }
        state.last_issue = Some(now);
        if options.older_tokens == OlderTokens::End {
            state.tokens.end_all(site);
        }
        let place = state.tokens.add(site, now, now + self.lifetime());
        let mut body = json!({
            "TokenType": "Bearer",
            "AccessToken": state.tokens.secret(place),
        });
        self.add_expiry(state, place, &mut body);
        body["User"] = self.user();
        Ok(response::with_body(200, JSON, body.to_string()))
    }

    /// `POST usertoken/renew`.
    pub(super) fn renew(
        &self,
        state: &mut State,
        site: Site,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Error> {
        let place = self.bearer(state, site, request, 401)?;
        let options = &self.options;
        let token = state.tokens.get_mut(place).ok_or_else(|| rejected(401))?;
        if token.renewals < options.max_renewals {
            token.renewals += 1;
            token.expires += self.lifetime();
            if options.renewed_token == RenewedToken::Changes {
                state.tokens.replace_secret(place);
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
        // A new token that nobody learns would serve nobody.
        let must_tell = options.renewed_token == RenewedToken::Changes;
        if options.renew_answer == RenewAnswer::Full || must_tell {
            body["TokenType"] = "Bearer".into();
            body["AccessToken"] = state.tokens.secret(place).into();
        }
        if options.renew_answer != RenewAnswer::Empty {
            self.add_expiry(state, place, &mut body);
        }
        Ok(response::with_body(200, JSON, body.to_string()))
    }

    /// `DELETE usertoken/revoke`.
    pub(super) fn revoke(
        &self,
        state: &mut State,
        site: Site,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Error> {
        let gone = match self.options.second_revoke {
            SecondRevoke::Unauthorized => 401,
            SecondRevoke::Forbidden => 403,
        };
        let place = self.bearer(state, site, request, gone)?;
        state.tokens.remove(place);
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

    /// The living token in the `Authorization` header, bare or after `Bearer`.
    pub(super) fn bearer(
        &self,
        state: &State,
        site: Site,
        request: &Request<Bytes>,
        status: u16,
    ) -> Result<u32, Error> {
        let token = presented(request).ok_or_else(|| rejected(status))?;
        let place = self.living(state, token).ok_or_else(|| rejected(status))?;
        if state
            .tokens
            .get(place)
            .is_some_and(|token| token.site != site)
        {
            let status = match self.options.foreign_site {
                ForeignSite::Unauthorized => 401,
                ForeignSite::Forbidden => 403,
            };
            let message = "User token site id does not match requested site";
            return Err(Error::denied(status, message));
        }
        Ok(place)
    }

    /// The place of a token that works now.
    pub(super) fn living(&self, state: &State, token: &str) -> Option<u32> {
        let place = state.tokens.by_secret(token)?;
        let expires = state.tokens.get(place)?.expires;
        (self.now().as_millisecond() < expires).then_some(place)
    }

    pub(super) fn lifetime(&self) -> i64 {
        i64::from(self.options.lifetime_hours) * HOUR
    }

    fn add_expiry(&self, state: &State, place: u32, body: &mut Value) {
        if let (Expires::Present, Some(token)) = (self.options.expires, state.tokens.get(place)) {
            body["Expires"] = written(token.expires, self.options.expires_format).into();
        }
    }

    fn user(&self) -> Value {
        let (id, kind) = match self.options.user_type {
            UserType::Owner => (0, "Owner"),
            UserType::Staff => (116, "Staff"),
            UserType::Admin => (0, "Admin"),
        };
        json!({"Id": id, "FirstName": "Site", "LastName": "Owner", "Type": kind})
    }
}

fn rejected(status: u16) -> Error {
    Error::denied(status, "Invalid or expired user token.")
}

/// The token presented, if any.
pub(super) fn presented(request: &Request<Bytes>) -> Option<&str> {
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

/// Username and password, from JSON or a form; member names in any case, as .NET reads them.
fn login(request: &Request<Bytes>) -> (String, String) {
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
    let member = |wanted: &str| {
        members
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    };
    (member("Username"), member("Password"))
}

fn written(milliseconds: i64, format: ExpiresFormat) -> String {
    let time = Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    match format {
        ExpiresFormat::Milliseconds => format!("{time:.3}"),
        ExpiresFormat::Seconds => format!("{time:.0}"),
        ExpiresFormat::Ticks => format!("{time:.7}"),
        ExpiresFormat::Offset => format!("{time:.0}").replace('Z', "+00:00"),
        ExpiresFormat::Bare => format!("{time:.3}").replace('Z', ""),
    }
}
