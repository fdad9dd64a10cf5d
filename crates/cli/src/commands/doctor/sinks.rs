//! Checks of the sinks: whether each can be read, and whose secret it holds.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokenfleet::transport::Transport;
use tokenfleet::{Error, ErrorKind, Fate, Result};
use tokenfleet_rotation::sink::{Readable, SecretSink, SinkState};

use super::account_checks::bounded;
use super::finding::{Check, Finding, Status};
use crate::atomic_file::{PartialFile, follow_links, left_partial};
use crate::file_owner::is_open_to_others;
use crate::policies::Policies;
use crate::sinks::{EXAMPLE, Sinks, is_filled_in};
use crate::written_place::WrittenPlace;

/// Checks the sinks of the configuration and those that only a policy names. All are read at once.
pub(super) async fn check(
    sinks: &Sinks,
    policies: &Policies,
    transport: &Arc<dyn Transport>,
) -> Vec<Finding> {
    let mut templates = Vec::new();
    let configured = sinks
        .iter()
        .map(|sink| WrittenPlace::configured(sink.name()));
    templates.extend(configured.filter_map(|place| sinks.template(&place).ok()));
    for template in policies.iter().flat_map(|policy| &policy.config.sinks) {
        if !templates.contains(template) {
            templates.push(template.clone());
        }
    }
    let mut reads = Vec::new();
    for template in templates {
        let sink = sinks.open_example(&template, transport).await;
        reads.push((template.clone(), tokio::spawn(examine(template, sink))));
    }
    let mut findings = Vec::new();
    for (template, read) in reads {
        findings.push(read.await.unwrap_or_else(|_| {
            let message = format!("{template}: the check was not done");
            let error = Error::new(ErrorKind::Other, Fate::Rejected, message);
            Finding::failed(Check::Sinks, &error)
        }));
    }
    findings
}

/// Examines a sink, and the directory of a file for what a killed write has left there.
pub(super) async fn examine(template: String, sink: Result<Arc<dyn SecretSink>>) -> Finding {
    let left = sink.as_ref().ok().and_then(|sink| left_behind(&**sink));
    let finding = examine_place(template.clone(), sink).await;
    match left {
        Some(left) if matches!(finding.status, Status::Ok | Status::Skipped) => {
            let path = left.path.display();
            let Some(operation) = left.operation else {
                let message = format!("{template}: a write that was killed has left {path}");
                let finding = Finding::new(Check::Sinks, Status::Warning, message);
                return finding
                    .with_advice("it may hold a secret: remove it, unless somebody needs that");
            };
            let message = format!(
                "{template}: the operation {operation} was killed while it delivered, and has left \
                 {path} with a secret"
            );
            let finding = Finding::new(Check::Sinks, Status::Warning, message);
            finding.with_advice("remove it, or let the next delivery to this place remove it")
        }
        _ => finding,
    }
}

/// Returns a file that a write of this place has left behind, which is not under way any more.
fn left_behind(sink: &dyn SecretSink) -> Option<PartialFile> {
    const LONGEST_WRITE: Duration = Duration::from_secs(10 * 60);

    match sink.place().parse() {
        Ok(WrittenPlace::File(path) | WrittenPlace::EnvFile(path, _)) => {
            let path = follow_links(&path);
            left_partial(&path, LONGEST_WRITE).into_iter().next()
        }
        _ => None,
    }
}

async fn examine_place(template: String, sink: Result<Arc<dyn SecretSink>>) -> Finding {
    let sink = match sink {
        Ok(sink) => sink,
        Err(error) => return Finding::failed(Check::Sinks, &error),
    };
    let found =
        |status, what: &str| Finding::new(Check::Sinks, status, format!("{template}: {what}"));
    let capabilities = sink.capabilities();
    let is_filled_in = is_filled_in(&template);
    let is_directory_known = !is_filled_in || !has_example_directory(&*sink);
    if is_directory_known && let Err(error) = bounded(sink.check()).await {
        let may_be_others = is_filled_in && is_refusal(&error);
        let status = if may_be_others {
            Status::Warning
        } else {
            Status::Failed
        };
        return failed(&template, &error).with_status(status);
    }
    if capabilities.readable == Readable::Nothing {
        let what = "a command without a check: its program is there, and what it stores is not \
                    known";
        return found(Status::Skipped, what);
    }
    if is_filled_in && capabilities.readable == Readable::Stamp {
        let what = "each token has a place of its own; the programs are there, and were not run";
        return found(Status::Skipped, what);
    }
    // Nothing asks an API server what a credential may do.
    let unasked = match sink.place().starts_with("kubernetes:") {
        true => ", and whether it may be written is not checked",
        false => "",
    };
    if is_directory_known && let Some(folder) = open_folder(&*sink) {
        let what = format!(
            "others may put files of their own into {}, and would get the secret",
            folder.display()
        );
        let advice = "let only the user of the rotations write there (chmod go-w)";
        return found(Status::Warning, &what).with_advice(advice);
    }
    match bounded(sink.read()).await {
        Err(error) => {
            let status = if is_filled_in && is_refusal(&error) {
                Status::Warning
            } else {
                Status::Failed
            };
            failed(&template, &error).with_status(status)
        }
        Ok(_) if is_filled_in => {
            let what = format!("can be read{unasked}; each token has a place of its own");
            found(Status::Ok, &what)
        }
        Ok(state) if state.is_foreign() && !capabilities.adopts => {
            let finding = found(Status::Warning, "holds a secret that no rotation wrote");
            finding.with_advice("set adopt = true to let a rotation replace it")
        }
        Ok(state) => found(Status::Ok, &format!("{}{unasked}", holding(&state))),
    }
}

/// Creates the finding of a sink that cannot be used. A sink is only read here.
fn failed(template: &str, error: &Error) -> Finding {
    let finding = Finding::failed(Check::Sinks, error).without_operation(error);
    finding.with_message_prefix(template)
}

/// Returns whose secret a sink holds, without the secret.
fn holding(state: &SinkState) -> String {
    match &state.stamp {
        Some(stamp) => format!(
            "holds the secret of token {}, written by operation {}",
            stamp.token(),
            stamp.operation()
        ),
        None if state.secret.is_some() => {
            "holds a secret that no rotation wrote, and may replace it".to_owned()
        }
        None => "holds no secret of a rotation yet".to_owned(),
    }
}

/// Returns `true` if the server may allow the names of other tokens than the one that was made up.
/// One that does not know the credential at all allows none.
fn is_refusal(error: &Error) -> bool {
    const UNAUTHORIZED: u16 = 401;

    let is_refused = matches!(
        error.kind(),
        ErrorKind::Unauthenticated | ErrorKind::PermissionDenied
    );
    is_refused && error.status() != Some(UNAUTHORIZED)
}

/// Returns the folder of a file if others may write it.
fn open_folder(sink: &dyn SecretSink) -> Option<PathBuf> {
    match sink.place().parse() {
        Ok(WrittenPlace::File(path) | WrittenPlace::EnvFile(path, _)) => {
            let folder = follow_links(&path).parent()?.to_owned();
            is_open_to_others(&folder).then_some(folder)
        }
        _ => None,
    }
}

/// Returns `true` for a file whose directory depends on the token, which was made up.
fn has_example_directory(sink: &dyn SecretSink) -> bool {
    match sink.place().parse() {
        Ok(WrittenPlace::File(path) | WrittenPlace::EnvFile(path, _)) => {
            let directory = path.parent().and_then(|directory| directory.to_str());
            directory.is_some_and(|directory| directory.contains(EXAMPLE))
        }
        _ => false,
    }
}
