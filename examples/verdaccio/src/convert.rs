//! Conversions between Verdaccio's bodies and the model.

use tokenfleet_core::model::Principal;
use tokenfleet_core::{
    Fact, IssuedToken, Operation, Result, Secret, Timestamp, Token, TokenId, TokenState,
};
use tokenfleet_http::decode::parse_fields;
use tokenfleet_http::{ApiResponse, ErrorBody, adapter};

use crate::wire;

/// The number of characters of a secret that a list shows, at its beginning and at its end.
const SHOWN: usize = 5;

/// Converts a record.
pub(crate) fn token(wire: wire::NpmToken<'_>, response: &ApiResponse) -> Result<Token> {
    let Fact::Known(key) = wire.key else {
        return Err(response.violation("the response contains a token without a key"));
    };
    let mut token = Token::new(TokenId::new(key), TokenState::Active);
    let time = |text: &str| text.parse::<Timestamp>().ok();
    token.created_at = (token.attributes).parse_time("created", wire.created, time);
    let user = |user| Principal::new(user).with_kind("user".to_owned());
    token.owner = wire.user.map(user);
    token.attributes.extend(wire.rest);
    Ok(token)
}

/// Decodes the response to a creation, the secret first.
pub(crate) fn issued(response: &ApiResponse) -> Result<IssuedToken> {
    let mut wire: wire::NpmToken<'_> = response.record()?;
    let secret = std::mem::take(&mut wire.token).into_known();
    adapter::issued(response, secret, |_| token(wire, response).ok())
}

/// Returns `true` if a listed token may be the one of this secret.
pub(crate) fn may_be(wire: &wire::NpmToken<'_>, secret: &Secret) -> bool {
    let masked = wire
        .token
        .known()
        .and_then(|masked| masked.expose().get(..SHOWN));
    masked.is_none_or(|shown| secret.expose().starts_with(shown))
}

/// Parses an error response.
pub(crate) fn error_body(_: Operation, _: u16, body: &[u8]) -> ErrorBody {
    let error: wire::ErrorResponse = parse_fields(body).unwrap_or_default();
    let is_own = error.error.known().is_some();
    ErrorBody::from_message(error.error.into_known()).with_own_form(is_own)
}
