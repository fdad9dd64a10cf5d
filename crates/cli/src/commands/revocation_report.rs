//! The report of a revocation: a result for each token, and an exit code.

use serde::Serialize;
use tokenfleet::workflow::RevocationVerdict;
use tokenfleet::{Error, Operation, Result, Revocation, RevocationEffect, TokenId, TokenProvider};

use super::confirm::id_list;
use super::secret;
use super::subject::Subject;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, Results, TokenObject, displayed_id, print_error, print_note};
use crate::progress::clear;

/// The columns. The last two exist only where revoking a secret replaces it.
const COLUMNS: [&str; 5] = [
    "id",
    "outcome",
    "effect",
    "replacement_id",
    "replacement_secret",
];

/// The result for one token, with its replacement if there is one: nobody else has its secret.
#[derive(Serialize)]
struct RevocationObject<'a> {
    outcome: &'static str,
    effect: Option<&'static str>,
    id: Option<&'a TokenId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replacement: Option<TokenObject<'a>>,
    /// The other tokens that were revoked too, as far as the platform reports them.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    also_revoked: &'a [TokenId],
}

/// A report that prints each result as it arrives.
pub(super) struct RevocationReport<'a> {
    provider: &'a dyn TokenProvider,
    requested_format: Option<Format>,
    output: &'a mut Output,
    results: Results,
    columns: usize,
    exits: Vec<Exit>,
    /// The first failure to write the output, which must not keep other tokens from being revoked.
    write_failure: Option<Failure>,
}

impl<'a> RevocationReport<'a> {
    pub(super) fn new(
        provider: &'a dyn TokenProvider,
        requested_format: Option<Format>,
        output: &'a mut Output,
    ) -> Self {
        let revoke = provider.capabilities().revoke.as_ref();
        let replaces = revoke.is_some_and(|revoke| revoke.effect == RevocationEffect::Replaced);
        // A table would break the new secret, so there the new token is printed below it.
        let columns = if replaces && output.format() != Format::Table {
            5
        } else {
            3
        };
        Self {
            provider,
            requested_format,
            output,
            results: Results::with_columns(&COLUMNS[..columns]),
            columns,
            exits: Vec::new(),
            write_failure: None,
        }
    }

    /// Reports the verdict on one of several tokens.
    pub(super) fn add(&mut self, id: &TokenId, verdict: RevocationVerdict) {
        match verdict {
            RevocationVerdict::Revoked(revocation) | RevocationVerdict::AlreadyGone(revocation) => {
                self.revoked(&revocation);
            }
            RevocationVerdict::SuspendedOnly(error) => {
                self.not_revoked(Some(id), "suspended_only", &Subject::Id(id).add_to(error));
            }
            RevocationVerdict::NotAsReviewed(error) => {
                self.not_revoked(Some(id), "not_as_reviewed", &Subject::Id(id).add_to(error));
            }
            RevocationVerdict::NotIdentified(error) => {
                self.not_revoked(Some(id), "not_identified", &Subject::Id(id).add_to(error));
            }
            RevocationVerdict::NotFoundHere(error) => {
                self.not_revoked(Some(id), "not_found_here", &Subject::Id(id).add_to(error));
            }
            RevocationVerdict::Unreachable(error) | RevocationVerdict::CannotBeRevoked(error) => {
                self.failed(&Subject::Id(id).add_to(error));
            }
            _ => self.exits.push(Exit::Failed),
        }
    }

    pub(super) fn revoked(&mut self, revocation: &Revocation) {
        self.exits.push(Exit::Success);
        let outcome = revocation.outcome.as_str();
        let effect = Some(revocation.effect.as_str());
        let written = self.print(revocation.id.as_ref(), outcome, effect, Some(revocation));
        self.keep_failure(written);
    }

    /// Reports a secret that the platform does not know: it is dead, or it is another one.
    pub(super) fn unknown(&mut self, error: &Error) {
        self.not_revoked(None, "unknown", error);
        self.exits.push(Exit::OutcomeUnknown);
    }

    /// Prints an outcome that is not a revocation, and the error that says why.
    fn not_revoked(&mut self, id: Option<&TokenId>, outcome: &'static str, error: &Error) {
        // Nobody has confirmed that this is an id: it may be a secret in the wrong place.
        let id = id.map(|id| TokenId::new(displayed_id(id)));
        let written = self.print(id.as_ref(), outcome, None, None);
        self.keep_failure(written);
        self.failed(error);
    }

    pub(super) fn failed(&mut self, error: &Error) {
        print_error(self.requested_format, error);
        self.exits.push(Exit::from_error(error));
    }

    /// Ends the report and returns the exit code of each token.
    pub(super) fn finish(self) -> Result<Vec<Exit>, Failure> {
        let written = self.results.finish(self.output).map_err(Failure::from);
        let all_revoked = self.exits.iter().all(|exit| *exit == Exit::Success);
        match self.write_failure.or(written.err()) {
            Some(lost_secret @ Failure::Operation(_)) => Err(lost_secret),
            Some(failure) if all_revoked => Err(failure),
            _ => Ok(self.exits),
        }
    }

    fn keep_failure(&mut self, written: Result<(), Failure>) {
        if let Err(failure) = written {
            self.write_failure.get_or_insert(failure);
        }
    }

    fn print(
        &mut self,
        id: Option<&TokenId>,
        outcome: &'static str,
        effect: Option<&'static str>,
        revocation: Option<&Revocation>,
    ) -> Result<(), Failure> {
        let account = self.provider.account();
        let replacement = revocation.and_then(|revocation| revocation.replacement.as_ref());
        let also_revoked = revocation.map_or(&[][..], |revocation| &revocation.also_revoked);
        let object = RevocationObject {
            outcome,
            effect,
            id,
            replacement: replacement
                .map(|issued| TokenObject::new(account, &issued.token, Some(&issued.secret))),
            also_revoked,
        };
        let text = |id: &TokenId| id.to_string();
        let mut row = vec![
            id.map(text).unwrap_or_default(),
            outcome.to_owned(),
            effect.unwrap_or_default().to_owned(),
        ];
        if self.columns > row.len() {
            row.push(
                replacement
                    .map(|new| text(&new.token.id))
                    .unwrap_or_default(),
            );
            let secret = replacement.map(|new| new.secret.expose().to_owned());
            row.push(secret.unwrap_or_default());
        }
        if !also_revoked.is_empty() && matches!(self.output.format(), Format::Table | Format::Csv) {
            print_note(&format!(
                "{account}: also revoked: {}",
                id_list(also_revoked)
            ));
        }
        clear();
        let output = &mut *self.output;
        let written = (self.results.add(output, &object, row))
            .and_then(|()| match replacement {
                Some(issued) if output.format() == Format::Table => {
                    output.token(account, &issued.token, Some(&issued.secret))
                }
                _ => Ok(()),
            })
            .and_then(|()| output.flush());
        match (written, replacement) {
            (Ok(()), _) => Ok(()),
            (Err(error), Some(issued)) => {
                Err(secret::lost_secret(error, self.provider, Operation::Revoke, issued).into())
            }
            (Err(error), None) => Err(error.into()),
        }
    }
}
