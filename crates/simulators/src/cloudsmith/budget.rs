//! The hourly budget of requests, and the headers that tell about it.

use bytes::Bytes;
use http::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::options::RateInterval;
use crate::response;

const HOUR: f64 = 3600.0;

/// A caller's budget: so many requests in the hour that began with its first.
#[derive(Debug)]
pub(super) struct Budget {
    limit: u32,
    used: u32,
    /// Seconds since 1970.
    began: Option<f64>,
}

impl Budget {
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit,
            used: 0,
            began: None,
        }
    }

    /// Takes one request out; says how long to wait when there is none left.
    pub(super) fn spend(&mut self, now: Timestamp) -> Result<(), f64> {
        self.turn(now);
        if self.used >= self.limit {
            return Err(self.left(now));
        }
        self.used += 1;
        Ok(())
    }

    /// Begins a new hour when the old one is over.
    fn turn(&mut self, now: Timestamp) {
        let now = seconds(now);
        if self
            .began
            .is_none_or(|began| now - began >= HOUR || now < began)
        {
            self.began = Some(now);
            self.used = 0;
        }
    }

    fn left(&self, now: Timestamp) -> f64 {
        self.began
            .map_or(HOUR, |began| (began + HOUR - seconds(now)).max(0.0))
    }

    fn remaining(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }

    fn interval(&self, now: Timestamp, rule: RateInterval) -> f64 {
        match (self.remaining(), rule) {
            (0, _) => self.left(now),
            (_, RateInterval::Zero) => 0.0,
            (remaining, RateInterval::Spread) => self.left(now) / f64::from(remaining),
        }
    }

    fn reset(&self, now: Timestamp) -> i64 {
        (seconds(now) + self.left(now)).ceil() as i64
    }

    pub(super) fn add_headers(
        &mut self,
        response: &mut Response<Bytes>,
        now: Timestamp,
        rule: RateInterval,
    ) {
        self.turn(now);
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

    /// The budget as `GET /rates/limits/` tells it.
    pub(super) fn described(&mut self, now: Timestamp, rule: RateInterval) -> Value {
        self.turn(now);
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
