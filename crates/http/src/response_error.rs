//! The errors of requests that were sent: by status, by a success that is not usable, and by a
//! broken connection.

use http::{HeaderMap, Method};
use tokenfleet_core::{Error, ErrorKind, Fate, Operation, Result, Secret};

use crate::rate_headers::retry_after;
use crate::{ApiRequest, ApiResponse, BaseUrl, ErrorBody, SendPhase, TransportError};

const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;
const DOUBTFUL_ADVICE: &str = "the platform may not have sent this refusal: something in front of \
                               it may have, and passed the request on all the same, so find out \
                               what happened before repeating it";
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
    let (kind, advice) = (error_body.kind, error_body.advice);
    let error = refused(
        request.operation,
        request.idempotent,
        &request.secrets,
        status,
        headers,
        error_body,
    );
    if !is_missing(status, request) {
        return error;
    }
    let page = request.page_number.unwrap_or_default();
    let error = match kind {
        Some(_) => error,
        None => missing_collection(base_url, request, page, error),
    };
    error.with_advice(advice.unwrap_or(if request.is_at_page_token {
        "start the listing again without a cursor"
    } else if page == 0 {
        "check base_url and the owner of the tokens in the configuration, and that the credential \
         may see them"
    } else {
        "repeat the listing; if that does not help, check that the owner of the tokens still exists"
    }))
}

impl ApiResponse {
    /// Returns the error that the status of this response stands for, with the code and the message
    /// of the platform.
    ///
    /// Meant for a status that [`accept_status`](crate::ApiRequest::accept_status) let through and
    /// that is a failure after all.
    #[must_use]
    pub fn refused(&self) -> Error {
        let error_body = (self.error_parser)(self.operation, self.status, &self.body);
        let (secrets, headers) = (&self.secrets, &self.headers);
        // Whether it may be repeated is not known here, and then it was perhaps applied.
        let idempotent = false;
        refused(
            self.operation,
            idempotent,
            secrets,
            self.status,
            headers,
            error_body,
        )
        .with_account(&self.account)
        .with_operation(self.operation)
        .with_attempts(self.attempts)
        .with_elapsed(self.elapsed)
    }
}

/// Creates an error for a status, whatever the request was about.
pub(crate) fn refused(
    operation: Operation,
    idempotent: bool,
    secrets: &[Secret],
    status: u16,
    headers: &HeaderMap,
    error_body: ErrorBody,
) -> Error {
    let (kind, message) = kind_of(status);
    let by_proxy = status == PROXY_AUTHENTICATION_REQUIRED;
    let is_own = error_body.is_own && !by_proxy;
    // An adapter knows what its platform means, and a proxy is none.
    let kind = error_body.kind.filter(|_| !by_proxy).unwrap_or(kind);
    let secrets: Vec<&str> = secrets.iter().map(Secret::expose).collect();
    let fate = fate_of(operation, idempotent, status, kind, is_own);
    let mut error = Error::new(kind, fate, message)
        .with_status(status)
        .with_own_form(is_own);
    if let Some(code) = error_body.code {
        error = error.with_code(&code, &secrets);
    }
    if let Some(message) = error_body.message {
        error = error.with_platform_message(&message, &secrets);
    }
    if let Some(wait) = retry_after(headers).or(error_body.retry_after) {
        error = error.with_retry_after(wait);
    }
    let advice = error_body.advice.filter(|_| !by_proxy).or(match status {
        304 => Some("check whether a proxy or a cache answers instead of the platform"),
        300..=399 => Some("check the base URL"),
        PROXY_AUTHENTICATION_REQUIRED => Some(PROXY_LOGIN_ADVICE),
        400..=499 if status != 408 && fate >= Fate::MaybeApplied => Some(DOUBTFUL_ADVICE),
        401 => Some("check that the credential is correct and still valid"),
        403 => Some("grant the credential the scope or role that this needs"),
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
        (405, Operation::List) if request.is_at_page_token => false,
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
        _ if request.is_at_page_token => {
            let message = "the platform no longer knows the position of the next page".to_owned();
            (ErrorKind::InvalidCursor, message)
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
///
/// A refusal changed nothing if the platform itself sent it, or if its status says that the request
/// is wrong or reached nothing that could apply it. Any other may come from something in front of
/// the platform that has passed the request on: it limits the rate of several copies, or withholds
/// the response. That matters if a repeat does harm.
fn fate_of(
    operation: Operation,
    idempotent: bool,
    status: u16,
    kind: ErrorKind,
    is_own: bool,
) -> Fate {
    let is_about_request = matches!(status, 400 | 401 | 404 | 405 | 407 | 410 | 422);
    match status {
        408 => operation.fate_if_unanswered(),
        400..=499 if is_own || idempotent => Fate::Rejected,
        400..=499 if is_about_request && !kind.is_transient() => Fate::Rejected,
        _ => operation.fate_if_unanswered(),
    }
}

/// Rejects a 2xx that the API did not send: its responses are JSON, and empty only if the request
/// allows that.
///
/// An error of the platform itself is none either, unless the response may hold a new secret, which
/// must not be lost: then the adapter looks for the secret first.
pub(crate) fn check_success(request: &ApiRequest, response: &ApiResponse) -> Result<()> {
    let message = match (response.status(), response.is_empty()) {
        // Accepted, partial, of several parts: nothing that proves what was asked.
        (202 | 205..=299, is_empty) if is_empty || !may_hold_secret(request) => {
            "the platform sent an unexpected status"
        }
        (200..=299, true) if request.allow_empty_body => return Ok(()),
        (200..=299, true) => "the response is empty",
        (200..=299, false) if !is_readable(request, response) => "the response is not JSON",
        // A page must have its own fields anyway.
        (200..=299, false) if request.operation != Operation::List && !may_hold_secret(request) => {
            return response.check_no_error();
        }
        _ => return Ok(()),
    };
    let error = response.violation(message);
    Err(error.with_advice(
        "check the base URL, and whether a proxy or the login page of a network answered instead",
    ))
}

/// Returns `true` if a body is JSON. A new secret is not given up for what follows it.
fn is_readable(request: &ApiRequest, response: &ApiResponse) -> bool {
    response.is_json() || (may_hold_secret(request) && response.begins_with_json())
}

/// Returns `true` if a new secret may be in the response, which must not be lost.
fn may_hold_secret(request: &ApiRequest) -> bool {
    matches!(
        request.operation,
        Operation::Create | Operation::Rotate | Operation::Renew
    ) || request.method == Method::PUT
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

#[cfg(test)]
mod tests;
