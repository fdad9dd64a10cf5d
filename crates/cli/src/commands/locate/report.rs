//! The report of `locate`: what every account said, what was revoked, and what remains.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;
use tokenfleet::{Account, RevocationPlan, Token, TokenId};

use super::candidate::{Answer, Candidate};
use super::done::{Delivery, Done, Revocations};
use crate::commands::confirm::id_list;
use crate::output::{Format, Output, Results, TokenObject, print_note};
use crate::program_name::shell_quoted;

const COLUMNS: [&str; 7] = [
    "account", "provider", "shape", "liveness", "id", "name", "reason",
];

/// The columns of a revocation, which only CSV has: a table would break the new secret. The last
/// one holds that, or its place.
const REVOCATION_COLUMNS: [&str; 3] = ["outcome", "effect", "replacement_id"];

#[derive(Serialize)]
struct AccountObject<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    account: &'a str,
    provider: &'a str,
    shape: Option<&'static str>,
    liveness: &'static str,
    reason: Option<&'a str>,
    own_credential: bool,
    token: Option<TokenObject<'a>>,
    #[serde(skip)]
    found: Option<&'a Token>,
}

#[derive(Serialize)]
struct RevocationObject<'a> {
    account: &'a str,
    provider: &'a str,
    id: Option<&'a TokenId>,
    outcome: &'static str,
    effect: Option<&'static str>,
    liveness: &'static str,
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replacement: Option<TokenObject<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    also_revoked: &'a [TokenId],
}

/// Everything but the accounts, which lines of JSON hold before it.
#[derive(Serialize)]
struct ReportObject<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    shape: BTreeMap<&'a str, &'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<Vec<AccountObject<'a>>>,
    /// The first one.
    revocation: Option<RevocationObject<'a>>,
    /// Those in other accounts: not the first one again, whose new secret is printed once.
    other_revocations: Vec<RevocationObject<'a>>,
    remains: Vec<String>,
    plan: Option<String>,
}

/// The report of a search, and of the revocation that followed.
pub(super) struct Report<'a> {
    candidates: &'a [Candidate],
    revocations: Option<&'a Revocations>,
}

impl<'a> Report<'a> {
    pub(super) fn new(candidates: &'a [Candidate], revocations: Option<&'a Revocations>) -> Self {
        Self {
            candidates,
            revocations,
        }
    }

