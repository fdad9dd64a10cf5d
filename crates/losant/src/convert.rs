//! Between Losant's words and the model.

use tokenfleet_core::{
    Attribute, CreateToken, Error, Fact, IssuedToken, Operation, Page, PagePosition, PageRequest,
    Principal, RequestedExpiry, Result, Suspension, Timestamp, Token, TokenId, TokenState,
    UpdateToken,
};
use tokenfleet_http::{Answer, Refusal, json_body};

use crate::wire;

pub(crate) const ACTIVE: &str = "active";
pub(crate) const INACTIVE: &str = "inactive";

pub(crate) fn page(request: &PageRequest, answer: &Answer) -> Result<Page> {
    let body: wire::ApiTokens = answer.json()?;
    let mut page = Page::default();
    page.total = Some(body.total_count);
    page.number = body.page;
    page.size = body.per_page;
    let number = request.number().unwrap_or_default();
    let size = body.per_page.or(request.size).unwrap_or(DEFAULT_PER_PAGE);
    let end = number.saturating_add(1).saturating_mul(u64::from(size));
    page.next = (end < body.total_count).then_some(PagePosition::Number(number + 1));
    page.tokens = body
        .items
        .into_iter()
        .map(|item| token(item, answer))
        .collect::<Result<_>>()?;
    Ok(page)
}

/// Losant's own page size when none is asked for or repeated.
const DEFAULT_PER_PAGE: u32 = 100;

pub(crate) fn token(wire: wire::ApiToken, answer: &Answer) -> Result<Token> {
    let Some(id) = wire.id.or(wire.api_token_id) else {
        return Err(answer.violation("a token without an id"));
    };
    let mut token = Token::new(TokenId::new(id), TokenState::Unknown);
    let times = &mut token.attributes;
    token.created_at = times.read_time("creationDate", wire.creation_date, time);
    token.updated_at = times.read_time("lastUpdated", wire.last_updated, time);
    // A token without an expiry date is one that never expires.
    let expiry = match wire.expiration_date {
        Fact::NotReported => Fact::None,
        reported => reported,
    };
    token.expiry = times.read_time("expirationDate", expiry, time);
    token.state = match wire.status.as_deref() {
        _ if token.expiry.known().is_some_and(|at| answer.is_past(*at)) => TokenState::Expired,
        Some(ACTIVE) => TokenState::Active,
        Some(INACTIVE) => TokenState::Suspended,
        Some(other) => {
            token.attributes.keep("status", Attribute::from(other));
            TokenState::Unknown
        }
        None => TokenState::Unknown,
    };
    token.name = Fact::from_optional(wire.name);
    token.description = wire.description;
    token.owner = principal(wire.owner_type, wire.owner_id, None);
    token.creator = principal(wire.creator_type, wire.creator_id, wire.creator_name);
    token.scopes = Fact::from_optional(wire.scope);
    // `_type`, `_links` and `_etag` describe the answer, not the token.
    let rest = wire
        .rest
        .into_iter()
        .filter(|(name, _)| !name.starts_with('_'));
    token.attributes.keep_all(rest);
    Ok(token)
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn principal(kind: Option<String>, id: Option<String>, name: Option<String>) -> Fact<Principal> {
    Fact::from_optional(id).map(|id| Principal::new(id).of_kind(kind).named(name))
}

/// The secret is read first: a record that cannot be read must not cost it.
pub(crate) fn issued(answer: &Answer) -> Result<IssuedToken> {
    let issued: wire::Issued = answer.json()?;
    let id = issued.id.or(issued.api_token_id);
    match (id, issued.token) {
        (Some(id), Some(secret)) if !secret.expose().is_empty() => {
            let record = answer.json().and_then(|wire| token(wire, answer));
            let bare = || Token::new(TokenId::new(id), TokenState::Unknown);
            Ok(IssuedToken::new(record.unwrap_or_else(|_| bare()), secret))
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
    let whole = at.whole_seconds().to_string();
    format!("{}.{:03}Z", whole.trim_end_matches('Z'), at.millisecond())
}

pub(crate) fn refusal(_: Operation, _: u16, body: &[u8]) -> Refusal {
    match json_body::<wire::Refused>(body) {
        Some(error) => Refusal::saying(error.message).with_code(error.kind),
        None => Refusal::default(),
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
