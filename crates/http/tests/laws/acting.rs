//! The acting credential: asked once more when it is refused, and never shown again and again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::support::client;
use async_trait::async_trait;
use bytes::Bytes;
use tokenfleet_core::config::CredentialSource;
use tokenfleet_core::{Credential, Error, ErrorKind, Fate, Operation, Result, Secret};
use tokenfleet_http::{
    ApiClient, ApiRequest, ApiResponse, Body, RetryPolicy, Transport, TransportError,
};
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// Accepts some credentials, after a second each, and remembers what it was shown.
#[derive(Debug, Default)]
struct Platform {
    accepted: Mutex<HashSet<&'static str>>,
    shown: Mutex<Vec<String>>,
}

impl Platform {
    fn accepting(secrets: impl IntoIterator<Item = &'static str>) -> Arc<Self> {
        let platform = Self::default();
        platform.accept(secrets);
        Arc::new(platform)
    }

    fn accept(&self, secrets: impl IntoIterator<Item = &'static str>) {
        *self.accepted.lock().unwrap() = secrets.into_iter().collect();
    }

    fn shown(&self) -> Vec<String> {
        self.shown.lock().unwrap().clone()
    }

    fn client(self: &Arc<Self>) -> ApiClient {
        client(self.clone(), "https://api.example.com")
    }
}

#[async_trait]
impl Transport for Platform {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        let shown = request.headers()["x-key"].to_str().unwrap().to_owned();
        self.shown.lock().unwrap().push(shown.clone());
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut answer = http::Response::new(Body::full("{}"));
        if !self.accepted.lock().unwrap().contains(shown.as_str()) {
            *answer.status_mut() = http::StatusCode::UNAUTHORIZED;
        }
        Ok(answer)
    }
}

/// Gives these, one a question, and the last for all that follow.
#[derive(Debug)]
struct Changing {
    secrets: Vec<&'static str>,
    asked: Mutex<usize>,
    refused: Mutex<Vec<String>>,
}