    /// Returns the revocations that were sent.
    fn done(&self) -> &'a [Done] {
        self.revocations
            .map_or(&[], |revocations| &revocations.done)
    }

    pub(super) fn print(&self, output: &mut Output) -> io::Result<()> {
        match output.format() {
            Format::Json => output.object(&self.object(None, Some(self.accounts(None))))?,
            Format::Ndjson => {
                for account in self.accounts(Some("account")) {
                    output.object(&account)?;
                }
                output.object(&self.object(Some("report"), None))?;
            }
            Format::Csv => self.print_csv(output)?,
            Format::Table => self.print_table(output)?,
        }
        output.flush()
    }

    fn object(
        &self,
        kind: Option<&'static str>,
        accounts: Option<Vec<AccountObject<'a>>>,
    ) -> ReportObject<'a> {
        ReportObject {
            kind,
            shape: self.shapes(),
            accounts,
            revocation: self.done().first().map(revocation),
            other_revocations: self.done().iter().skip(1).map(revocation).collect(),
            remains: self.remains(),
            plan: self.plan(),
        }
    }

    /// Returns the shape for each platform: the strongest of its accounts.
    fn shapes(&self) -> BTreeMap<&'a str, &'static str> {
        let mut shapes = BTreeMap::new();
        for candidate in self.candidates {
            let Some(shape) = &candidate.shape else {
                continue;
            };
            let known = shapes
                .entry(candidate.account.provider())
                .or_insert(shape.as_str());
            if candidate.is_recognized() || *known == "impossible" {
                *known = shape.as_str();
            }
        }
        shapes
    }

    fn accounts(&self, kind: Option<&'static str>) -> Vec<AccountObject<'a>> {
        let candidates = self.candidates.iter();
        candidates
            .map(|candidate| AccountObject {
                kind,
                account: candidate.account.name(),
                provider: candidate.account.provider(),
                shape: candidate.shape.as_ref().map(|shape| shape.as_str()),
                liveness: candidate.answer.as_str(),
                reason: candidate.reason.as_deref(),
                own_credential: candidate.is_own_credential,
                token: (candidate.token.as_ref())
                    .map(|token| TokenObject::new(&candidate.account, token, None)),
                found: candidate.token.as_ref(),
            })
            .collect()
    }

    /// Returns what the reader still has to do or to know.
    fn remains(&self) -> Vec<String> {
        let mut remains = Vec::new();
        for done in self.done() {
            let account = done.provider.account();
            match (&done.result, done.proof.0) {
                (Err(_), Answer::Alive) => remains.push(format!("{account} still accepts it")),
                (Err(_), _) => remains.push(format!("{account}: it was not proven to be revoked")),
                (Ok(_), Answer::Alive) => remains.push(format!(
                    "{account} still accepts it: another token may have been revoked, or the \
                     platform takes its time; check it with verify"
                )),
                _ => {}
            }
            let revoke = done.provider.capabilities().revoke.as_ref();
            if let Some(survivors) = revoke.and_then(|revoke| revoke.survivors.as_deref()) {
                remains.push(format!("{account}: what may still work: {survivors}"));
            }
            if !done.descendants.is_empty() {
                let ids = id_list(done.descendants.iter().map(|token| &token.id));
                remains.push(format!(
                    "{account}: tokens that were created with it: {ids}"
                ));
            }
        }
        for candidate in self.candidates {
            let account = &candidate.account;
            if candidate.is_own_credential {
                remains.push(format!(
                    "{account} authenticates with it: give the account another credential"
                ));
            }
            match candidate.answer {
                Answer::Failed => remains.push(format!("{account} could not be asked")),
                Answer::Alive if self.lives(candidate) => {
                    let still = if self.revocations.is_some() {
                        "still "
                    } else {
                        ""
                    };
                    remains.push(match (&candidate.token, candidate.suspects.len()) {
                        (Some(_), _) => format!("{account} {still}accepts it"),
                        (None, _) if candidate.is_own_password() => format!(
                            "{account} {still}accepts it: no token, but the password that the \
                             account is configured with; change it on the platform"
                        ),
                        (None, 0) => format!(
                            "{account} {still}accepts it, and nobody knows whose token it is"
                        ),
                        (None, count) => format!(
                            "{account} {still}accepts it: it is one of {count} tokens; review the \
                             plan"
                        ),
                    });
                }
                _ => {}
            }
        }
        let waiting = self.candidates.iter().filter(|one| one.waits_for_name);
        let waiting: Vec<_> = waiting.map(|one| &one.account).collect();
        remains.extend(not_asked(&waiting));
        remains
    }

    /// Returns `true` if an account accepts the secret, and the reader has to do something about it
    /// there.
    fn lives(&self, candidate: &Candidate) -> bool {
        match self.revocations {
            Some(revocations) => revocations.living.contains(&candidate.account),
            None => candidate.token.is_none(),
        }
    }

    /// Returns a plan for review: for each account, the tokens of which one has the secret.
    fn plan(&self) -> Option<String> {
        let mut text = String::new();
        let suspected = self
            .candidates
            .iter()
            .filter(|one| !one.suspects.is_empty());
        for candidate in suspected.filter(|one| self.lives(one)) {
            let capabilities = (candidate.provider.as_ref()).map(|one| one.capabilities());
            let revoke = capabilities.and_then(|capabilities| capabilities.revoke.as_ref());
            if revoke.is_some_and(|revoke| revoke.by_id) {
                let plan = RevocationPlan::from_tokens(&candidate.account, &candidate.suspects);
                text += &plan.to_string();
            }
        }
        Some(text).filter(|text| !text.is_empty())
    }

    fn print_table(&self, output: &mut Output) -> io::Result<()> {
        let mut results = Results::with_columns(&COLUMNS);
        for account in self.accounts(None) {
            let row = row(&account);
            results.add(output, &account, row)?;
        }
        results.finish(output)?;
        for done in self.done() {
            output.sentences(2, [sentence(&revocation(done))])?;
            let account = done.provider.account();
            match (done.replacement(), &done.delivery) {
                (Some(issued), Delivery::InReport) => {
                    output.token(account, &issued.token, Some(&issued.secret))?;
                }
                (Some(issued), Delivery::Stored(place)) => {
                    output.stored_token(account, &issued.token, place)?;
                }
                _ => {}
            }
        }
        let remains = self.remains();
        output.sentences(
            2,
            remains.into_iter().map(|line| format!("remains: {line}")),
        )?;
        let plan = self.plan().unwrap_or_default();
        output.plan_lines(plan.lines().map(str::to_owned))
    }

    fn print_csv(&self, output: &mut Output) -> io::Result<()> {
        let mut columns = COLUMNS.to_vec();
        let is_stored = |done: &Done| matches!(done.delivery, Delivery::Stored(_));
        if self.revocations.is_some() {
            columns.extend(REVOCATION_COLUMNS);
            columns.push(if self.done().iter().any(is_stored) {
                "replacement_secret_to"
            } else {
                "replacement_secret"
            });
        }
        let mut results = Results::with_columns(&columns);
        for account in self.accounts(None) {
            let mut row = row(&account);
            let mut done = self.done().iter();
            if let Some(done) = done.find(|done| done.provider.account().name() == account.account)
            {
                row.extend(revocation_fields(done));
            }
            row.resize(columns.len(), String::new());
            results.add(output, &account, row)?;
        }
        results.finish(output)?;
        for line in self.remains() {
            print_note(&line);
        }
        Ok(())
    }
}

