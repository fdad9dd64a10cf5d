//! Conversions between Losant's bodies and the model.

use tokenfleet_core::adapter::{Interner, Page, PageRequest};
use tokenfleet_core::capability::ArgumentValue;
use tokenfleet_core::model::Attribute;
use tokenfleet_core::{
    CreateToken, Error, Fact, IssuedToken, Operation, RequestedExpiry, Result, Suspension,
    Timestamp, Token, TokenId, TokenState, UpdateToken,
};
use tokenfleet_http::adapter::{self, NumberedPage};
use tokenfleet_http::decode::{JsonStr, parse_fields};
use tokenfleet_http::{ApiResponse, ErrorBody};

use crate::arguments::DEFAULT_ROLE;
use crate::wire;

pub(crate) const ACTIVE: &str = "active";
pub(crate) const INACTIVE: &str = "inactive";

/// Losant's page size when none is requested or repeated.
pub(crate) const DEFAULT_PAGE_SIZE: u32 = 100;

/// Rejects an id that is not one of Losant's, as Losant writes it.
///
/// Losant finds a token by capital digits too, but answers with the other spelling.
pub(crate) fn check_id(id: &TokenId) -> Result<()> {
    let id = id.as_str();
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if id.len() == 24 && id.bytes().all(is_digit) {
        return Ok(());
    }
    let error = Error::invalid_input("the id is not 24 hexadecimal digits, as Losant's ids are");
    let is_other_case = id.to_ascii_lowercase().bytes().all(is_digit);
    Err(if is_other_case && id.len() == 24 {
        error.with_advice("write its letters in lower case, as in the listing")
    } else {
        error
    })
}

/// Decodes a page of tokens.
pub(crate) fn page(request: &PageRequest, response: &ApiResponse) -> Result<Page> {
    let mut interner = Interner::default();
    let (body, tokens): (wire::ApiTokens, _) = response.page("items", request.size, |item| {
        token(item, &mut interner, response)
    })?;
    let page = NumberedPage {
        total: body.total_count,
        number: body.page.into_known(),
        size: body.per_page.into_known(),
    };
    page.into_page(request, DEFAULT_PAGE_SIZE, tokens, response)
}

/// Decodes the record of a single token.
pub(crate) fn record(response: &ApiResponse) -> Result<Token> {
    token(response.record()?, &mut Interner::default(), response)
}

fn token(
    wire: wire::ApiToken<'_>,
    interner: &mut Interner,
    response: &ApiResponse,
) -> Result<Token> {
    let Some(id) = id(&wire.id, &wire.api_token_id) else {
        return Err(response.violation("the response contains a token without an id"));
    };
    let mut token = Token::new(id, TokenState::Unknown);
    let times = &mut token.attributes;
    token.created_at = times.parse_time("creationDate", wire.creation_date.as_ref(), time);
    // A token that was never changed has one date twice.
    let created = text(&wire.creation_date).zip(token.created_at.known().copied());
    token.updated_at = times.parse_time("lastUpdated", wire.last_updated, |text| match created {
        Some((same, at)) if same == text => Some(at),
        _ => time(text),
    });
    // A token without an expiry date never expires.
    let expiry = match wire.expiration_date {
        Fact::NotReported if !wire.rest.is_unreadable("expirationDate") => Fact::Absent,
        reported => reported,
    };
    token.expiry = times.parse_time("expirationDate", expiry, time);
    token.state = match text(&wire.status) {
        _ if token.expiry.known().is_some_and(|at| response.is_past(*at)) => TokenState::Expired,
        Some(ACTIVE) => TokenState::Active,
        Some(INACTIVE) => TokenState::Suspended,
        Some(other) => {
            token.attributes.insert("status", Attribute::from(other));
            TokenState::Unknown
        }
        None => TokenState::Unknown,
    };
    token.name = Fact::from_optional(wire.name.into_known()).map(String::from);
    token.description = wire.description.map(String::from);
    let mut principal = |id: &Fact<_>, kind: &Fact<_>, name: &Fact<_>| {
        let id = Fact::from_optional(text(id));
        id.map(|id| interner.principal(id, text(kind), text(name)))
    };
    token.owner = principal(&wire.owner_id, &wire.owner_type, &Fact::Absent);
    token.creator = principal(&wire.creator_id, &wire.creator_type, &wire.creator_name);
    token.scopes =
        Fact::from_optional(wire.scope.into_known()).map(|scopes| interner.scopes(&scopes));
    token.attributes.extend(wire.rest);
    Ok(token)
}

