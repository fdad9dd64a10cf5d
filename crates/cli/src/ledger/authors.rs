//! Who made a change: we, as far as the ledger has recorded it, or somebody else.

use std::time::Duration;

use tokenfleet::journal::Resolution;
use tokenfleet::{Account, Fact, Fate, Operation, Result, Suspension, Token, TokenId, TokenState};
use tokenfleet_ledger::{Change, Ledger, Span, Write};

use crate::output::Author;

/// The longest time that a snapshot is thought to take: a write may fall into its listing.
const LISTING: Duration = Duration::from_secs(60 * 60);

/// The time by which the clocks of machines that share a ledger may differ.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// The fields that a platform changes by itself.
const INCIDENTAL: [&str; 2] = ["last_used", "updated_at"];

/// The writes of unknown outcome that may have issued a token.
#[derive(Debug)]
pub(crate) struct OpenCreations(Vec<Write>);

impl OpenCreations {
    pub(crate) async fn read(ledger: &dyn Ledger) -> Result<Self> {
        let operations = ledger.open_operations().await?.into_iter();
        let writes = operations.flat_map(|operation| operation.writes);
        let creations = writes.filter(|write| write.is_open() && issues(write));
        Ok(Self(creations.collect()))
    }

    fn is_any_in(&self, account: &Account) -> bool {
        self.0.iter().any(|write| write.intent.account == *account)
    }
}

/// The recorded writes to some tokens of an account.
#[derive(Debug)]
pub(crate) struct Authors {
    writes: Vec<Write>,
    has_open_creation: bool,
}

impl Authors {
    pub(crate) async fn read(
        ledger: &dyn Ledger,
        account: &Account,
        ids: &[TokenId],
        open: &OpenCreations,
    ) -> Result<Self> {
        let mut writes = ledger.writes_to(account, ids).await?;
        writes.retain(may_have_applied);
        Ok(Self {
            writes,
            has_open_creation: open.is_any_in(account),
        })
    }

    /// Returns the author of a change between two snapshots. With `is_covered` the ledger holds all
    /// writes since the earlier one.
    pub(crate) fn of(&self, change: &Change, span: Span, is_covered: bool) -> Author {
        let id = &change.token().id;
        let earliest = span.earlier().checked_sub(SKEW).unwrap_or(span.earlier());
        let latest = span.later().saturating_add(LISTING);
        let is_within = |write: &&Write| {
            write.intent.at <= latest && (write.is_open() || write.last_heard() >= earliest)
        };
        let writes = self.writes.iter().filter(is_within);
        let writes: Vec<_> = writes.filter(|write| write.tokens().contains(id)).collect();
        if let Some(write) = explanation(change, &writes) {
            return author(write);
        }
        let may_be_ours = self.has_open_creation && matches!(change, Change::Appeared { .. });
        // A write of ours may have done a part of it.
        if is_covered && !may_be_ours && writes.is_empty() {
            Author::Others
        } else {
            Author::Unknown
        }
    }

    /// Returns the recorded writes that created, changed or revoked a token, or may have, each with
    /// its author, in the order in which they were begun.
    pub(crate) fn writes_to<'a>(
        &'a self,
        id: &'a TokenId,
    ) -> impl Iterator<Item = (&'a Write, Author)> {
        let writes = self.writes.iter();
        let writes = writes.filter(move |write| write.tokens().contains(id));
        writes.map(|write| (write, author(write)))
    }
}

fn author(write: &Write) -> Author {
    Author::Us {
        operation: operation(write),
        written_at: write.intent.at,
        reason: write.intent.reason.clone(),
    }
}

/// Returns `true` for a write that may have issued a token.
fn issues(write: &Write) -> bool {
    matches!(
        write.intent.operation,
        Operation::Create | Operation::Rotate | Operation::Renew
    )
}

/// Returns `false` for a write that certainly changed nothing.
fn may_have_applied(write: &Write) -> bool {
    let outcome = write.outcome.as_ref();
    let changed_nothing = outcome.is_some_and(|outcome| {
        let error = outcome.result.as_ref().err();
        let is_unapplied =
            error.is_some_and(|error| matches!(error.fate(), Fate::NotSent | Fate::Rejected));
        is_unapplied && outcome.left_behind.is_empty()
    });
    !changed_nothing && write.resolution != Some(Resolution::NotApplied)
}

/// Returns the operation as people know it: a suspension is an update for the platform.
fn operation(write: &Write) -> String {
    match write.intent.suspension {
        Some(Suspension::Suspend) => "suspend".to_owned(),
        Some(Suspension::Resume) => "resume".to_owned(),
        None => write.intent.operation.to_string(),
    }
}

/// Returns the last of the writes that explain a change, if they explain all of it.
fn explanation<'a>(change: &Change, writes: &[&'a Write]) -> Option<&'a Write> {
    let explains: Box<dyn Fn(&Write) -> bool> = match change {
        Change::Appeared { token } => Box::new(|write| brings(write, &token.id)),
        Change::Vanished { token } => {
            Box::new(|write| write.has_revoked(&token.id) || ends(write, &token.id))
        }
        Change::Changed { fields, after, .. } => {
            let fields: Vec<_> = fields
                .iter()
                .filter(|field| !INCIDENTAL.contains(&field.as_str()))
                .collect();
            let is_explained =
                |field: &&String| writes.iter().any(|write| is_change(write, field, after));
            if !fields.iter().all(is_explained) {
                return None;
            }
            Box::new(move |write| {
                fields.is_empty() || fields.iter().any(|field| is_change(write, field, after))
            })
        }
        _ => return None,
    };
    writes.iter().rev().find(|write| explains(write)).copied()
}

/// Returns `true` if a token is there because of a write, or may be. What was done to the token
/// itself does not explain that it is there.
fn brings(write: &Write, id: &TokenId) -> bool {
    let outcome = write.outcome.as_ref();
    let effect = outcome.and_then(|outcome| outcome.result.as_ref().ok());
    let replacement = effect.and_then(|effect| effect.replacement.as_ref());
    let is_to_another = write.intent.token.as_ref() != Some(id);
    is_to_another && (issues(write) || replacement == Some(id))
}

/// Returns `true` if a write revoked or replaced a token, or may have.
fn ends(write: &Write, id: &TokenId) -> bool {
    let intent = &write.intent;
    matches!(intent.operation, Operation::Revoke | Operation::Rotate)
        && intent.token.as_ref() == Some(id)
}

/// Returns `true` if a write made a field of the token what it is now.
fn is_change(write: &Write, field: &str, after: &Token) -> bool {
    let intent = &write.intent;
    let is = |asked: &Option<String>, now: &Fact<String>| {
        asked.is_some() && asked.as_ref() == now.known()
    };
    match intent.operation {
        Operation::Update => match field {
            "name" => is(&intent.name, &after.name),
            "description" => is(&intent.description, &after.description),
            "state" => match intent.suspension {
                Some(Suspension::Suspend) => after.state == TokenState::Suspended,
                Some(Suspension::Resume) => after.state == TokenState::Active,
                None => false,
            },
            _ => false,
        },
        // They may replace the whole record.
        Operation::Revoke | Operation::Rotate | Operation::Renew => true,
        _ => false,
    }
}
