//! Between Cloudsmith's words and the model.

use tokenfleet_core::adapter::{Page, PagePosition, PageRequest};
use tokenfleet_core::{
    ErrorKind, Fact, IssuedToken, Operation, Result, Token, TokenId, TokenState,
};
use tokenfleet_http::{ApiResponse, ErrorBody, Fields, JsonStr, parse_json};

use crate::wire;

/// Cloudsmith's own page size when none is asked for.
const DEFAULT_PAGE_SIZE: usize = 30;

pub(crate) fn page(request: &PageRequest, answer: &ApiResponse) -> Result<Page> {
    // Totals are no part of the body.
    let ((), tokens) = answer.page("results", request.size, |result| {
        token(result, None, answer)
    })?;
    let number = request.number().unwrap_or_default();
    let size = request.size.map_or(DEFAULT_PAGE_SIZE, |size| size as usize);
    let end = number
        .saturating_mul(size as u64)
        .saturating_add(tokens.len() as u64);
    let more = match (
        answer.number("x-pagination-pagetotal"),
        answer.number("x-pagination-count"),
    ) {
        (Some(pages), _) => number.saturating_add(1) < pages,
        (None, Some(count)) => end < count,
        // Without headers only a link or a full page tells of a successor.
        (None, None) => {
            let link = answer.header("link").unwrap_or_default();
            link.contains("rel=\"next\"") || tokens.len() >= size
        }
    };
    let mut page = Page::default();
    page.total = answer.number("x-pagination-count");
    page.number = answer
        .number("x-pagination-page")
        .and_then(|page| page.checked_sub(1));
    page.size = answer
        .number("x-pagination-pagesize")
        .and_then(|size| u32::try_from(size).ok())
        .filter(|size| *size > 0);
    page.next = more.then_some(PagePosition::Number(number.saturating_add(1)));
    page.tokens = tokens;
    Ok(page)
}

/// The record of a key; `asked` is the id that it was asked for by, should the answer not repeat it.
fn token(
    wire: wire::UserAuthenticationToken<'_>,
    asked: Option<&TokenId>,
    answer: &ApiResponse,
) -> Result<Token> {
    let Some(id) = id(wire.slug_perm.into_known(), asked) else {
        return Err(answer.violation("a key without a slug_perm"));
    };
    let mut token = Token::new(id, TokenState::Active);
    let created = Fact::from_optional(wire.created.into_known());
    token.created_at = token
        .attributes
        .parse_time("created", created, |text| text.parse().ok());
    token.attributes.extend(wire.rest);
    Ok(token)
}

fn id(slug: Option<JsonStr<'_>>, asked: Option<&TokenId>) -> Option<TokenId> {
    let slug = slug.filter(|slug| !slug.is_empty()).map(TokenId::new);
    slug.or_else(|| asked.cloned())
}

/// The key is read first: a record that cannot be read must not cost it.
pub(crate) fn issued(asked: Option<&TokenId>, answer: &ApiResponse) -> Result<IssuedToken> {
    let issued: wire::Issued<'_> = answer.json()?;
    match (id(issued.slug_perm, asked), issued.key) {
        (Some(id), Some(secret)) if !secret.expose().is_empty() => {
            let record = (answer.json()).and_then(|Fields(wire)| token(wire, asked, answer));
            let bare = || Token::new(id, TokenState::Active);
            Ok(IssuedToken::new(record.unwrap_or_else(|_| bare()), secret))
        }
        _ => Err(answer.violation("the answer holds no key")),
    }
}

/// As [`refusal`], for the login, which Cloudsmith is taking away.
pub(crate) fn login_refusal(operation: Operation, status: u16, body: &[u8]) -> ErrorBody {
    let refusal = refusal(operation, status, body);
    match status {
        404 | 410 => refusal.with_advice(
            "Cloudsmith has switched password logins off: make an API key on its website",
        ),
        _ => refusal,
    }
}

pub(crate) fn refusal(_: Operation, status: u16, body: &[u8]) -> ErrorBody {
    let Some(error) = parse_json::<wire::Refused>(body) else {
        return ErrorBody::default();
    };
    let says = |words: &str| {
        error
            .detail
            .as_deref()
            .is_some_and(|detail| detail.contains(words))
    };
    let full = says("already created an API key");
    let locked = says("Locked out");
    let refusal = ErrorBody::from_message(error.detail).with_code(error.code);
    match status {
        400 if full => refusal
            .with_kind(ErrorKind::Conflict)
            .with_advice("a user has one key: rotate it instead, which kills the old one at once"),
        403 if locked => {
            refusal.with_advice("too many logins failed; let it rest or use the website")
        }
        _ => refusal,
    }
}
