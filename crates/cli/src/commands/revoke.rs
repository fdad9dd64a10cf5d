//! `revoke`: dead tokens.

use std::io::{self, BufRead, IsTerminal, Write};

use serde::Serialize;
use tokenfleet::{
    Call, Error, Operation, Result, Revocation, RevocationEffect, RevokeOptions, Secret, TokenId,
    TokenProvider, TokenRef,
};

use super::secret;
use super::write::{Subject, Unfinished, finish};
use crate::accounts::Accounts;
use crate::arguments::RevokeArguments;
use crate::output::{Format, Output, Results, TokenObject, complain, of_id, visible};
use crate::stop::{Code, Stop};

/// The columns; the last two where killing means replacing.
const NAMES: [&str; 5] = [
    "id",
    "outcome",
    "effect",
    "replacement_id",
    "replacement_secret",
];

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
        check(&*provider, *token, &options)?;
    }
    if !arguments.yes && !agreed(&*provider, &ids, secret.as_ref())? {
        return Err(Error::invalid_input("nothing was revoked")
            .with_account(account)
            .into());
    }
    let mut printer = Printer::new(&*provider, output.format());
    let mut codes = Vec::new();
    // An output that cannot be written must not keep the other tokens alive.
    let mut unwritten = None;
    for (place, token) in tokens.iter().enumerate() {
        let revoking = provider.revoke(*token, options);
        let done = finish(&*provider, Operation::Revoke, subject(*token), revoking).await;
        match done {
            Ok(revocation) => {
                codes.push(Code::Well);
                if let Err(stop) = printer.print(output, &*provider, &revocation) {
                    unwritten.get_or_insert(stop);
                }
            }
            Err(Unfinished::Failed(error)) => {
                complain(asked_for, &error);
                codes.push(Code::of(&error));
            }
            Err(Unfinished::Stopped(error)) => {
                complain(asked_for, &error);
                codes.push(Code::of(&error));
                if let Some(untried) = ids.get(place + 1..).filter(|ids| !ids.is_empty()) {
                    let message = format!("not tried: {}", list(untried));
                    complain(
                        asked_for,
                        &Error::invalid_input(message).with_account(account),
                    );
                }
                break;
            }
        }
    }
    let written = printer.results.finish(output).map_err(Stop::from);
    // One verdict a token was printed; the code is that on which all of them agree.
    match (Code::of_all(codes), unwritten.or(written.err())) {
        (Code::Well, Some(stop)) => Err(stop),
        (_, Some(stop @ Stop::Failed(_))) => Err(stop),
        (code, _) => Ok(code),
    }
}

fn check(provider: &dyn TokenProvider, token: TokenRef<'_>, options: &RevokeOptions) -> Result<()> {
    // Only consent can be missing once the rest is right.
    let consent = RevokeOptions::accepting_replacement();
    let capabilities = provider.capabilities();
    let checked = capabilities
        .check(Call::Revoke(token, &consent))
        .and_then(|()| {
            let checked = capabilities.check(Call::Revoke(token, options));
            checked.map_err(|error| {
                error.with_advice(
                    "agree with --accept-replacement, and store or discard the new secret",
                )
            })
        });
    checked.map_err(|error| subject(token).of(error).with_account(provider.account()))
}

fn subject<'a>(token: TokenRef<'a>) -> Subject<'a> {
    match token {
        TokenRef::Id(id) => Subject::Id(id),
        _ => Subject::Unnamed,
    }
}

fn list(ids: &[TokenId]) -> String {
    let ids: Vec<_> = ids.iter().map(of_id).collect();
    ids.join(", ")
}

/// Asks the person at the terminal; where there is none, `--yes` is the only way to agree.
fn agreed(provider: &dyn TokenProvider, ids: &[TokenId], secret: Option<&Secret>) -> Result<bool> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(
            Error::invalid_input("there is no terminal to ask whether to revoke")
                .with_account(provider.account())
                .with_operation(Operation::Revoke)
                .with_advice("agree with --yes"),
        );
    }
    let question = visible(&question(provider, ids, secret));
    let mut answer = String::new();
    // An answer that cannot be read is a no.
    let _ = io::stderr().write_all(question.as_bytes());
    let _ = io::stdin().lock().read_line(&mut answer);
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Which tokens die, and what remains of them.
fn question(provider: &dyn TokenProvider, ids: &[TokenId], secret: Option<&Secret>) -> String {
    let what = match (secret, ids) {
        (Some(_), _) => "the token with that secret".to_owned(),
        (None, [id]) => format!("the token {}", of_id(id)),
        (None, ids) => format!("{} tokens ({})", ids.len(), list(ids)),
    };
    let effect = provider.capabilities().revoke.as_ref();
    let remains = match effect.map(|revoke| revoke.effect) {
        Some(RevocationEffect::Deleted) => "; nothing remains",
        Some(RevocationEffect::Marked) => "; the record remains, marked as revoked",
        Some(RevocationEffect::Replaced) => "; a new secret takes its place",
        _ => "",
    };
    format!(
        "Revoke {what} of {} for good{remains}? [y/N] ",
        provider.account()
    )
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

/// Prints one revocation after another.
struct Printer {
    results: Results,
    columns: usize,
}

impl Printer {
    fn new(provider: &dyn TokenProvider, format: Format) -> Self {
        let revoke = provider.capabilities().revoke.as_ref();
        let replaces = revoke.is_some_and(|revoke| revoke.effect == RevocationEffect::Replaced);
        // People get the new token on lines of its own: no table may cut its secret.
        let columns = if replaces && format != Format::Table {
            5
        } else {
            3
        };
        Self {
            results: Results::under(&NAMES[..columns]),
            columns,
        }
    }

    fn print(
        &mut self,
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
        let text = |id: &TokenId| id.to_string();
        let mut row = vec![
            revocation.id.as_ref().map(text).unwrap_or_default(),
            outcome.to_owned(),
            effect.to_owned(),
        ];
        if self.columns > row.len() {
            row.push(issued.map(|new| text(&new.token.id)).unwrap_or_default());
            let secret = issued.map(|new| new.secret.expose().to_owned());
            row.push(secret.unwrap_or_default());
        }
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
