//! The faults of a run, which its seed decides.

use std::time::Duration;

use crate::divisor;
use crate::random::Random;

/// The time for which a claim lasts that is not extended.
const CLAIM: Duration = Duration::from_secs(25);

/// The time between two faults, on average, and the shortest that processes can be started in.
const PACE: Duration = Duration::from_secs(2);
const SHORTEST_PACE: Duration = Duration::from_millis(400);

/// A fault.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// A worker is killed, and another one is started.
    Kill(usize),
    /// A worker is stopped for this long.
    Stop(usize, Duration),
    /// Postgres ends and is away for this long.
    Restart { is_immediate: bool, away: Duration },
    /// All connections to Postgres are cut.
    CutAll,
    /// One connection to Postgres is cut before its next request.
    CutNext,
}

impl Fault {
    /// Draws a fault for so many workers.
    pub(crate) fn draw(workers: usize, random: &mut Random) -> Self {
        let worker = usize::try_from(random.below(u64::try_from(workers).unwrap())).unwrap();
        match random.below(16) {
            0..=8 => Self::Kill(worker),
            // Two of three are longer than a claim.
            9..=11 => Self::Stop(worker, part_of_claim(10, 190, random)),
            12 => Self::CutAll,
            13 => Self::CutNext,
            _ => Self::Restart {
                is_immediate: random.below(2) == 0,
                away: part_of_claim(0, 150, random),
            },
        }
    }

    /// Returns `true` for a stop that is longer than a claim.
    pub(crate) fn outlasts_a_claim(self) -> bool {
        matches!(self, Self::Stop(_, time) if time > CLAIM / divisor())
    }
}

/// Draws a time between these percentages of the time of a claim.
fn part_of_claim(from: u32, to: u32, random: &mut Random) -> Duration {
    let percent = u32::try_from(random.below(u64::from(to - from))).unwrap() + from;
    CLAIM / divisor() * percent / 100
}

/// Draws the time until the next fault.
pub(crate) fn pause(random: &mut Random) -> Duration {
    let pace = (PACE / divisor()).max(SHORTEST_PACE);
    pace / 2 + pace * u32::try_from(random.below(100)).unwrap() / 100
}
