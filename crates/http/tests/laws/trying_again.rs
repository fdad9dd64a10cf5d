//! What is tried again, how long it waits, and what the error says became of it.

use std::sync::Arc;
use std::time::Duration;

use super::support::{Scripted, Step, client, saying, status, with_header};
use tokenfleet_core::{Credential, Error, ErrorKind, Fate, Operation, Result, Secret};
use tokenfleet_http::{ApiClient, ApiRequest, ApiResponse, RetryPolicy, SendPhase};
use tokio::time::Instant;

const BASE: &str = "https://api.example.com";
const MAYBE: Step = Step::Fail(SendPhase::MaybeSent);
const NOT_SENT: Step = Step::Fail(SendPhase::NotSent);

fn read() -> ApiRequest {
    ApiRequest::get(Operation::Get, ["tokens", "1"])
}

fn create() -> ApiRequest {
    ApiRequest::post(Operation::Create, ["tokens"])
}

fn change() -> ApiRequest {
    ApiRequest::patch(Operation::Update, ["tokens", "1"]).idempotent()
}

fn revoke() -> ApiRequest {
    ApiRequest::delete(Operation::Revoke, ["tokens", "1"]).idempotent()
}

/// How a call fails when that happens.
async fn failure(call: ApiRequest, steps: impl IntoIterator<Item = Step>) -> Error {
    let transport = Scripted::new(steps);
    let client = client(transport.clone(), BASE);
    let error = client.send(call).await.unwrap_err();
    assert_eq!(error.attempts(), transport.counts().requests, "{error}");
    error
}

