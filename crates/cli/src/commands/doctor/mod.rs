//! `doctor`: the configuration, the credentials and the platforms, each checked once.

mod account_checks;
mod certificates;
mod finding;
mod ledger;
mod observing_transport;
mod rotation;
mod sinks;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokenfleet::config::cause_text;
use tokenfleet::transport::Transport;
use tokenfleet::{Configuration, Error, ErrorKind, Fate, Registry, Timestamp};
use tokio::sync::Semaphore;

use self::finding::{Check, Finding, Status};
use super::is_simulated;
use crate::accounts::Accounts;
use crate::annotations::AnnotationFile;
use crate::arguments::GlobalArguments;
use crate::audit::AuditLog;
use crate::configuration::{self, Trust, check_ownership, check_ownership_of, find, require};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::policies::Policies;
use crate::progress::with_progress;
use crate::rotations::Rotations;
use crate::schedules::Schedule;
use crate::selection::Selection;
use crate::sinks::Sinks;
use crate::{directories, program_name};

/// The number of accounts that are checked at a time.
const MAX_CONCURRENCY: usize = 64;

pub(crate) async fn run(
    global: &GlobalArguments,
    registry: Registry,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let mut findings = vec![state_directory()];
    if is_simulated(global) {
        let opened = configuration::open(global, Trust::NotNeeded).await?;
        let simulated = "the simulated platforms";
        findings.push(Finding::new(Check::Configuration, Status::Ok, simulated));
        check_accounts(&opened.configuration, true, global, registry, &mut findings).await?;
    } else if let Some((configuration, trusted)) = read(global, &mut findings) {
        if trusted {
            let examining = || "examining the ledger".to_owned();
            let examined = with_progress(examining, ledger::check(&configuration));
            findings.push(examined.await);
            findings.extend(ledger::check_operations(&configuration).await);
            findings.extend(ledger::check_accounts(&configuration).await);
        }
        check_accounts(&configuration, trusted, global, registry, &mut findings).await?;
    }
    Ok(finding::print(findings, output)?)
}

/// Finds and reads the configuration, and returns it together with whether it may be used.
fn read(global: &GlobalArguments, findings: &mut Vec<Finding>) -> Option<(Configuration, bool)> {
    let file = match find(global.config.as_deref()) {
        Ok(file) => file,
        Err(error) => {
            findings.push(Finding::failed(Check::Configuration, &error));
            return None;
        }
    };
    let described = format!("{}, {}", file.path.display(), file.reason());
    let is_named = file.is_named();
    if let Ok(metadata) = file.path.metadata()
        && metadata.is_file()
    {
        let checked = if is_named {
            check_ownership_of(&metadata, &file.path, "be sure that you trust them")
        } else {
            check_ownership(&metadata, &file.path)
        };
        match checked {
            Ok(()) => {
                let message = "only you can change the configuration";
                findings.push(Finding::new(Check::Permissions, Status::Ok, message));
            }
            // Somebody named it, and so vouches for it.
            Err(error) if is_named => {
                let finding = Finding::failed(Check::Permissions, &error);
                findings.push(finding.with_status(Status::Warning));
            }
            Err(error) => {
                findings.push(Finding::failed(Check::Permissions, &error));
                return None;
            }
        }
    }
    let loaded = match file.read() {
        Ok(loaded) => loaded,
        Err(error) => {
            findings.push(Finding::failed(Check::Configuration, &error));
            return None;
        }
    };
    findings.push(Finding::new(Check::Configuration, Status::Ok, described));
    let trusted = match require(&loaded) {
        Ok(()) => true,
        Err(error) => {
            findings.push(Finding::failed(Check::Trust, &error));
            false
        }
    };
    findings.push(policies(&loaded.configuration));
    Some((loaded.configuration, trusted))
}

/// Checks the tables that no account needs: a mistake there would stop another command.
fn policies(configuration: &Configuration) -> Finding {
    let check = || {
        super::check::validate(configuration)?;
        AuditLog::new(configuration)?;
        Schedule::read_all(configuration)?;
        AnnotationFile::new(configuration)?.read()
    };
    match check() {
        Ok(_) => {
            let message = "the tables [checks], [waivers], [baseline], [schedules], [audit] and \
                           [annotations] have no mistakes";
            Finding::new(Check::Policies, Status::Ok, message)
        }
        Err(error) => Finding::failed(Check::Policies, &error),
    }
}