impl Changing {
    fn new(secrets: impl Into<Vec<&'static str>>) -> Self {
        Self {
            secrets: secrets.into(),
            asked: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

#[async_trait]
impl CredentialSource for Changing {
    async fn secret(&self) -> Result<Secret> {
        let mut asked = self.asked.lock().unwrap();
        let secret = self.secrets[(*asked).min(self.secrets.len() - 1)];
        *asked += 1;
        Ok(Secret::new(secret))
    }

    fn refused(&self, secret: &Secret) {
        self.refused
            .lock()
            .unwrap()
            .push(secret.expose().to_owned());
    }
}

fn read() -> ApiRequest {
    ApiRequest::get(Operation::Get, ["tokens", "1"])
}

fn create() -> ApiRequest {
    ApiRequest::post(Operation::Create, ["tokens"])
}

async fn act(
    client: &ApiClient,
    source: &dyn CredentialSource,
    call: ApiRequest,
) -> Result<ApiResponse> {
    let dress = |call: ApiRequest, secret: &Secret| call.credential("x-key", "", secret);
    client.send_authenticated(source, call, dress).await
}

async fn verify(client: &ApiClient, secret: &str) -> Result<ApiResponse> {
    let call = ApiRequest::get(Operation::Verify, ["tokens"]);
    let secret = Secret::new(secret);
    client.send(call.credential("x-key", "", &secret)).await
}

fn fixed(secret: &str) -> Credential {
    Credential::from_secret(Secret::new(secret))
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_was_changed_elsewhere_is_asked_for_and_used_by_what_may_be_repeated() {
    for call in [
        read(),
        ApiRequest::patch(Operation::Update, ["tokens", "1"]).idempotent(),
        ApiRequest::delete(Operation::Revoke, ["tokens", "1"]).idempotent(),
    ] {
        let platform = Platform::accepting(["new"]);
        let source = Changing::new(["old", "new"]);
        let answer = act(&platform.client(), &source, call).await.unwrap();
        assert_eq!(answer.attempts(), 2);
        assert_eq!(platform.shown(), ["old", "new"]);
        assert_eq!(source.asked(), 2);
        assert_eq!(*source.refused.lock().unwrap(), ["old"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_repeated_is_not_and_the_next_call_asks_anew() {
    let platform = Platform::accepting(["new"]);
    let client = platform.client();
    let source = Changing::new(["old", "new"]);
    let error = act(&client, &source, create()).await.unwrap_err();
    let found = (error.kind(), error.fate(), error.attempts());
    assert_eq!(found, (ErrorKind::Unauthenticated, Fate::Rejected, 1));
    assert_eq!((source.asked(), platform.shown().len()), (1, 1));
    // A source that remembers must know all the same.
    assert_eq!(*source.refused.lock().unwrap(), ["old"]);
    assert!(act(&client, &source, create()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_source_is_asked_once_more_once_and_what_was_refused_is_not_sent_again() {
    for (secrets, shown) in [
        (vec!["old"], vec!["old"]),
        (vec!["old", "other", "third"], vec!["old", "other"]),
    ] {
        let platform = Platform::accepting([]);
        let source = Changing::new(secrets);
        let error = act(&platform.client(), &source, read()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        assert_eq!(error.attempts() as usize, shown.len(), "{error}");
        assert_eq!(platform.shown(), shown);
        assert_eq!(source.asked(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_one_request_sends_one() {
    let platform = Platform::accepting(["new"]);
    let client = platform.client().with_retry(RetryPolicy::no_retries());
    let source = Changing::new(["old", "new"]);
    act(&client, &source, read()).await.unwrap_err();
    assert_eq!(platform.shown(), ["old"]);
    assert!(act(&client, &source, read()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_answers_ends_with_the_time_of_the_call() {
    let platform = Platform::accepting([]);
    let silent = Credential::from_fn(std::future::pending);
    let begin = Instant::now();
    let error = act(&platform.client(), &silent, read()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.fate()),
        (ErrorKind::Timeout, Fate::NotSent)
    );
    assert_eq!((begin.elapsed(), platform.shown().len()), (2 * MINUTE, 0));
}

/// The results of calls that begin together.
async fn together<F>(calls: impl IntoIterator<Item = F>) -> Vec<Result<ApiResponse>>
where
    F: Future<Output = Result<ApiResponse>> + Send + 'static,
{
    let running: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    let mut results = Vec::new();
    for call in running {
        results.push(call.await.unwrap());
    }
    results
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_their_turn_do_not_show_what_was_refused_meanwhile() {
    /// Remembers the old one until it is refused.
    #[derive(Debug)]
    struct Remembering(Mutex<&'static str>);

    #[async_trait]
    impl CredentialSource for Remembering {
        async fn secret(&self) -> Result<Secret> {
            Ok(Secret::new(*self.0.lock().unwrap()))
        }

        fn refused(&self, _: &Secret) {
            *self.0.lock().unwrap() = "new";
        }
    }

    for (lockout, most) in [(false, 16), (true, 1)] {
        let platform = Platform::accepting(["new"]);
        let mut client = platform.client();
        if lockout {
            client = client.with_lockout(30, 5 * MINUTE);
        }
        let shared = Arc::new((client, Remembering(Mutex::new("old"))));
        let begin = Instant::now();
        let results = together((0..40).map(|_| {
            let shared = Arc::clone(&shared);
            async move { act(&shared.0, &shared.1, read()).await }
        }))
        .await;
        assert!(results.iter().all(Result::is_ok));
        let seconds = begin.elapsed().as_secs();
        assert!(seconds < 8, "side by side once it was accepted: {seconds}");
        let shown = platform.shown();
        let old = shown.iter().filter(|shown| *shown == "old").count();
        assert_eq!((old, shown.len()), (most, 40 + most));
    }
}

fn rests(error: &Error) -> bool {
    (error.kind(), error.fate(), error.attempts()) == (ErrorKind::Unauthenticated, Fate::NotSent, 0)
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_was_refused_ten_times_rests_and_another_is_sent_at_once() {
    let platform = Platform::accepting(["new"]);
    let client = platform.client();
    for _ in 0..10 {
        let error = act(&client, &fixed("hunter2"), create()).await.unwrap_err();
        assert!(!rests(&error));
    }
    let error = act(&client, &fixed("hunter2"), create()).await.unwrap_err();
    assert!(rests(&error), "{error:?}");
    assert_eq!(
        error.to_string(),
        "main (example): create failed: the credential was refused 10 times in a row and is not sent for another 300 s; \
         replace it at its source: another one is sent at once"
    );
    assert!(act(&client, &fixed("new"), create()).await.is_ok());
    assert_eq!(platform.shown().len(), 11);
    tokio::time::advance(5 * MINUTE).await;
    for (sent, resting) in [(12, false), (12, true)] {
        let error = act(&client, &fixed("hunter2"), create()).await.unwrap_err();
        assert_eq!((platform.shown().len(), rests(&error)), (sent, resting));
    }
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_was_accepted_between_two_refusals_does_not_rest() {
    let platform = Platform::accepting([]);
    let client = platform.client();
    for round in 0..40 {
        platform.accept((round % 10 == 9).then_some("key"));
        let result = act(&client, &fixed("key"), create()).await;
        assert!(result.err().is_none_or(|error| !rests(&error)));
    }
    assert_eq!(platform.shown().len(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_may_be_about_the_token_in_question_does_not_tell_on_the_credential() {
    let platform = Platform::accepting([]);
    let client = platform.client();
    for _ in 0..20 {
        let revoke = ApiRequest::delete(Operation::Revoke, ["token"]);
        let about = revoke.credential("authorization", "Bearer ", &Secret::new("token"));
        let error = act(&client, &fixed("key"), about).await.unwrap_err();
        assert!(!rests(&error), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_lock_is_ever_provoked_however_many_logins_fail_together() {
    let platform = Platform::accepting(["good"]);
    let client = Arc::new(platform.client().with_lockout(30, 5 * MINUTE));
    let client = &client;
    act(client, &fixed("good"), read()).await.unwrap();
    let verify_many = || {
        together((0..100).map(|number| {
            let client = Arc::clone(client);
            async move { verify(&client, &format!("dead{number}")).await }
        }))
    };
    let act_often = |secret: &'static str| {
        together((0..100).map(move |_| {
            let client = Arc::clone(client);
            async move { act(&client, &fixed(secret), create()).await }
        }))
    };
    let failures = || {
        let shown = platform.shown();
        shown.iter().filter(|shown| *shown != "good").count()
    };
    let results = verify_many().await;
    let refused = results.last().unwrap().as_ref().unwrap_err();
    let found = (refused.kind(), refused.fate(), refused.attempts());
    assert_eq!(
        found,
        (ErrorKind::RateLimited, Fate::NotSent, 0),
        "{refused}"
    );
    assert!(refused.retry_after() > Some(4 * MINUTE), "{refused}");
    assert_eq!(failures(), 13, "some do no harm");
    // What is accepted goes on all the while.
    assert!(act(client, &fixed("good"), read()).await.is_ok());
    act_often("bad").await;
    assert_eq!(failures(), 13);
    // Its end, while as many as may are under way.
    platform.accept([]);
    let begin = platform.shown().len();
    act_often("good").await;
    assert_eq!(platform.shown().len() - begin, 16);
    assert!(failures() + 16 < 30);
    tokio::time::advance(5 * MINUTE).await;
    verify_many().await;
    assert_eq!(failures(), 26);
    // What was accepted before it was refused has lost its privilege.
    let sent = platform.shown().len();
    act_often("good").await;
    assert_eq!(platform.shown().len(), sent);
}
