//! Conversions between Cloudsmith's bodies and the model.

use tokenfleet_core::adapter::{Page, PagePosition, PageRequest};
use tokenfleet_core::capability::ArgumentValue;
use tokenfleet_core::model::{Attribute, Principal};
use tokenfleet_core::{
    CreateToken, Error, ErrorKind, Fact, Identity, IssuedToken, Operation, Result, Timestamp,
    Token, TokenId, TokenState, UpdateToken,
};
use tokenfleet_http::decode::{JsonStr, parse_fields};
use tokenfleet_http::{ApiResponse, ErrorBody, adapter};

use crate::arguments::{ROLE, Role, TEAMS};
use crate::config::Resource;
use crate::wire;

/// Cloudsmith's page size when none is requested.
const DEFAULT_PAGE_SIZE: usize = 30;

/// Decodes a page of keys.
pub(crate) fn page(
    resource: &Resource,
    request: &PageRequest,
    response: &ApiResponse,
) -> Result<Page> {
    // Totals are in headers, not in the body.
    let tokens = match resource {
        Resource::User => {
            let ((), keys) =
                response.page("results", request.size, |key| user_key(key, None, response))?;
            keys
        }
        Resource::Organization(_) => {
            response.records(request.size, |record| service(record, None, response))?
        }
    };
    let number = request.number().unwrap_or_default();
    let size = request.size.map_or(DEFAULT_PAGE_SIZE, |size| size as usize);
    let end = number
        .saturating_mul(size as u64)
        .saturating_add(tokens.len() as u64);
    let has_next = match (
        response.header_number("x-pagination-pagetotal"),
        response.header_number("x-pagination-count"),
    ) {
        (Some(pages), _) => number.saturating_add(1) < pages,
        (None, Some(count)) => end < count,
        // Without the headers, infer a next page from a `Link` header or a full page.
        (None, None) => {
            let link = response.header("link").unwrap_or_default();
            link.contains("rel=\"next\"") || tokens.len() >= size
        }
    };
    let mut page = Page::last(tokens);
    page.total = response.header_number("x-pagination-count");
    page.number = response
        .header_number("x-pagination-page")
        .and_then(|page| page.checked_sub(1));
    page.size = response
        .header_number("x-pagination-pagesize")
        .and_then(|size| u32::try_from(size).ok())
        .filter(|size| *size > 0);
    page.next = has_next.then_some(PagePosition::Number(number.saturating_add(1)));
    Ok(page)
}

/// Decodes the record of a single key. `requested` is the id in the request, in case the response
/// does not repeat it.
fn record(
    resource: &Resource,
    requested: Option<&TokenId>,
    response: &ApiResponse,
) -> Result<Token> {
    match resource {
        Resource::User => user_key(response.record()?, requested, response),
        Resource::Organization(_) => service(response.record()?, requested, response),
    }
}

/// Decodes the record of a single service account.
pub(crate) fn service_record(response: &ApiResponse) -> Result<Token> {
    service(response.record()?, None, response)
}

/// Converts the key of a user.
fn user_key(
    wire: wire::UserAuthenticationToken<'_>,
    requested: Option<&TokenId>,
    response: &ApiResponse,
) -> Result<Token> {
    let Some(id) = id(wire.slug_perm.into_known(), requested) else {
        return Err(response.violation("the response contains a key without a slug_perm"));
    };
    let mut token = Token::new(id, TokenState::Active);
    let created = Fact::from_optional(wire.created.into_known());
    token.created_at = token.attributes.parse_time("created", created, time);
    token.attributes.extend(wire.rest);
    Ok(token)
}

