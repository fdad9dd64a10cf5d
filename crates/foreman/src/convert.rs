//! Between Foreman's words and the model.

use std::time::Duration;

use tokenfleet_core::adapter::{Interner, Page, PagePosition, PageRequest};
use tokenfleet_core::{
    CreateToken, Error, ErrorKind, Fact, IssuedToken, Operation, RequestedExpiry, Result,
    Timestamp, Token, TokenId, TokenState,
};
use tokenfleet_http::{ApiResponse, ErrorBody, Fields, parse_json};

use crate::wire;

/// How many logins may fail from one address, unless its administrator chose another number.
pub(crate) const FAILED_LOGINS: u32 = 30;

/// How long Foreman refuses everyone after too many failed logins from one address.
pub(crate) const LOCK: Duration = Duration::from_secs(5 * 60);

/// Foreman's own page size when none is asked for or repeated, unless its administrator chose another.
const DEFAULT_PER_PAGE: u32 = 20;

pub(crate) fn page(request: &PageRequest, answer: &ApiResponse) -> Result<Page> {
    let mut interner = Interner::default();
    let (body, tokens): (wire::Index, _) = answer.page("results", request.size, |result| {
        token(result, &mut interner, answer)
    })?;
    let Fact::Known(total) = body.subtotal else {
        return Err(answer.violation("a page without the number of all tokens"));
    };
    let mut page = Page::default();
    page.tokens = tokens;
    page.total = Some(total);
    page.number = body.page.known().and_then(|page| page.checked_sub(1));
    page.size = body.per_page.into_known().filter(|size| *size > 0);
    let number = request.number().unwrap_or_default();
    let size = page.size.or(request.size).unwrap_or(DEFAULT_PER_PAGE);
    let end = number.saturating_add(1).saturating_mul(u64::from(size));
    page.next = (end < total).then_some(PagePosition::Number(number + 1));
    Ok(page)
}

/// The record of one token alone.
pub(crate) fn record(answer: &ApiResponse) -> Result<Token> {
    let Fields(wire) = answer.json()?;
    token(wire, &mut Interner::default(), answer)
}

