//! A timeout that looks once more before it is believed.

use std::pin::pin;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

/// The lateness from which a timer shows that the process was stopped, or got no processor.
const LATE: Duration = Duration::from_millis(10);
/// The time in which a process that was stopped reads what arrived meanwhile.
const CATCH_UP: Duration = Duration::from_secs(1);
/// The number of turns that the runtime gets to read what arrived with the timeout.
const TURNS: u32 = 16;

/// Waits for `future` for at most `limit`, and returns `None` if it did not finish in time.
///
/// A process that was stopped (Ctrl-Z, a paused container) wakes with an expired timer and with
/// the response in its socket, which may hold a secret. The timer alone says nothing about the
/// response, so the runtime first reads what has arrived.
pub(crate) async fn timeout_with_last_look<F: Future>(
    limit: Duration,
    future: F,
) -> Option<F::Output> {
    let mut future = pin!(future);
    let started = Instant::now();
    if let Ok(output) = timeout(limit, &mut future).await {
        return Some(output);
    }
    let lateness = started.elapsed().saturating_sub(limit);
    if lateness >= LATE {
        return timeout(CATCH_UP, future).await.ok();
    }
    for _ in 0..TURNS {
        yield_now().await;
        if let Ok(output) = timeout(Duration::ZERO, &mut future).await {
            return Some(output);
        }
    }
    None
}