/// Converts a service account, whose one key is the token.
fn service(
    wire: wire::Service<'_>,
    requested: Option<&TokenId>,
    response: &ApiResponse,
) -> Result<Token> {
    let Some(id) = id(wire.slug.into_known(), requested) else {
        return Err(response.violation("the response contains a service account without a slug"));
    };
    let mut token = Token::new(id, TokenState::Active);
    token.name = Fact::from_optional(wire.name.into_known()).map(String::from);
    token.description = wire.description.map(String::from);
    let created = Fact::from_optional(wire.created_at.into_known());
    let times = &mut token.attributes;
    token.created_at = times.parse_time("created_at", created, time);
    token.expiry = times.parse_time("key_expires_at", wire.key_expires_at, time);
    if token.expiry.known().is_some_and(|at| response.is_past(*at)) {
        token.state = TokenState::Expired;
    }
    token.attributes.extend(wire.rest);
    Ok(token)
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn id(slug: Option<JsonStr<'_>>, requested: Option<&TokenId>) -> Option<TokenId> {
    let slug = slug.filter(|slug| !slug.is_empty()).map(TokenId::new);
    slug.or_else(|| requested.cloned())
}

/// Decodes the response to a creation or refresh, the key first.
pub(crate) fn issued(
    resource: &Resource,
    requested: Option<&TokenId>,
    response: &ApiResponse,
) -> Result<IssuedToken> {
    let issued: wire::Issued<'_> = response.record()?;
    let slug = match resource {
        Resource::User => issued.slug_perm,
        Resource::Organization(_) => issued.slug,
    };
    let id = id(slug.into_known(), requested);
    adapter::issued(response, issued.key.into_known(), |_| {
        let bare = Token::new(id?, TokenState::Active);
        Some(record(resource, requested, response).unwrap_or(bare))
    })
}

/// Encodes the body of the creation of a service account: a member everywhere, unless it is to be
/// more in the organization.
pub(crate) fn creation(request: CreateToken) -> wire::ServiceRequest {
    let role = request.argument(ROLE).and_then(ArgumentValue::as_text);
    let teams = request.argument(TEAMS).and_then(ArgumentValue::as_list);
    let member = Role::Member.as_str();
    let team = |slug: &String| wire::ServiceTeam {
        slug: slug.clone(),
        role: member,
    };
    wire::ServiceRequest {
        role: role.unwrap_or(member).to_owned(),
        teams: teams.unwrap_or_default().iter().map(team).collect(),
        name: request.name,
        description: request.description.filter(|text| !text.is_empty()),
    }
}

/// Encodes the body of an update of a service account.
pub(crate) fn update(change: &UpdateToken) -> wire::ServiceRequestPatch {
    let description = change.description.clone();
    wire::ServiceRequestPatch {
        name: change.name.clone(),
        description: description.map(|text| Some(text).filter(|text| !text.is_empty())),
    }
}

/// Decodes the answer to "who am I": `None` if nobody was recognised. Only that must be readable.
pub(crate) fn user(response: &ApiResponse) -> Result<Option<wire::UserBrief>> {
    let user: wire::UserBrief = response.record()?;
    match user.authenticated {
        Fact::Known(is_recognised) => Ok(is_recognised.then_some(user)),
        _ => {
            let message = "the response does not say whether the key was recognised";
            Err(response.violation(message))
        }
    }
}

/// Converts a recognised user. Nobody knows what Cloudsmith says about a service account, so the id
/// is whatever identifies it; an empty one, if nothing does, is refused by the check of the result.
pub(crate) fn identity(user: wire::UserBrief) -> Identity {
    let ids = [&user.slug, &user.slug_perm, &user.email].map(Fact::known);
    let id = ids.into_iter().flatten().find(|id| !id.is_empty()).cloned();
    let principal = Principal::new(id.unwrap_or_default());
    Identity::new(principal.with_name(user.name.into_known())).with_email(user.email)
}

/// Returns `true` if both are known to be the same user.
pub(crate) fn is_same_user(one: &wire::UserBrief, other: &wire::UserBrief) -> bool {
    let same = |one: &Fact<String>, other: &Fact<String>| match (one.known(), other.known()) {
        (Some(one), Some(other)) => Some(!one.is_empty() && one == other),
        _ => None,
    };
    // A slug may be changed and given to another user; the permanent one may not.
    same(&one.slug_perm, &other.slug_perm)
        .or_else(|| same(&one.slug, &other.slug))
        .unwrap_or(false)
}

/// Parses an error response to a login, which Cloudsmith is phasing out.
pub(crate) fn login_error_body(operation: Operation, status: u16, body: &[u8]) -> ErrorBody {
    let error_body = error_body(operation, status, body);
    match status {
        404 | 410 => error_body.with_kind(ErrorKind::NotFound).with_advice(
            "Cloudsmith has turned password logins off: create an API key on its website",
        ),
        _ => error_body,
    }
}

/// Returns `true` if Cloudsmith itself refused a key that it was shown. Its framework has more
/// sentences that begin with "Invalid token": they are about a header that something damaged.
pub(crate) fn refuses_key(error: &Error) -> bool {
    let message = error.platform_message().unwrap_or_default();
    error.status() == Some(401)
        && error.is_in_own_form()
        && (message == "Invalid token."
            || message.starts_with("Invalid authentication credentials"))
}

/// Returns `true` if Cloudsmith itself forbids an operation to a key that it recognises.
pub(crate) fn forbids_key(error: &Error) -> bool {
    error.kind() == ErrorKind::PermissionDenied
        && error.is_in_own_form()
        && error
            .platform_message()
            .is_some_and(|message| message.starts_with("You do not have permission"))
}

/// Returns `true` if Cloudsmith itself does not find what a request names.
pub(crate) fn is_gone(error: &Error) -> bool {
    error.status() == Some(404) && error.is_in_own_form()
}

/// Returns `true` if Cloudsmith itself may have rejected a request because it does not find what it
/// names: the status for that is not documented.
pub(crate) fn may_be_gone(error: &Error) -> bool {
    matches!(error.status(), Some(400 | 404)) && error.is_in_own_form()
}

/// Parses an error response.
pub(crate) fn error_body(_: Operation, status: u16, body: &[u8]) -> ErrorBody {
    let Some(error) = parse_fields::<wire::ErrorResponse>(body) else {
        return ErrorBody::default();
    };
    // A problem (RFC 9457) has details too, and comes from something in front of Cloudsmith.
    if error.is_problem {
        return ErrorBody::default();
    }
    let detail = error.detail.into_known();
    let says = |words: &str| {
        detail
            .as_deref()
            .is_some_and(|detail| detail.contains(words))
    };
    let has_key = says("already created an API key");
    let locked_out = says("Locked out");
    let is_own = detail.is_some();
    let reasons = match error.fields.known() {
        Some(Attribute::Map(fields)) => adapter::field_reasons(fields),
        _ => None,
    };
    let message = match (detail, reasons) {
        (Some(detail), Some(reasons)) => Some(format!("{detail} {reasons}")),
        (detail, reasons) => detail.or(reasons),
    };
    let error_body = ErrorBody::from_message(message)
        .with_code(error.code.into_known())
        .with_own_form(is_own);
    match status {
        400 if has_key => error_body.with_kind(ErrorKind::Conflict).with_advice(
            "a user has one key: rotate it instead, which revokes the old key at once",
        ),
        403 if locked_out => {
            error_body.with_advice("too many logins failed; wait, or use the website")
        }
        _ => error_body,
    }
}

#[cfg(test)]
mod tests;