fn token(
    wire: wire::PersonalAccessToken<'_>,
    interner: &mut Interner,
    answer: &ApiResponse,
) -> Result<Token> {
    let Fact::Known(id) = wire.id else {
        return Err(answer.violation("a token without an id"));
    };
    let mut token = Token::new(token_id(id), TokenState::Unknown);
    let times = &mut token.attributes;
    token.created_at = times.parse_time("created_at", wire.created_at, time);
    token.updated_at = times.parse_time("updated_at", wire.updated_at, time);
    token.expiry = times.parse_time("expires_at", wire.expires_at, time);
    token.last_used = times.parse_time("last_used_at", wire.last_used_at, time);
    let expired = token.expiry.known().is_some_and(|at| answer.is_past(*at));
    token.state = match (wire.active.known(), wire.revoked.known()) {
        (_, Some(true)) => TokenState::Revoked,
        (Some(true), _) => TokenState::Active,
        (Some(false), Some(false)) => TokenState::Expired,
        // Before 2.4 a token that is not active was either revoked or has expired.
        (Some(false), None) if expired => TokenState::Expired,
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

/// The secret is read first: a record that cannot be read must not cost it.
pub(crate) fn issued(answer: &ApiResponse) -> Result<IssuedToken> {
    let issued: wire::Issued = answer.json()?;
    match issued.token_value {
        Some(secret) if !secret.expose().is_empty() => {
            let bare = || Token::new(token_id(issued.id), TokenState::Unknown);
            let record = record(answer).unwrap_or_else(|_| bare());
            Ok(IssuedToken::new(record, secret))
        }
        _ => Err(answer.violation("the answer to the creation holds no token")),
    }
}

pub(crate) fn creation(request: CreateToken) -> Result<wire::Creation> {
    if let Some(name) = &request.name {
        if name.trim() != name {
            return Err(Error::invalid_input(
                "the name begins or ends with white space, which Foreman would drop",
            ));
        }
        if name.contains('\0') {
            return Err(Error::invalid_input("the name holds a null character"));
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

/// Foreman finds token 1 also by `1-foo`, `01` and `1abc`; here only its one spelling will do.
pub(crate) fn check_id(id: &TokenId) -> Result<()> {
    match id.as_str().parse::<u64>() {
        Ok(number) if number.to_string() == id.as_str() => Ok(()),
        _ => Err(Error::invalid_input(
            "the id is not a whole number, as Foreman's are",
        )),
    }
}

/// Reads Foreman's five time formats: `2019-11-07 08:45:43 UTC` or with `+0200` in the zone of the caller, and RFC 3339
/// with or without milliseconds, in UTC or with an offset.
fn time(text: &str) -> Option<Timestamp> {
    match text.split_at_checked("2019-11-07 08:45:43".len()) {
        Some((date_and_time, zone)) if zone.starts_with(' ') => {
            Timestamp::from_date_and_time(date_and_time, ahead(&zone[1..])?)
        }
        _ => text.parse().ok(),
    }
}

/// By how many seconds a zone is ahead of UTC: `UTC`, `+0200`.
fn ahead(zone: &str) -> Option<i32> {
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

pub(crate) fn refusal(_: Operation, status: u16, body: &[u8]) -> ErrorBody {
    let Some(refused) = parse_json::<wire::Refused>(body) else {
        return ErrorBody::default();
    };
    let (message, class, taken) = match refused.error {
        Some(wire::RefusedError::Details {
            message,
            details,
            class,
            full_messages,
            errors,
        }) => {
            let message = message.or_else(|| full_messages.map(|messages| messages.join(", ")));
            let message = match (message, details) {
                (Some(message), Some(details)) => Some(format!("{message}: {details}")),
                (message, details) => message.or(details),
            };
            let taken = format!("{:?}", errors.get("name")).contains("taken");
            (message, class, taken)
        }
        Some(wire::RefusedError::Text(text)) => (Some(text), None, false),
        None => (refused.message, None, false),
    };
    let says = |words: &str| {
        message
            .as_deref()
            .is_some_and(|said| said.starts_with(words))
    };
    let (locked, disabled) = (says("Too many tries"), says("User account is disabled"));
    let no_user = says("Couldn't find User");
    let refusal = ErrorBody::from_message(message).with_code(class);
    match status {
        401 if locked => refusal
            .with_kind(ErrorKind::RateLimited)
            .with_retry_after(LOCK)
            .with_advice("too many logins failed from this address; let it rest"),
        401 if disabled => refusal
            .with_kind(ErrorKind::PermissionDenied)
            .with_advice("ask an administrator to enable the user"),
        422 if taken => refusal.with_kind(ErrorKind::Conflict).with_advice(
            "choose another name: Foreman never frees one, not even of a revoked token",
        ),
        422 if no_user => refusal
            .with_kind(ErrorKind::NotFound)
            .with_advice("check user_id: Foreman takes the user's number here, not the login"),
        _ => refusal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_five_time_formats_mean_the_same_moment() {
        for text in [
            "2030-07-01 00:00:00 UTC",
            "2030-07-01 02:00:00 +0200",
            "2030-07-01T00:00:00Z",
            "2030-07-01T00:00:00.000Z",
            "2030-07-01T02:00:00.000+02:00",
        ] {
            assert_eq!(
                time(text).unwrap().to_string(),
                "2030-07-01T00:00:00Z",
                "{text}"
            );
        }
        for odd in [
            "",
            "UTC",
            "a b c",
            "2030-07-01 00:00:00 CEST",
            "2030-07-01 00:00:00 +é",
        ] {
            assert_eq!(time(odd), None, "{odd}");
        }
    }

    #[test]
    fn an_id_is_taken_in_its_one_spelling_only() {
        assert!(check_id(&TokenId::new("10")).is_ok());
        for id in ["1-foo", "01", "1abc", " 1", "+1", "1.json", "x"] {
            assert!(check_id(&TokenId::new(id)).is_err(), "{id}");
        }
    }
}
