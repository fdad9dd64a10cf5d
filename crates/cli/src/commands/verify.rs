//! `verify`: whether a secret is alive.

use serde::Serialize;
use tokenfleet::{Error, Liveness};

use super::secret;
use crate::accounts::Accounts;
use crate::arguments::SecretArguments;
use crate::output::Output;
use crate::stop::{Code, Stop};

#[derive(Serialize)]
struct LivenessObject {
    liveness: &'static str,
    reason: Option<String>,
}

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: SecretArguments,
    output: &mut Output,
) -> Result<Code, Stop> {
    let provider = accounts.one()?;
    let given = secret::referred_to(arguments.secret_env, arguments.secret_file)
        .await?
        .ok_or_else(|| Error::invalid_input("it is not said which secret to verify"))?;
    let (liveness, reason, code) = match provider.verify(&given).await? {
        Liveness::Alive => ("alive", None, Code::Well),
        Liveness::Dead => ("dead", None, Code::Refused),
        Liveness::Unknown { reason } => ("unknown", Some(reason), Code::OutcomeUnknown),
        other => ("unknown", Some(format!("{other:?}")), Code::OutcomeUnknown),
    };
    let row = vec![liveness.to_owned(), reason.clone().unwrap_or_default()];
    let object = LivenessObject { liveness, reason };
    code.if_written(output.value(&object, &["liveness", "reason"], row))
}
