//! What tokenfleet is to reach beside the best official client.

use crate::{Contest, Measure, Median, Platform, Table};

/// A goal, and how far it is reached.
#[derive(Debug)]
pub struct Goal {
    what: &'static str,
    platform: Platform,
    times: f64,
    reached: Median,
}

/// The goals at a platform: of the contests of long lists on large pages, and of small pages that come late.
#[must_use]
pub fn goals(platform: Platform, long: &Contest, slow: &Contest) -> [Goal; 4] {
    let goal = |what, times, contest: &Contest, measure| Goal {
        what,
        platform,
        times,
        reached: contest.best_official(measure),
    };
    [
        goal(
            "processor time of a long list",
            10.0,
            long,
            Measure::Processor,
        ),
        goal(
            "the same beyond the start",
            10.0,
            long,
            Measure::BeyondStart,
        ),
        goal("peak memory of a long list", 5.0, long, Measure::PeakMemory),
        goal("wall time of late answers", 8.0, slow, Measure::Wall),
    ]
}

impl Goal {
    /// All of these.
    #[must_use]
    pub fn table(goals: &[Self]) -> Table {
        let mut table = Table::of([
            "times less than the best official client",
            "platform",
            "goal",
            "in this run",
            "met",
        ]);
        for goal in goals {
            table.add([
                goal.what.to_owned(),
                goal.platform.name().to_owned(),
                goal.times.to_string(),
                goal.reached.to_string(),
                if goal.reached.middle >= goal.times {
                    "yes"
                } else {
                    "no"
                }
                .to_owned(),
            ]);
        }
        table
    }
}
