//! What a process costs.

use std::fmt;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// What a client process cost, as it says itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cost {
    /// How many tokens it saw.
    pub tokens: u64,
    /// What it saw of them: the letters of their names and descriptions, the number of their scopes, and one for each
    /// that expires.
    pub letters: u64,
    /// Seconds from the first request to the last token.
    pub wall: f64,
    /// Seconds until the first token, where that is asked.
    #[serde(default)]
    pub first_token: Option<f64>,
    /// Seconds of processor time of the whole process, all threads and its start included.
    pub processor: f64,
    /// The most memory that the process ever held, in KiB.
    pub peak_memory: u64,
    /// How many requests it sent: what the simulator says.
    #[serde(default)]
    pub requests: u64,
}

/// What a client saw of the tokens.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// As in [`Cost`].
    pub tokens: u64,
    /// As in [`Cost`].
    pub letters: u64,
    /// As in [`Cost`].
    pub first_token: Option<f64>,
}

impl Seen {
    /// With what this process has cost until now, as the kernel tells it.
    ///
    /// # Errors
    ///
    /// When the kernel does not say: only Linux does.
    pub fn since(self, begun: Instant) -> std::io::Result<Cost> {
        let wall = begun.elapsed().as_secs_f64();
        let status = std::fs::read_to_string("/proc/self/status")?;
        let peak_memory = (status.lines())
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
            .ok_or_else(|| std::io::Error::other("the kernel does not say how much memory"))?;
        let processor = clock_gettime(ClockId::ProcessCPUTime);
        Ok(Cost {
            tokens: self.tokens,
            letters: self.letters,
            wall,
            first_token: self.first_token,
            processor: processor.tv_sec as f64 + processor.tv_nsec as f64 / 1e9,
            peak_memory,
            requests: 0,
        })
    }
}

/// The middle of several figures, and how far the farthest is from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Median {
    /// The middle one.
    pub middle: f64,
    /// The distance of the farthest.
    pub spread: f64,
}

impl Median {
    /// Of these.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values = Vec::from_iter(values);
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or_default();
        let middle = match values.len() {
            0 => 0.0,
            number => f64::midpoint(at((number - 1) / 2), at(number / 2)),
        };
        let distances = values.iter().map(|value| (value - middle).abs());
        Self {
            middle,
            spread: distances.fold(0.0, f64::max),
        }
    }
}

/// As a ratio: `2.31 ± 0.05`.
impl fmt::Display for Median {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ± {:.2}", self.middle, self.spread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        let median = Median::of([4.0, 1.0, 2.0, 9.0]);
        assert_eq!((median.middle, median.spread), (3.0, 6.0));
        assert_eq!(Median::of([2.0, 1.0, 9.0]).middle, 2.0);
        assert_eq!(Median::of([]).middle, 0.0);
    }
}