/// Checks the network settings and the selected accounts, at once. Of a configuration that is not
/// trusted no credential is read.
async fn check_accounts(
    configuration: &Configuration,
    trusted: bool,
    global: &GlobalArguments,
    registry: Registry,
    findings: &mut Vec<Finding>,
) -> Result<(), Failure> {
    let selection = match Selection::new(configuration, global) {
        Ok(selection) => selection,
        Err(error) if configuration.accounts().is_empty() => {
            findings.retain(|finding| finding.check != Check::Configuration);
            findings.push(Finding::failed(Check::Configuration, &error));
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    if !trusted {
        return Ok(());
    }
    let warnings = configuration.transport_warnings().into_iter();
    findings.extend(warnings.map(|text| Finding::new(Check::Permissions, Status::Warning, text)));
    findings.extend(certificates::check(configuration, Timestamp::now()));
    let transport: Option<Arc<dyn Transport>> = match configuration.transport().await {
        Ok(transport) => Some(Arc::new(transport)),
        Err(error) => {
            findings.push(Finding::failed(Check::Network, &error));
            None
        }
    };
    let permits = Arc::new(Semaphore::new(MAX_CONCURRENCY));
    let accounts = selection.of(configuration).into_iter();
    let checks: Vec<_> = accounts
        .map(|account| {
            let (account, registry) = (account.clone(), registry.clone());
            let (transport, permits) = (transport.clone(), Arc::clone(&permits));
            let name = account.account().clone();
            let check = tokio::spawn(async move {
                let _permit = permits.acquire_owned().await;
                account_checks::check(account, registry, transport).await
            });
            (name, check)
        })
        .collect();
    let total = checks.len();
    let done = AtomicUsize::new(0);
    let progress = || {
        format!(
            "checking, {} of {total} accounts",
            done.load(Ordering::Relaxed)
        )
    };
    let all = with_progress(progress, async {
        let mut all = Vec::new();
        for (account, check) in checks {
            let found = check.await.unwrap_or_else(|_| {
                let error = Error::new(ErrorKind::Other, Fate::Rejected, "the check was not done");
                vec![Finding::failed(Check::Settings, &error).about(&account)]
            });
            all.extend(found);
            done.fetch_add(1, Ordering::Relaxed);
        }
        all
    });
    findings.extend(all.await);
    let (sinks, policies) = match read_deliveries(configuration) {
        Ok(read) => read,
        Err(finding) => {
            findings.push(finding);
            return Ok(());
        }
    };
    // Simulated platforms have neither, and no ledger.
    if let Some(transport) = transport.filter(|_| !is_simulated(global)) {
        let examining = || "examining the sinks and policies".to_owned();
        let accounts = Accounts::to_read(configuration, global, registry, transport)?;
        let deliveries = check_deliveries(&accounts, &sinks, &policies);
        findings.extend(with_progress(examining, deliveries).await);
    }
    Ok(())
}

fn read_deliveries(configuration: &Configuration) -> Result<(Sinks, Policies), Finding> {
    let sinks = Sinks::read(configuration);
    let sinks = sinks.map_err(|error| Finding::failed(Check::Sinks, &error))?;
    let policies = Policies::read(configuration, &sinks);
    let policies = policies.map_err(|error| Finding::failed(Check::Rotation, &error))?;
    Ok((sinks, policies))
}

/// Checks the sinks, and the policies of the selected accounts.
async fn check_deliveries(accounts: &Accounts, sinks: &Sinks, policies: &Policies) -> Vec<Finding> {
    let mut findings = sinks::check(sinks, policies, accounts.transport()).await;
    let rotations = match Rotations::open_existing(accounts).await {
        Ok(rotations) => rotations,
        Err(error) => {
            let has_policies = policies.iter().next().is_some();
            findings.extend(has_policies.then(|| Finding::failed(Check::Rotation, &error)));
            return findings;
        }
    };
    match rotation::check_open(&rotations, policies).await {
        Ok(lost) => findings.extend(lost),
        Err(error) => findings.push(Finding::failed(Check::Rotation, &error)),
    }
    for account in accounts.selected() {
        findings.extend(rotation::check(account, &rotations, policies).await);
    }
    findings
}

/// Checks that the directory of what the program remembers can be written. It need not exist yet.
fn state_directory() -> Finding {
    let advice = format!(
        "set XDG_STATE_HOME to a directory that {} can write to",
        program_name::get()
    );
    let directory = match directories::state_directory() {
        Ok(directory) => directory,
        Err(error) => return Finding::failed(Check::StateDirectory, &error).with_advice(advice),
    };
    let existing = directory.ancestors().find(|path| path.exists());
    let written = tempfile::Builder::new()
        .prefix(".")
        .tempfile_in(existing.unwrap_or(Path::new("/")));
    match written {
        Ok(_) => {
            let message = directory.display().to_string();
            Finding::new(Check::StateDirectory, Status::Ok, message)
        }
        Err(error) => {
            // Its text names the temporary file.
            let cause = std::io::Error::from(error.kind());
            let message = format!(
                "cannot write to {}: {}",
                directory.display(),
                cause_text(&cause)
            );
            Finding::new(Check::StateDirectory, Status::Failed, message).with_advice(advice)
        }
    }
}
