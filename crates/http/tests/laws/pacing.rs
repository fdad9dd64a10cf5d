//! What all calls of an account share: the rates of the platform, and the budget of retries.

use std::sync::Arc;
use std::time::Duration;

use super::support::{Scripted, Step, client, status};
use tokenfleet_core::{ErrorKind, Fate, Operation};
use tokenfleet_http::{ApiRequest, RetryPolicy, SendPhase};
use tokio::time::Instant;

const BASE: &str = "https://api.example.com";
const NOON: &str = "Sun, 06 Nov 1994 12:00:00 GMT";
const NOON_SECONDS: u64 = 784_123_200;

fn read() -> ApiRequest {
    ApiRequest::get(Operation::Get, ["tokens", "1"])
}

fn with_headers(status: u16, headers: &[(&'static str, String)]) -> Step {
    let mut headers = headers.to_vec();
    headers.push(("date", NOON.to_owned()));
    Step::Answer(status, headers, "{}".into())
}

/// Cloudsmith's headers: how many are left, when they are all back, and how long it suggests to wait.
fn rates(remaining: &str, reset: &str, interval: &str) -> Step {
    let headers = [
        ("x-ratelimit-limit", "1800".to_owned()),
        ("x-ratelimit-remaining", remaining.to_owned()),
        ("x-ratelimit-reset", reset.to_owned()),
        ("x-ratelimit-interval", interval.to_owned()),
    ];
    with_headers(200, &headers)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_from_the_last_granted_request_until_more_are_granted() {
    let at = |offset: u64| (NOON_SECONDS + offset).to_string();
    for (step, seconds) in [
        (rates("0", &at(40), "0"), 40),
        // A suggestion to wait between two requests is not followed while some are left.
        (rates("1", &at(40), "3303.557"), 0),
        (rates("0", &at(0), "3303.557"), 0),
        // Neither seconds from now, as others write it, nor what is no number.
        (rates("0", "40", "1"), 0),
        (rates("0", "soon", "1"), 0),
        (rates("", &at(40), "1"), 0),
        // Then it is tried whether the platform still means it.
        (rates("0", &at(3600), "1"), 120),
        (rates("0", &u64::MAX.to_string(), "1"), 0),
    ] {
        let place = format!("{step:?}");
        let client = client(Scripted::new([step, status(200)]), BASE);
        client.send(read()).await.unwrap();
        let begin = Instant::now();
        // One call may have to wait as long as it may take in all: the next one goes through.
        if client.send(read()).await.is_err() {
            client.send(read()).await.unwrap();
        }
        assert_eq!(begin.elapsed().as_secs(), seconds, "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_keeps_below_a_published_rate() {
    let transport = Scripted::new([status(200)]);
    let minute = Duration::from_secs(60);
    let client = client(transport.clone(), BASE).with_rate_limit(60, minute);
    let client = Arc::new(client);
    let begin = Instant::now();
    let running: Vec<_> = (0..96)
        .map(|_| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { client.send(read()).await })
        })
        .collect();
    for call in running {
        call.await.unwrap().unwrap();
    }
    // As many as there are places come together, and one a second after them.
    assert_eq!(begin.elapsed().as_secs(), 80);
    assert_eq!(transport.counts().requests, 96);
}

fn policy() -> RetryPolicy {
    RetryPolicy::default().with_budget(5)
}

#[tokio::test(start_paused = true)]
async fn when_the_budget_is_spent_a_call_sends_one_request_until_calls_succeed_again() {
    let failing = [status(503), Step::Fail(SendPhase::NotSent)];
    for step in failing {
        let mut steps = vec![step.clone(); 4 + 3 + 1 + 1];
        steps.extend([status(200), status(200)]);
        steps.push(step);
        let client = client(Scripted::new(steps), BASE).with_retry(policy());
        for attempts in [4, 3, 1, 1] {
            let error = client.send(read()).await.unwrap_err();
            assert_eq!(error.attempts(), attempts, "{error}");
        }
        for _ in 0..2 {
            client.send(read()).await.unwrap();
        }
        let error = client.send(read()).await.unwrap_err();
        assert_eq!(error.attempts(), 3, "two successes gave two back");
    }
}

#[tokio::test(start_paused = true)]
async fn successes_never_give_back_more_than_there_was() {
    let mut steps = vec![status(200); 20];
    steps.push(status(503));
    let client = client(Scripted::new(steps), BASE).with_retry(policy());
    for _ in 0..20 {
        client.send(read()).await.unwrap();
    }
    for attempts in [4, 3, 1] {
        let error = client.send(read()).await.unwrap_err();
        assert_eq!(error.attempts(), attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_the_platform_asked_for_costs_nothing() {
    let busy = with_headers(429, &[("retry-after", "1".to_owned())]);
    let client = client(Scripted::new([busy]), BASE).with_retry(policy());
    for _ in 0..5 {
        let error = client.send(read()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (ErrorKind::RateLimited, 4)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_says_how_often_and_how_long_it_was_tried() {
    let busy = with_headers(429, &[("retry-after", "4".to_owned())]);
    let client = client(Scripted::new([busy]), BASE);
    let error = client.send(read()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(" after 4 attempts in 12.0 s"), "{text}");
    assert_eq!(error.elapsed().unwrap().as_secs(), 12);
}

#[tokio::test(start_paused = true)]
async fn no_attempt_outlives_the_call() {
    let policy = RetryPolicy::default()
        .with_attempt_timeout(Duration::from_secs(30))
        .with_total_timeout(Duration::from_secs(45))
        .with_backoff(Duration::ZERO, Duration::ZERO);
    let client = client(Scripted::new([Step::Hang]), BASE).with_retry(policy);
    let begin = Instant::now();
    let error = client.send(read()).await.unwrap_err();
    assert_eq!(begin.elapsed().as_secs(), 45, "30 and the remaining 15");
    let found = (error.kind(), error.fate(), error.attempts());
    assert_eq!(found, (ErrorKind::Timeout, Fate::Rejected, 2), "{error}");
}