/// Returns the id, which Losant sends in two fields.
fn id(id: &Fact<JsonStr<'_>>, api_token_id: &Fact<JsonStr<'_>>) -> Option<TokenId> {
    let id = text(id).filter(|id| !id.is_empty());
    let id = id.or_else(|| text(api_token_id).filter(|id| !id.is_empty()));
    id.map(TokenId::new)
}

fn text<'a>(fact: &'a Fact<JsonStr<'_>>) -> Option<&'a str> {
    fact.known().map(AsRef::as_ref)
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// Decodes the response to a creation, the secret first.
pub(crate) fn issued(response: &ApiResponse) -> Result<IssuedToken> {
    let issued: wire::Issued<'_> = response.record()?;
    let id = id(&issued.id, &issued.api_token_id);
    adapter::issued(response, issued.token.into_known(), |_| {
        let bare = Token::new(id?, TokenState::Unknown);
        Some(record(response).unwrap_or(bare))
    })
}

/// Encodes the body of a creation.
pub(crate) fn creation(request: CreateToken) -> wire::ApiTokenPost {
    let default_role = request
        .argument(DEFAULT_ROLE)
        .and_then(ArgumentValue::as_text);
    wire::ApiTokenPost {
        default_role: default_role.map(str::to_owned),
        name: request.name,
        description: request.description,
        expiration_date: match request.expiry {
            RequestedExpiry::At(at) => Some(date_time(at)),
            // Without a date the token never expires; `null` is not in Losant's schema.
            _ => None,
        },
        scope: request.scopes,
        status: if request.suspended { INACTIVE } else { ACTIVE },
    }
}

/// Encodes the body of an update.
pub(crate) fn update(change: &UpdateToken) -> wire::ApiTokenPatch {
    wire::ApiTokenPatch {
        name: change.name.clone(),
        description: change.description.clone(),
        status: change.suspension.map(|suspension| match suspension {
            Suspension::Suspend => INACTIVE,
            Suspension::Resume => ACTIVE,
        }),
    }
}

/// Formats a time as Losant does, with milliseconds.
fn date_time(at: Timestamp) -> String {
    let seconds = at.truncated_to_seconds().to_string();
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), at.millisecond())
}

/// Parses an error response.
pub(crate) fn error_body(_: Operation, status: u16, body: &[u8]) -> ErrorBody {
    let Some(error) = parse_fields::<wire::ErrorResponse>(body) else {
        return ErrorBody::default();
    };
    let (kind, message) = (error.kind.into_known(), error.message.into_known());
    // An error in a success has other fields beside it.
    let is_alone = !error.has_other_fields && message.is_some() || status < 300;
    let is_own = is_alone && kind.as_deref().is_some_and(is_camel_case);
    ErrorBody::from_message(message)
        .with_code(kind)
        .with_own_form(is_own)
}

/// Returns `true` for a type such as `NotFound`. The type of a problem (RFC 9457) is a URL, and
/// gateways send a message alone, or other fields beside it.
fn is_camel_case(kind: &str) -> bool {
    kind.starts_with(|c: char| c.is_ascii_uppercase())
        && kind.chars().all(|c| c.is_ascii_alphabetic())
}

/// Returns `true` if Losant itself does not know a token.
pub(crate) fn is_gone(error: &Error) -> bool {
    error.status() == Some(404) && error.code() == Some("NotFound") && error.is_in_own_form()
}

#[cfg(test)]
mod tests;
