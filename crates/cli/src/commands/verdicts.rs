//! What became of each token that was to be revoked.

use serde::Serialize;
use tokenfleet::workflow::RevocationVerdict;
use tokenfleet::{
    Error, IssuedToken, Operation, Result, Revocation, RevocationEffect, TokenId, TokenProvider,
};

use super::secret;
use super::write::Subject;
use crate::output::{Format, Output, Results, TokenObject, complain};
use crate::progress::clear;
use crate::stop::{Code, Stop};

/// The columns; the last two where killing means replacing.
const NAMES: [&str; 5] = [
    "id",
    "outcome",
    "effect",
    "replacement_id",
    "replacement_secret",
];

/// `{"outcome","effect","id"}`, and the token that took the place where there is one: else nobody would hold its secret.
#[derive(Serialize)]
struct RevocationObject<'a> {
    outcome: &'static str,
    effect: Option<&'static str>,
    id: Option<&'a TokenId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replacement: Option<TokenObject<'a>>,
}

/// Tells one verdict after another, and what they come to.
pub(super) struct Verdicts<'a> {
    provider: &'a dyn TokenProvider,
    asked_for: Option<Format>,
    output: &'a mut Output,
    results: Results,
    columns: usize,
    codes: Vec<Code>,
    /// An output that cannot be written must not keep the other tokens alive.
    unwritten: Option<Stop>,
}

impl<'a> Verdicts<'a> {
    pub(super) fn new(
        provider: &'a dyn TokenProvider,
        asked_for: Option<Format>,
        output: &'a mut Output,
    ) -> Self {
        let revoke = provider.capabilities().revoke.as_ref();
        let replaces = revoke.is_some_and(|revoke| revoke.effect == RevocationEffect::Replaced);
        // People get the new token on lines of its own: no table may cut its secret.
        let columns = if replaces && output.format() != Format::Table {
            5
        } else {
            3
        };
        Self {
            provider,
            asked_for,
            output,
            results: Results::under(&NAMES[..columns]),
            columns,
            codes: Vec::new(),
            unwritten: None,
        }
    }

    /// One token of several.
    pub(super) fn add(&mut self, id: &TokenId, verdict: RevocationVerdict) {
        match verdict {
            RevocationVerdict::Revoked(revocation) | RevocationVerdict::AlreadyGone(revocation) => {
                self.dead(&revocation);
            }
            RevocationVerdict::SuspendedOnly(error) => {
                let written = self.print(Some(id), "suspended_only", None, None);
                self.keep(written);
                self.failed(&Subject::Id(id).of(error));
            }
            RevocationVerdict::Unreachable(error) | RevocationVerdict::CannotBeRevoked(error) => {
                self.failed(&Subject::Id(id).of(error));
            }
            _ => self.codes.push(Code::Failed),
        }
    }

    pub(super) fn dead(&mut self, revocation: &Revocation) {
        self.codes.push(Code::Well);
        let outcome = revocation.outcome.as_str();
        let effect = Some(revocation.effect.as_str());
        let issued = revocation.replacement.as_ref();
        let written = self.print(revocation.id.as_ref(), outcome, effect, issued);
        self.keep(written);
    }

    pub(super) fn failed(&mut self, error: &Error) {
        complain(self.asked_for, error);
        self.codes.push(Code::of(error));
    }

    /// The code that each of them stands for.
    pub(super) fn finish(self) -> Result<Vec<Code>, Stop> {
        let written = self.results.finish(self.output).map_err(Stop::from);
        let all_well = self.codes.iter().all(|code| *code == Code::Well);
        match self.unwritten.or(written.err()) {
            Some(stop @ Stop::Failed(_)) => Err(stop),
            Some(stop) if all_well => Err(stop),
            _ => Ok(self.codes),
        }
    }

    fn keep(&mut self, written: Result<(), Stop>) {
        if let Err(stop) = written {
            self.unwritten.get_or_insert(stop);
        }
    }

    fn print(
        &mut self,
        id: Option<&TokenId>,
        outcome: &'static str,
        effect: Option<&'static str>,
        issued: Option<&IssuedToken>,
    ) -> Result<(), Stop> {
        let account = self.provider.account();
        let object = RevocationObject {
            outcome,
            effect,
            id,
            replacement: issued
                .map(|issued| TokenObject::new(account, &issued.token, Some(&issued.secret))),
        };
        let text = |id: &TokenId| id.to_string();
        let mut row = vec![
            id.map(text).unwrap_or_default(),
            outcome.to_owned(),
            effect.unwrap_or_default().to_owned(),
        ];
        if self.columns > row.len() {
            row.push(issued.map(|new| text(&new.token.id)).unwrap_or_default());
            let secret = issued.map(|new| new.secret.expose().to_owned());
            row.push(secret.unwrap_or_default());
        }
        clear();
        let output = &mut *self.output;
        let written = (self.results.add(output, &object, row))
            .and_then(|()| match issued {
                Some(issued) if output.format() == Format::Table => {
                    output.token(account, &issued.token, Some(&issued.secret))
                }
                _ => Ok(()),
            })
            .and_then(|()| output.flush());
        match (written, issued) {
            (Ok(()), _) => Ok(()),
            (Err(error), Some(issued)) => {
                Err(secret::lost(error, account, Operation::Revoke, issued).into())
            }
            (Err(error), None) => Err(error.into()),
        }
    }
}
