//! Which operation of which platform is repeated after which fate. A change here is a change of law 6.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokenfleet_cloudsmith::{Cloudsmith, CloudsmithConfig};
use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::{
    CreateToken, Credential, Error, Operation, RevokeOptions, Secret, TokenId, TokenProvider,
    TokenRef, UpdateToken,
};
use tokenfleet_foreman::{Foreman, ForemanConfig};
use tokenfleet_http::{BaseUrl, Body, RetryPolicy, SendPhase, Transport, TransportError};
use tokenfleet_losant::{Losant, LosantConfig};
use tokenfleet_mindbody::{Mindbody, MindbodyConfig};

/// What every request meets.
#[derive(Debug, Clone, Copy)]
enum Weather {
    /// The connection is refused.
    Unreachable,
    /// 429.
    Busy,
    /// 503.
    OutOfOrder,
    /// The connection breaks before the answer.
    Broken,
}

/// What the requests of an operation meet: what a write reads beforehand arrives in any weather.
#[derive(Debug)]
struct Sky(Weather, Operation);

const RECORD: &str = r#"{"id": 1, "active?": true, "revoked?": false}"#;

#[async_trait]
impl Transport for Sky {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        let Self(weather, operation) = self;
        if operation.is_write() && request.method() == http::Method::GET {
            return Ok(http::Response::new(Body::full(RECORD)));
        }
        let phase = match weather {
            Weather::Busy | Weather::OutOfOrder => {
                let status = if matches!(weather, Weather::Busy) {
                    429
                } else {
                    503
                };
                let mut answer = http::Response::new(Body::full(""));
                *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
                return Ok(answer);
            }
            Weather::Unreachable => SendPhase::NotSent,
            Weather::Broken => SendPhase::MaybeSent,
        };
        Err(TransportError::new(phase, "bad weather"))
    }
}

fn provider(platform: &str, weather: Weather, operation: Operation) -> Box<dyn TokenProvider> {
    let credential = || Credential::from_secret(Secret::new("acting"));
    let policy = RetryPolicy::default().with_backoff(Duration::ZERO, Duration::ZERO);
    let over = Arc::new(Sky(weather, operation));
    match platform {
        "losant" => {
            let config = LosantConfig::new(credential());
            Box::new(Losant::new("main", config, over).with_retry(policy))
        }
        "foreman" => {
            let base_url = BaseUrl::parse("https://foreman.example.com").unwrap();
            let config = ForemanConfig::new(base_url, "admin", credential(), 4);
            Box::new(Foreman::new("main", config, over).with_retry(policy))
        }
        "cloudsmith" => {
            let config = CloudsmithConfig::new(credential()).with_lockout_accepted();
            Box::new(Cloudsmith::new("main", config, over).with_retry(policy))
        }
        _ => {
            let config = MindbodyConfig::new("-99", credential(), "owner", credential());
            Box::new(Mindbody::new("main", config, over).with_retry(policy))
        }
    }
}

async fn failure(provider: &dyn TokenProvider, operation: Operation) -> Error {
    let id = TokenId::new("17");
    let secret = Secret::new("of-the-token");
    let platform = provider.account().provider().to_owned();
    let unnamed = matches!(platform.as_str(), "cloudsmith" | "mindbody");
    match operation {
        Operation::List => provider.list_page(PageRequest::first()).await.map(drop),
        Operation::Get => provider.get(&id).await.map(drop),
        Operation::Create if unnamed => provider.create(CreateToken::unnamed()).await.map(drop),
        Operation::Create => provider.create(CreateToken::new("ci")).await.map(drop),
        Operation::Update => {
            let change = UpdateToken::rename("ci");
            provider.update(&id, change).await.map(drop)
        }
        Operation::Rotate => provider.rotate(&id).await.map(drop),
        Operation::Renew => provider.renew(&secret).await.map(drop),
        Operation::Revoke => {
            let (token, options) = match platform.as_str() {
                "mindbody" => (TokenRef::from(&secret), RevokeOptions::default()),
                "cloudsmith" => ((&id).into(), RevokeOptions::accept_replacement()),
                _ => ((&id).into(), RevokeOptions::default()),
            };
            provider.revoke(token, options).await.map(drop)
        }
        _ => provider.verify(&secret).await.map(drop),
    }
    .unwrap_err()
}

#[tokio::test]
async fn what_may_have_been_done_is_repeated_only_where_twice_is_as_good_as_once() {
    use Operation::{Create, Get, List, Renew, Revoke, Rotate, Update, Verify};

    let rows: [(&str, &[Operation], &[Operation]); 4] = [
        ("losant", &[List, Get, Update, Revoke, Verify], &[Create]),
        ("foreman", &[List, Get, Revoke, Verify], &[Create]),
        ("cloudsmith", &[List, Verify], &[Create, Rotate, Revoke]),
        ("mindbody", &[Revoke], &[Create, Renew]),
    ];
    for (platform, repeatable, once) in rows {
        for operation in repeatable.iter().chain(once) {
            for (weather, in_doubt) in [
                (Weather::Unreachable, false),
                (Weather::Busy, false),
                (Weather::OutOfOrder, true),
                (Weather::Broken, true),
            ] {
                let provider = provider(platform, weather, *operation);
                let error = failure(&*provider, *operation).await;
                let expected = if in_doubt && once.contains(operation) {
                    1
                } else {
                    4
                };
                assert_eq!(error.attempts(), expected, "{weather:?}: {error}");
                let is_write = operation.is_write();
                assert_eq!(error.may_have_applied(), in_doubt && is_write, "{error}");
            }
        }
    }
}
