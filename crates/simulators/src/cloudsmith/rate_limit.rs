//! The hourly rate limit and its headers.

use bytes::Bytes;
use http::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::options::RateInterval;
use crate::response;

const HOUR: f64 = 3600.0;

/// The rate limit of a caller, whose hour begins with its first request.
#[derive(Debug)]
pub(super) struct RateLimit {
    limit: u32,
    used: u32,
    /// The start of the hour in seconds since 1970.
    began: Option<f64>,
}

impl RateLimit {
    /// Returns an unused rate limit.
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit,
            used: 0,
            began: None,
        }
    }

    /// Counts a request; fails with the seconds to wait if none is left.
    pub(super) fn acquire(&mut self, now: Timestamp) -> Result<(), f64> {
        self.roll_over(now);
        if self.used >= self.limit {
            return Err(self.seconds_left(now));
        }
        self.used += 1;
        Ok(())
    }

    /// Starts a new hour if the old one is over.
    fn roll_over(&mut self, now: Timestamp) {
        let now = seconds(now);
        if self
            .began
            .is_none_or(|began| now - began >= HOUR || now < began)
        {
            self.began = Some(now);
            self.used = 0;
        }
    }

    /// Returns the seconds left in the hour.
    fn seconds_left(&self, now: Timestamp) -> f64 {
        self.began
            .map_or(HOUR, |began| (began + HOUR - seconds(now)).max(0.0))
    }

    /// Returns the number of requests left in the hour.
    fn remaining(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }

    /// Returns the suggested seconds between two requests.
    fn interval(&self, now: Timestamp, rule: RateInterval) -> f64 {
        match (self.remaining(), rule) {
            (0, _) => self.seconds_left(now),
            (_, RateInterval::Zero) => 0.0,
            (remaining, RateInterval::Spread) => self.seconds_left(now) / f64::from(remaining),
        }
    }

    /// Returns the end of the hour in seconds since 1970.
    fn reset(&self, now: Timestamp) -> i64 {
        (seconds(now) + self.seconds_left(now)).ceil() as i64
    }

    /// Adds the headers about the rate limit.
    pub(super) fn add_headers(
        &mut self,
        response: &mut Response<Bytes>,
        now: Timestamp,
        rule: RateInterval,
    ) {
        self.roll_over(now);
        let interval = format!("{:?}", (self.interval(now, rule) * 1000.0).round() / 1000.0);
        for (name, value) in [
            ("x-ratelimit-limit", self.limit.to_string()),
            ("x-ratelimit-remaining", self.remaining().to_string()),
            ("x-ratelimit-reset", self.reset(now).to_string()),
            ("x-ratelimit-interval", interval),
        ] {
            response::set_header(response, name, &value);
        }
    }

    /// Returns the rate limit as an item of `GET /rates/limits/`.
    pub(super) fn json(&mut self, now: Timestamp, rule: RateInterval) -> Value {
        self.roll_over(now);
        let reset = self.reset(now);
        let iso = Timestamp::from_second(reset).unwrap_or(now);
        json!({
            "interval": self.interval(now, rule),
            "limit": self.limit,
            "remaining": self.remaining(),
            "reset": reset,
            "reset_iso_8601": iso.to_string(),
            "throttled": self.remaining() == 0,
        })
    }
}

fn seconds(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1000.0
}