#[tokio::test(start_paused = true)]
async fn a_call_is_repeated_if_the_failure_passes_and_repeating_does_no_harm() {
    use ErrorKind::{Connection, ProtocolViolation, RateLimited, Timeout, Unavailable};
    use Fate::{MaybeApplied, NotSent, Rejected};

    type Row = (fn() -> ApiRequest, Step, u32, ErrorKind, Fate);
    let html = || saying(200, "<html>Please log in</html>");
    let rows: [Row; 26] = [
        (read, status(503), 4, Unavailable, Rejected),
        (change, status(503), 4, Unavailable, MaybeApplied),
        (create, status(503), 1, Unavailable, MaybeApplied),
        (read, MAYBE, 4, Connection, Rejected),
        (revoke, MAYBE, 4, Connection, MaybeApplied),
        (create, MAYBE, 1, Connection, MaybeApplied),
        (read, Step::Hang, 4, Timeout, Rejected),
        (create, Step::Hang, 1, Timeout, MaybeApplied),
        (read, status(408), 4, Timeout, Rejected),
        (revoke, status(408), 4, Timeout, MaybeApplied),
        (create, status(408), 1, Timeout, MaybeApplied),
        (create, NOT_SENT, 4, Connection, NotSent),
        (create, status(429), 4, RateLimited, Rejected),
        (read, status(302), 1, ProtocolViolation, Rejected),
        (revoke, status(302), 1, ProtocolViolation, MaybeApplied),
        (read, html(), 1, ProtocolViolation, Rejected),
        (revoke, html(), 1, ProtocolViolation, MaybeApplied),
        (create, html(), 1, ProtocolViolation, MaybeApplied),
        (read, saying(200, ""), 1, ProtocolViolation, Rejected),
        (create, saying(204, ""), 1, ProtocolViolation, MaybeApplied),
        (revoke, saying(204, ""), 1, ProtocolViolation, MaybeApplied),
        (revoke, status(401), 1, ErrorKind::Unauthenticated, Rejected),
        (
            revoke,
            status(403),
            1,
            ErrorKind::PermissionDenied,
            Rejected,
        ),
        (revoke, status(404), 1, ErrorKind::NotFound, Rejected),
        (create, status(409), 1, ErrorKind::Conflict, Rejected),
        (create, status(422), 1, ErrorKind::InvalidInput, Rejected),
    ];
    for (call, step, attempts, kind, fate) in rows {
        let place = format!("{:?} meets {step:?}", call());
        let error = failure(call(), [step]).await;
        let found = (error.attempts(), error.kind(), error.fate());
        assert_eq!(found, (attempts, kind, fate), "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_later_attempt_takes_nothing_back_that_an_earlier_one_may_have_done() {
    use Fate::{MaybeApplied, NotSent, Rejected};

    for last in [status(401), status(404), status(422), NOT_SENT, status(429)] {
        let error = failure(change(), [MAYBE, last.clone()]).await;
        assert_eq!(error.fate(), MaybeApplied, "{last:?}");
    }
    assert_eq!(failure(read(), [MAYBE, NOT_SENT]).await.fate(), Rejected);
    let busy_then_gone = failure(create(), [status(429), NOT_SENT]).await;
    assert_eq!(busy_then_gone.fate(), Rejected);
    let gone_then_lost = failure(create(), [NOT_SENT, MAYBE]).await;
    assert_eq!(gone_then_lost.fate(), MaybeApplied);
    assert_eq!(failure(create(), [NOT_SENT]).await.fate(), NotSent);
}

#[tokio::test(start_paused = true)]
async fn no_time_left_at_the_gate_takes_nothing_back_either() {
    let closing = with_header(429, "retry-after", 6);
    let transport = Scripted::new([MAYBE, closing]);
    let policy = RetryPolicy::default().with_total_timeout(Duration::from_secs(5));
    let client = Arc::new(client(transport, BASE).with_retry(policy));
    let waits = {
        let client = Arc::clone(&client);
        tokio::spawn(async move { client.send(change()).await })
    };
    tokio::task::yield_now().await;
    // Closes the gate while the change waits for its second attempt.
    let closed = client.send(create()).await.unwrap_err();
    assert_eq!(closed.kind(), ErrorKind::RateLimited);
    let error = waits.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert_eq!(error.fate(), Fate::MaybeApplied, "{error}");
    assert_eq!(error.attempts(), 1, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_success_that_may_be_empty_may_be_json_and_nothing_else() {
    for (body, good) in [("", true), (" \r\n", true), ("{}", true), ("OK", false)] {
        let client = client(Scripted::new([saying(200, body)]), BASE);
        let result = client.send(revoke().allow_empty_body()).await;
        assert_eq!(result.is_ok(), good, "{body:?}");
    }
}

/// A refusal with these headers, then a success: how it went and how long it took.
async fn after_refusal(headers: &[(&'static str, &str)]) -> (Result<ApiResponse>, Duration) {
    let headers = headers
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    let refusal = Step::Answer(429, headers.collect(), "{}".into());
    let begin = Instant::now();
    let client = client(Scripted::new([refusal, status(200)]), BASE);
    (client.send(create()).await, begin.elapsed())
}

#[tokio::test(start_paused = true)]
async fn it_waits_as_long_as_the_platform_asks() {
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    for (headers, seconds) in [
        (vec![("retry-after", "7")], 7),
        (vec![("retry-after", "0")], 0),
        (
            vec![date, ("retry-after", "Sun, 06 Nov 1994 08:49:46 GMT")],
            9,
        ),
        (
            vec![date, ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")],
            0,
        ),
    ] {
        let (result, waited) = after_refusal(&headers).await;
        assert_eq!(result.unwrap().attempts(), 2);
        assert_eq!(waited.as_secs(), seconds, "{headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_at_once_when_asked_to_wait_longer_than_it_may() {
    for absurd in ["120", "86400", "99999999999999999999999999"] {
        let (result, waited) = after_refusal(&[("retry-after", absurd)]).await;
        let error = result.unwrap_err();
        assert_eq!((error.attempts(), waited.as_millis()), (1, 0), "{absurd}");
        assert!(error.retry_after() >= Some(Duration::from_secs(120)));
    }
}

#[tokio::test(start_paused = true)]
async fn it_chooses_the_wait_itself_when_the_platform_asks_for_nonsense() {
    for nonsense in ["", "soon", "-5", "1.5"] {
        let (result, waited) = after_refusal(&[("retry-after", nonsense)]).await;
        assert_eq!(result.unwrap().attempts(), 2, "{nonsense}");
        assert!(waited <= Duration::from_millis(251), "{nonsense}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_call_that_is_told_to_wait_holds_back_the_whole_account() {
    let transport = Scripted::new([with_header(429, "retry-after", 10), status(200)]);
    let client = client(transport, BASE).with_retry(RetryPolicy::no_retries());
    let begin = Instant::now();
    client.send(read()).await.unwrap_err();
    client.send(read()).await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 10);
}

async fn together(client: ApiClient, calls: usize) -> Vec<Result<ApiResponse>> {
    let client = Arc::new(client);
    let mut running = Vec::new();
    for _ in 0..calls {
        let client = Arc::clone(&client);
        running.push(tokio::spawn(async move { client.send(read()).await }));
    }
    let mut results = Vec::new();
    for call in running {
        results.push(call.await.unwrap());
    }
    results
}

#[tokio::test(start_paused = true)]
async fn an_account_sends_a_bounded_number_of_requests_at_a_time() {
    let transport = Scripted::new([Step::Late(Duration::from_secs(1))]);
    let results = together(client(transport.clone(), BASE), 40).await;
    assert!(results.iter().all(Result::is_ok));
    let counts = transport.counts();
    assert_eq!((counts.requests, counts.most_at_a_time), (40, 16));
}

#[tokio::test(start_paused = true)]
async fn the_time_spent_waiting_for_a_place_counts() {
    let mut steps = vec![Step::Late(Duration::from_secs(6)); 16];
    steps.push(Step::Hang);
    let policy = RetryPolicy::no_retries().with_total_timeout(Duration::from_secs(10));
    let client = client(Scripted::new(steps), BASE).with_retry(policy);
    let begin = Instant::now();
    let results = together(client, 17).await;
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
    assert_eq!(begin.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_gets_no_place_in_time_was_not_sent() {
    let policy = RetryPolicy::no_retries().with_total_timeout(Duration::from_secs(10));
    let transport = Scripted::new([Step::Hang]);
    let results = together(client(transport.clone(), BASE).with_retry(policy), 17).await;
    let unsent = results.last().unwrap().as_ref().unwrap_err();
    assert_eq!((unsent.fate(), unsent.attempts()), (Fate::NotSent, 0));
    assert_eq!(unsent.kind(), ErrorKind::Timeout);
    assert_eq!(transport.counts().requests, 16);
}

#[tokio::test(start_paused = true)]
async fn no_policy_is_too_long_to_be_kept() {
    let policy = RetryPolicy::default()
        .with_total_timeout(Duration::MAX)
        .with_attempt_timeout(Duration::MAX)
        .with_backoff(Duration::from_secs(1), Duration::MAX);
    let client = client(Scripted::new([status(503), status(200)]), BASE).with_retry(policy);
    assert_eq!(client.send(read()).await.unwrap().attempts(), 2);
}

#[tokio::test]
async fn an_answer_about_one_token_is_small_and_a_listing_may_be_large() {
    let large = || saying(200, format!("[\"{}\"]", "x".repeat(1 << 20)));
    let error = failure(read(), [large()]).await;
    assert_eq!(error.kind(), ErrorKind::ProtocolViolation);
    assert_eq!(error.attempts(), 1, "it would be as large a second time");
    let error = failure(create(), [large()]).await;
    assert_eq!(error.fate(), Fate::MaybeApplied);
    let announced = with_header(200, "content-length", 65 << 20);
    let list = || ApiRequest::get(Operation::List, ["tokens"]);
    let error = failure(list(), [announced]).await;
    assert_eq!(error.kind(), ErrorKind::ProtocolViolation);
    let client = client(Scripted::new([large()]), BASE);
    assert!(client.send(list()).await.is_ok());
}

#[tokio::test]
async fn what_was_sent_as_a_secret_never_comes_back_in_an_error() {
    let body = r#"{"code": "Denied.pw1.hunter2", "message": "hunter2 and hunter2-long and pw1"}"#;
    let call = create()
        .credential("authorization", "Bearer ", &Secret::new("hunter2"))
        .redact(&Secret::new("hunter2-long"))
        .redact(&Secret::new("pw1"));
    let error = failure(call, [saying(400, body)]).await;
    assert_eq!(
        error.platform_message(),
        Some("[masked] and [masked] and [masked]")
    );
    assert_eq!(error.code(), Some("Denied.[masked].[masked]"));
    let long = r#"{"code": "InvalidPermissionConfiguration"}"#;
    let error = failure(create(), [saying(400, long)]).await;
    assert_eq!(error.code(), Some("InvalidPermissionConfiguration"));
}

#[tokio::test]
async fn an_answer_shows_neither_its_body_nor_its_headers() {
    let step = Step::Answer(
        200,
        vec![("set-cookie", "hunter2".to_owned())],
        "\"hunter2\"".into(),
    );
    let answer = client(Scripted::new([step]), BASE).send(read()).await;
    let shown = format!("{:?}", answer.unwrap());
    assert!(
        !shown.contains("hunter2") && !shown.contains("104, 117"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_credential_that_cannot_be_had_says_for_which_account_and_operation() {
    let client = client(Scripted::new([status(200)]), BASE);
    let missing = Credential::from_env("TOKENFLEET_NEVER_SET");
    let error = client.secret(Operation::List, &missing).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "main (example): list failed: the environment variable TOKENFLEET_NEVER_SET is not set"
    );
}
