//! `verify`: a check whether a secret is alive.

use serde::Serialize;
use tokenfleet::{Error, Liveness};

use super::secret;
use crate::accounts::Accounts;
use crate::arguments::VerifyArguments;
use crate::exit::{Exit, Failure};
use crate::output::Output;

#[derive(Serialize)]
struct LivenessObject {
    liveness: &'static str,
    reason: Option<String>,
}

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: VerifyArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let provider = accounts.single()?;
    let secret = secret::read_secret(arguments.secret_env, arguments.secret_file)
        .await?
        .ok_or_else(|| {
            Error::invalid_input("there is no secret to verify")
                .with_advice("pass it with --secret-env or --secret-file")
        })?;
    let (liveness, reason, exit) = match provider.verify(&secret).await? {
        Liveness::Alive => ("alive", None, Exit::Success),
        Liveness::Dead => ("dead", None, Exit::AnswerIsNo),
        Liveness::Unknown { reason } => ("unknown", Some(reason), Exit::OutcomeUnknown),
        other => ("unknown", Some(format!("{other:?}")), Exit::OutcomeUnknown),
    };
    let row = vec![liveness.to_owned(), reason.clone().unwrap_or_default()];
    let object = LivenessObject { liveness, reason };
    exit.after_writing(output.value(&object, &["liveness", "reason"], row))
}
