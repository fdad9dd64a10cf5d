//! Parsing of the rate limit headers of a response.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, header};

/// Returns how long `Retry-After` asks to wait: seconds, or a date on the platform's clock.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, "retry-after")?;
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number too large to be represented still means a long wait, not none.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now(headers)).unwrap_or_default())
}

/// Returns how long the rate limit is exhausted: `X-RateLimit-Remaining` is 0 until
/// `X-RateLimit-Reset`, in seconds since 1970.
///
/// Cloudsmith's `X-RateLimit-Interval` is ignored: it suggests a wait between two requests even
/// while many are left.
pub(crate) fn exhausted_for(headers: &HeaderMap) -> Option<Duration> {
    let number = |name| text(headers, name)?.parse::<u64>().ok();
    if number("x-ratelimit-remaining")? > 0 {
        return None;
    }
    let reset = UNIX_EPOCH.checked_add(Duration::from_secs(number("x-ratelimit-reset")?))?;
    reset.duration_since(now(headers)).ok()
}

/// Returns the time on the platform's clock, or on ours when the response has no `Date`.
fn now(headers: &HeaderMap) -> SystemTime {
    text(headers, header::DATE.as_str())
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .unwrap_or_else(SystemTime::now)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}
