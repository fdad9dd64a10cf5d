//! The rotations that this version cannot read, and the tokens that they may hold.

use std::collections::BTreeSet;

use tokenfleet::journal::OperationId;
use tokenfleet::workflow::Marker;
use tokenfleet::{Account, Error, ErrorKind, Fate, Result, Timestamp, Token};
use tokenfleet_rotation::runner::UnreadableRotation;

use crate::program_name::command_line;

/// The rotations of an account, open or closed, that a newer version wrote or somebody changed.
///
/// Where they have delivered to is not known, so nothing else may replace their tokens: a place
/// that nobody knows would keep a dead secret.
#[derive(Debug)]
pub(crate) struct UnreadableRotations(Vec<Unreadable>);

/// A rotation whose record is not understood, as far as it can be told.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) id: OperationId,
    pub(super) subject: String,
    closed_at: Option<Timestamp>,
    /// All texts of the record, whatever their keys are called.
    pub(super) texts: BTreeSet<String>,
}

impl UnreadableRotations {
    /// Finds those of an account and its queue.
    ///
    /// # Errors
    ///
    /// [`Conflict`](ErrorKind::Conflict) if not even the tokens of one can be told.
    pub(crate) fn of_account<'a>(
        account: &Account,
        queue: &str,
        all: impl IntoIterator<Item = &'a UnreadableRotation>,
    ) -> Result<Self> {
        let mut found = Vec::new();
        for unreadable in all {
            let task = &unreadable.task;
            let subject = Subject::read(&task.subject);
            let is_its_own = match &subject {
                Some(subject) => subject.is_of(account),
                None => task.queue == queue,
            };
            if !is_its_own {
                continue;
            }
            let unreadable = Unreadable::of(unreadable);
            let (id, closed_at) = (unreadable.id, unreadable.closed_at);
            // A record that names its own token in another way may name the others so, too.
            let is_understood = subject.is_some_and(|subject| match subject.token {
                Some(token) => unreadable.texts.contains(&token),
                None => true,
            });
            if !is_understood {
                let message = format!(
                    "the rotation {id}, which this version of the program cannot read, may hold \
                     any token of {}",
                    account.name()
                );
                return Err(error(message, id, closed_at).with_account(account));
            }
            found.push(unreadable);
        }
        Ok(Self(found))
    }

    /// Returns the error about a token that one of them may hold, and that no other rotation has
    /// given a new secret since.
    pub(crate) fn objection(&self, token: &Token, rotated_at: Option<Timestamp>) -> Option<Error> {
        let markers = Marker::all_of(token);
        let holder = self.0.iter().find(|unreadable| {
            let texts = &unreadable.texts;
            let mut markers = markers.iter();
            !unreadable.was_over_before(rotated_at)
                && (texts.contains(token.id.as_str())
                    || markers.any(|marker| texts.contains(marker.as_str())))
        });
        holder.map(Unreadable::may_hold)
    }

    /// Returns the same error where tokens have no ids, about what the places of a rotation hold.
    pub(crate) fn objection_without_id(&self, subject: &str) -> Option<Error> {
        let mut all = self.0.iter();
        let holder = all.find(|unreadable| unreadable.subject == subject);
        holder.map(Unreadable::may_hold)
    }
}

impl Unreadable {
    pub(super) fn of(rotation: &UnreadableRotation) -> Self {
        let task = &rotation.task;
        Self {
            id: task.id,
            subject: task.subject.clone(),
            closed_at: task.closed_at,
            texts: rotation.texts(),
        }
    }

    /// Returns `true` if it was closed before another rotation did something.
    pub(super) fn was_over_before(&self, done_at: Option<Timestamp>) -> bool {
        self.closed_at.is_some() && self.closed_at < done_at
    }

    fn may_hold(&self) -> Error {
        let id = self.id;
        let message = format!(
            "the rotation {id}, which this version of the program cannot read, may hold it"
        );
        error(message, id, self.closed_at)
    }
}

fn error(message: String, id: OperationId, closed_at: Option<Timestamp>) -> Error {
    let otherwise = if closed_at.is_none() {
        let abandon = command_line(&format!("operations abandon {id}"));
        format!("or give that rotation up with `{abandon}`")
    } else {
        let rotate = command_line("rotate ID --to PLACE --only-these-places");
        format!("or begin anew with `{rotate}`, for every place that holds it")
    };
    Error::new(ErrorKind::Conflict, Fate::NotSent, message).with_advice(format!(
        "let the newer version, which wrote it, rotate the token, {otherwise}"
    ))
}

/// The subject of a rotation, as its task has it.
pub(super) struct Subject {
    provider: String,
    account: String,
    place: String,
    /// `None` where tokens have no ids.
    token: Option<String>,
}

impl Subject {
    pub(super) fn read(text: &str) -> Option<Self> {
        let parts: Vec<String> = serde_json::from_str(text).ok()?;
        let mut parts = parts.into_iter();
        let (provider, account, place) = (parts.next()?, parts.next()?, parts.next()?);
        let token = match &*parts.next()? {
            "token" => Some(parts.next()?),
            "sinks" => None,
            _ => return None,
        };
        Some(Self {
            provider,
            account,
            place,
            token,
        })
    }

