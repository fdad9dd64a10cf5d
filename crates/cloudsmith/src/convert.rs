//! Conversions between Cloudsmith's bodies and the model.

use tokenfleet_core::adapter::{Page, PagePosition, PageRequest};
use tokenfleet_core::model::Attribute;
use tokenfleet_core::{
    Error, ErrorKind, Fact, IssuedToken, Operation, Result, Token, TokenId, TokenState,
};
use tokenfleet_http::decode::{JsonStr, parse_fields};
use tokenfleet_http::{ApiResponse, ErrorBody, adapter};

use crate::user::User;
use crate::wire;

/// Cloudsmith's page size when none is requested.
const DEFAULT_PAGE_SIZE: usize = 30;

/// Decodes a page of keys.
pub(crate) fn page(request: &PageRequest, response: &ApiResponse) -> Result<Page> {
    // Totals are in headers, not in the body.
    let ((), tokens) = response.page("results", request.size, |result| {
        token(result, None, response)
    })?;
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

/// Converts the record of a key. `requested` is the id in the request, in case the response does
/// not repeat it.
fn token(
    wire: wire::UserAuthenticationToken<'_>,
    requested: Option<&TokenId>,
    response: &ApiResponse,
) -> Result<Token> {
    let Some(id) = id(wire.slug_perm.into_known(), requested) else {
        return Err(response.violation("the response contains a key without a slug_perm"));
    };
    let mut token = Token::new(id, TokenState::Active);
    let created = Fact::from_optional(wire.created.into_known());
    token.created_at = token
        .attributes
        .parse_time("created", created, |text| text.parse().ok());
    token.attributes.extend(wire.rest);
    Ok(token)
}

fn id(slug: Option<JsonStr<'_>>, requested: Option<&TokenId>) -> Option<TokenId> {
    let slug = slug.filter(|slug| !slug.is_empty()).map(TokenId::new);
    slug.or_else(|| requested.cloned())
}

/// Decodes the response to a creation or refresh, the key first.
pub(crate) fn issued(requested: Option<&TokenId>, response: &ApiResponse) -> Result<IssuedToken> {
    let issued: wire::Issued<'_> = response.record()?;
    let id = id(issued.slug_perm.into_known(), requested);
    adapter::issued(response, issued.key.into_known(), |_| {
        let bare = Token::new(id?, TokenState::Active);
        let record = response.record();
        let record = record.and_then(|wire| token(wire, requested, response));
        Some(record.unwrap_or(bare))
    })
}

/// Decodes the answer to "who am I": `None` if nobody was recognised. Only that must be readable.
pub(crate) fn user(response: &ApiResponse) -> Result<Option<User>> {
    let user: wire::UserBrief = response.record()?;
    let Some(is_recognised) = user.authenticated.into_known() else {
        return Err(response.violation("the response does not say whether the key was recognised"));
    };
    Ok(is_recognised.then(|| User {
        slug: user.slug.into_known(),
        name: user.name.into_known(),
        email: user.email.into_known(),
    }))
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
