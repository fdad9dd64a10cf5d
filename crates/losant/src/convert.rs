//! Between Losant's words and the model.

use tokenfleet_core::adapter::{Interner, Page, PagePosition, PageRequest};
use tokenfleet_core::model::Attribute;
use tokenfleet_core::{
    CreateToken, Error, Fact, IssuedToken, Operation, RequestedExpiry, Result, Suspension,
    Timestamp, Token, TokenId, TokenState, UpdateToken,
};
use tokenfleet_http::{ApiResponse, ErrorBody, Fields, JsonStr, parse_json};

use crate::wire;

pub(crate) const ACTIVE: &str = "active";
pub(crate) const INACTIVE: &str = "inactive";

pub(crate) fn page(request: &PageRequest, answer: &ApiResponse) -> Result<Page> {
    let mut interner = Interner::default();
    let (body, tokens): (wire::ApiTokens, _) = answer.page("items", request.size, |item| {
        token(item, &mut interner, answer)
    })?;
    let Fact::Known(total) = body.total_count else {
        return Err(answer.violation("a page without the number of all tokens"));
    };
    let mut page = Page::default();
    page.tokens = tokens;
    page.total = Some(total);
    page.number = body.page.into_known();
    page.size = body.per_page.into_known();
    let number = request.number().unwrap_or_default();
    let size = page.size.or(request.size).unwrap_or(DEFAULT_PER_PAGE);
    let end = number.saturating_add(1).saturating_mul(u64::from(size));
    page.next = (end < total).then_some(PagePosition::Number(number + 1));
    Ok(page)
}

/// Losant's own page size when none is asked for or repeated.
const DEFAULT_PER_PAGE: u32 = 100;

/// The record of one token alone.
pub(crate) fn record(answer: &ApiResponse) -> Result<Token> {
    let Fields(wire) = answer.json()?;
    token(wire, &mut Interner::default(), answer)
}

fn token(wire: wire::ApiToken<'_>, interner: &mut Interner, answer: &ApiResponse) -> Result<Token> {
    let Some(id) = id(wire.id.into_known(), wire.api_token_id.into_known()) else {
        return Err(answer.violation("a token without an id"));
    };
    let mut token = Token::new(id, TokenState::Unknown);
    let times = &mut token.attributes;
    token.created_at = times.parse_time("creationDate", wire.creation_date, time);
    token.updated_at = times.parse_time("lastUpdated", wire.last_updated, time);
    // A token without an expiry date is one that never expires.
    let expiry = match wire.expiration_date {
        Fact::NotReported => Fact::Absent,
        reported => reported,
    };
    token.expiry = times.parse_time("expirationDate", expiry, time);
    token.state = match text(&wire.status) {
        _ if token.expiry.known().is_some_and(|at| answer.is_past(*at)) => TokenState::Expired,
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

/// Losant names a token twice.
fn id(id: Option<JsonStr<'_>>, api_token_id: Option<JsonStr<'_>>) -> Option<TokenId> {
    let mut names = [id, api_token_id].into_iter().flatten();
    names.find(|id| !id.is_empty()).map(TokenId::new)
}

fn text<'a>(fact: &'a Fact<JsonStr<'_>>) -> Option<&'a str> {
    fact.known().map(AsRef::as_ref)
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// The secret is read first: a record that cannot be read must not cost it.
pub(crate) fn issued(answer: &ApiResponse) -> Result<IssuedToken> {
    let issued: wire::Issued<'_> = answer.json()?;
    match (id(issued.id, issued.api_token_id), issued.token) {
        (Some(id), Some(secret)) if !secret.expose().is_empty() => {
            let bare = || Token::new(id, TokenState::Unknown);
            let record = record(answer).unwrap_or_else(|_| bare());
            Ok(IssuedToken::new(record, secret))
        }
        _ => Err(answer.violation("the answer to the creation holds no token")),
    }
}

pub(crate) fn creation(request: CreateToken) -> wire::ApiTokenPost {
    wire::ApiTokenPost {
        name: request.name,
        description: request.description,
        expiration_date: match request.expiry {
            RequestedExpiry::At(at) => Some(date_time(at)),
            // Losant never lets a token expire whose creation names no date; `null` is not in its schema.
            _ => None,
        },
        scope: request.scopes,
        status: if request.suspended { INACTIVE } else { ACTIVE },
    }
}

pub(crate) fn change(change: &UpdateToken) -> wire::ApiTokenPatch {
    wire::ApiTokenPatch {
        name: change.name.clone(),
        description: change.description.clone(),
        status: change.suspension.map(|suspension| match suspension {
            Suspension::Suspend => INACTIVE,
            Suspension::Resume => ACTIVE,
        }),
    }
}

/// Losant's times have milliseconds.
fn date_time(at: Timestamp) -> String {
    let whole = at.truncated_to_seconds().to_string();
    format!("{}.{:03}Z", whole.trim_end_matches('Z'), at.millisecond())
}

pub(crate) fn refusal(_: Operation, _: u16, body: &[u8]) -> ErrorBody {
    match parse_json::<wire::Refused>(body) {
        Some(error) => ErrorBody::from_message(error.message).with_code(error.kind),
        None => ErrorBody::default(),
    }
}

/// Whether Losant itself says that there is no such thing, and not a proxy before it.
pub(crate) fn is_gone(error: &Error) -> bool {
    error.status() == Some(404) && error.code() == Some("NotFound")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_sent_with_milliseconds() {
        let at: Timestamp = "2027-06-13T04:00:00.1239Z".parse().unwrap();
        assert_eq!(date_time(at), "2027-06-13T04:00:00.123Z");
    }
}
