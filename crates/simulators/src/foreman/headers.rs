//! The response headers.

use bytes::Bytes;
use http::{HeaderMap, Method, Response, header};
use sha2::{Digest, Sha256};

use super::{
    reply::{Body, Reply},
    taxonomy::Taxonomy,
};
use crate::{response, seeding::hex};

/// The facts that a response shows besides its status and body.
#[derive(Clone, Debug, Default)]
pub(super) struct ResponseContext {
    /// The current organization and location, or `None` if the request did not get far enough; then
    /// the response has none of the `foreman_*` headers.
    pub(super) taxonomies: Option<(Option<Taxonomy>, Option<Taxonomy>)>,
    pub(super) new_session: Option<String>,
    /// The release, or `None` if it is not shown.
    pub(super) release: Option<String>,
    pub(super) root_name: Option<String>,
    pub(super) request_id: String,
    pub(super) runtime: String,
}

/// The checksum of the API's documentation, which is constant here.
const APIPIE_CHECKSUM: &str = "f7fd44f33f48f0ef9e3ab94c527a795d96a7e236";

const SECURITY_HEADERS: &[(&str, &str)] = &[
    ("x-frame-options", "sameorigin"),
    ("x-content-type-options", "nosniff"),
    ("x-xss-protection", "1; mode=block"),
    ("x-download-options", "noopen"),
    ("x-permitted-cross-domain-policies", "none"),
    (
        "content-security-policy",
        "default-src 'self'; child-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; \
         script-src 'unsafe-eval' 'unsafe-inline' 'self'; style-src 'unsafe-inline' 'self'",
    ),
];

const NOT_FOUND_PAGE: &str = "<!DOCTYPE html>\n<html>\n<head>\n  \
    <title>The page you were looking for doesn't exist (404)</title>\n</head>\n<body>\n  \
    <h1>The page you were looking for doesn't exist.</h1>\n</body>\n</html>\n";

/// Builds the response to a request with this method and these headers.
pub(super) fn respond(
    reply: Reply,
    context: &ResponseContext,
    method: &Method,
    request: &HeaderMap,
) -> Response<Bytes> {
    let Reply { status, body } = reply;
    let succeeded = matches!(body, Body::Success(_));
    let error_page = matches!(body, Body::ErrorPage { .. });
    let (content_type, page) = match &body {
        Body::Empty(content_type) => (*content_type, None),
        Body::ErrorPage { .. } if wants_json(request) => ("application/json; charset=UTF-8", None),
        Body::ErrorPage { .. } => ("text/html; charset=UTF-8", Some(NOT_FOUND_PAGE.to_owned())),
        _ => ("application/json; charset=utf-8", None),
    };
    let text = page.unwrap_or_else(|| body.into_text(context.root_name.as_deref()));
    let etag = succeeded.then(|| etag(&text));
    let mut response = response::with_body(status, content_type, text);
    let mut set = |name: &str, value: &str| response::set_header(&mut response, name, value);
    if let Some((organization, location)) = context.taxonomies {
        if let Some(release) = &context.release {
            set("foreman_version", release);
        }
        set("foreman_api_version", "2");
        set(
            "foreman_current_organization",
            &Taxonomy::header_value(organization),
        );
        set(
            "foreman_current_location",
            &Taxonomy::header_value(location),
        );
    }
    set("apipie-checksum", APIPIE_CHECKSUM);
    if let Some(session) = &context.new_session {
        set(
            "set-cookie",
            &format!("_session_id={session}; path=/; HttpOnly; SameSite=Lax"),
        );
    }
    set("x-request-id", &context.request_id);
    set("x-runtime", &context.runtime);
    if !error_page {
        let cache = if succeeded {
            "max-age=0, private, must-revalidate"
        } else {
            "no-cache"
        };
        set("cache-control", cache);
        for (name, value) in SECURITY_HEADERS {
            set(name, value);
        }
    }
    if let Some(etag) = &etag {
        set("etag", etag);
        if status == 200 && is_read(method) && is_fresh(request, etag) {
            not_modified(&mut response);
        }
    }
    if *method == Method::HEAD {
        *response.body_mut() = Bytes::new();
    }
    response
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Returns whether `If-None-Match` is exactly the weak tag; Foreman supports no lists.
fn is_fresh(request: &HeaderMap, etag: &str) -> bool {
    request
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == etag.as_bytes())
}

fn not_modified(response: &mut Response<Bytes>) {
    *response.status_mut() = http::StatusCode::NOT_MODIFIED;
    *response.body_mut() = Bytes::new();
    response.headers_mut().remove(header::CONTENT_TYPE);
}

fn etag(text: &str) -> String {
    format!("W/\"{}\"", hex(&Sha256::digest(text)[..16]))
}

fn wants_json(request: &HeaderMap) -> bool {
    request
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"))
}
