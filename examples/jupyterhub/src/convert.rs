//! Conversions between JupyterHub's bodies and the model.

use tokenfleet_core::model::Principal;
use tokenfleet_core::{
    CreateToken, Error, ErrorKind, Fact, IssuedToken, Operation, Result, Timestamp, Token, TokenId,
    TokenState,
};
use tokenfleet_http::decode::parse_fields;
use tokenfleet_http::{ApiResponse, ErrorBody, adapter};

use crate::wire;

/// Rejects an id that is not `a` and a number. JupyterHub reads the number leniently: `a07` and
/// `a7 ` would be token `a7`.
pub(crate) fn check_id(id: &TokenId) -> Result<()> {
    let number = id.as_str().strip_prefix('a').unwrap_or_default();
    if number.starts_with(|c: char| c != '0') && number.bytes().all(|c| c.is_ascii_digit()) {
        return Ok(());
    }
    let message = "the id is not an `a` and a number, as JupyterHub's ids are";
    Err(Error::invalid_input(message))
}

/// Converts a record.
pub(crate) fn token(wire: wire::ApiToken<'_>, response: &ApiResponse) -> Result<Token> {
    let Fact::Known(id) = wire.id else {
        return Err(response.violation("the response contains a token without an id"));
    };
    let mut token = Token::new(TokenId::new(id), TokenState::Active);
    let attributes = &mut token.attributes;
    let time = |text: &str| text.parse::<Timestamp>().ok();
    token.created_at = attributes.parse_time("created", wire.created, time);
    token.expiry = attributes.parse_time("expires_at", wire.expires_at, time);
    token.last_used = attributes.parse_time("last_activity", wire.last_activity, time);
    if token.expiry.known().is_some_and(|at| response.is_past(*at)) {
        token.state = TokenState::Expired;
    }
    token.name = wire.note;
    token.owner = wire
        .user
        .map(|user| Principal::new(user).with_kind("user".to_owned()));
    token.scopes = wire.scopes.map(Into::into);
    token.attributes.extend(wire.rest);
    Ok(token)
}

/// Decodes the response to a creation, the secret first.
pub(crate) fn issued(response: &ApiResponse) -> Result<IssuedToken> {
    let mut wire: wire::ApiToken<'_> = response.record()?;
    let secret = std::mem::take(&mut wire.token).into_known();
    adapter::issued(response, secret, |_| token(wire, response).ok())
}

/// Encodes the body of a creation.
pub(crate) fn creation(request: CreateToken) -> wire::NewToken {
    wire::NewToken {
        note: request.name,
        expires_in: request.expiry.lifetime_seconds(),
        scopes: request.scopes,
    }
}

/// Parses an error response. JupyterHub refuses a credential with 403, in other words than it uses
/// for a lack of permission.
pub(crate) fn error_body(_: Operation, status: u16, body: &[u8]) -> ErrorBody {
    let error: wire::ErrorResponse = parse_fields(body).unwrap_or_default();
    let is_own = error.status.known() == Some(&status) && error.message.is_reported();
    let message = error.message.into_known();
    let words = message
        .as_deref()
        .unwrap_or("Missing or invalid credentials.");
    let is_refused = is_own && status == 403 && words == "Missing or invalid credentials.";
    let mut error = ErrorBody::from_message(message).with_own_form(is_own);
    error.kind = is_refused.then_some(ErrorKind::Unauthenticated);
    error
}

/// Returns `true` if JupyterHub knows the user, but no such token.
pub(crate) fn is_gone(error: &Error) -> bool {
    let message = error.platform_message().unwrap_or_default();
    error.is_in_own_form() && message.starts_with("No such token")
}
