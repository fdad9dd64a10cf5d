//! Conversions between Foreman's bodies and the model.

use std::time::Duration;

use tokenfleet_core::adapter::{Interner, Page, PageRequest};
use tokenfleet_core::model::{Attribute, Principal};
use tokenfleet_core::{
    CreateToken, Error, ErrorKind, Fact, Identity, IssuedToken, Operation, RequestedExpiry, Result,
    Timestamp, Token, TokenId, TokenState,
};
use tokenfleet_http::adapter::{self, NumberedPage, error_text};
use tokenfleet_http::decode::parse_fields;
use tokenfleet_http::{ApiResponse, ErrorBody};

use crate::wire;

/// The number of failed logins that Foreman tolerates from one address by default.
pub(crate) const MAX_FAILED_LOGINS: u32 = 30;

/// The time for which Foreman locks an address out after too many failed logins.
pub(crate) const LOCKOUT: Duration = Duration::from_secs(5 * 60);

/// Foreman's default page size when none is requested or repeated.
const DEFAULT_PAGE_SIZE: u32 = 20;

/// Decodes a page of tokens.
pub(crate) fn page(request: &PageRequest, response: &ApiResponse) -> Result<Page> {
    let mut interner = Interner::default();
    let (body, tokens): (wire::Index, _) = response.page("results", request.size, |result| {
        token(result, &mut interner, response)
    })?;
    let page = NumberedPage {
        total: body.subtotal,
        number: body.page.known().and_then(|page| page.checked_sub(1)),
        size: body.per_page.into_known().filter(|size| *size > 0),
    };
    page.into_page(request, DEFAULT_PAGE_SIZE, tokens, response)
}

/// Decodes the record of a single token.
pub(crate) fn record(response: &ApiResponse) -> Result<Token> {
    token(response.record()?, &mut Interner::default(), response)
}

fn token(
    wire: wire::PersonalAccessToken<'_>,
    interner: &mut Interner,
    response: &ApiResponse,
) -> Result<Token> {
    let Fact::Known(id) = wire.id else {
        return Err(response.violation("the response contains a token without an id"));
    };
    let mut token = Token::new(token_id(id), TokenState::Unknown);
    let times = &mut token.attributes;
    token.created_at = times.parse_time("created_at", wire.created_at, time);
    token.updated_at = times.parse_time("updated_at", wire.updated_at, time);
    token.expiry = times.parse_time("expires_at", wire.expires_at, time);
    token.last_used = times.parse_time("last_used_at", wire.last_used_at, time);
    let expired = token.expiry.known().is_some_and(|at| response.is_past(*at));
    token.state = match (wire.active.known(), wire.revoked.known()) {
        (_, Some(true)) => TokenState::Revoked,
        (Some(false), Some(false)) => TokenState::Expired,
        // Before 2.4 a token that is not active was either revoked or has expired.
        _ if expired => TokenState::Expired,
        (Some(true), _) => TokenState::Active,
        (Some(false), None) => TokenState::Revoked,
        (None, _) => TokenState::Unknown,
    };
    token.name = Fact::from_optional(wire.name.into_known()).map(String::from);
    token.owner = Fact::from_optional(wire.user_id.into_known()).map(|id| {
        let mut digits = itoa::Buffer::new();
        interner.principal(digits.format(id), Some("user"), None)
    });
    token.attributes.extend(wire.rest);
    Ok(token)
}

fn token_id(number: u64) -> TokenId {
    TokenId::new(itoa::Buffer::new().format(number))
}

/// Decodes the response to a creation, the secret first.
pub(crate) fn issued(response: &ApiResponse) -> Result<IssuedToken> {
    let issued: wire::Issued = response.record()?;
    adapter::issued(response, issued.token_value.into_known(), |_| {
        let bare = Token::new(token_id(issued.id.into_known()?), TokenState::Unknown);
        Some(record(response).unwrap_or(bare))
    })
}

/// Encodes the body of a creation, and rejects a name that Foreman would change.
pub(crate) fn creation(request: CreateToken) -> Result<wire::Creation> {
    if let Some(name) = &request.name {
        if name.trim() != name {
            return Err(Error::invalid_input(
                "the name begins or ends with white space, which Foreman would remove",
            ));
        }
        if name.contains('\0') {
            return Err(Error::invalid_input("the name contains a null character"));
        }
    }
    Ok(wire::Creation {
        personal_access_token: wire::NewToken {
            name: request.name,
            expires_at: match request.expiry {
                RequestedExpiry::At(at) => Some(at.truncated_to_seconds().to_string()),
                _ => None,
            },
        },
    })
}

/// Rejects an id that is not a plain whole number: Foreman also finds token 1 by `1-foo`, `01` and
/// `1abc`.
pub(crate) fn check_id(id: &TokenId) -> Result<()> {
    match id.as_str().parse::<u64>() {
        Ok(number) if number.to_string() == id.as_str() => Ok(()),
        _ => Err(Error::invalid_input(
            "the id is not a whole number, as Foreman's ids are",
        )),
    }
}

/// Parses Foreman's five time formats: `2019-11-07 08:45:43 UTC`, the same with an offset such as
/// `+0200` in the caller's zone, and RFC 3339 with or without milliseconds, in UTC or with an
/// offset.
fn time(text: &str) -> Option<Timestamp> {
    match text.split_at_checked("2019-11-07 08:45:43".len()) {
        Some((date_and_time, zone)) if zone.starts_with(' ') => {
            Timestamp::from_date_and_time(date_and_time, utc_offset(&zone[1..])?)
        }
        _ => text.parse().ok(),
    }
}

