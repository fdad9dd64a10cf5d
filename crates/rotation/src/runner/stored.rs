//! Rotations as they are in a ledger.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{Error, Result, Timestamp};
use tokenfleet_ledger::Task;

use super::record::RotationRecord;
use crate::machine::RotationState;
use crate::policy::normalised;

/// A rotation in a ledger.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StoredRotation {
    /// The task: since when, when something is due, and who is at work.
    pub task: Task,
    /// The record, with the starts that the task counts.
    pub record: RotationRecord,
    /// The time until which a worker has claimed this rotation or another one of its queue, as far
    /// as that was read with it. A time in the past is that of a worker that was lost.
    pub queue_claimed_until: Option<Timestamp>,
}

impl StoredRotation {
    pub(super) fn read(task: Task) -> Result<Self> {
        let mut record = RotationRecord::from_json(&task.state)
            .map_err(|error| error.with_message_prefix(&format!("rotation {}", task.id)))?;
        if record.rotation.id != task.id || record.subject() != task.subject {
            return Err(Error::configuration(format!(
                "rotation {}: its record is about another token than its task",
                task.id
            ))
            .with_advice("somebody changed the ledger: check who may write it"));
        }
        record.rotation.starts = task.starts;
        Ok(Self {
            queue_claimed_until: task.claimed_until,
            task,
            record,
        })
    }

    /// Returns `true` if nothing more will be done.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        !self.task.is_open()
    }

    /// Returns `true` if a person gave the rotation up before it was done.
    /// [`left_behind`](crate::machine::Rotation::left_behind) has what is left of it.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.is_closed() && self.record.rotation.state != RotationState::Done
    }
}

/// Rotations of a ledger, the oldest first.
///
/// One that cannot be read hides none of the others.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct StoredRotations {
    /// Those that can be read.
    pub rotations: Vec<StoredRotation>,
    /// Those that cannot: a newer version wrote them, or somebody changed the ledger. They are not
    /// carried on.
    pub unreadable: Vec<UnreadableRotation>,
}

/// A rotation whose record cannot be read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UnreadableRotation {
    /// The task.
    pub task: Task,
    /// The reason, with what to do.
    pub error: Error,
}

impl UnreadableRotation {
    /// Returns all texts of the record, whatever their keys are called; none if it is no JSON.
    ///
    /// The ids and the places that the record names are among them, whichever version wrote it.
    #[must_use]
    pub fn texts(&self) -> BTreeSet<String> {
        let mut texts = BTreeSet::new();
        let mut left: Vec<Value> = serde_json::from_str(&self.task.state).into_iter().collect();
        while let Some(value) = left.pop() {
            match value {
                Value::String(text) => {
                    texts.insert(text);
                }
                Value::Array(values) => left.extend(values),
                Value::Object(values) => left.extend(values.into_iter().map(|(_, value)| value)),
                _ => {}
            }
        }
        texts
    }

    /// Returns a place of another rotation that the record names.
    pub(super) fn named_place<'a>(&self, other: &'a RotationRecord) -> Option<&'a str> {
        let texts = self.texts();
        let texts: BTreeSet<_> = texts.iter().map(|text| normalised(text)).collect();
        let is_named = |place: &&String| texts.contains(&normalised(place));
        other.sinks.iter().find(is_named).map(String::as_str)
    }
}

impl StoredRotations {
    /// Returns the last rotation of a [subject](RotationRecord::subject) among these, also if it
    /// cannot be read.
    #[must_use]
    pub fn last_of(&self, subject: &str) -> Option<OperationId> {
        let readable = self.rotations.iter().map(|stored| &stored.task);
        let unreadable = self.unreadable.iter().map(|stored| &stored.task);
        let of_subject = (readable.chain(unreadable)).filter(|task| task.subject == subject);
        let last = of_subject.max_by_key(|task| task.opened_at);
        last.map(|task| task.id)
    }
}

impl FromIterator<Task> for StoredRotations {
    fn from_iter<T: IntoIterator<Item = Task>>(tasks: T) -> Self {
        let mut stored = Self::default();
        let mut claims = HashMap::<String, Timestamp>::new();
        for task in tasks {
            if let Some(until) = task.claimed_until {
                let last = claims.entry(task.queue.clone()).or_insert(until);
                *last = until.max(*last);
            }
            match StoredRotation::read(task.clone()) {
                Ok(rotation) => stored.rotations.push(rotation),
                Err(error) => stored.unreadable.push(UnreadableRotation { task, error }),
            }
        }
        for rotation in &mut stored.rotations {
            rotation.queue_claimed_until = claims.get(&rotation.task.queue).copied();
        }
        stored
    }
}
