//! Parsing of the rate limit headers of a response.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, header};

/// The longest wait that is believed: a number beyond it means "not soon".
const MAX_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Returns how long `Retry-After` asks to wait: seconds, also with a fraction, or a date on the
/// platform's clock. At most a year; `None` if the wait is over.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, "retry-after")?;
    let wait = match seconds(value) {
        Some(wait) => wait,
        None => {
            let date = httpdate::parse_http_date(value).ok()?;
            date.duration_since(now(headers)).unwrap_or_default()
        }
    };
    // Without a wait the backoff applies, so that retries do not follow each other at once.
    (!wait.is_zero()).then(|| wait.min(MAX_WAIT))
}

/// Parses a number of seconds in decimal notation. A fraction is rounded up, because a request
/// that comes too early is refused.
fn seconds(value: &str) -> Option<Duration> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let begun = u64::from(fraction.bytes().any(|byte| byte != b'0'));
    // A number too large to be represented still means a long wait, not none.
    let whole: u64 = whole.parse().unwrap_or(u64::MAX);
    Some(Duration::from_secs(whole.saturating_add(begun)))
}

/// Returns how long the rate limit is exhausted: `X-RateLimit-Remaining` is 0 until
/// `X-RateLimit-Reset`, in seconds since 1970.
///
/// Cloudsmith's `X-RateLimit-Interval` is ignored: it suggests a wait between two requests even
/// while many are left.
pub(crate) fn exhausted_for(headers: &HeaderMap) -> Option<Duration> {
    let number = |name| seconds(text(headers, name)?);
    if !number("x-ratelimit-remaining")?.is_zero() {
        return None;
    }
    let reset = UNIX_EPOCH.checked_add(number("x-ratelimit-reset")?)?;
    let wait = reset.duration_since(now(headers)).ok()?;
    Some(wait.min(MAX_WAIT))
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
