//! Signs of life while a listing takes long.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::listening;

/// How long nothing is shown: what is over sooner needs no sign of life.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(100);

/// A line on standard error, if that is a terminal and nothing else goes there, once the work takes longer than a second.
pub(crate) struct Progress {
    ticks: Interval,
    bar: Option<ProgressBar>,
    accounts: usize,
}

impl Progress {
    pub(crate) fn over(accounts: usize) -> Self {
        let mut ticks = interval_at(Instant::now() + PATIENCE, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            ticks,
            bar: None,
            accounts,
        }
    }

    /// Comes whenever the line is due.
    pub(crate) async fn due(&mut self) {
        if io::stderr().is_terminal() && !listening::is_on() {
            self.ticks.tick().await;
        } else {
            std::future::pending::<()>().await;
        }
    }

    pub(crate) fn show(&mut self, tokens: u64, finished: usize) {
        let accounts = self.accounts;
        self.show_text(format!(
            "{tokens} tokens, {finished} of {accounts} accounts"
        ));
    }

    /// Where nothing but the time that passes is known.
    pub(crate) fn show_accounts(&mut self) {
        let accounts = self.accounts;
        self.show_text(format!("reading {accounts} accounts"));
    }

    fn show_text(&mut self, text: String) {
        let bar = self.bar.get_or_insert_with(|| {
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
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