/// Parses the offset of a zone from UTC in seconds: `UTC`, `+0200`.
fn utc_offset(zone: &str) -> Option<i32> {
    let (sign, digits) = match zone.split_at_checked(1)? {
        _ if zone == "UTC" => return Some(0),
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let plain = digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number: i32 = plain.then(|| digits.parse().ok())??;
    Some(sign * (number / 100 * 60 + number % 100) * 60)
}

/// Converts the current user, whose name is the login.
pub(crate) fn identity(user: wire::CurrentUser, response: &ApiResponse) -> Result<Identity> {
    let Fact::Known(id) = user.id else {
        return Err(response.violation("the response contains a user without an id"));
    };
    let principal = Principal::new(id.to_string())
        .with_kind("user".to_owned())
        .with_name(user.login.into_known());
    Ok(Identity::new(principal).with_email(user.mail))
}

/// Decodes the user with a login from a page of users. Foreman may accept a login that it spells
/// otherwise.
pub(crate) fn user_with_login(login: &str, response: &ApiResponse) -> Result<Identity> {
    let ((), users) = response.page("results", None, |user: wire::CurrentUser| Ok(user))?;
    let mut advice =
        "check login, and whether the user belongs to organization_id and location_id".to_owned();
    for user in users {
        match user.login.known() {
            Some(own) if own == login => return identity(user, response),
            Some(own) if own.to_lowercase() == login.to_lowercase() => {
                advice = format!("write the login as Foreman does: {own:?}");
            }
            _ => {}
        }
    }
    let error = response.violation("no user has the acting login");
    Err(error.with_kind(ErrorKind::NotFound).with_advice(advice))
}

/// Parses an error response.
pub(crate) fn error_body(operation: Operation, status: u16, body: &[u8]) -> ErrorBody {
    let Some(response) = parse_fields::<wire::ErrorResponse>(body) else {
        return ErrorBody::default();
    };
    // What Foreman says of a path that no release before had: nothing else has this form.
    let is_no_route = operation == Operation::Whoami
        && response.status == Fact::Known(404)
        && response.error.known().and_then(error_text).as_deref() == Some("Not Found")
        && !response.message.is_reported()
        && !response.has_more;
    let is_own = is_no_route || matches!(response.error.known(), Some(Attribute::Map(_)));
    let outer = response.message.into_known();
    let (message, class, taken) = match response.error.into_known() {
        Some(Attribute::Map(error)) => {
            let part = |name: &str| error.get(name).and_then(error_text);
            let errors = match error.get("errors") {
                Some(Attribute::Map(errors)) => Some(errors),
                _ => None,
            };
            let reasons = match error.get("full_messages") {
                Some(texts @ Attribute::List(_)) => error_text(texts),
                _ => None,
            };
            let reasons = reasons.or_else(|| adapter::field_reasons(errors?));
            let message = match (part("message"), reasons) {
                (Some(message), Some(reasons)) if !message.contains(&reasons) => {
                    Some(format!("{message}: {reasons}"))
                }
                (message, reasons) => message.or(reasons),
            };
            let message = match (message, part("details")) {
                (Some(message), Some(details)) => Some(format!("{message}: {details}")),
                (message, details) => message.or(details),
            };
            let name = errors.and_then(|errors| errors.get("name"));
            let taken = format!("{name:?}").contains("taken");
            (message.or(outer), part("class"), taken)
        }
        error => (error.as_ref().and_then(error_text).or(outer), None, false),
    };
    let says = |words: &str| {
        message
            .as_deref()
            .is_some_and(|message| message.starts_with(words))
    };
    let (locked_out, disabled) = (says("Too many tries"), says("User account is disabled"));
    let no_user = says("Couldn't find User");
    let error_body = ErrorBody::from_message(message)
        .with_code(class)
        .with_own_form(is_own);
    match status {
        401 if locked_out => error_body
            .with_kind(ErrorKind::RateLimited)
            .with_retry_after(LOCKOUT)
            .with_advice(
                "too many logins failed from this address; wait until Foreman forgets them",
            ),
        401 if disabled => error_body
            .with_kind(ErrorKind::PermissionDenied)
            .with_advice("ask an administrator to enable the user"),
        422 if taken => error_body.with_kind(ErrorKind::Conflict).with_advice(
            "choose another name: Foreman never frees a name, not even of a revoked token",
        ),
        422 if no_user => error_body
            .with_kind(ErrorKind::NotFound)
            .with_advice("check user_id: Foreman takes the user's number here, not the login"),
        _ => error_body,
    }
}

/// Returns `true` if Foreman itself refused a login: gateways use other words.
pub(crate) fn refuses_login(error: &Error) -> bool {
    error.is_in_own_form()
        && error.status() == Some(401)
        && begins_with(error, "Unable to authenticate user")
}

/// Returns `true` if Foreman itself accepted a login that lacks a permission.
pub(crate) fn lacks_permission(error: &Error) -> bool {
    error.is_in_own_form() && error.status() == Some(403) && begins_with(error, "Access denied")
}

fn begins_with(error: &Error, words: &str) -> bool {
    let message = error.platform_message();
    message.is_some_and(|message| message.starts_with(words))
}

#[cfg(test)]
mod tests;
