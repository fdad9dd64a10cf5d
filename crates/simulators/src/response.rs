//! Constructors of HTTP responses.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

/// Returns a response with a body of the given content type.
pub(crate) fn with_body(
    status: u16,
    content_type: &str,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    set_header(&mut response, header::CONTENT_TYPE.as_str(), content_type);
    response
}

/// Returns a compact JSON response whose members keep their order.
pub(crate) fn json(status: u16, body: &impl Serialize) -> Response<Bytes> {
    let body = serde_json::to_vec(body).unwrap_or_default();
    with_body(status, "application/json", body)
}

/// Returns a response without body or content type.
pub(crate) fn empty(status: u16) -> Response<Bytes> {
    let mut response = with_body(status, "", Bytes::new());
    response.headers_mut().remove(header::CONTENT_TYPE);
    response
}

/// Sets a header, replacing an older value; a name or value that no header allows is ignored.
pub(crate) fn set_header<B>(response: &mut Response<B>, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (
        HeaderName::from_bytes(name.as_bytes()),
        HeaderValue::from_str(value),
    ) {
        response.headers_mut().insert(name, value);
    }
}
