//! The checks and waivers of a configuration.

use std::path::{Path, PathBuf};

use tokenfleet::check::{Check, Waiver, Waivers};
use tokenfleet::config::{did_you_mean, quoted};
use tokenfleet::{Configuration, ConfigurationReader, Error, Result, Timestamp};

use crate::arguments::CheckArguments;
use crate::commands::judging::EXPIRING;

const WAIVERS: &str = "waivers";

/// The checks to carry out, and the waivers of all checks.
pub(super) struct Policies {
    pub(super) checks: Vec<Check>,
    pub(super) waivers: Waivers,
    /// `true` if the checks are all that are configured.
    pub(super) are_all: bool,
}

impl Policies {
    /// Reads every check and every waiver, and selects the checks that are named.
    pub(super) fn load(
        configuration: &Configuration,
        arguments: &CheckArguments,
        now: Timestamp,
    ) -> Result<Self> {
        let configured = checks(configuration, now).map_err(|error| configuration.locate(error))?;
        let names: Vec<_> = configured.iter().map(Check::name).collect();
        let waivers = waivers(configuration, arguments)?;
        let selected = |check: &&Check| {
            let named = arguments.names.iter().any(|name| name == check.name());
            named || arguments.names.is_empty()
        };
        for name in &arguments.names {
            if !names.contains(&name.as_str()) {
                let message = format!("unknown check{}", quoted(name, &names));
                return Err(Error::configuration(message).with_advice(did_you_mean(name, &names)));
            }
        }
        let checks: Vec<_> = configured.iter().filter(selected).cloned().collect();
        Ok(Self {
            are_all: checks.len() == configured.len(),
            checks,
            waivers: Waivers::new(waivers, now),
        })
    }
}

/// Reads every check. One that concerns no account at all is a mistake: it would always pass.
fn checks(configuration: &Configuration, now: Timestamp) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    for (name, settings) in configuration.named_tables("checks") {
        let check = Check::from_settings(name, settings.clone(), now)?;
        let mut accounts = configuration.accounts().iter();
        if !accounts.any(|account| check.concerns(account.account(), account.tags())) {
            return Err(settings.error("concerns no configured account"));
        }
        checks.push(check);
    }
    if checks.is_empty() {
        let advice = "add a table such as [checks.stale] with a line unused_for = \"90d\"; \
                      `tokenfleet help check` shows all rules";
        return Err(Error::configuration("no check is configured").with_advice(advice));
    }
    Ok(checks)
}

/// Reads the waivers that apply to the command `expiring`.
pub(in crate::commands) fn waivers_of_expiring(
    configuration: &Configuration,
    now: Timestamp,
) -> Result<Waivers> {
    let waivers = waivers_in_files(configuration, None, &[])?.into_iter();
    let waivers = waivers.filter(|waiver| waiver.check().is_none_or(|check| check == EXPIRING));
    Ok(Waivers::new(waivers.collect::<Vec<_>>(), now))
}

/// Finds a mistake in the checks and waivers of a configuration, which may have none.
pub(in crate::commands) fn validate(configuration: &Configuration) -> Result<()> {
    if configuration.named_tables("checks").next().is_some() {
        let checks = checks(configuration, Timestamp::now());
        checks.map_err(|error| configuration.locate(error))?;
    }
    waivers_in_files(configuration, None, &[]).map(drop)
}

/// Reads the waivers of the configuration, of its baseline and of other files.
fn waivers(configuration: &Configuration, arguments: &CheckArguments) -> Result<Vec<Waiver>> {
    let written = arguments.write_baseline.as_deref();
    waivers_in_files(configuration, written, &arguments.baseline)
}

fn waivers_in_files(
    configuration: &Configuration,
    written: Option<&Path>,
    files: &[PathBuf],
) -> Result<Vec<Waiver>> {
    let configured = configuration.named_tables("checks").map(|(name, _)| name);
    let checks: Vec<_> = configured.chain([EXPIRING]).collect();
    let checks = checks.as_slice();
    let mut waivers = waivers_of(configuration, checks)?;
    let own = baseline_of(configuration).map_err(|error| configuration.locate(error))?;
    // A baseline that is written for the first time accepts nothing yet.
    let is_written = |path: &&PathBuf| {
        let is_missing = matches!(path.try_exists(), Ok(false));
        is_missing && written.is_some_and(|written| is_same_place(path, written))
    };
    let own = own.iter().filter(|path| !is_written(path));
    for path in own.chain(files) {
        let baseline = ConfigurationReader::new()
            .with_named_tables(WAIVERS)
            .read(path)?;
        if !baseline.accounts().is_empty() {
            let error = Error::configuration("a baseline must contain only tables [waivers.NAME]");
            return Err(baseline.locate(error));
        }
        waivers.extend(waivers_of(&baseline, checks)?);
    }
    Ok(waivers)
}

fn waivers_of(configuration: &Configuration, checks: &[&str]) -> Result<Vec<Waiver>> {
    let tables = configuration.named_tables(WAIVERS);
    let waivers = tables.map(|(name, settings)| {
        let waiver = Waiver::from_settings(name, settings.clone())?;
        waiver.require_check(checks).map(|()| waiver)
    });
    waivers
        .collect::<Result<_>>()
        .map_err(|error| configuration.locate(error))
}

/// Returns the paths of the table `[baseline]`.
fn baseline_of(configuration: &Configuration) -> Result<Vec<PathBuf>> {
    let Some(mut settings) = configuration.table("baseline").cloned() else {
        return Ok(Vec::new());
    };
    let files = settings.texts("file")?;
    settings.clone().finish()?;
    if files.is_empty() {
        let error = settings.error("names no file");
        return Err(error.with_advice("write file = \"tokenfleet-baseline.toml\""));
    }
    Ok(files.iter().map(|file| settings.file_path(file)).collect())
}

/// Returns `true` if two paths to a file that need not exist are the same.
fn is_same_place(first: &Path, second: &Path) -> bool {
    let directory = |path: &Path| {
        let parent = path.parent().filter(|parent| *parent != Path::new(""));
        parent.unwrap_or(Path::new(".")).canonicalize().ok()
    };
    first.file_name() == second.file_name()
        && directory(first).is_some()
        && directory(first) == directory(second)
}
