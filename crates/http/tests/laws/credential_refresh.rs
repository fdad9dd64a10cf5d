//! The acting credential: fetched once more when it is rejected, and never sent again and again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::scripted_transport::client;
use async_trait::async_trait;
use bytes::Bytes;
use tokenfleet_core::config::CredentialSource;
use tokenfleet_core::{Credential, Error, ErrorKind, Fate, Operation, Result, Secret};
use tokenfleet_http::{
    ApiClient, ApiRequest, ApiResponse, Body, FailedLogins, RetryPolicy, Transport, TransportError,
};
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// A platform that accepts some credentials, after a second each, and records what it received.
#[derive(Debug, Default)]
struct Platform {
    accepted: Mutex<HashSet<&'static str>>,
    received: Mutex<Vec<String>>,
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

    fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
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
        let key = request.headers()["x-key"].to_str().unwrap().to_owned();
        self.received.lock().unwrap().push(key.clone());
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut response = http::Response::new(Body::full("{}"));
        if !self.accepted.lock().unwrap().contains(key.as_str()) {
            *response.status_mut() = http::StatusCode::UNAUTHORIZED;
        }
        Ok(response)
    }
}

/// A source that returns these secrets, one per fetch, and the last for all that follow.
#[derive(Debug)]
struct ChangingSource {
    secrets: Vec<&'static str>,
    fetches: Mutex<usize>,
    refused: Mutex<Vec<String>>,
}

