//! The schedules of the configuration, and their tasks in the ledger.

mod ended;
mod schedule;
mod task;

pub(crate) use self::ended::{Ended, LONGEST_WAIT, SHORTEST_WAIT};
pub(crate) use self::schedule::Schedule;
pub(crate) use self::task::{KIND, Record, ScheduledTask, Subject};
