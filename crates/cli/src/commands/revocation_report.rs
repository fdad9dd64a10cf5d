//! The report of a revocation: a result for each token, and an exit code.

use serde::Serialize;
use tokenfleet::workflow::RevocationVerdict;
use tokenfleet::{Error, Operation, Result, Revocation, TokenId, TokenProvider};

use super::confirm::id_list;
use super::secret;
use super::subject::Subject;
use crate::exit::{Exit, Failure};
use crate::journals::Journals;
use crate::output::{Format, Output, Results, TokenObject, displayed_id, print_error, print_note};
use crate::progress::clear;
use crate::secret_destination::SecretDestination;

/// The columns of every report.
const COLUMNS: [&str; 3] = ["id", "outcome", "effect"];

/// The result for one token, with its replacement if there is one: nobody else has its secret.
#[derive(Serialize)]
struct RevocationObject<'a> {
    outcome: &'static str,
    effect: Option<&'static str>,
    id: Option<&'a TokenId>,
    account: &'a str,
    provider: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    replacement: Option<TokenObject<'a>>,
    /// The other tokens that were revoked too, as far as the platform reports them.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    also_revoked: &'a [TokenId],
}

/// A report that prints each result as it arrives, account by account.
pub(super) struct RevocationReport<'a> {
    /// The account whose results arrive.
    provider: &'a dyn TokenProvider,
    journals: &'a Journals,
    requested_format: Option<Format>,
    output: &'a mut Output,
    results: Results,
    /// `true` if the rows name the account.
    has_accounts: bool,
    has_replacements: bool,
    /// The place of the new secret, where a platform issues one.
    destination: Option<SecretDestination>,
    exits: Vec<Exit>,
    /// The first failure to write the output, which must not keep other tokens from being revoked.
    write_failure: Option<Failure>,
}