impl ChangingSource {
    fn new(secrets: impl Into<Vec<&'static str>>) -> Self {
        Self {
            secrets: secrets.into(),
            fetches: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    fn fetches(&self) -> usize {
        *self.fetches.lock().unwrap()
    }
}

#[async_trait]
impl CredentialSource for ChangingSource {
    async fn secret(&self) -> Result<Secret> {
        let mut fetches = self.fetches.lock().unwrap();
        let secret = self.secrets[(*fetches).min(self.secrets.len() - 1)];
        *fetches += 1;
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

async fn send(
    client: &ApiClient,
    source: &dyn CredentialSource,
    request: ApiRequest,
) -> Result<ApiResponse> {
    let authorize = |request: ApiRequest, secret: &Secret| request.credential("x-key", "", secret);
    client.send_authenticated(source, request, authorize).await
}

async fn verify(client: &ApiClient, secret: &str) -> Result<ApiResponse> {
    let request = ApiRequest::get(Operation::Verify, ["tokens"]);
    let secret = Secret::new(secret);
    client.send(request.credential("x-key", "", &secret)).await
}

fn fixed(secret: &str) -> Credential {
    Credential::from_secret(Secret::new(secret))
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_was_changed_elsewhere_is_fetched_and_used_by_idempotent_requests() {
    for request in [
        read(),
        ApiRequest::patch(Operation::Update, ["tokens", "1"]).idempotent(),
        ApiRequest::delete(Operation::Revoke, ["tokens", "1"]).idempotent(),
    ] {
        let platform = Platform::accepting(["new"]);
        let source = ChangingSource::new(["old", "new"]);
        let response = send(&platform.client(), &source, request).await.unwrap();
        assert_eq!(response.attempts(), 2);
        assert_eq!(platform.received(), ["old", "new"]);
        assert_eq!(source.fetches(), 2);
        assert_eq!(*source.refused.lock().unwrap(), ["old"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_not_idempotent_is_not_retried_and_the_next_one_fetches_again() {
    let platform = Platform::accepting(["new"]);
    let client = platform.client();
    let source = ChangingSource::new(["old", "new"]);
    let error = send(&client, &source, create()).await.unwrap_err();
    let found = (error.kind(), error.fate(), error.attempts());
    assert_eq!(found, (ErrorKind::Unauthenticated, Fate::Rejected, 1));
    assert_eq!((source.fetches(), platform.received().len()), (1, 1));
    // A source that caches learns of the rejection all the same.
    assert_eq!(*source.refused.lock().unwrap(), ["old"]);
    assert!(send(&client, &source, create()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_source_is_asked_once_more_and_a_rejected_credential_is_not_sent_again() {
    for (secrets, received) in [
        (vec!["old"], vec!["old"]),
        (vec!["old", "other", "third"], vec!["old", "other"]),
    ] {
        let platform = Platform::accepting([]);
        let source = ChangingSource::new(secrets);
        let error = send(&platform.client(), &source, read()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        assert_eq!(error.attempts() as usize, received.len(), "{error}");
        assert_eq!(platform.received(), received);
        assert_eq!(source.fetches(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_without_retries_sends_one_request() {
    let platform = Platform::accepting(["new"]);
    let client = platform.client().with_retry(RetryPolicy::no_retries());
    let source = ChangingSource::new(["old", "new"]);
    send(&client, &source, read()).await.unwrap_err();
    assert_eq!(platform.received(), ["old"]);
    assert!(send(&client, &source, read()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_responds_ends_with_the_total_timeout() {
    let platform = Platform::accepting([]);
    let silent = Credential::from_fn(std::future::pending);
    let begin = Instant::now();
    let error = send(&platform.client(), &silent, read()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.fate()),
        (ErrorKind::Timeout, Fate::NotSent)
    );
    assert_eq!(
        (begin.elapsed(), platform.received().len()),
        (2 * MINUTE, 0)
    );
}

/// Runs requests concurrently and returns their results.
async fn concurrently<F>(requests: impl IntoIterator<Item = F>) -> Vec<Result<ApiResponse>>
where
    F: Future<Output = Result<ApiResponse>> + Send + 'static,
{
    let running: Vec<_> = requests.into_iter().map(tokio::spawn).collect();
    let mut results = Vec::new();
    for request in running {
        results.push(request.await.unwrap());
    }
    results
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_for_a_permit_do_not_send_what_was_rejected_meanwhile() {
    /// A source that returns the old secret until it is rejected.
    #[derive(Debug)]
    struct CachingSource(Mutex<&'static str>);

    #[async_trait]
    impl CredentialSource for CachingSource {
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
        let shared = Arc::new((client, CachingSource(Mutex::new("old"))));
        let begin = Instant::now();
        let results = concurrently((0..40).map(|_| {
            let shared = Arc::clone(&shared);
            async move { send(&shared.0, &shared.1, read()).await }
        }))
        .await;
        assert!(results.iter().all(Result::is_ok));
        let seconds = begin.elapsed().as_secs();
        assert!(seconds < 8, "concurrent once it was accepted: {seconds}");
        let received = platform.received();
        let old = received.iter().filter(|key| *key == "old").count();
        assert_eq!((old, received.len()), (most, 40 + most));
    }
}

/// Returns `true` if the credential was in its cooldown and not sent.
fn cooling_down(error: &Error) -> bool {
    (error.kind(), error.fate(), error.attempts()) == (ErrorKind::Unauthenticated, Fate::NotSent, 0)
}

#[tokio::test(start_paused = true)]
async fn a_credential_rejected_ten_times_is_not_sent_for_a_while_and_another_is_sent_at_once() {
    let platform = Platform::accepting(["new"]);
    let client = platform.client();
    for _ in 0..10 {
        let error = send(&client, &fixed("hunter2"), create())
            .await
            .unwrap_err();
        assert!(!cooling_down(&error));
    }
    let error = send(&client, &fixed("hunter2"), create())
        .await
        .unwrap_err();
    assert!(cooling_down(&error), "{error:?}");
    assert_eq!(
        error.to_string(),
        "main (example): create failed: the credential was rejected 10 times in a row and will \
         not be sent for another 300 s; replace it at its source: a changed credential is used \
         immediately"
    );
    assert!(send(&client, &fixed("new"), create()).await.is_ok());
    assert_eq!(platform.received().len(), 11);
    tokio::time::advance(5 * MINUTE).await;
    for (sent, cooldown) in [(12, false), (12, true)] {
        let error = send(&client, &fixed("hunter2"), create())
            .await
            .unwrap_err();
        assert_eq!(
            (platform.received().len(), cooling_down(&error)),
            (sent, cooldown)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_credential_accepted_between_two_rejections_has_no_cooldown() {
    let platform = Platform::accepting([]);
    let client = platform.client();
    for round in 0..40 {
        platform.accept((round % 10 == 9).then_some("key"));
        let result = send(&client, &fixed("key"), create()).await;
        assert!(result.err().is_none_or(|error| !cooling_down(&error)));
    }
    assert_eq!(platform.received().len(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_401_that_may_be_about_another_secret_does_not_count_against_the_credential() {
    let platform = Platform::accepting([]);
    let client = platform.client();
    for _ in 0..20 {
        let revoke = ApiRequest::delete(Operation::Revoke, ["token"]);
        let request = revoke.bearer_auth(&Secret::new("token"));
        let error = send(&client, &fixed("key"), request).await.unwrap_err();
        assert!(!cooling_down(&error), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lockout_is_never_triggered_however_many_logins_fail_concurrently() {
    let platform = Platform::accepting(["good"]);
    let client = Arc::new(platform.client().with_lockout(30, 5 * MINUTE));
    let client = &client;
    send(client, &fixed("good"), read()).await.unwrap();
    let verify_many = || {
        concurrently((0..100).map(|number| {
            let client = Arc::clone(client);
            async move { verify(&client, &format!("dead{number}")).await }
        }))
    };
    let create_many = |secret: &'static str| {
        concurrently((0..100).map(move |_| {
            let client = Arc::clone(client);
            async move { send(&client, &fixed(secret), create()).await }
        }))
    };
    let failures = || {
        let received = platform.received();
        received.iter().filter(|key| *key != "good").count()
    };
    let results = verify_many().await;
    let error = results.last().unwrap().as_ref().unwrap_err();
    let found = (error.kind(), error.fate(), error.attempts());
    assert_eq!(found, (ErrorKind::RateLimited, Fate::NotSent, 0), "{error}");
    assert!(error.retry_after() > Some(4 * MINUTE), "{error}");
    assert_eq!(failures(), 13, "a few failures do no harm");
    // An accepted credential is sent all the while.
    assert!(send(client, &fixed("good"), read()).await.is_ok());
    create_many("bad").await;
    assert_eq!(failures(), 13);
    // It is revoked while as many requests as possible are in flight.
    platform.accept([]);
    let begin = platform.received().len();
    create_many("good").await;
    assert_eq!(platform.received().len() - begin, 16);
    assert!(failures() + 16 < 30);
    tokio::time::advance(5 * MINUTE).await;
    verify_many().await;
    assert_eq!(failures(), 26);
    // It was rejected since, so that it was accepted once no longer counts.
    let sent = platform.received().len();
    create_many("good").await;
    assert_eq!(platform.received().len(), sent);
}

/// A transport that accounts share, and with it the failed logins.
#[derive(Debug)]
struct Shared(Arc<Platform>, FailedLogins);

#[async_trait]
impl Transport for Shared {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        self.0.send(request).await
    }

    fn failed_logins(&self) -> Option<&FailedLogins> {
        Some(&self.1)
    }
}

#[tokio::test(start_paused = true)]
async fn failed_logins_are_counted_per_address_over_all_accounts() {
    let platform = Platform::accepting(["good"]);
    let transport = Arc::new(Shared(platform.clone(), FailedLogins::default()));
    let account = |base: &str| {
        let client = client(transport.clone(), base);
        Arc::new(client.with_lockout(30, 5 * MINUTE))
    };
    let here = "https://foreman.example.com";
    let good = account(here);
    let use_account = |client: Arc<ApiClient>, secret: &'static str| async move {
        send(&client, &fixed(secret), read()).await
    };
    use_account(good.clone(), "good").await.unwrap();
    // One Foreman, however it is reached.
    let spellings = [
        here,
        "https://FOREMAN.example.com:8443",
        "https://foreman.example.com.",
        "https://foreman.example.com/prefix",
    ];
    let bad: Vec<_> = (0..100)
        .map(|number| account(spellings[number % 4]))
        .collect();
    let results = concurrently(bad.iter().map(|client| use_account(client.clone(), "bad"))).await;
    let received = platform.received();
    let failures = received.iter().filter(|key| *key == "bad").count();
    assert_eq!(failures, 13, "fewer than lock the address out");
    let error = results.last().unwrap().as_ref().unwrap_err();
    let found = (error.kind(), error.fate(), error.attempts());
    assert_eq!(found, (ErrorKind::RateLimited, Fate::NotSent, 0), "{error}");
    // A credential that was accepted is sent all the while, and so is any at another address.
    use_account(good.clone(), "good").await.unwrap();
    let elsewhere = account("https://other.example.com");
    use_account(elsewhere, "good").await.unwrap();
    // Many accounts lose their credentials while all their requests are in flight.
    let trusted: Vec<_> = ["k0", "k1", "k2"].map(|key| (account(here), key)).into();
    platform.accept(["good", "k0", "k1", "k2"]);
    tokio::time::advance(6 * MINUTE).await;
    for (client, key) in &trusted {
        use_account(client.clone(), key).await.unwrap();
    }
    platform.accept([]);
    let before = platform.received().len();
    let many = (0..60).map(|number| {
        let (client, key) = &trusted[number % 3];
        use_account(client.clone(), key)
    });
    concurrently(many).await;
    let failed = platform.received().len() - before;
    assert!(failed < 30, "{failed}");
}

/// A worker opens an account for each of its tasks, whose listings may be cut off.
#[tokio::test(start_paused = true)]
async fn a_credential_that_was_accepted_stays_so_when_its_account_is_opened_again() {
    /// Answers the first request.
    #[derive(Debug)]
    struct CutOff(Arc<Platform>, FailedLogins);

    #[async_trait]
    impl Transport for CutOff {
        async fn send(
            &self,
            request: http::Request<Bytes>,
        ) -> Result<http::Response<Body>, TransportError> {
            let response = self.0.send(request).await;
            if self.0.received().len() > 1 {
                std::future::pending::<()>().await;
            }
            response
        }

        fn failed_logins(&self) -> Option<&FailedLogins> {
            Some(&self.1)
        }
    }

    let platform = Platform::accepting(["good"]);
    let transport = Arc::new(CutOff(platform.clone(), FailedLogins::default()));
    let opened = || {
        let client = client(transport.clone(), "https://foreman.example.com");
        client.with_lockout(30, 5 * MINUTE)
    };
    send(&opened(), &fixed("good"), read()).await.unwrap();
    for _ in 0..40 {
        let (client, credential) = (opened(), fixed("good"));
        let listing = send(&client, &credential, read());
        let cut_off = tokio::time::timeout(Duration::from_secs(1), listing).await;
        assert!(cut_off.is_err(), "{cut_off:?}");
    }
    assert_eq!(platform.received().len(), 41);
}

/// The platform may have counted it before the caller gave up.
#[tokio::test(start_paused = true)]
async fn a_login_that_gets_no_answer_counts_as_failed_unless_it_was_accepted_before() {
    /// Answers only `good`, once, after a second.
    #[derive(Debug, Default)]
    struct Silent(Mutex<Vec<String>>);

    #[async_trait]
    impl Transport for Silent {
        async fn send(
            &self,
            request: http::Request<Bytes>,
        ) -> Result<http::Response<Body>, TransportError> {
            let key = request.headers()["x-key"].to_str().unwrap().to_owned();
            let is_first = !self.0.lock().unwrap().contains(&key);
            self.0.lock().unwrap().push(key.clone());
            if key != "good" || !is_first {
                std::future::pending::<()>().await;
            }
            Ok(http::Response::new(Body::full("{}")))
        }
    }

    let transport = Arc::new(Silent::default());
    let client = client(transport.clone(), "https://api.example.com");
    let policy = RetryPolicy::no_retries().with_attempt_timeout(Duration::from_secs(2));
    let client = client.with_retry(policy).with_lockout(30, 5 * MINUTE);
    send(&client, &fixed("good"), read()).await.unwrap();
    let second = Duration::from_secs(1);
    for number in 0..30 {
        let key = format!("other{number}");
        if number % 2 == 0 {
            let _ = tokio::time::timeout(second, verify(&client, &key)).await;
        } else {
            verify(&client, &key).await.unwrap_err();
        }
        // An accepted credential is not suspected because the platform is slow.
        let good = fixed("good");
        let used = send(&client, &good, read());
        let _ = tokio::time::timeout(second, used).await;
    }
    let received = transport.0.lock().unwrap().clone();
    let (good, others): (Vec<_>, Vec<_>) = received.iter().partition(|key| *key == "good");
    assert_eq!((good.len(), others.len()), (31, 13));
}
