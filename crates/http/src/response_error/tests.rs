//! The errors of responses and of broken connections.

use std::time::Duration;

use tokenfleet_core::adapter::PagePosition;

use super::*;
use crate::response::tests::response;

fn status_error(request: &ApiRequest, status: u16, error_body: ErrorBody) -> Error {
    let base_url = BaseUrl::from_host("example.com");
    super::status_error(&base_url, request, status, &HeaderMap::new(), error_body)
}

#[test]
fn every_status_has_a_kind_a_fate_and_words_of_its_own() {
    let request = ApiRequest::post(Operation::Update, ["tokens", "1"]);
    let (rejected, unknown) = (Fate::Rejected, Fate::MaybeApplied);
    for (status, kind, fate, words) in [
        (304, ErrorKind::ProtocolViolation, unknown, "not modified"),
        (302, ErrorKind::ProtocolViolation, unknown, "redirect"),
        (
            400,
            ErrorKind::InvalidInput,
            rejected,
            "rejected the request",
        ),
        (401, ErrorKind::Unauthenticated, rejected, "not accepted"),
        (403, ErrorKind::PermissionDenied, unknown, "not allowed"),
        (404, ErrorKind::NotFound, rejected, "not found"),
        (407, ErrorKind::Other, rejected, "proxy"),
        (408, ErrorKind::Timeout, unknown, "timed out"),
        (409, ErrorKind::Conflict, unknown, "conflicts"),
        (410, ErrorKind::NotFound, rejected, "not found"),
        (
            422,
            ErrorKind::InvalidInput,
            rejected,
            "rejected the request",
        ),
        (429, ErrorKind::RateLimited, unknown, "too many"),
        (500, ErrorKind::Unavailable, unknown, "unavailable"),
        (600, ErrorKind::ProtocolViolation, unknown, "unexpected"),
    ] {
        let error = status_error(&request, status, ErrorBody::default());
        assert_eq!((error.kind(), error.fate()), (kind, fate), "{status}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.status(), Some(status));
    }
}

#[test]
fn a_refusal_that_may_be_a_gateways_leaves_a_write_that_must_not_be_repeated_unknown() {
    let create = || ApiRequest::post(Operation::Create, ["tokens"]);
    let own = || ErrorBody::default().with_own_form(true);
    for status in [403, 406, 409, 418, 429, 499] {
        let error = status_error(&create(), status, ErrorBody::default());
        assert_eq!(error.fate(), Fate::MaybeApplied, "{error}");
        let advice = error.advice().unwrap();
        assert!(advice.contains("passed the request on"), "{error}");
        assert!(!error.is_retryable(), "{error}");
        for (request, body) in [
            (create(), own()),
            (create().idempotent(), ErrorBody::default()),
            (
                ApiRequest::post(Operation::Verify, ["tokens"]),
                ErrorBody::default(),
            ),
        ] {
            let error = status_error(&request, status, body);
            assert_eq!(error.fate(), Fate::Rejected, "{error}");
        }
    }
    // An adapter reads a request to wait from a body that is not the platform's own.
    let busy = ErrorBody::default().with_kind(ErrorKind::RateLimited);
    let error = status_error(&create(), 400, busy);
    assert_eq!(error.fate(), Fate::MaybeApplied, "{error}");
    let advised = ErrorBody::default().with_advice("wait");
    assert_eq!(status_error(&create(), 429, advised).advice(), Some("wait"));
}

#[test]
fn each_refusal_comes_with_advice_and_the_platforms_own_is_better() {
    let request = ApiRequest::get(Operation::Get, ["tokens"]);
    for (status, words) in [
        (304, "a cache"),
        (302, "base URL"),
        (401, "still valid"),
        (403, "scope or role"),
        (407, "proxy_user"),
    ] {
        let error = status_error(&request, status, ErrorBody::default());
        assert!(error.advice().unwrap().contains(words), "{error}");
    }
    let error = status_error(&request, 404, ErrorBody::default());
    assert_eq!(error.advice(), None);
    for status in [401, 407] {
        let body = ErrorBody::default().with_kind(ErrorKind::Conflict);
        let error = status_error(&request, status, body.with_advice("do this"));
        let by_platform = status == 401;
        assert_eq!(error.kind() == ErrorKind::Conflict, by_platform);
        assert_eq!(error.advice() == Some("do this"), by_platform);
    }
}

#[test]
fn only_the_beginning_of_a_listing_can_miss_its_collection() {
    let list = || ApiRequest::get(Operation::List, ["tokens"]);
    let next = PagePosition::Token("next".to_owned());
    for (request, kind) in [
        (list(), ErrorKind::Configuration),
        (list().page_number(0), ErrorKind::Configuration),
        (list().page_number(1), ErrorKind::ProtocolViolation),
        (
            list().page_position(&PagePosition::First),
            ErrorKind::Configuration,
        ),
        (
            list().page_position(&PagePosition::Number(1)),
            ErrorKind::ProtocolViolation,
        ),
        (list().page_position(&next), ErrorKind::InvalidCursor),
        (
            ApiRequest::get(Operation::Get, ["tokens"]),
            ErrorKind::NotFound,
        ),
    ] {
        let error = status_error(&request, 404, ErrorBody::default());
        assert_eq!(error.kind(), kind);
        let advised = kind != ErrorKind::NotFound;
        assert_eq!(error.advice().is_some(), advised);
        let body = ErrorBody::default().with_kind(ErrorKind::Conflict);
        assert_eq!(
            status_error(&request, 404, body).kind(),
            ErrorKind::Conflict
        );
        assert_eq!(
            status_error(&request, 400, ErrorBody::default()).kind(),
            ErrorKind::InvalidInput
        );
    }
    // A method that the first page allows, a page at a position may refuse.
    for (request, kind) in [
        (list(), ErrorKind::Configuration),
        (list().page_number(0), ErrorKind::Configuration),
        (list().page_number(1), ErrorKind::InvalidInput),
        (list().page_position(&next), ErrorKind::InvalidInput),
    ] {
        let error = status_error(&request, 405, ErrorBody::default());
        assert_eq!(error.kind(), kind);
    }
}

#[test]
fn the_body_says_when_to_come_again_if_no_header_does() {
    let wait = Duration::from_secs(300);
    let body = || {
        ErrorBody::from_message(Some("too many tries".to_owned()))
            .with_kind(ErrorKind::RateLimited)
            .with_retry_after(wait)
    };
    let request = ApiRequest::get(Operation::List, ["tokens"]);
    let error = status_error(&request, 401, body());
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(wait));
    assert_eq!(error.platform_message(), Some("too many tries"));
    let shown = format!("{:?}", body());
    assert!(
        shown.contains("RateLimited") && shown.contains("300"),
        "{shown}"
    );
    assert!(!shown.contains("tries"), "it is not redacted yet: {shown}");
}

