//! The tasks of schedules and policies, as they are in the ledger.

use serde::{Deserialize, Serialize};
use tokenfleet::journal::OperationId;
use tokenfleet::{Error, Result, Timestamp};
use tokenfleet_ledger::Task;

use super::ended::{Ended, backoff};

/// The kind of the tasks of schedules and policies.
pub(crate) const KIND: &str = "schedule";

/// A task of a schedule or policy, as it was read.
#[derive(Debug)]
pub(crate) struct ScheduledTask {
    pub(crate) task: Task,
    pub(crate) record: Record,
}

/// The part of such a task that the ledger keeps as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) account: String,
    pub(crate) of: Subject,
    /// The number of failures since it last ended well.
    pub(crate) failures: u32,
    /// The last failure since then.
    pub(crate) failure: Option<String>,
}

/// The table that a task carries out for its account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Subject {
    Policy(String),
    Schedule(String),
}

/// Such a task as it is shown.
#[derive(Serialize)]
pub(crate) struct ScheduledObject<'a> {
    operation: OperationId,
    pub(crate) account: &'a str,
    since: Timestamp,
    action: String,
    state: &'static str,
    why: &'a str,
    failures: u32,
    due: Option<Timestamp>,
}

impl Record {
    pub(crate) fn new(account: &str, of: Subject) -> Self {
        Self {
            account: account.to_owned(),
            of,
            failures: 0,
            failure: None,
        }
    }

    pub(crate) fn subject(&self) -> String {
        format!("{} {}", self.of.words(), self.account)
    }

    pub(crate) fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| {
            Error::configuration("a schedule cannot be recorded").with_source(error)
        })
    }

    /// Notes how a run ended, and returns when there is something to do again: at its next time, or
    /// after a while if it failed.
    pub(crate) fn end(&mut self, ended: &Ended, begun: Timestamp) -> Timestamp {
        match &ended.failure {
            None => {
                self.failures = 0;
                self.failure = None;
                ended.next.unwrap_or(begun)
            }
            Some(failure) => {
                let wait = backoff(self.failures);
                self.failures = self.failures.saturating_add(1);
                self.failure = Some(failure.clone());
                let again = begun.saturating_add(ended.took + wait);
                ended.next.map_or(again, |next| next.min(again))
            }
        }
    }
}

impl Subject {
    fn words(&self) -> String {
        match self {
            Self::Policy(name) => format!("policies.{name}"),
            Self::Schedule(name) => format!("schedules.{name}"),
        }
    }
}

impl ScheduledTask {
    /// Reads a task, or returns `None` if it is of another kind or a newer version wrote it.
    pub(crate) fn read(task: Task) -> Option<Self> {
        if task.kind != KIND {
            return None;
        }
        let record: Record = serde_json::from_str(&task.state).ok()?;
        (record.subject() == task.subject).then_some(Self { task, record })
    }

    /// Returns how the task is shown.
    pub(crate) fn object(&self) -> ScheduledObject<'_> {
        let failure = self.record.failure.as_deref();
        ScheduledObject {
            operation: self.task.id,
            account: &self.record.account,
            since: self.task.opened_at,
            action: self.record.of.words(),
            state: match failure {
                _ if !self.task.is_open() => "closed",
                Some(_) => "failing",
                None => "waiting",
            },
            why: failure.unwrap_or_default(),
            failures: self.record.failures,
            due: self.task.due,
        }
    }

    /// Returns how the task is shown among what is open, if it failed the last time or the
    /// configuration does not have its account.
    pub(crate) fn listed(&self, is_account_lost: bool) -> Option<ScheduledObject<'_>> {
        let mut object = self.object();
        if is_account_lost {
            object.state = "account_lost";
            object.why = "no worker with this configuration knows the account";
        }
        (is_account_lost || self.record.failure.is_some()).then_some(object)
    }
}

impl ScheduledObject<'_> {
    /// Returns the row of the object in the list of operations.
    pub(crate) fn row(&self) -> Vec<String> {
        vec![
            self.operation.to_string(),
            self.since.truncated_to_seconds().to_string(),
            self.account.to_owned(),
            self.action.clone(),
            self.state.to_owned(),
            String::new(),
            self.why.to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_fails_waits_for_longer_each_time_until_it_ends_well() {
        let begun = Timestamp::from_unix_seconds(1_900_000_000).unwrap();
        let mut record = Record::new("iot", Subject::Schedule("nightly".to_owned()));
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            let due = record.end(&Ended::failed("it is away"), begun);
            assert_eq!(begun.duration_until(due), Duration::from_secs(minutes * 60));
            assert_eq!(record.failure.as_deref(), Some("it is away"));
        }
        // What else there is to do does not wait for what fails.
        let soon = begun.saturating_add(Duration::from_secs(600));
        let ended = Ended::failed("it is away").no_later_than(soon);
        assert_eq!(record.end(&ended, begun), soon);
        let next = begun.saturating_add(Duration::from_secs(7_200));
        let mut first = Record::new("iot", Subject::Schedule("nightly".to_owned()));
        let ended = Ended::failed("it is away").no_later_than(next);
        assert_eq!(
            begun.duration_until(first.end(&ended, begun)),
            Duration::from_secs(60)
        );
        assert_eq!(record.end(&Ended::well(next), begun), next);
        assert_eq!((record.failures, record.failure), (0, None));
    }
}
