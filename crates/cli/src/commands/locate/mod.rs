//! `locate`: whose token a found secret is, and its revocation (decision 0031).

mod candidate;
mod done;
mod memory;
mod movement;
mod proof;
mod report;
mod revocation;
mod search;
mod target;

use std::path::PathBuf;
use std::sync::Arc;

use tokenfleet::{Error, Result, RevocationEffect, RevokeOptions, Secret, TokenProvider};

use self::candidate::{Answer, Candidate};
use self::report::Report;
use super::{question, revoke, secret};
use crate::accounts::Accounts;
use crate::arguments::LocateArguments;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, print_error, print_warning};
use crate::rotations::{warnings_about_holders, warnings_about_secret};
use crate::secret_destination::SecretDestination;

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: LocateArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if arguments.revoke && !arguments.yes && !question::is_possible() {
        return Err(question::impossible().into());
    }
    let destination = replacement_destination(accounts, &arguments)?;
    let secret = read_secret(arguments.secret_env, arguments.secret_file).await?;
    let mut candidates = search::search(accounts, &secret, arguments.try_all).await;
    memory::recall(accounts, &mut candidates).await;
    if !arguments.revoke {
        let exit = exit_code(&candidates);
        return exit.after_writing(Report::new(&candidates, None).print(output));
    }
    for candidate in &candidates {
        if let Some(token) = &candidate.token {
            accounts.remember_name(&candidate.account, &token.id, &token.name);
        }
    }
    let mut consent = RevokeOptions::default();
    consent.accept_replacement = arguments.accept_replacement;
    consent.accept_cascade = arguments.accept_cascade;
    let is_confirmed = arguments.yes;
    let journals = accounts.journals();
    warn_about_places(accounts, &candidates, &secret).await;
    let to = (destination, journals);
    match revocation::revoke(&candidates, &secret, consent, is_confirmed, to).await {
        Ok(Some(revocations)) => {
            let written = Report::new(&candidates, Some(&revocations)).print(output);
            if let Err(error) = written.and_then(|()| output.flush()) {
                return Err(revocations.unwritten(error, journals).await);
            }
            revocations.written(journals).await;
            for error in revocations.errors() {
                print_error(requested_format, error);
            }
            match revocations.lost_secret() {
                Some(lost) => Err(lost),
                None => Ok(revocations.exit()),
            }
        }
        // Nothing can be revoked: the report says why, and the exit code what was found.
        Ok(None) => {
            exit_code(&candidates).after_writing(Report::new(&candidates, None).print(output))
        }
        Err(failure) => {
            Report::new(&candidates, None).print(output)?;
            Err(failure)
        }
    }
}

/// Warns of places that hold what is about to be revoked.
async fn warn_about_places(accounts: &Accounts, candidates: &[Candidate], secret: &Secret) {
    let mut warnings = Vec::new();
    for target in target::targets(candidates) {
        let provider = &**target.provider;
        warnings.extend(match target.token.cloned() {
            Some(token) => warnings_about_holders(accounts, provider, &[token]).await,
            None => warnings_about_secret(accounts, provider, secret).await,
        });
    }
    for provider in target::unproven(candidates).filter_map(|one| one.provider.as_ref()) {
        warnings.extend(warnings_about_secret(accounts, &**provider, secret).await);
    }
    warnings.iter().for_each(|warning| print_warning(warning));
}

/// Prepares the place of the new secret, if one of the accounts may issue one: before anything is
/// sent, because nobody knows yet which of them has the token.
fn replacement_destination(
    accounts: &Accounts,
    arguments: &LocateArguments,
) -> Result<Option<SecretDestination>> {
    // Without consent, no platform issues one.
    if !arguments.accept_replacement && arguments.place.to.is_none() {
        return Ok(None);
    }
    let opened: Vec<_> = accounts.open_each().into_iter().flatten().collect();
    let replaces = |provider: &&Arc<dyn TokenProvider>| {
        let revoke = provider.capabilities().revoke.as_ref();
        revoke.is_some_and(|revoke| revoke.effect == RevocationEffect::Replaced)
    };
    match opened.iter().find(replaces).or(opened.first()) {
        Some(one) => revoke::replacement_destination(&[(&**one, 1)], &arguments.place),
        None => Ok(None),
    }
}

/// Reads the secret from where the command line says, or else from a pipe on standard input.
async fn read_secret(variable: Option<String>, file: Option<PathBuf>) -> Result<Secret> {
    let file = match (&variable, file) {
        (None, None) => Some(PathBuf::from(secret::STANDARD_INPUT)),
        (_, file) => file,
    };
    let secret = secret::read_only_secret(variable, file).await?;
    let secret = secret.ok_or_else(|| Error::invalid_input("there is no secret to locate"))?;
    match secret.defect() {
        // Every platform would refuse it, although the token that was meant may be alive.
        Some(defect) => Err(Error::invalid_input(format!("the secret {defect}"))
            .with_advice("pass the token alone, as the platform issued it")),
        None => Ok(secret),
    }
}

/// Returns the exit code of a search.
fn exit_code(candidates: &[Candidate]) -> Exit {
    let any = |answer| candidates.iter().any(|one| one.answer == answer);
    if candidates.iter().any(|one| one.token.is_some()) {
        Exit::Success
    } else if any(Answer::Alive) || any(Answer::Unknown) {
        Exit::OutcomeUnknown
    } else if any(Answer::Failed) || candidates.iter().any(|one| one.waits_for_name) {
        Exit::Incomplete
    } else {
        Exit::NotFound
    }
}

#[cfg(test)]
mod tests {
    use tokenfleet::{Account, Token, TokenId, TokenState};

    use super::*;

    #[test]
    fn the_exit_code_says_the_most_that_is_known() {
        let found = Some(Token::new(TokenId::new("1"), TokenState::Active));
        for (answers, token, expected) in [
            (&[][..], None, Exit::NotFound),
            (&[Answer::NotAsked, Answer::Dead], None, Exit::NotFound),
            (&[Answer::Dead, Answer::Failed], None, Exit::Incomplete),
            (
                &[Answer::Failed, Answer::Unknown],
                None,
                Exit::OutcomeUnknown,
            ),
            (&[Answer::Alive, Answer::Failed], None, Exit::OutcomeUnknown),
            (&[Answer::Failed, Answer::Alive], found, Exit::Success),
        ] {
            let candidates = answers.iter().map(|answer| Candidate {
                answer: *answer,
                ..Candidate::new(&Account::new("losant", "iot"))
            });
            let mut candidates: Vec<_> = candidates.collect();
            if let Some(last) = candidates.last_mut() {
                last.token = token;
            }
            assert_eq!(exit_code(&candidates), expected, "{answers:?}");
        }
    }
}
