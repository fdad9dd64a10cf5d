//! `revoke`: dead tokens.

use std::io::{self, BufRead, IsTerminal, Write};

use serde::Serialize;
use tokenfleet::{
    Account, Call, Error, Operation, Result, Revocation, RevokeOptions, Secret, TokenId,
    TokenProvider, TokenRef,
};

use super::secret;
use crate::accounts::Accounts;
use crate::arguments::RevokeArguments;
use crate::output::{Format, Output, TokenObject, complain, visible};
use crate::stop::{Code, Stop};

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: RevokeArguments,
    asked_for: Option<Format>,
    output: &mut Output,
) -> Result<Code, Stop> {
    let provider = accounts.one()?;
    let account = provider.account();
    let secret = secret::referred_to(arguments.secret_env, arguments.secret_file).await?;
    let ids: Vec<_> = arguments.ids.into_iter().map(TokenId::new).collect();
    let tokens: Vec<TokenRef<'_>> = match &secret {
        Some(secret) => vec![secret.into()],
        None => ids.iter().map(TokenRef::from).collect(),
    };
    let options = match arguments.accept_replacement {
        true => RevokeOptions::accepting_replacement(),
        false => RevokeOptions::default(),
    };
    // What cannot work is refused before anybody is asked to agree to it.
    for token in &tokens {
        let call = Call::Revoke(*token, &options);
        let refused = provider.capabilities().check(call);
        refused.map_err(|error| error.with_account(account))?;
    }
    if !arguments.yes && !agreed(account, &ids, secret.as_ref())? {
        return Err(Error::invalid_input("nothing was revoked")
            .with_account(account)
            .into());
    }
    let mut codes = Vec::new();
    for token in tokens {
        match provider.revoke(token, options).await {
            Ok(revocation) => {
                print(output, &*provider, &revocation)?;
                codes.push(Code::Well);
            }
            Err(error) => {
                complain(asked_for, &error);
                codes.push(Code::of(&error));
            }
        }
    }
    // One verdict a token was printed; the code is that of the failures.
    Ok(Code::of_all(
        codes.into_iter().filter(|code| *code != Code::Well),
    ))
}

/// Asks the person at the terminal; where there is none, `--yes` is the only way to agree.
fn agreed(account: &Account, ids: &[TokenId], secret: Option<&Secret>) -> Result<bool> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(
            Error::invalid_input("there is no terminal to ask whether to revoke")
                .with_account(account)
                .with_operation(Operation::Revoke)
                .with_advice("agree with --yes"),
        );
    }
    let what = match (secret, ids) {
        (Some(_), _) => "the token with that secret".to_owned(),
        (None, [id]) => format!("the token {id}"),
        (None, ids) => format!("{} tokens", ids.len()),
    };
    let question = visible(&format!("Revoke {what} of {account} for good? [y/N] "));
    let mut answer = String::new();
    // An answer that cannot be read is a no.
    let _ = io::stderr().write_all(question.as_bytes());
    let _ = io::stdin().lock().read_line(&mut answer);
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// `{"outcome","effect","id"}`, and the token that took the place where there is one: else nobody would hold its secret.
#[derive(Serialize)]
struct RevocationObject<'a> {
    outcome: &'static str,
    effect: &'static str,
    id: Option<&'a TokenId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replacement: Option<TokenObject<'a>>,
}

fn print(
    output: &mut Output,
    provider: &dyn TokenProvider,
    revocation: &Revocation,
) -> Result<(), Stop> {
    let account = provider.account();
    let (outcome, effect) = (revocation.outcome.as_str(), revocation.effect.as_str());
    let issued = revocation.replacement.as_ref();
    let object = RevocationObject {
        outcome,
        effect,
        id: revocation.id.as_ref(),
        replacement: issued
            .map(|issued| TokenObject::new(account, &issued.token, Some(&issued.secret))),
    };
    let id = revocation.id.as_ref().map(TokenId::to_string);
    let row = vec![
        id.unwrap_or_default(),
        outcome.to_owned(),
        effect.to_owned(),
    ];
    let written = output
        .value(&object, &["id", "outcome", "effect"], &[row])
        .and_then(|()| match (issued, output.format()) {
            (Some(issued), Format::Table | Format::Csv) => {
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
