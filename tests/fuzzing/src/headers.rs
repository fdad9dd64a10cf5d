//! What the headers of an answer say of times, rates, lengths and pages.

use std::sync::Arc;
use std::time::Duration;

use tokenfleet::cloudsmith::{Cloudsmith, CloudsmithConfig};
use tokenfleet::transport::{ApiClient, ApiRequest, BaseUrl, ErrorBody, RetryPolicy};
use tokenfleet::{Account, Operation, Query, TokenProviderExt};
use tokio::time::{Instant, timeout};

use crate::answers::Answers;
use crate::run;
use crate::witness::{acting, assert_silent};

/// Whatever the headers of answers say, calls end in the time and with the requests that they may take, one
/// that waits for another too, and a listing ends.
pub fn headers(data: &[u8]) {
    run(calls(data));
    run(listing(data));
}

async fn calls(data: &[u8]) {
    let transport = Arc::new(Answers::read(data));
    let policy = RetryPolicy::default();
    let refusal = |_: Operation, _: u16, _: &[u8]| ErrorBody::default();
    let account = Account::new("fuzzed", "fuzzed");
    let base_url = BaseUrl::from_host("api.example.com");
    let client = ApiClient::new(account, base_url, Arc::clone(&transport) as _, refusal);
    for calls in 1..=2 {
        let started = Instant::now();
        let call = ApiRequest::get(Operation::Get, ["tokens"]).allow_empty_body();
        let sent = client.send(call).await;
        let most = policy.total_timeout + Duration::from_secs(1);
        assert!(started.elapsed() <= most, "{:?}", started.elapsed());
        assert!(transport.sent().len() <= calls * policy.max_attempts as usize);
        match sent {
            Ok(answer) => {
                let date = answer.date();
                assert!(answer.is_past(date.truncated_to_seconds()));
                let _ = (
                    answer.header_number("x-pagination-count"),
                    answer.header("link"),
                );
                assert!(matches!(answer.status(), 200..=299));
            }
            Err(error) => assert_silent(&error),
        }
    }
}

async fn listing(data: &[u8]) {
    let transport = Arc::new(Answers::read(data));
    let config = CloudsmithConfig::new(acting());
    let provider = Cloudsmith::new("fuzzed", config, transport);
    let collected = timeout(Duration::from_secs(3600), provider.list_all(Query::new())).await;
    if let Err(error) = collected.expect("a listing ends in time") {
        assert_silent(&error);
    }
}
