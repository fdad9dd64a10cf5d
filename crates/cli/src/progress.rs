//! A progress line on the terminal for work that takes long.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokenfleet::FleetProgress;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::logging;
use crate::numbers::grouped;

/// The time before the line appears: quick work needs no progress line.
const DELAY: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(100);

/// The line that is shown now. It is global because a terminal has only one.
static LINE: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// `true` if no line is to be shown.
static IS_OFF: AtomicBool = AtomicBool::new(false);

/// Shows no progress from now on.
pub(crate) fn turn_off() {
    IS_OFF.store(true, Ordering::Relaxed);
}

/// A line on standard error that appears once the work takes longer than a second.
///
/// It appears only on a terminal, and not together with log lines.
pub(crate) struct Progress {
    ticks: Interval,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let mut ticks = interval_at(Instant::now() + DELAY, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks }
    }

    /// Completes whenever the line is due to be drawn, and never if there is none.
    pub(crate) async fn due(&mut self) {
        let is_off = IS_OFF.load(Ordering::Relaxed) || logging::is_enabled();
        if io::stderr().is_terminal() && !is_off {
            self.ticks.tick().await;
        } else {
            std::future::pending::<()>().await;
        }
    }

    pub(crate) fn show(&mut self, text: String) {
        let mut line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = line.get_or_insert_with(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(ProgressStyle::default_spinner());
            bar
        });
        bar.set_message(text);
        bar.tick();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        clear();
    }
}

/// Clears the line, so that something else can be written. It comes back when it is due.
pub(crate) fn clear() {
    let line = LINE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(bar) = line {
        bar.finish_and_clear();
    }
}

/// Waits for work, showing the text once it takes long.
pub(crate) async fn with_progress<T>(
    text: impl Fn() -> String,
    work: impl Future<Output = T>,
) -> T {
    let mut progress = Progress::new();
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = progress.due() => progress.show(text()),
        }
    }
}

/// Returns how much of the accounts was read, such as "1,200 of 5,000 tokens, 2 of 4 accounts".
pub(crate) fn reading_text(progress: &FleetProgress, accounts: usize) -> String {
    let read = grouped(progress.tokens_read());
    let tokens = match progress.tokens_to_read() {
        Some(total) if total > 0 => format!("{read} of {} tokens", grouped(total)),
        _ => format!("{read} tokens"),
    };
    if accounts == 1 {
        return tokens;
    }
    let (finished, accounts) = (progress.accounts_finished(), accounts as u64);
    format!(
        "{tokens}, {} of {} accounts",
        grouped(finished),
        grouped(accounts)
    )
}
