//! The tasks of schedules and policies: which there are, and how a worker carries them on.

mod run;
mod sync;
mod tasks;

pub(super) use self::tasks::ScheduledTasks;
