//! A transport that notes what the responses of an account say besides their content.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use tokenfleet::transport::{Body, Bytes, FailedLogins, Transport, TransportError, http};

/// The facts about a platform that its responses showed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Observed {
    /// `true` if the platform answered.
    pub(super) has_responded: bool,
    /// The seconds by which the platform's clock is ahead of ours.
    pub(super) clock_ahead: Option<i64>,
    /// The number of requests that the platform still accepts.
    pub(super) remaining: Option<u64>,
    /// The number of requests that it accepts in a period.
    pub(super) limit: Option<u64>,
}

/// The transport of one account.
#[derive(Debug)]
pub(super) struct ObservingTransport {
    inner: Arc<dyn Transport>,
    observed: Mutex<Observed>,
}

impl ObservingTransport {
    pub(super) fn new(inner: Arc<dyn Transport>) -> Self {
        let observed = Mutex::default();
        Self { inner, observed }
    }

    pub(super) fn observed(&self) -> Observed {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Observed> {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn observe(&self, headers: &http::HeaderMap) {
        let mut observed = self.lock();
        observed.has_responded = true;
        let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
        let number = |name: &str| text(name)?.parse().ok();
        let date = text("date").and_then(|date| httpdate::parse_http_date(date).ok());
        observed.clock_ahead = date.map(seconds_ahead).or(observed.clock_ahead);
        observed.remaining = number("x-ratelimit-remaining").or(observed.remaining);
        observed.limit = number("x-ratelimit-limit").or(observed.limit);
    }
}

/// Returns the seconds from now until a time, which are negative for a time in the past.
fn seconds_ahead(time: SystemTime) -> i64 {
    let now = SystemTime::now();
    let seconds = |length: std::time::Duration| i64::try_from(length.as_secs()).unwrap_or(i64::MAX);
    match time.duration_since(now) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => -seconds(behind.duration()),
    }
}

#[async_trait]
impl Transport for ObservingTransport {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        let response = self.inner.send(request).await?;
        self.observe(response.headers());
        Ok(response)
    }

    fn failed_logins(&self) -> Option<&FailedLogins> {
        self.inner.failed_logins()
    }
}
