//! The errors of requests that were sent: by status, by a success that is not usable, and by a
//! broken connection.

use http::{HeaderMap, Method};
use tokenfleet_core::{Error, ErrorKind, Fate, Operation, Result, Secret};

use crate::rate_headers::retry_after;
use crate::{ApiRequest, ApiResponse, BaseUrl, ErrorBody, ErrorParser, SendPhase, TransportError};

const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;
const PROXY_LOGIN_ADVICE: &str = "check proxy_user and proxy_password in [transport], before more \
                                  attempts lock the login";

/// Creates an error for a response whose status is not a success.
pub(crate) fn status_error(
    base_url: &BaseUrl,
    request: &ApiRequest,
    status: u16,
    headers: &HeaderMap,
    error_body: ErrorBody,
) -> Error {
    let (kind, message) = kind_of(status);
    let by_proxy = status == PROXY_AUTHENTICATION_REQUIRED;
    let secrets: Vec<&str> = request.secrets.iter().map(Secret::expose).collect();
    let mut error = Error::new(
        // An adapter knows what its platform means, and a proxy is none.
        error_body.kind.filter(|_| !by_proxy).unwrap_or(kind),
        fate_of(request.operation, status),
        message,
    )
    .with_status(status)
    .with_own_form(error_body.is_own && !by_proxy);
    if let Some(code) = error_body.code {
        error = error.with_code(&code, &secrets);
    }
    if let Some(message) = error_body.message {
        error = error.with_platform_message(&message, &secrets);
    }
    if let Some(wait) = retry_after(headers).or(error_body.retry_after) {
        error = error.with_retry_after(wait);
    }
    let is_missing = is_missing(status, request);
    let page = request.page_number.unwrap_or_default();
    if is_missing && error_body.kind.is_none() {
        error = missing_collection(base_url, request, page, error);
    }
    let advice = error_body.advice.filter(|_| !by_proxy).or(match status {
        304 => Some("check whether a proxy or a cache answers instead of the platform"),
        300..=399 => Some("check the base URL"),
        PROXY_AUTHENTICATION_REQUIRED => Some(PROXY_LOGIN_ADVICE),
        401 => Some("check that the credential is correct and still valid"),
        403 => Some("grant the credential the scope or role that this needs"),
        _ if is_missing && page == 0 => Some(
            "check base_url and the owner of the tokens in the configuration, and that the \
             credential may see them",
        ),
        _ if is_missing => Some(
            "repeat the listing; if that does not help, check that the owner of the tokens still \
             exists",
        ),
        _ => None,
    });
    match advice {
        Some(advice) => error.with_advice(advice),
        None => error,
    }
}

/// Returns `true` for the refusal of a request that names a collection, and no token.
fn is_missing(status: u16, request: &ApiRequest) -> bool {
    match (status, request.operation) {
        (404 | 410, Operation::List | Operation::Create) => true,
        (405, Operation::List) => request.page_number.is_none_or(|page| page == 0),
        (405, Operation::Create) => true,
        _ => false,
    }
}

/// Turns "not found" into an error about the collection, which no token's id is part of: the base
/// URL or the owner of the tokens is wrong, or the platform contradicts what it counted.
fn missing_collection(base_url: &BaseUrl, request: &ApiRequest, page: u64, error: Error) -> Error {
    let url = base_url.join(&request.path, &[]).unwrap_or_default();
    let (kind, message) = match request.operation {
        Operation::Create => {
            let message = format!("tokens cannot be created at {url}");
            (ErrorKind::Configuration, message)
        }
        _ if page == 0 => {
            let message = format!("there are no tokens at {url}");
            (ErrorKind::Configuration, message)
        }
        _ => {
            let message = format!("page {} of the tokens at {url} is missing", page + 1);
            (ErrorKind::ProtocolViolation, message)
        }
    };
    let mut missing = Error::new(kind, error.fate(), message).with_own_form(error.is_in_own_form());
    if let Some(status) = error.status() {
        missing = missing.with_status(status);
    }
    if let Some(code) = error.code() {
        missing = missing.with_code(code, &[]);
    }
    if let Some(message) = error.platform_message() {
        missing = missing.with_platform_message(message, &[]);
    }
    missing
}

/// Returns the kind and message of a status, for when the platform says no more.
fn kind_of(status: u16) -> (ErrorKind, &'static str) {
    match status {
        304 => (
            ErrorKind::ProtocolViolation,
            "the answer is \"not modified\", although nothing was asked about a change",
        ),
        300..=399 => (
            ErrorKind::ProtocolViolation,
            "the platform sent a redirect, and redirects are never followed",
        ),
        401 => (ErrorKind::Unauthenticated, "the credential is not accepted"),
        403 => (
            ErrorKind::PermissionDenied,
            "the credential is not allowed to do this",
        ),
        404 | 410 => (ErrorKind::NotFound, "not found"),
        PROXY_AUTHENTICATION_REQUIRED => (
            ErrorKind::Other,
            "the proxy did not accept the login, and the platform was not reached",
        ),
        408 => (
            ErrorKind::Timeout,
            "the platform timed out waiting for the request",
        ),
        409 => (
            ErrorKind::Conflict,
            "the request conflicts with an existing resource",
        ),
        429 => (ErrorKind::RateLimited, "too many requests"),
        400..=499 => (ErrorKind::InvalidInput, "the platform rejected the request"),
        500..=599 => (ErrorKind::Unavailable, "the platform is unavailable"),
        _ => (
            ErrorKind::ProtocolViolation,
            "the platform sent an unexpected status",
        ),
    }
}

