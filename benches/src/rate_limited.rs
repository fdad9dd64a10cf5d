//! A simulated platform that allows an account so many requests in each period.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderValue, Request, Response};
use tokenfleet_simulators::{
    Credentials, Inserted, Instruments, ListingShape, NewToken, Simulator, Token,
};

/// The requests that are allowed in each period. The first one begins with the first request.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// The number of requests.
    pub requests: u32,
    /// The length of a period.
    pub period: Duration,
}

/// The requests of an account in its first periods.
#[derive(Debug, Clone, Copy, Default)]
pub struct Use {
    /// The number of requests that were allowed.
    pub allowed: u32,
    /// The number of requests that were refused.
    pub refused: u32,
    /// `true` once these periods are over.
    pub is_over: bool,
}

/// A platform with a rate. It says in each response how many requests are left and when the next
/// period begins, in the headers that Cloudsmith has for it.
#[derive(Debug, Clone)]
pub struct RateLimited {
    platform: Arc<dyn Simulator>,
    rate: Rate,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// `true` once requests count.
    is_limited: bool,
    began: Option<Instant>,
    /// The requests that were allowed and refused in each period.
    periods: Vec<(u32, u32)>,
}

impl RateLimited {
    /// Limits a platform, once [`begin`](Self::begin) is called.
    #[must_use]
    pub fn new(platform: Arc<dyn Simulator>, rate: Rate) -> Self {
        Self {
            platform,
            rate,
            state: Arc::default(),
        }
    }

    /// Lets requests count from now on.
    pub fn begin(&self) {
        self.with_state(|state| state.is_limited = true);
    }

    /// Returns how much of the first periods was used.
    #[must_use]
    pub fn of_first(&self, periods: u32) -> Use {
        self.with_state(|state| {
            let first = state.periods.iter().take(periods as usize);
            let end = self.rate.period * periods;
            Use {
                allowed: first.clone().map(|(allowed, _)| allowed).sum(),
                refused: first.map(|(_, refused)| refused).sum(),
                is_over: state.began.is_some_and(|began| began.elapsed() >= end),
            }
        })
    }

    fn with_state<T>(&self, read: impl FnOnce(&mut State) -> T) -> T {
        read(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts a request. Returns how many are left and how long the period lasts, or `None` if
    /// there is no limit yet; `left` is absent if the request is refused.
    fn count(&self) -> Option<(Option<u32>, Duration)> {
        let Rate { requests, period } = self.rate;
        self.with_state(|state| {
            if !state.is_limited {
                return None;
            }
            let passed = state.began.get_or_insert_with(Instant::now).elapsed();
            let number = passed.as_nanos() / period.as_nanos().max(1);
            let number = usize::try_from(number).unwrap_or(usize::MAX);
            state.periods.resize(number.saturating_add(1), (0, 0));
            let (allowed, refused) = state.periods.last_mut()?;
            let left = if *allowed < requests {
                *allowed += 1;
                Some(requests - *allowed)
            } else {
                *refused += 1;
                None
            };
            let end = period * u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1);
            Some((left, end.saturating_sub(passed)))
        })
    }
}

impl Simulator for RateLimited {
    fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let Some((left, rest)) = self.count() else {
            return self.platform.answer(request);
        };
        let mut response = if left.is_some() {
            self.platform.answer(request)
        } else {
            let mut refusal = Response::new(Bytes::from_static(
                br#"{"type":"TooManyRequests","message":"Over rate limit, request throttled"}"#,
            ));
            *refusal.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
            set(&mut refusal, "content-type", "application/json");
            set(
                &mut refusal,
                "retry-after",
                &rest.as_secs_f64().ceil().to_string(),
            );
            refusal
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let reset = (now.unwrap_or_default() + rest).as_secs_f64().ceil();
        set(
            &mut response,
            "x-ratelimit-limit",
            &self.rate.requests.to_string(),
        );
        set(
            &mut response,
            "x-ratelimit-remaining",
            &left.unwrap_or(0).to_string(),
        );
        set(&mut response, "x-ratelimit-reset", &reset.to_string());
        response
    }

    fn to_arc(&self) -> Arc<dyn Simulator> {
        Arc::new(self.clone())
    }

    fn provider(&self) -> &'static str {
        self.platform.provider()
    }

    fn credentials(&self) -> Credentials {
        self.platform.credentials()
    }

    fn instruments(&self) -> &Instruments {
        self.platform.instruments()
    }

    fn listing_shape(&self) -> Option<ListingShape> {
        self.platform.listing_shape()
    }

    fn tokens(&self) -> Vec<Token> {
        self.platform.tokens()
    }

    fn token_count(&self) -> usize {
        self.platform.token_count()
    }

    fn accepts(&self, secret: &str) -> bool {
        self.platform.accepts(secret)
    }

    fn insert(&self, token: NewToken) -> Inserted {
        self.platform.insert(token)
    }

    fn remove(&self, id: &str) -> bool {
        self.platform.remove(id)
    }
}

fn set(response: &mut Response<Bytes>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
}
