//! Response headers about times, rates, lengths and pages.

use std::sync::Arc;
use std::time::Duration;

use tokenfleet::cloudsmith::{Cloudsmith, CloudsmithConfig};
use tokenfleet::transport::{ApiClient, ApiRequest, BaseUrl, ErrorBody, RetryPolicy};
use tokenfleet::{Account, Operation, Query, TokenProviderExt};
use tokio::time::{Instant, timeout};

use crate::responses::ScriptedResponses;
use crate::run;
use crate::secrets::{acting, assert_no_secret};

/// Checks that two operations, the second of which may wait for the first, end within their time
/// and number of attempts, and that a listing ends, whatever the response headers say.
pub fn headers(data: &[u8]) {
    run(operations(data));
    run(listing(data));
}

async fn operations(data: &[u8]) {
    let transport = Arc::new(ScriptedResponses::parse(data));
    let policy = RetryPolicy::default();
    let parse_error = |_: Operation, _: u16, _: &[u8]| ErrorBody::default();
    let account = Account::new("fuzzed", "fuzzed");
    let base_url = BaseUrl::from_host("api.example.com");
    let client = ApiClient::new(account, base_url, Arc::clone(&transport) as _, parse_error);
    for operations in 1..=2 {
        let started = Instant::now();
        let request = ApiRequest::get(Operation::Get, ["tokens"]).allow_empty_body();
        let result = client.send(request).await;
        let maximum = policy.total_timeout + Duration::from_secs(1);
        assert!(started.elapsed() <= maximum, "{:?}", started.elapsed());
        assert!(transport.sent().len() <= operations * policy.max_attempts as usize);
        match result {
            Ok(response) => {
                let date = response.date();
                assert!(response.is_past(date.truncated_to_seconds()));
                let _ = (
                    response.header_number("x-pagination-count"),
                    response.header("link"),
                );
                assert!(matches!(response.status(), 200..=299));
            }
            Err(error) => assert_no_secret(&error),
        }
    }
}

async fn listing(data: &[u8]) {
    let transport = Arc::new(ScriptedResponses::parse(data));
    let config = CloudsmithConfig::new(acting());
    let provider = Cloudsmith::new("fuzzed", config, transport);
    let result = timeout(Duration::from_secs(3600), provider.list_all(Query::new())).await;
    if let Err(error) = result.expect("a listing ends in time") {
        assert_no_secret(&error);
    }
}
