//! Signs of life while something takes long.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::listening;

/// How long nothing is shown: what is over sooner needs no sign of life.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(100);

/// The line that moves: a terminal has one.
static LINE: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// A line on standard error, if that is a terminal and nothing else goes there, once the work takes longer than a second.
pub(crate) struct Progress {
    ticks: Interval,
}

impl Progress {
    pub(crate) fn begin() -> Self {
        let mut ticks = interval_at(Instant::now() + PATIENCE, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks }
    }

    /// Comes whenever the line is due.
    pub(crate) async fn due(&mut self) {
        if io::stderr().is_terminal() && !listening::is_on() {
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

/// Takes the line away, so that something else can be written. It comes again when it is due.
pub(crate) fn clear() {
    let line = LINE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(bar) = line {
        bar.finish_and_clear();
    }
}

/// Waits for work, and says what it waits for once that takes long.
pub(crate) async fn showing<T>(say: impl Fn() -> String, work: impl Future<Output = T>) -> T {
    let mut progress = Progress::begin();
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = progress.due() => progress.show(say()),
        }
    }
}