impl<'a> RevocationReport<'a> {
    /// Creates the report of one account or more, of which the first comes first.
    pub(super) fn new(
        providers: &[&'a dyn TokenProvider],
        journals: &'a Journals,
        requested_format: Option<Format>,
        output: &'a mut Output,
        destination: Option<SecretDestination>,
    ) -> Self {
        let has_accounts = providers.len() > 1;
        // A table would break the new secret, so there the new token is printed below it.
        let has_replacements = destination.is_some() && output.format() != Format::Table;
        let mut columns = Vec::new();
        if has_accounts {
            columns.push("account");
        }
        columns.extend(COLUMNS);
        if has_replacements {
            columns.push("replacement_id");
            columns.push(match destination {
                Some(SecretDestination::File { .. }) => "replacement_secret_to",
                _ => "replacement_secret",
            });
        }
        Self {
            provider: providers[0],
            journals,
            requested_format,
            output,
            results: Results::with_columns(&columns),
            has_accounts,
            has_replacements,
            destination,
            exits: Vec::new(),
            write_failure: None,
        }
    }

    /// Begins the results of an account.
    pub(super) fn begin(&mut self, provider: &'a dyn TokenProvider) {
        self.provider = provider;
    }

    /// Reports the verdict on one of several tokens.
    pub(super) async fn add(&mut self, id: &TokenId, verdict: RevocationVerdict) {
        match verdict {
            RevocationVerdict::Revoked(revocation) | RevocationVerdict::AlreadyGone(revocation) => {
                self.revoked(&revocation).await;
            }
            RevocationVerdict::Suspended => {
                self.exits.push(Exit::Success);
                let written = self.print(Some(id), "suspended", None, None).await;
                self.keep_failure(written);
            }
            RevocationVerdict::SuspendedOnly(error) => {
                self.not_revoked(Some(id), "suspended_only", &Subject::Id(id).add_to(error))
                    .await;
            }
            RevocationVerdict::NotAsReviewed(error) => {
                self.not_revoked(Some(id), "not_as_reviewed", &Subject::Id(id).add_to(error))
                    .await;
            }
            RevocationVerdict::NotIdentified(error) => {
                self.not_revoked(Some(id), "not_identified", &Subject::Id(id).add_to(error))
                    .await;
            }
            RevocationVerdict::NotFoundHere(error) => {
                self.not_revoked(Some(id), "not_found_here", &Subject::Id(id).add_to(error))
                    .await;
            }
            RevocationVerdict::ActingToken(error) => {
                self.not_revoked(Some(id), "acting_token", &Subject::Id(id).add_to(error))
                    .await;
            }
            RevocationVerdict::Unreachable(error)
            | RevocationVerdict::CannotBeRevoked(error)
            | RevocationVerdict::CannotBeSuspended(error) => {
                self.failed(&Subject::Id(id).add_to(error));
            }
            _ => self.exits.push(Exit::Failed),
        }
    }

    pub(super) async fn revoked(&mut self, revocation: &Revocation) {
        self.exits.push(Exit::Success);
        let outcome = revocation.outcome.as_str();
        let effect = Some(revocation.effect.as_str());
        let id = revocation.id.as_ref();
        let written = self.print(id, outcome, effect, Some(revocation)).await;
        self.keep_failure(written);
    }

    /// Reports a secret that the platform does not know: it is dead, or it is another one.
    pub(super) async fn unknown(&mut self, error: &Error) {
        self.not_revoked(None, "unknown", error).await;
        self.exits.push(Exit::OutcomeUnknown);
    }

    /// Prints an outcome that is not a revocation, and the error that says why.
    async fn not_revoked(&mut self, id: Option<&TokenId>, outcome: &'static str, error: &Error) {
        // Nobody has confirmed that this is an id: it may be a secret in the wrong place.
        let id = id.map(|id| TokenId::new(displayed_id(id)));
        let written = self.print(id.as_ref(), outcome, None, None).await;
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

    async fn print(
        &mut self,
        id: Option<&TokenId>,
        outcome: &'static str,
        effect: Option<&'static str>,
        revocation: Option<&Revocation>,
    ) -> Result<(), Failure> {
        let account = self.provider.account();
        let replacement = revocation.and_then(|revocation| revocation.replacement.as_ref());
        let also_revoked = revocation.map_or(&[][..], |revocation| &revocation.also_revoked);
        // A secret that does not get to its file does not keep the result from being printed.
        let mut stored = Ok(None);
        if let Some(issued) = replacement {
            match self.destination.take() {
                Some(SecretDestination::File { place, target }) => {
                    stored = target
                        .deliver(&issued.secret)
                        .map(|()| Some(place.to_string()));
                }
                to_output => self.destination = to_output,
            }
        }
        let place = stored.as_ref().ok().and_then(Option::as_deref);
        let is_printed = matches!(stored, Ok(None));
        let object = RevocationObject {
            outcome,
            effect,
            id,
            account: account.name(),
            provider: account.provider(),
            replacement: replacement.map(|issued| {
                let secret = is_printed.then_some(&issued.secret);
                let object = TokenObject::new(account, &issued.token, secret);
                match place {
                    Some(place) => object.with_secret_to(place),
                    None => object,
                }
            }),
            also_revoked,
        };
        let text = |id: &TokenId| id.to_string();
        let mut row = Vec::new();
        if self.has_accounts {
            row.push(account.name().to_owned());
        }
        row.extend([
            id.map(text).unwrap_or_default(),
            outcome.to_owned(),
            effect.unwrap_or_default().to_owned(),
        ]);
        if self.has_replacements {
            row.push(
                replacement
                    .map(|new| text(&new.token.id))
                    .unwrap_or_default(),
            );
            let secret = replacement.filter(|_| is_printed);
            let secret = secret.map(|new| new.secret.expose());
            row.push(place.or(secret).unwrap_or_default().to_owned());
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
            .and_then(|()| match (replacement, place) {
                (Some(issued), None) if is_printed && output.format() == Format::Table => {
                    output.token(account, &issued.token, Some(&issued.secret))
                }
                (Some(issued), Some(place)) if output.format() == Format::Table => {
                    output.stored_token(account, &issued.token, place)
                }
                _ => Ok(()),
            })
            .and_then(|()| output.flush());
        let (undelivered, issued) = match (stored, written, replacement) {
            (Err(undelivered), _, Some(issued)) => (undelivered, issued),
            (Ok(None), Err(error), Some(issued)) => (error.into(), issued),
            (_, written, _) => {
                if let Some(issued) = replacement {
                    self.journals.delivered(account, &issued.token.id).await;
                }
                return written.map_err(Failure::from);
            }
        };
        let (journals, provider) = (self.journals, self.provider);
        let operation = Operation::Revoke;
        let error = secret::undelivered_secret(undelivered, journals, provider, operation, issued);
        Err(error.await.into())
    }
}
