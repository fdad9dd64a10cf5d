//! The cost of a process.

use std::fmt;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// The cost of a client process, as the process reports it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cost {
    /// The number of tokens it read.
    pub tokens: u64,
    /// A checksum of the tokens: the letters of their names and descriptions, the number of their
    /// scopes, and one for each that expires.
    pub letters: u64,
    /// The seconds from the first request to the last token.
    pub wall: f64,
    /// The seconds until the first token, where that is measured.
    #[serde(default)]
    pub first_token: Option<f64>,
    /// The processor time of the whole process in seconds, with all threads and its start.
    pub processor: f64,
    /// The peak memory of the process, in KiB.
    pub peak_memory: u64,
    /// The number of requests it sent, as the simulator counted them.
    #[serde(default)]
    pub requests: u64,
}

/// The tokens that a client read.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokensRead {
    /// The number of tokens, as in [`Cost`].
    pub tokens: u64,
    /// The checksum of the tokens, as in [`Cost`].
    pub letters: u64,
    /// The seconds until the first token, as in [`Cost`].
    pub first_token: Option<f64>,
}

impl TokensRead {
    /// Adds the cost of this process so far, as the kernel reports it.
    ///
    /// # Errors
    ///
    /// Returns an error if the kernel does not report it: only Linux does.
    pub fn with_cost_since(self, started: Instant) -> std::io::Result<Cost> {
        let wall = started.elapsed().as_secs_f64();
        let status = std::fs::read_to_string("/proc/self/status")?;
        let peak_memory = (status.lines())
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
            .ok_or_else(|| std::io::Error::other("the kernel does not report the memory"))?;
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

/// The median of several figures, and the largest distance from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Median {
    /// The median.
    pub middle: f64,
    /// The largest distance from the median.
    pub spread: f64,
}

impl Median {
    /// Returns the median of these values.
    #[must_use]
    pub fn from_values(values: impl IntoIterator<Item = f64>) -> Self {
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

/// Prints a ratio such as `2.31 ± 0.05`.
impl fmt::Display for Median {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ± {:.2}", self.middle, self.spread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_of_values_lies_between_the_two_in_the_middle() {
        let median = Median::from_values([4.0, 1.0, 2.0, 9.0]);
        assert_eq!((median.middle, median.spread), (3.0, 6.0));
        assert_eq!(Median::from_values([2.0, 1.0, 9.0]).middle, 2.0);
        assert_eq!(Median::from_values([]).middle, 0.0);
    }
}
