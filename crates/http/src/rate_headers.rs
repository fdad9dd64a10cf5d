//! What a platform says of its rates in the headers of an answer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, header};

/// How long the platform asks to wait: seconds, or a date on its own clock.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, "retry-after")?;
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than there are numbers for are still no reason to come back at once.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now(headers)).unwrap_or_default())
}

/// How long nothing more is granted: `X-RateLimit-Remaining` is 0 until `X-RateLimit-Reset`, in seconds since 1970.
///
/// Cloudsmith's `X-RateLimit-Interval` is not read: it suggests to wait between two requests also while many are left.
pub(crate) fn exhausted(headers: &HeaderMap) -> Option<Duration> {
    let number = |name| text(headers, name)?.parse::<u64>().ok();
    if number("x-ratelimit-remaining")? > 0 {
        return None;
    }
    let reset = UNIX_EPOCH.checked_add(Duration::from_secs(number("x-ratelimit-reset")?))?;
    reset.duration_since(now(headers)).ok()
}

/// The platform's clock, or ours when it does not say.
fn now(headers: &HeaderMap) -> SystemTime {
    text(headers, header::DATE.as_str())
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .unwrap_or_else(SystemTime::now)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}
