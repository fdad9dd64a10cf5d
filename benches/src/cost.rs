//! What a process costs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What listing cost a client process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cost {
    /// How many tokens it listed.
    pub tokens: u64,
    /// Whether the listing was complete.
    pub complete: bool,
    /// From the first request to the last token.
    pub wall: Duration,
    /// Until the first token.
    pub first_token: Duration,
    /// Processor time of the whole process.
    pub processor: Duration,
    /// The most memory that the process ever held, in KiB.
    pub peak_memory: u64,
}

impl Cost {
    /// What this process has cost until now, as the kernel tells it.
    ///
    /// # Errors
    ///
    /// When the kernel does not say: only Linux does.
    pub fn of_this_process() -> std::io::Result<(Duration, u64)> {
        let unreadable =
            || std::io::Error::other("the kernel's account of this process is unreadable");
        let status = std::fs::read_to_string("/proc/self/status")?;
        let peak = (status.lines())
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
            .ok_or_else(unreadable)?;
        // Nanoseconds on a processor, of each thread.
        let mut processor = 0;
        for thread in std::fs::read_dir("/proc/self/task")? {
            let spent = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            let nanoseconds = spent
                .split(' ')
                .next()
                .and_then(|spent| spent.parse::<u64>().ok());
            processor += nanoseconds.ok_or_else(unreadable)?;
        }
        Ok((Duration::from_nanos(processor), peak))
    }
}

/// The middle one, and how far the others are from it at the most.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let mut values = Vec::from_iter(values);
    values.sort_by(f64::total_cmp);
    let middle = values.get(values.len() / 2).copied().unwrap_or_default();
    let spread = (values.iter()).fold(0.0_f64, |spread, value| spread.max((value - middle).abs()));
    (middle, spread)
}