/// Returns the fate of a request that was answered with `status`.
fn fate_of(operation: Operation, status: u16) -> Fate {
    match status {
        408 => operation.fate_if_unanswered(),
        400..=499 => Fate::Rejected,
        _ => operation.fate_if_unanswered(),
    }
}

/// Rejects a 2xx that the API did not send: its responses are JSON, and empty only if the request
/// allows that.
///
/// An error of the platform itself is none either, unless the response may hold a new secret, which
/// must not be lost: then the adapter looks for the secret first.
pub(crate) fn check_success(
    request: &ApiRequest,
    response: &ApiResponse,
    error_parser: ErrorParser,
) -> Result<()> {
    let message = match (response.status(), response.is_empty()) {
        // Accepted, partial, of several parts: nothing that proves what was asked.
        (202 | 205..=299, _) if !may_hold_secret(request) => {
            "the platform sent an unexpected status"
        }
        (200..=299, true) if request.allow_empty_body => return Ok(()),
        (200..=299, true) => "the response is empty",
        (200..=299, false) if !response.is_json() => "the response is not JSON",
        (200..=299, false) if may_be_error(request) => {
            let error_body = error_parser(request.operation, response.status(), &response.body);
            return if error_body.is_own {
                Err(contradiction(request, response, error_body))
            } else {
                Ok(())
            };
        }
        _ => return Ok(()),
    };
    let error = response.violation(message);
    Err(error.with_advice(
        "check the base URL, and whether a proxy or the login page of a network answered instead",
    ))
}

/// Returns `true` if an error of the platform may be in a success. A page must have its own fields
/// anyway.
fn may_be_error(request: &ApiRequest) -> bool {
    !matches!(
        request.operation,
        Operation::List | Operation::Create | Operation::Rotate
    ) && request.method != Method::PUT
}

/// Returns `true` if a new secret may be in the response, which must not be lost.
fn may_hold_secret(request: &ApiRequest) -> bool {
    matches!(
        request.operation,
        Operation::Create | Operation::Rotate | Operation::Renew
    ) || request.method == Method::PUT
}

/// Creates an error for a status of success with an error of the platform: nobody knows which
/// holds.
fn contradiction(request: &ApiRequest, response: &ApiResponse, error_body: ErrorBody) -> Error {
    let secrets: Vec<&str> = request.secrets.iter().map(Secret::expose).collect();
    let mut error = response.violation("the platform reports an error with a status of success");
    if let Some(code) = error_body.code {
        error = error.with_code(&code, &secrets);
    }
    match error_body.message {
        Some(message) => error.with_platform_message(&message, &secrets),
        None => error,
    }
}

/// Creates an error for a request that the transport could not complete.
pub(crate) fn transport_error(request: &ApiRequest, error: TransportError) -> Error {
    let operation = request.operation;
    if error.is_proxy_login_refused() {
        let (kind, message) = kind_of(PROXY_AUTHENTICATION_REQUIRED);
        return Error::new(kind, Fate::NotSent, message)
            .with_source(error)
            .with_advice(PROXY_LOGIN_ADVICE);
    }
    let kind = if error.is_timeout() {
        ErrorKind::Timeout
    } else {
        ErrorKind::Connection
    };
    let (fate, message) = match error.phase() {
        SendPhase::NotSent => (Fate::NotSent, "the platform cannot be reached"),
        SendPhase::MaybeSent => (
            operation.fate_if_unanswered(),
            "the connection broke before the response was complete",
        ),
    };
    let message = format!("{message} ({error})");
    let advice = error.advice().or(match fate {
        Fate::NotSent => Some("check the base URL, the network and the certificates"),
        _ => None,
    });
    // It may quote the server, such as the names in a certificate.
    let secrets: Vec<&str> = request.secrets.iter().map(Secret::expose).collect();
    let masked = Error::new(kind, fate, message.as_str()).with_secrets_masked(&secrets);
    let quotes_secret = masked.to_string() != Error::new(kind, fate, message).to_string();
    let masked = match advice {
        Some(advice) => masked.with_advice(advice),
        None => masked,
    };
    if quotes_secret {
        masked
    } else {
        masked.with_source(error)
    }
}

/// Returns `true` if no connection could be opened because this process has too many files open.
pub(crate) fn is_out_of_descriptors(error: &Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<TransportError>())
        .is_some_and(TransportError::is_out_of_descriptors)
}