    /// Returns `true` for one account of a platform, which may have been renamed since.
    pub(super) fn is_of(&self, account: &Account) -> bool {
        self.provider == account.provider()
            && (self.account == account.name() || self.place == account.place().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};
    use tokenfleet::{Fact, TokenId, TokenState};
    use tokenfleet_ledger::{NewTask, Task};
    use tokenfleet_rotation::runner::StoredRotations;

    use super::*;

    const LEDGER: &str = "0123456789abcdef";

    fn account() -> Account {
        Account::new("foreman", "mine").with_place("https://foreman.example.com")
    }

    fn stored(subject: &Value, record: &Value) -> StoredRotations {
        let id = OperationId::random();
        let (subject, record) = (subject.to_string(), record.to_string());
        let task = NewTask::new(id, "rotation", "queue", subject, record);
        [Task::new(&task, Timestamp::now())].into_iter().collect()
    }

    fn read(subject: &Value, record: &Value) -> Result<UnreadableRotations> {
        let stored = stored(subject, record);
        assert_eq!(stored.unreadable.len(), 1);
        UnreadableRotations::of_account(&account(), "queue", &stored.unreadable)
    }

    fn subject(account: &str, place: &str) -> Value {
        json!(["foreman", account, place, "token", "17"])
    }

    fn token(id: &str) -> Token {
        Token::new(TokenId::new(id), TokenState::Active)
    }

    #[test]
    fn a_token_is_held_that_a_record_names_wherever_it_does_or_that_bears_one_of_its_markers() {
        let marker = Marker::random_in(LEDGER);
        let record = json!({
            "version": 2,
            "of": {"old": "17"},
            "made": [{"marker": marker.as_str(), "became": ["18"]}],
        });
        let unreadable = read(&subject("mine", ""), &record).unwrap();
        for id in ["17", "18"] {
            let error = unreadable.objection(&token(id), None).unwrap().to_string();
            assert!(error.contains("cannot read, may hold it"), "{error}");
        }
        let mut marked = token("19");
        marked.name = Fact::Known(format!("ci {marker}"));
        assert!(unreadable.objection(&marked, None).is_some());
        marked.name = Fact::Known(format!("ci {}", Marker::random_in(LEDGER)));
        assert!(unreadable.objection(&marked, None).is_none());
    }

    #[test]
    fn a_token_is_no_longer_held_once_another_rotation_gave_it_a_new_secret() {
        let record = json!({"version": 2, "of": "17"});
        let mut stored = stored(&subject("mine", ""), &record);
        let closed_at = Timestamp::now();
        let minute = Duration::from_secs(60);
        let (before, after) = (
            closed_at.checked_sub(minute),
            Some(closed_at.saturating_add(minute)),
        );
        let objection = |stored: &StoredRotations, rotated_at| {
            let all = &stored.unreadable;
            let unreadable = UnreadableRotations::of_account(&account(), "queue", all).unwrap();
            unreadable.objection(&token("17"), rotated_at)
        };
        assert!(objection(&stored, after).is_some(), "it is open");
        stored.unreadable[0].task.closed_at = Some(closed_at);
        assert!(objection(&stored, None).is_some());
        assert!(objection(&stored, before).is_some());
        assert!(objection(&stored, after).is_none());
    }

    #[test]
    fn what_the_places_hold_is_held_where_tokens_have_no_ids() {
        let subject = json!(["foreman", "mine", "", "sinks", "file:/run/ci"]);
        let unreadable = read(&subject, &json!({"version": 2})).unwrap();
        let held = |subject: &Value| unreadable.objection_without_id(&subject.to_string());
        assert!(held(&subject).is_some());
        assert!(held(&json!(["foreman", "mine", "", "sinks", "file:/run/cd"])).is_none());
    }

    #[test]
    fn any_token_of_the_account_is_held_if_the_tokens_cannot_be_told() {
        let named = json!({"version": 2, "of": "17"});
        for (subject, record) in [
            (subject("mine", ""), json!({"version": 2, "of": 17})),
            (
                subject("renamed", "https://foreman.example.com"),
                json!({"version": 2}),
            ),
            (json!({"account": "mine", "token": "17"}), named.clone()),
            (json!(["foreman", "mine", "", "group", "17"]), named.clone()),
        ] {
            let error = read(&subject, &record).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict, "{subject} {record}");
        }
        let stored = stored(&json!({}), &named);
        let of = |queue| UnreadableRotations::of_account(&account(), queue, &stored.unreadable);
        assert!(of("another").is_ok() && of("queue").is_err());
        for other in [
            json!(["losant", "mine", "", "token", "17"]),
            subject("another", "https://foreman.example.org"),
        ] {
            let unreadable = read(&other, &named).unwrap();
            assert!(
                unreadable.objection(&token("17"), None).is_none(),
                "{other}"
            );
        }
    }
}
