//! The limits that all requests of an account share: the platform's rate, and the retry budget.

use std::sync::Arc;
use std::time::Duration;

use super::scripted_transport::{ScriptedTransport, Step, client, status};
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
    Step::Respond(status, headers, "{}".into())
}

/// Returns a response with Cloudsmith's headers: the requests left, the time of the reset, and the
/// suggested interval.
fn rate_limit(remaining: &str, reset: &str, interval: &str) -> Step {
    let headers = [
        ("x-ratelimit-limit", "1800".to_owned()),
        ("x-ratelimit-remaining", remaining.to_owned()),
        ("x-ratelimit-reset", reset.to_owned()),
        ("x-ratelimit-interval", interval.to_owned()),
    ];
    with_headers(200, &headers)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_between_the_last_allowed_request_and_the_reset() {
    let at = |offset: u64| (NOON_SECONDS + offset).to_string();
    for (step, seconds) in [
        (rate_limit("0", &at(40), "0"), 40),
        // The suggested interval is ignored while requests are left.
        (rate_limit("1", &at(40), "3303.557"), 0),
        (rate_limit("0", &at(0), "3303.557"), 0),
        // Seconds from now, as other platforms send, and anything that is not a number are ignored.
        (rate_limit("0", "40", "1"), 0),
        (rate_limit("0", "soon", "1"), 0),
        (rate_limit("", &at(40), "1"), 0),
        (rate_limit("0", &u64::MAX.to_string(), "1"), 0),
    ] {
        let case = format!("{step:?}");
        let client = client(ScriptedTransport::new([step, status(200)]), BASE);
        client.send(read()).await.unwrap();
        let begin = Instant::now();
        client.send(read()).await.unwrap();
        assert_eq!(begin.elapsed().as_secs(), seconds, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_with_a_far_reset_fails_at_once_and_says_when_it_begins_anew() {
    let reset = (NOON_SECONDS + 3000).to_string();
    let soon = (NOON_SECONDS + 40).to_string();
    let transport = ScriptedTransport::new([
        rate_limit("0", &reset, "1"),
        rate_limit("0", &soon, "1"),
        status(200),
    ]);
    let client = client(transport.clone(), BASE);
    client.send(read()).await.unwrap();
    let begin = Instant::now();
    let error = client.send(read()).await.unwrap_err();
    assert!(begin.elapsed().is_zero(), "{error}");
    let found = (error.kind(), error.fate(), error.attempts());
    assert_eq!(found, (ErrorKind::RateLimited, Fate::NotSent, 0));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3000)));
    assert!(error.to_string().contains("retry after 3000 s"), "{error}");
    assert_eq!(transport.counts().requests, 1);
    // After as long as a call may take, one finds out whether the platform still means it.
    tokio::time::advance(Duration::from_secs(121)).await;
    client.send(read()).await.unwrap();
    // Its answer counts, and not what was said before.
    let begin = Instant::now();
    client.send(read()).await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_spent_whatever_the_notation_of_the_numbers() {
    for (remaining, reset) in [
        ("0", format!("{}.5", NOON_SECONDS + 3000)),
        ("0.0", (NOON_SECONDS + 3000).to_string()),
        ("0", (NOON_SECONDS + 400 * 86400).to_string()),
    ] {
        let transport = ScriptedTransport::new([rate_limit(remaining, &reset, "1"), status(200)]);
        let client = client(transport.clone(), BASE);
        client.send(read()).await.unwrap();
        let error = client.send(read()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited, "{remaining} {reset}");
        // A year is the longest wait that is believed.
        let wait = error.retry_after().unwrap();
        assert!(wait >= Duration::from_secs(3000), "{reset}: {wait:?}");
        assert!(
            wait <= Duration::from_secs(365 * 86400),
            "{reset}: {wait:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_stays_below_a_published_rate() {
    let transport = ScriptedTransport::new([status(200)]);
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
    for request in running {
        request.await.unwrap().unwrap();
    }
    // A burst as large as the number of slots, and one per second after it.
    assert_eq!(begin.elapsed().as_secs(), 80);
    assert_eq!(transport.counts().requests, 96);
}

fn policy() -> RetryPolicy {
    RetryPolicy::default().with_budget(5)
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_allows_one_attempt_until_requests_succeed_again() {
    let failing = [status(503), Step::Fail(SendPhase::NotSent)];
    for step in failing {
        let mut steps = vec![step.clone(); 4 + 3 + 1 + 1];
        steps.extend([status(200), status(200)]);
        steps.push(step);
        let client = client(ScriptedTransport::new(steps), BASE).with_retry(policy());
        for attempts in [4, 3, 1, 1] {
            let error = client.send(read()).await.unwrap_err();
            assert_eq!(error.attempts(), attempts, "{error}");
        }
        for _ in 0..2 {
            client.send(read()).await.unwrap();
        }
        let error = client.send(read()).await.unwrap_err();
        assert_eq!(error.attempts(), 3, "two successes gave back two retries");
    }
}

#[tokio::test(start_paused = true)]
async fn successes_never_give_back_more_than_the_budget() {
    let mut steps = vec![status(200); 20];
    steps.push(status(503));
    let client = client(ScriptedTransport::new(steps), BASE).with_retry(policy());
    for _ in 0..20 {
        client.send(read()).await.unwrap();
    }
    for attempts in [4, 3, 1] {
        let error = client.send(read()).await.unwrap_err();
        assert_eq!(error.attempts(), attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_the_platform_scheduled_does_not_spend_the_budget() {
    let busy = with_headers(429, &[("retry-after", "1".to_owned())]);
    let client = client(ScriptedTransport::new([busy]), BASE).with_retry(policy());
    for _ in 0..5 {
        let error = client.send(read()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (ErrorKind::RateLimited, 4)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_reports_its_attempts_and_elapsed_time() {
    let busy = with_headers(429, &[("retry-after", "4".to_owned())]);
    let client = client(ScriptedTransport::new([busy]), BASE);
    let error = client.send(read()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(" after 4 attempts in 12.0 s"), "{text}");
    assert_eq!(error.elapsed().unwrap().as_secs(), 12);
}

#[tokio::test(start_paused = true)]
async fn no_attempt_outlives_the_total_timeout() {
    let policy = RetryPolicy::default()
        .with_attempt_timeout(Duration::from_secs(30))
        .with_total_timeout(Duration::from_secs(45))
        .with_backoff(Duration::ZERO, Duration::ZERO);
    let client = client(ScriptedTransport::new([Step::Hang]), BASE).with_retry(policy);
    let begin = Instant::now();
    let error = client.send(read()).await.unwrap_err();
    assert_eq!(begin.elapsed().as_secs(), 45, "30 s and the remaining 15 s");
    let found = (error.kind(), error.fate(), error.attempts());
    assert_eq!(found, (ErrorKind::Timeout, Fate::Rejected, 2), "{error}");
}
