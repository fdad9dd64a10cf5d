//! The state of one request while the client sends it, over all its attempts.

use std::time::Duration;

use tokenfleet_core::config::CredentialSource;
use tokenfleet_core::{Error, ErrorKind, Fate, Result, Secret};
use tokio::time::{Instant, timeout};

use crate::ApiRequest;
use crate::telemetry::Telemetry;

/// A request in flight: from the first attempt until the client returns.
pub(crate) struct InFlight<'a> {
    /// The request without its credential, so that a retry can carry another one.
    pub(crate) request: ApiRequest,
    pub(crate) authorization: Option<Authorization<'a>>,
    /// The credential that the next attempt is sent with, once the source returned it.
    pub(crate) credential: Option<Secret>,
    /// The number of the current attempt, starting at 1.
    pub(crate) attempt: u32,
    pub(crate) started: Instant,
    /// The moment when the total timeout ends; `None` if it is too far away to be represented.
    pub(crate) deadline: Option<Instant>,
    pub(crate) telemetry: Telemetry,
}

/// The source of the acting credential, and the function that adds the credential to a request.
#[derive(Clone, Copy)]
pub(crate) struct Authorization<'a> {
    pub(crate) source: &'a dyn CredentialSource,
    pub(crate) authorize: &'a (dyn Fn(ApiRequest, &Secret) -> ApiRequest + Sync),
}

/// The reason why an attempt failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request was not sent, and another attempt would not be sent either: the failure happened
    /// before the transport was called.
    Unsent(Error),
    /// The request was handed to the transport. Never converted implicitly: its fate matters.
    Sent(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Unsent(error)
    }
}

impl InFlight<'_> {
    /// Asks the source for the acting credential, until the deadline.
    pub(crate) async fn fetch_credential(
        &self,
        authorization: Authorization<'_>,
    ) -> Result<Secret> {
        let fetched = timeout(self.time_left(), authorization.source.secret());
        fetched.await.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::Timeout,
                Fate::NotSent,
                "the credential source did not respond in time",
            ))
        })
    }

    /// Returns the credential that a 401 would be about. A request that carries another secret too,
    /// such as the token to be revoked, may be rejected because of that one, so there it is `None`.
    pub(crate) fn accountable_credential(&self) -> Option<&Secret> {
        self.credential
            .as_ref()
            .filter(|_| self.request.secrets.is_empty())
    }

    /// Returns the request as it is sent, with the acting credential added.
    pub(crate) fn authorized_request(&self) -> Result<ApiRequest> {
        let mut request = self.request.duplicate();
        if let (Some(authorization), Some(credential)) = (self.authorization, &self.credential) {
            request = (authorization.authorize)(request, credential);
        }
        match request.invalid.take() {
            Some(error) => Err(error),
            None => Ok(request),
        }
    }

    /// Returns the time left until the deadline; `Duration::MAX` without one.
    pub(crate) fn time_left(&self) -> Duration {
        self.deadline.map_or(Duration::MAX, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        })
    }
}
