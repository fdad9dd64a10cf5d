//! The operations of each platform that are retried after a failure of each fate.
//!
//! A change here is a change of law 6.

use std::sync::Arc;

use http::Method;
use tokenfleet_core::{Error, Operation, Secret, TokenId, TokenProvider};
use tokenfleet_http::TransportError;
use tokenfleet_tests::{FnTransport, Target, adapter, build, fixed_credential, perform, response};

/// A failure of every request.
#[derive(Debug, Clone, Copy)]
enum Failure {
    /// The connection is refused.
    Unreachable,
    /// The platform responds with 429, in the form of its errors.
    RateLimited,
    /// Something in front of the platform responds with 429.
    RateLimitedElsewhere,
    /// Something in front of the platform withholds the response.
    Withheld,
    /// The platform responds with 503.
    Unavailable,
    /// The connection breaks before the response.
    ConnectionLost,
}

/// The record of the token, as each platform with reads sends it.
fn record(platform: &str) -> &'static str {
    match platform {
        "losant" => r#"{"id": "575ec7417ae143cd83dc4a95", "status": "active"}"#,
        _ => r#"{"id": 17, "active?": true, "revoked?": false}"#,
    }
}

/// Returns a refusal in the platform's own form.
fn refusal(platform: &str) -> &'static str {
    match platform {
        "losant" => r#"{"type": "TooManyRequests", "message": "wait"}"#,
        "foreman" => r#"{"error": {"message": "wait"}}"#,
        "cloudsmith" => r#"{"detail": "Request was throttled."}"#,
        _ => r#"{"Error": {"Message": "wait", "Code": "TooManyRequests"}}"#,
    }
}

/// Returns an adapter whose requests fail, except the reads that precede a write.
fn provider(platform: &str, failure: Failure, operation: Operation) -> Arc<dyn TokenProvider> {
    let (record, refusal) = (record(platform), refusal(platform));
    let transport = FnTransport(move |request: http::Request<_>| {
        if operation.is_write() && request.method() == Method::GET {
            return Ok(response(200, record));
        }
        match failure {
            Failure::RateLimited => Ok(response(429, refusal)),
            Failure::RateLimitedElsewhere => Ok(response(429, "")),
            Failure::Withheld => Ok(response(403, "<html>blocked</html>")),
            Failure::Unavailable => Ok(response(503, "")),
            Failure::Unreachable => Err(TransportError::not_sent("refused")),
            Failure::ConnectionLost => Err(TransportError::maybe_sent("lost")),
        }
    });
    let acting = fixed_credential("acting");
    adapter(&build(platform, &[]), acting, Arc::new(transport))
}

async fn error_of(provider: &dyn TokenProvider, operation: Operation) -> Error {
    let id = match provider.account().provider() {
        "losant" => "575ec7417ae143cd83dc4a95",
        _ => "17",
    };
    let target = Target {
        id: TokenId::new(id),
        secret: Secret::new("of-the-token"),
    };
    let result = perform(provider, operation, &target, "ci").await;
    result.unwrap_err()
}

#[tokio::test]
async fn an_ambiguous_failure_is_retried_only_if_idempotent() {
    use Operation::{Create, Get, List, Renew, Revoke, Rotate, Update, Verify};

    let rows: [(&str, &[Operation], &[Operation]); 4] = [
        ("losant", &[List, Get, Update, Revoke, Verify], &[Create]),
        ("foreman", &[List, Get, Revoke, Verify], &[Create]),
        ("cloudsmith", &[List, Verify], &[Create, Rotate, Revoke]),
        ("mindbody", &[Revoke], &[Create, Renew]),
    ];
    for (platform, idempotent, not_idempotent) in rows {
        for operation in idempotent.iter().chain(not_idempotent) {
            for (failure, is_ambiguous) in [
                (Failure::Unreachable, false),
                (Failure::RateLimited, false),
                (Failure::RateLimitedElsewhere, true),
                (Failure::Withheld, true),
                (Failure::Unavailable, true),
                (Failure::ConnectionLost, true),
            ] {
                let does_harm = not_idempotent.contains(operation);
                let is_withheld = matches!(failure, Failure::Withheld);
                if is_withheld && !does_harm {
                    continue;
                }
                let provider = provider(platform, failure, *operation);
                let error = error_of(&*provider, *operation).await;
                let expected = if is_ambiguous && does_harm { 1 } else { 4 };
                assert_eq!(error.attempts(), expected, "{failure:?}: {error}");
                // A refusal is believed where a repeat does no harm.
                let is_refusal = is_withheld || matches!(failure, Failure::RateLimitedElsewhere);
                let may_have_applied =
                    is_ambiguous && operation.is_write() && (does_harm || !is_refusal);
                assert_eq!(error.may_have_applied(), may_have_applied, "{error}");
                if is_refusal && does_harm {
                    let advice = error.advice().unwrap();
                    assert!(advice.contains("passed the request on"), "{error}");
                    assert!(!error.is_retryable(), "{error}");
                }
            }
        }
    }
}
