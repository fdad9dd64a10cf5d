//! Retries: which requests are retried, after which delay, and the fate of the error.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use miniz_oxide::deflate::compress_to_vec;

use super::scripted_transport::{
    ScriptedTransport, Step, client, own_refusal, status, with_body, with_header,
};
use tokenfleet_core::{Credential, Error, ErrorKind, Fate, Operation, Result, Secret};
use tokenfleet_http::{
    ApiClient, ApiRequest, ApiResponse, Body, RetryPolicy, SendPhase, Transport, TransportError,
};
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

fn update() -> ApiRequest {
    ApiRequest::patch(Operation::Update, ["tokens", "1"]).idempotent()
}

fn revoke() -> ApiRequest {
    ApiRequest::delete(Operation::Revoke, ["tokens", "1"]).idempotent()
}

/// Returns the error from a request under a script.
async fn failure(request: ApiRequest, steps: impl IntoIterator<Item = Step>) -> Error {
    let transport = ScriptedTransport::new(steps);
    let client = client(transport.clone(), BASE);
    let error = client.send(request).await.unwrap_err();
    assert_eq!(error.attempts(), transport.counts().requests, "{error}");
    error
}

#[tokio::test(start_paused = true)]
async fn an_ambiguous_failure_is_retried_only_if_idempotent_and_transient() {
    use ErrorKind::{Connection, ProtocolViolation, RateLimited, Timeout, Unavailable};
    use Fate::{MaybeApplied, NotSent, Rejected};

    type Row = (fn() -> ApiRequest, Step, u32, ErrorKind, Fate);
    let html = || with_body(200, "<html>Please log in</html>");
    let rows: [Row; 30] = [
        (read, status(503), 4, Unavailable, Rejected),
        (update, status(503), 4, Unavailable, MaybeApplied),
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
        (create, own_refusal(429), 4, RateLimited, Rejected),
        // A gateway may have passed the request on.
        (create, status(429), 1, RateLimited, MaybeApplied),
        (create, with_body(429, ""), 1, RateLimited, MaybeApplied),
        (revoke, status(429), 4, RateLimited, Rejected),
        (read, status(302), 1, ProtocolViolation, Rejected),
        (revoke, status(302), 1, ProtocolViolation, MaybeApplied),
        (read, html(), 1, ProtocolViolation, Rejected),
        (revoke, html(), 1, ProtocolViolation, MaybeApplied),
        (create, html(), 1, ProtocolViolation, MaybeApplied),
        (read, with_body(200, ""), 1, ProtocolViolation, Rejected),
        (
            create,
            with_body(204, ""),
            1,
            ProtocolViolation,
            MaybeApplied,
        ),
        (
            revoke,
            with_body(204, ""),
            1,
            ProtocolViolation,
            MaybeApplied,
        ),
        (revoke, status(401), 1, ErrorKind::Unauthenticated, Rejected),
        (
            revoke,
            status(403),
            1,
            ErrorKind::PermissionDenied,
            Rejected,
        ),
        (revoke, status(404), 1, ErrorKind::NotFound, Rejected),
        (create, status(409), 1, ErrorKind::Conflict, MaybeApplied),
        (create, own_refusal(409), 1, ErrorKind::Conflict, Rejected),
        (create, status(422), 1, ErrorKind::InvalidInput, Rejected),
    ];
    for (request, step, attempts, kind, fate) in rows {
        let place = format!("{:?} meets {step:?}", request());
        let error = failure(request(), [step]).await;
        let found = (error.attempts(), error.kind(), error.fate());
        assert_eq!(found, (attempts, kind, fate), "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_later_attempt_does_not_lower_the_fate_of_an_earlier_one() {
    use Fate::{MaybeApplied, NotSent, Rejected};

    for last in [status(401), status(404), status(422), NOT_SENT, status(429)] {
        let error = failure(update(), [MAYBE, last.clone()]).await;
        assert_eq!(error.fate(), MaybeApplied, "{last:?}");
    }
    assert_eq!(failure(read(), [MAYBE, NOT_SENT]).await.fate(), Rejected);
    let busy_then_gone = failure(create(), [own_refusal(429), NOT_SENT]).await;
    assert_eq!(busy_then_gone.fate(), Rejected);
    assert_eq!(busy_then_gone.attempts(), 4);
    let gone_then_lost = failure(create(), [NOT_SENT, MAYBE]).await;
    assert_eq!(gone_then_lost.fate(), MaybeApplied);
    assert_eq!(failure(create(), [NOT_SENT]).await.fate(), NotSent);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_at_the_rate_limiter_does_not_lower_the_fate_either() {
    let pausing = with_header(429, "retry-after", 6);
    let transport = ScriptedTransport::new([MAYBE, pausing]);
    let policy = RetryPolicy::default().with_total_timeout(Duration::from_secs(5));
    let client = Arc::new(client(transport, BASE).with_retry(policy));
    let waiting = {
        let client = Arc::clone(&client);
        tokio::spawn(async move { client.send(update()).await })
    };
    tokio::task::yield_now().await;
    // Pauses the account while the update waits for its second attempt.
    let paused = client.send(create()).await.unwrap_err();
    assert_eq!(paused.kind(), ErrorKind::RateLimited);
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
    assert_eq!(error.fate(), Fate::MaybeApplied, "{error}");
    assert_eq!(error.attempts(), 1, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_success_that_may_be_empty_must_be_empty_or_json() {
    for (body, accepted) in [("", true), (" \r\n", true), ("{}", true), ("OK", false)] {
        let client = client(ScriptedTransport::new([with_body(200, body)]), BASE);
        let result = client.send(revoke().allow_empty_body()).await;
        assert_eq!(result.is_ok(), accepted, "{body:?}");
    }
}

/// Returns the result and the duration of a request that the platform refuses with 429 and these
/// headers, and then serves.
async fn after_429(headers: &[(&'static str, &str)]) -> (Result<ApiResponse>, Duration) {
    let headers = headers
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    let body = r#"{"code": "Refused", "message": "wait"}"#;
    let rejection = Step::Respond(429, headers.collect(), body.into());
    let begin = Instant::now();
    let client = client(ScriptedTransport::new([rejection, status(200)]), BASE);
    (client.send(create()).await, begin.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_retry_waits_as_long_as_the_platform_asks() {
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    for (headers, seconds) in [
        (vec![("retry-after", "7")], 7),
        (vec![("retry-after", "0")], 0),
        // A fraction is rounded up.
        (vec![("retry-after", "30.5")], 31),
        (vec![("retry-after", "7.0")], 7),
        (
            vec![date, ("retry-after", "Sun, 06 Nov 1994 08:49:46 GMT")],
            9,
        ),
        (
            vec![date, ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")],
            0,
        ),
    ] {
        let (result, waited) = after_429(&headers).await;
        assert_eq!(result.unwrap().attempts(), 2);
        assert_eq!(waited.as_secs(), seconds, "{headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_fails_at_once_when_asked_to_wait_beyond_its_deadline() {
    for seconds in ["120", "86400", "119.5", "99999999999999999999999999"] {
        let (result, waited) = after_429(&[("retry-after", seconds)]).await;
        let error = result.unwrap_err();
        assert_eq!((error.attempts(), waited.as_millis()), (1, 0), "{seconds}");
        assert!(error.retry_after() >= Some(Duration::from_secs(120)));
        assert!(
            error.retry_after() <= Some(Duration::from_secs(366 * 86400)),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_invalid_retry_after_is_replaced_by_the_backoff() {
    for invalid in ["", "soon", "-5", "1.", ".5", "1,5", "1e3"] {
        let (result, waited) = after_429(&[("retry-after", invalid)]).await;
        assert_eq!(result.unwrap().attempts(), 2, "{invalid}");
        assert!(waited <= Duration::from_millis(251), "{invalid}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_pauses_the_whole_account() {
    let transport = ScriptedTransport::new([with_header(429, "retry-after", 10), status(200)]);
    let client = client(transport, BASE).with_retry(RetryPolicy::no_retries());
    let begin = Instant::now();
    client.send(read()).await.unwrap_err();
    client.send(read()).await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 10);
}

/// Sends reads concurrently and returns their results.
async fn send_concurrently(client: ApiClient, requests: usize) -> Vec<Result<ApiResponse>> {
    let client = Arc::new(client);
    let mut running = Vec::new();
    for _ in 0..requests {
        let client = Arc::clone(&client);
        running.push(tokio::spawn(async move { client.send(read()).await }));
    }
    let mut results = Vec::new();
    for request in running {
        results.push(request.await.unwrap());
    }
    results
}

#[tokio::test(start_paused = true)]
async fn an_account_sends_a_bounded_number_of_concurrent_requests() {
    let transport = ScriptedTransport::new([Step::RespondLate(Duration::from_secs(1))]);
    let results = send_concurrently(client(transport.clone(), BASE), 40).await;
    assert!(results.iter().all(Result::is_ok));
    let counts = transport.counts();
    assert_eq!((counts.requests, counts.max_in_flight), (40, 16));
}

#[tokio::test(start_paused = true)]
async fn the_total_timeout_includes_the_wait_for_a_slot() {
    let mut steps = vec![Step::RespondLate(Duration::from_secs(6)); 16];
    steps.push(Step::Hang);
    let policy = RetryPolicy::no_retries().with_total_timeout(Duration::from_secs(10));
    let client = client(ScriptedTransport::new(steps), BASE).with_retry(policy);
    let begin = Instant::now();
    let results = send_concurrently(client, 17).await;
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
    assert_eq!(begin.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_gets_no_slot_in_time_was_not_sent() {
    let policy = RetryPolicy::no_retries().with_total_timeout(Duration::from_secs(10));
    let transport = ScriptedTransport::new([Step::Hang]);
    let results = send_concurrently(client(transport.clone(), BASE).with_retry(policy), 17).await;
    let unsent = results.last().unwrap().as_ref().unwrap_err();
    assert_eq!((unsent.fate(), unsent.attempts()), (Fate::NotSent, 0));
    assert_eq!(unsent.kind(), ErrorKind::Timeout);
    assert_eq!(transport.counts().requests, 16);
}

#[tokio::test(start_paused = true)]
async fn the_longest_possible_timeouts_are_accepted() {
    let policy = RetryPolicy::default()
        .with_total_timeout(Duration::MAX)
        .with_attempt_timeout(Duration::MAX)
        .with_backoff(Duration::from_secs(1), Duration::MAX);
    let client =
        client(ScriptedTransport::new([status(503), status(200)]), BASE).with_retry(policy);
    assert_eq!(client.send(read()).await.unwrap().attempts(), 2);
}

#[tokio::test]
async fn the_size_limit_is_small_for_one_token_and_large_for_a_listing() {
    let large = || with_body(200, format!("[\"{}\"]", "x".repeat(1 << 20)));
    let error = failure(read(), [large()]).await;
    assert_eq!(error.kind(), ErrorKind::ProtocolViolation);
    assert_eq!(error.attempts(), 1, "a retry would be as large");
    let error = failure(create(), [large()]).await;
    assert_eq!(error.fate(), Fate::MaybeApplied);
    let announced = with_header(200, "content-length", 65 << 20);
    let list = || ApiRequest::get(Operation::List, ["tokens"]);
    let error = failure(list(), [announced]).await;
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert!(error.is_response_too_large(), "smaller pages help: {error}");
    // Seven million values in 16 MiB would take more than a gigabyte in memory.
    let values = format!("[{}0]", "{\"\":0},".repeat((16 << 20) / 7));
    let error = failure(list(), [with_body(200, values)]).await;
    assert!(error.is_response_too_large(), "{error}");
    let text = format!("[\"{}\"]", "{,:[".repeat(1 << 20));
    let text = client(ScriptedTransport::new([with_body(200, text)]), BASE);
    assert!(text.send(list()).await.is_ok(), "punctuation in a text");
    // Of a refusal only the beginning is read, whatever it announces.
    let refusal = format!("{{\"message\":\"{}\"}}", "a b ".repeat(15 << 20));
    let error = failure(list(), [with_body(400, refusal)]).await;
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::InvalidInput, Some(400))
    );
    let client = client(ScriptedTransport::new([large()]), BASE);
    assert!(client.send(list()).await.is_ok());
}

#[tokio::test]
async fn a_secret_that_was_sent_is_redacted_in_every_error() {
    let body = r#"{"code": "Denied.pw1.hunter2", "message": "hunter2 and hunter2-long and pw1"}"#;
    let request = create()
        .bearer_auth(&Secret::new("hunter2"))
        .redact(&Secret::new("hunter2-long"))
        .redact(&Secret::new("pw1"));
    let error = failure(request, [with_body(400, body)]).await;
    assert_eq!(
        error.platform_message(),
        Some("[masked] and [masked] and [masked]")
    );
    assert_eq!(error.code(), Some("Denied.[masked].[masked]"));
    let long = r#"{"code": "InvalidPermissionConfiguration"}"#;
    let error = failure(create(), [with_body(400, long)]).await;
    assert_eq!(error.code(), Some("InvalidPermissionConfiguration"));
}

#[tokio::test]
async fn debug_of_a_response_omits_body_and_headers() {
    let step = Step::Respond(
        200,
        vec![("set-cookie", "hunter2".to_owned())],
        "\"hunter2\"".into(),
    );
    let response = client(ScriptedTransport::new([step]), BASE)
        .send(read())
        .await;
    let shown = format!("{:?}", response.unwrap());
    assert!(
        !shown.contains("hunter2") && !shown.contains("104, 117"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_missing_credential_is_reported_with_account_and_operation() {
    let client = client(ScriptedTransport::new([status(200)]), BASE);
    let missing = Credential::from_env("TOKENFLEET_NEVER_SET");
    let error = client.secret(Operation::List, &missing).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "main (example): list failed: the environment variable TOKENFLEET_NEVER_SET is not set"
    );
}

#[tokio::test]
async fn a_secret_is_read_whatever_surrounds_it() {
    let json = br#"{"token":"hunter2"}"#;
    let marked = ["\u{feff}".as_bytes(), json].concat();
    let gzip = |content: &[u8]| {
        let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
        [&header, compress_to_vec(content, 6).as_slice(), &[0; 8]].concat()
    };
    let html = ("content-type", "text/html");
    for (headers, body) in [
        (vec![html], json.to_vec()),
        (vec![], marked.clone()),
        (vec![("content-encoding", "")], json.to_vec()),
        (vec![("content-encoding", "gzip"), html], gzip(&marked)),
        (vec![("content-encoding", "gzip")], json.to_vec()),
        (vec![], gzip(json)),
        (
            vec![],
            [json, "\n<!-- served by cache 7 -->".as_bytes()].concat(),
        ),
        (vec![], [json, json.as_slice()].concat()),
    ] {
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name, value.to_owned()));
        let step = Step::Respond(201, headers.collect(), body.into());
        let client = client(ScriptedTransport::new([step]), BASE);
        let response = client.send(create()).await.unwrap();
        let record: std::collections::BTreeMap<String, String> = response.json().unwrap();
        assert_eq!(record["token"], "hunter2");
    }
    let bomb = gzip(&vec![b' '; (1 << 20) + 1]);
    let error = failure(create(), [with_body(201, bomb)]).await;
    assert_eq!(error.kind(), ErrorKind::ProtocolViolation, "{error}");
}

#[tokio::test]
async fn a_process_that_was_stopped_reads_its_socket_before_it_believes_the_timeout() {
    /// A response that arrives while the process is stopped: both it and the timer are there when
    /// the process goes on.
    #[derive(Debug)]
    struct Stopped;

    #[async_trait]
    impl Transport for Stopped {
        async fn send(
            &self,
            _: http::Request<Bytes>,
        ) -> Result<http::Response<Body>, TransportError> {
            let arrived = tokio::spawn(async {
                std::thread::sleep(Duration::from_millis(300));
                tokio::task::yield_now().await;
                tokio::time::sleep(Duration::from_millis(300)).await;
            });
            arrived.await.unwrap();
            Ok(http::Response::new(Body::full("{}")))
        }
    }

    let policy = RetryPolicy::no_retries().with_attempt_timeout(Duration::from_millis(100));
    let client = client(Arc::new(Stopped), BASE).with_retry(policy);
    client.send(create()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_response_that_arrives_with_the_timeout_is_read() {
    const LIMIT: Duration = Duration::from_millis(100);

    /// A response that is there when the timer ends, and is read in several steps.
    #[derive(Debug)]
    struct OnTime;

    #[async_trait]
    impl Transport for OnTime {
        async fn send(
            &self,
            _: http::Request<Bytes>,
        ) -> Result<http::Response<Body>, TransportError> {
            tokio::time::sleep(LIMIT).await;
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            Ok(http::Response::new(Body::full("{}")))
        }
    }

    let policy = RetryPolicy::no_retries().with_attempt_timeout(LIMIT);
    let client = client(Arc::new(OnTime), BASE).with_retry(policy);
    client.send(create()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_account_without_a_descriptor_waits_for_one_and_nothing_was_sent() {
    /// A transport without sockets for some time.
    #[derive(Debug)]
    struct Exhausted(Instant);

    #[async_trait]
    impl Transport for Exhausted {
        async fn send(
            &self,
            _: http::Request<Bytes>,
        ) -> Result<http::Response<Body>, TransportError> {
            if Instant::now() < self.0 {
                let error = TransportError::not_sent("too many open files");
                return Err(error.out_of_descriptors());
            }
            Ok(http::Response::new(Body::full("{}")))
        }
    }

    let after = |seconds| Instant::now() + Duration::from_secs(seconds);
    let available = client(Arc::new(Exhausted(after(60))), BASE);
    assert_eq!(available.send(create()).await.unwrap().attempts(), 1);
    let never = client(Arc::new(Exhausted(after(600))), BASE);
    let error = never.send(create()).await.unwrap_err();
    let found = (error.kind(), error.fate());
    assert_eq!(found, (ErrorKind::Connection, Fate::NotSent), "{error}");
    assert!(error.to_string().contains("too many open files"), "{error}");
}

#[tokio::test]
async fn a_status_that_promises_nothing_is_no_success_unless_a_secret_may_be_lost() {
    let page = || ApiRequest::get(Operation::List, ["tokens"]);
    let delete = || ApiRequest::delete(Operation::Revoke, ["tokens"]).allow_empty_body();
    for code in [202, 205, 206, 207, 226] {
        for request in [page(), delete()] {
            let error = failure(request, [status(code)]).await;
            assert_eq!(
                error.kind(),
                ErrorKind::ProtocolViolation,
                "{code}: {error}"
            );
        }
        // A key that is replaced may come with its new secret.
        let replace = ApiRequest::put(Operation::Update, ["tokens", "1"]);
        for request in [create(), replace] {
            let client = client(ScriptedTransport::new([status(code)]), BASE);
            client.send(request).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_later_page_that_is_missing_is_neither_a_token_nor_the_configuration() {
    for code in [404, 410] {
        let list = |page| ApiRequest::get(Operation::List, ["tokens"]).page_number(page);
        let first = failure(list(0), [status(code)]).await;
        assert_eq!(first.kind(), ErrorKind::Configuration, "{first}");
        let later = failure(list(2), [status(code)]).await;
        assert_eq!(later.kind(), ErrorKind::ProtocolViolation, "{later}");
        assert_eq!(later.status(), Some(code));
        let text = later.to_string();
        assert!(text.contains("page 3 of the tokens at https://"), "{text}");
        assert!(text.contains("repeat the listing"), "{text}");
        assert!(!text.contains("base_url"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_that_is_over_spends_the_budget_like_none() {
    let past = "Sun, 06 Nov 1994 08:00:00 GMT";
    for wait in ["0", "0.0", past] {
        let transport = ScriptedTransport::new([with_header(429, "retry-after", wait)]);
        let client = client(transport, BASE).with_retry(RetryPolicy::default().with_budget(1));
        let error = client.send(read()).await.unwrap_err();
        assert_eq!(error.attempts(), 2, "{wait}: {error}");
    }
}

/// Each number of the table in SECURITY.md, at its edge.
#[tokio::test]
async fn what_is_read_of_a_response_ends_where_it_is_said() {
    let list = || ApiRequest::get(Operation::List, ["tokens"]);
    for (request, size) in [(read as fn() -> _, 1 << 20), (list, 64 << 20)] {
        for (more, is_read) in [(0, true), (1, false)] {
            let announced = with_header(200, "content-length", size + more);
            let client = client(ScriptedTransport::new([announced]), BASE);
            let result = client.send(request()).await;
            assert_eq!(result.is_ok(), is_read, "{size} {more}");
        }
    }
    for (values, is_read) in [(1 << 20, true), ((1 << 20) + 1, false)] {
        let body = format!("[{}0]", "0,".repeat(values - 1));
        let client = client(ScriptedTransport::new([with_body(200, body)]), BASE);
        assert_eq!(client.send(list()).await.is_ok(), is_read, "{values}");
    }
}

/// A response of chunks of 1 KiB without end, which counts those that are read.
#[derive(Debug, Clone)]
struct Endless(http::StatusCode, Arc<AtomicUsize>);

impl futures_core::Stream for Endless {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Bytes::from_static(&[b'['; 1 << 10]))))
    }
}

#[async_trait]
impl Transport for Endless {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Body>, TransportError> {
        let mut response = http::Response::new(Body::from_stream(self.clone()));
        *response.status_mut() = self.0;
        Ok(response)
    }
}

#[tokio::test]
async fn of_a_refusal_64_kib_are_read() {
    let transport = Arc::new(Endless(http::StatusCode::BAD_REQUEST, Arc::default()));
    let error = client(transport.clone(), BASE).send(read()).await;
    assert_eq!(error.unwrap_err().status(), Some(400));
    // One more shows that there is more.
    assert_eq!(transport.1.load(Ordering::Relaxed), 65);
}

#[tokio::test]
async fn a_response_that_is_cut_off_is_too_large_and_not_damaged() {
    let list = || ApiRequest::get(Operation::List, ["tokens"]);
    for (request, words) in [
        (read as fn() -> _, "larger than 1 MiB"),
        (list, "larger than 64 MiB"),
    ] {
        let transport = Arc::new(Endless(http::StatusCode::OK, Arc::default()));
        let error = client(transport, BASE).send(request()).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_the_platforms_is_named() {
    const NO_CREATION: &str = "tokens cannot be created at https://api.example.com/tokens";
    let list = || ApiRequest::get(Operation::List, ["user tokens"]);
    for (request, code, kind, words) in [
        (create(), 407, ErrorKind::Other, "proxy"),
        (list(), 407, ErrorKind::Other, "proxy_password"),
        (read(), 304, ErrorKind::ProtocolViolation, "not modified"),
        (
            list(),
            404,
            ErrorKind::Configuration,
            "https://api.example.com/user%20tokens (HTTP 404); check base_url",
        ),
        (read(), 404, ErrorKind::NotFound, "not found"),
        (
            list().page_number(0),
            405,
            ErrorKind::Configuration,
            "check base_url",
        ),
        (
            list().page_number(1),
            405,
            ErrorKind::InvalidInput,
            "rejected the request",
        ),
        (create(), 404, ErrorKind::Configuration, NO_CREATION),
        (create(), 405, ErrorKind::Configuration, NO_CREATION),
        (create(), 410, ErrorKind::Configuration, NO_CREATION),
    ] {
        let error = failure(request, [status(code)]).await;
        let found = (error.kind(), error.attempts());
        assert_eq!(found, (kind, 1), "{error}");
        let text = error.to_string();
        assert!(text.contains(words), "{text}");
        assert!(!text.contains("redirect"), "{text}");
    }
}
