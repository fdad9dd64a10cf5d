//! `annotate`: who owns a token, what it is for, and until when.

use std::sync::Arc;

use serde::Serialize;
use tokenfleet::query::NamePattern;
use tokenfleet::transport::Transport;
use tokenfleet::{AnnotatedToken, Annotation, Configuration, Error, Registry, Result, Timestamp};

use super::{is_simulated, reject_options};
use crate::annotations::AnnotationFile;
use crate::arguments::{AnnotateArguments, GlobalArguments};
use crate::configuration::{self, Trust};
use crate::exit::{Exit, Failure};
use crate::exposed_secret;
use crate::output::{Output, Results, print_note};
use crate::selection::{Selection, requested_names};

const COLUMNS: [&str; 7] = ["account", "id", "name", "owner", "team", "purpose", "until"];

#[derive(Serialize)]
struct Object<'a> {
    account: &'a str,
    id: Option<&'a str>,
    name: Option<&'a str>,
    owner: Option<&'a str>,
    team: Option<&'a str>,
    purpose: Option<&'a str>,
    until: Option<Timestamp>,
}

pub(crate) async fn run(
    global: &GlobalArguments,
    arguments: &AnnotateArguments,
    texts: &[(&'static str, &str)],
    registry: Registry,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let is_write = arguments.id.is_some() || arguments.name.is_some();
    reject_options(
        "annotate",
        &[
            ("--simulate", is_simulated(global)),
            // An annotation has one account, or a pattern of names.
            ("--provider", is_write && !global.providers.is_empty()),
            ("--tag", is_write && !global.tags.is_empty()),
            ("--read-only", is_write && global.read_only),
        ],
    )?;
    let configuration = configuration::load(global.config.as_deref(), Trust::Required)?;
    let file = AnnotationFile::new(&configuration)?;
    let token = match (&arguments.id, &arguments.name) {
        (Some(id), _) => AnnotatedToken::Id(id.clone()),
        (None, Some(name)) => AnnotatedToken::Name(name.clone()),
        (None, None) => {
            let selection = Selection::if_narrowed(&configuration, global)?;
            return list(&configuration, selection.as_ref(), &file, output);
        }
    };
    // Such an entry may be removed, but not added.
    if !arguments.remove {
        let transport: Arc<dyn Transport> = Arc::new(configuration.transport().await?);
        exposed_secret::check(texts, &configuration, &registry, &transport).await?;
    }
    let names = requested_names(global)?;
    let account = account(&configuration, &names)?;
    let mut annotation = Annotation::new(account, token);
    if arguments.remove {
        if file.remove(&annotation)? {
            return Ok(Exit::Success);
        }
        let message = format!("{} has no such annotation", file.path().display());
        print_note(&message);
        return Ok(Exit::NotFound);
    }
    annotation.owner.clone_from(&arguments.owner);
    annotation.team.clone_from(&arguments.team);
    annotation.purpose.clone_from(&arguments.purpose);
    annotation.until = arguments.until;
    file.set(&annotation)?;
    Ok(Exit::Success)
}

/// Returns the account of an annotation: all unless one is chosen, which must be configured.
fn account<'a>(configuration: &Configuration, chosen: &'a [String]) -> Result<&'a str> {
    match chosen {
        [] => Ok("*"),
        [name] if name.contains('*') => Ok(name),
        [name] => configuration.account(name).map(|_| name.as_str()),
        _ => Err(Error::invalid_input(
            "an annotation has one account; pass --account only once, with * for any characters",
        )),
    }
}

fn list(
    configuration: &Configuration,
    selection: Option<&Selection>,
    file: &AnnotationFile,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let annotations = file.read()?;
    let mut results = Results::with_columns(&COLUMNS);
    // An entry is of interest if it applies to one of the selected accounts.
    let is_shown = |entry: &&Annotation| {
        let pattern = NamePattern::Glob(entry.account.clone());
        selection.is_none_or(|selection| {
            let mut accounts = selection.of(configuration).into_iter();
            accounts.any(|account| pattern.matches(account.name()))
        })
    };
    for entry in annotations.entries().iter().filter(is_shown) {
        let (id, name) = match &entry.token {
            AnnotatedToken::Id(id) => (Some(id.as_str()), None),
            AnnotatedToken::Name(name) => (None, Some(name.as_str())),
            _ => (None, None),
        };
        let object = Object {
            account: &entry.account,
            id,
            name,
            owner: entry.owner.as_deref(),
            team: entry.team.as_deref(),
            purpose: entry.purpose.as_deref(),
            until: entry.until,
        };
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let row = vec![
            entry.account.clone(),
            text(id),
            text(name),
            text(object.owner),
            text(object.team),
            text(object.purpose),
            entry
                .until
                .map(|until| until.to_string())
                .unwrap_or_default(),
        ];
        results.add(output, &object, row)?;
    }
    results.finish(output)?;
    for entry in annotations.entries().iter().filter(is_shown) {
        let pattern = NamePattern::Glob(entry.account.clone());
        let mut names = configuration.accounts().iter();
        if !names.any(|account| pattern.matches(account.name())) {
            print_note(&format!(
                "no account is named {}: its annotation of {} applies to nothing",
                entry.account,
                entry.token.as_str()
            ));
        }
    }
    Ok(Exit::Success)
}
