//! Secrets that were typed in the place of a name or an id.
//!
//! A platform would show such a secret to everybody who lists its tokens, and a file would keep it.

use std::sync::Arc;

use tokenfleet::transport::Transport;
use tokenfleet::{Configuration, Error, Registry, Result, Secret, SecretShape};

use crate::arguments::{Command, CreateOptions};

/// The length below which a text is not compared with secrets: a short password may be an ordinary
/// word too.
const MIN_LENGTH: usize = 8;

/// A text of the command line that is sent or kept, with the name of its argument.
type Argument<'a> = (&'static str, &'a str);

/// Rejects a text that equals a configured secret or has the form of one.
///
/// Secrets that only a command tells are not read.
pub(crate) async fn check(
    arguments: &[Argument<'_>],
    configuration: &Configuration,
    registry: &Registry,
    transport: &Arc<dyn Transport>,
) -> Result<()> {
    let suspicious = arguments.iter().map(|(name, text)| (name, text.trim()));
    let suspicious: Vec<_> = suspicious
        .filter(|(_, text)| text.len() >= MIN_LENGTH)
        .collect();
    if suspicious.is_empty() {
        return Ok(());
    }
    let mut providers = Vec::new();
    for account in configuration.accounts() {
        let mut shapes = None;
        // All accounts of a provider judge alike.
        if !providers.contains(&account.provider()) {
            shapes = registry.open(account, Arc::clone(transport)).ok();
            providers.extend(shapes.as_ref().map(|_| account.provider()));
        }
        for (name, text) in &suspicious {
            let shape = shapes
                .as_ref()
                .map(|one| one.secret_shape(&Secret::new(*text)));
            if matches!(shape, Some(SecretShape::Recognized { .. })) && is_random(text) {
                let provider = account.provider();
                return Err(refusal(
                    name,
                    &format!("has the form of a secret of {provider}"),
                ));
            }
        }
        if account.runs_commands() {
            continue;
        }
        for credential in account.credentials() {
            let Ok(secret) = credential.secret().await else {
                continue;
            };
            let is_secret = |text: &str| Secret::new(text).is_same(&secret);
            if let Some((name, _)) = suspicious.iter().find(|(_, text)| is_secret(text)) {
                let account = account.account();
                return Err(refusal(
                    name,
                    &format!("is a configured secret of {account}"),
                ));
            }
        }
    }
    Ok(())
}

/// Returns `true` for a text with small and capital letters, as random ones have and names of the
/// same length rarely do.
fn is_random(text: &str) -> bool {
    let has = |is: fn(&u8) -> bool| text.bytes().any(|byte| is(&byte));
    has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)
}

fn refusal(argument: &str, problem: &str) -> Error {
    Error::invalid_input(format!("{argument} {problem}: nothing was sent"))
        .with_advice("replace that secret, because a command line exposes it")
}

impl Command {
    /// Returns the texts that a platform gets or that a file keeps, and that are no secrets.
    pub(crate) fn texts(&self) -> Vec<Argument<'_>> {
        match self {
            Self::Create(arguments) => texts_of_creation(&arguments.options),
            Self::Exec(arguments) => texts_of_creation(&arguments.options),
            Self::Update(arguments) => present([
                ("the id", Some(&arguments.id)),
                ("--name", arguments.name.as_ref()),
                ("--description", arguments.description.as_ref()),
            ]),
            Self::Show(arguments) => vec![("the id", &arguments.id)],
            Self::Rotate(arguments) => present([("the id", arguments.token())]),
            Self::Renew(arguments) => present([("the id", arguments.id.as_ref())]),
            Self::Revoke(arguments) => {
                let ids = arguments.ids.iter();
                ids.map(|id| ("the id", id.as_str())).collect()
            }
            // Platforms that filter get the name.
            Self::List(arguments) => present([("--name", arguments.list.name.as_ref())]),
            Self::Plan(arguments) => {
                let own_tokens = arguments.own_tokens.iter();
                let mut texts = present([("--name", arguments.list.name.as_ref())]);
                texts.extend(own_tokens.map(|id| ("--own-token", id.as_str())));
                texts
            }
            Self::Reconcile(arguments) => present([("--name", arguments.name.as_ref())]),
            Self::Annotate(arguments) => present([
                ("the id", arguments.id.as_ref()),
                ("--name", arguments.name.as_ref()),
                ("--owner", arguments.owner.as_ref()),
                ("--team", arguments.team.as_ref()),
                ("--purpose", arguments.purpose.as_ref()),
            ]),
            _ => Vec::new(),
        }
    }
}

fn texts_of_creation(options: &CreateOptions) -> Vec<Argument<'_>> {
    present([
        ("--name", options.name.as_ref()),
        ("--description", options.description.as_ref()),
    ])
}

fn present<'a, const N: usize>(
    arguments: [(&'static str, Option<&'a String>); N],
) -> Vec<Argument<'a>> {
    let arguments = arguments.into_iter();
    arguments
        .filter_map(|(name, text)| Some((name, text?.as_str())))
        .collect()
}