/// Says which accounts the secret was not sent to, and how to send it there.
fn not_asked(accounts: &[&Account]) -> Option<String> {
    /// The largest number of accounts that are named.
    const MAX_NAMED: usize = 20;
    let named = accounts.iter().take(MAX_NAMED).map(ToString::to_string);
    let mut named = named.collect::<Vec<_>>().join(", ");
    if let more @ 1.. = accounts.len().saturating_sub(MAX_NAMED) {
        named += &format!(" and {more} more");
    }
    let (were, how) = match accounts {
        [] => return None,
        [only] => ("was", format!("--account {}", shell_quoted(only.name()))),
        _ => ("were", "--account and its name".to_owned()),
    };
    Some(format!(
        "{named} {were} not asked: the platform has no form of secrets that this one could be told \
         by; to send it there, pass {how}, or --try-all for every account"
    ))
}

fn outcome(done: &Done) -> &'static str {
    match &done.result {
        Ok(revocation) => revocation.outcome.as_str(),
        Err(error) if error.is_not_found() => "unknown",
        Err(error) if error.may_have_applied() => "unknown",
        Err(_) => "failed",
    }
}

fn row(account: &AccountObject<'_>) -> Vec<String> {
    let token = account.found;
    let name = token.and_then(|token| token.name.known());
    vec![
        account.account.to_owned(),
        account.provider.to_owned(),
        account.shape.unwrap_or_default().to_owned(),
        account.liveness.to_owned(),
        token.map(|token| token.id.to_string()).unwrap_or_default(),
        name.cloned().unwrap_or_default(),
        account.reason.unwrap_or_default().to_owned(),
    ]
}

fn revocation(done: &Done) -> RevocationObject<'_> {
    let account = done.provider.account();
    let revocation = done.result.as_ref().ok();
    RevocationObject {
        account: account.name(),
        provider: account.provider(),
        id: revocation.and_then(|revocation| revocation.id.as_ref()),
        outcome: outcome(done),
        effect: revocation.map(|revocation| revocation.effect.as_str()),
        liveness: done.proof.0.as_str(),
        reason: done.proof.1.as_deref(),
        replacement: done.replacement().map(|issued| match &done.delivery {
            Delivery::InReport => TokenObject::new(account, &issued.token, Some(&issued.secret)),
            Delivery::Stored(place) => {
                TokenObject::new(account, &issued.token, None).with_secret_to(place)
            }
            Delivery::Lost(_) => TokenObject::new(account, &issued.token, None),
        }),
        also_revoked: revocation.map_or(&[][..], |revocation| &revocation.also_revoked),
    }
}

fn revocation_fields(done: &Done) -> [String; 4] {
    let revocation = revocation(done);
    let issued = done.replacement();
    [
        revocation.outcome.to_owned(),
        revocation.effect.unwrap_or_default().to_owned(),
        issued
            .map(|new| new.token.id.to_string())
            .unwrap_or_default(),
        match (&done.delivery, issued) {
            (Delivery::InReport, Some(new)) => new.secret.expose().to_owned(),
            (Delivery::Stored(place), _) => place.clone(),
            _ => String::new(),
        },
    ]
}

/// Describes a revocation in one line.
fn sentence(revocation: &RevocationObject<'_>) -> String {
    let token = match revocation.id {
        Some(id) => format!("token {id}"),
        None => "the token".to_owned(),
    };
    let effect = match revocation.effect {
        Some(effect) => format!(" ({effect})"),
        None => String::new(),
    };
    let proof = match (revocation.liveness, revocation.reason) {
        ("dead", _) => "the secret is dead".to_owned(),
        ("alive", _) => "the secret is still alive".to_owned(),
        (_, Some(reason)) => format!("not proven dead: {reason}"),
        (_, None) => "not proven dead".to_owned(),
    };
    format!(
        "{} ({}): {token}: {}{effect}; {proof}",
        revocation.account,
        revocation.provider,
        revocation.outcome.replace('_', " ")
    )
}