#[test]
fn an_error_with_a_status_of_success_is_one_where_no_secret_may_be_lost() {
    for (request, is_error) in [
        (ApiRequest::get(Operation::Get, ["tokens"]), true),
        (ApiRequest::get(Operation::List, ["tokens"]), false),
        (ApiRequest::post(Operation::Verify, ["tokens"]), true),
        (ApiRequest::post(Operation::Create, ["tokens"]), false),
        (ApiRequest::post(Operation::Rotate, ["tokens"]), false),
        (ApiRequest::delete(Operation::Revoke, ["tokens"]), true),
        (ApiRequest::put(Operation::Renew, ["tokens"]), false),
        (ApiRequest::post(Operation::Renew, ["tokens"]), false),
    ] {
        let mut response = response(request.operation, &[], "{}");
        assert!(check_success(&request, &response).is_ok());
        response.error_parser = |_, _, _| ErrorBody::default().with_own_form(true);
        let result = check_success(&request, &response);
        assert_eq!(result.is_err(), is_error, "{}", request.operation);
        assert!(response.check_no_error().is_err());
    }
}

#[test]
fn a_success_is_json_or_empty_where_that_is_allowed() {
    let revoke = || ApiRequest::delete(Operation::Revoke, ["tokens"]);
    for (body, strict, lenient) in [
        ("{}", true, true),
        (" ", false, true),
        ("<html>", false, false),
        ("OK", false, false),
    ] {
        let response = response(Operation::Revoke, &[], body);
        let result = check_success(&revoke(), &response);
        assert_eq!(result.is_ok(), strict, "{body}");
        let result = check_success(&revoke().allow_empty_body(), &response);
        assert_eq!(result.is_ok(), lenient, "{body}");
    }
}

#[test]
fn a_failed_connection_says_what_to_check_only_if_nothing_was_sent() {
    let error = |phase| {
        let error = TransportError::new(phase, "broken");
        transport_error(&ApiRequest::post(Operation::Create, ["tokens"]), error)
    };
    let not_sent = error(SendPhase::NotSent);
    assert_eq!(not_sent.fate(), Fate::NotSent);
    assert!(not_sent.advice().unwrap().contains("the network"));
    let maybe_sent = error(SendPhase::MaybeSent);
    assert_eq!(maybe_sent.fate(), Fate::MaybeApplied);
    assert_eq!(maybe_sent.advice(), None);
}
