//! `trust`: the configurations that may decide where credentials are sent.

use serde::Serialize;
use tokenfleet::{Error, ErrorKind, Fate};

use super::{is_simulated, reject_options};
use crate::arguments::{GlobalArguments, TrustArguments};
use crate::configuration::{Entry, TrustStore, read_owned, reasons};
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, Results};

const COLUMNS: [&str; 2] = ["file", "state"];

#[derive(Serialize)]
struct FileObject<'a> {
    file: &'a str,
    state: &'static str,
    /// The reasons for which the configuration needs trust, one line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
}

#[derive(Serialize)]
struct FilesObject<'a> {
    files: Vec<FileObject<'a>>,
}

pub(crate) fn run(
    global: &GlobalArguments,
    arguments: &TrustArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    reject_options(
        "trust",
        &[
            ("--config", global.config.is_some()),
            ("--account", !global.accounts.is_empty()),
            ("--provider", !global.providers.is_empty()),
            ("--tag", !global.tags.is_empty()),
            ("--simulate", is_simulated(global)),
        ],
    )?;
    let store = TrustStore::open()?;
    if arguments.list {
        return list(&store, output);
    }
    let path = arguments.file.as_path();
    let shown = path.display().to_string();
    if arguments.remove {
        if !store.remove(path)? {
            let message = format!("{shown} was not trusted");
            return Err(Error::new(ErrorKind::NotFound, Fate::NotSent, message).into());
        }
        return print(&shown, "removed", Vec::new(), output);
    }
    let (configuration, content) = read_owned(path)?;
    store.add(path, &content)?;
    print(&shown, "trusted", reasons(&configuration), output)
}

fn print(
    file: &str,
    state: &'static str,
    reasons: Vec<String>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if output.format() == Format::Table {
        let mut lines = vec![format!("{file}: {state}")];
        if state == "trusted" && reasons.is_empty() {
            lines
                .push("  it sends nothing to an address of its own and runs no command".to_owned());
        }
        lines.extend(reasons.iter().map(|reason| format!("  {reason}")));
        output.sentences(4, lines)?;
    } else {
        let row = vec![file.to_owned(), state.to_owned()];
        let object = FileObject {
            file,
            state,
            reasons,
        };
        output.value(&object, &COLUMNS, row)?;
    }
    Ok(Exit::Success)
}

fn list(store: &TrustStore, output: &mut Output) -> Result<Exit, Failure> {
    let entries = store.entries()?;
    let files = entries.iter().map(|entry| FileObject {
        file: &entry.path,
        state: state(entry),
        reasons: Vec::new(),
    });
    if output.format() == Format::Json {
        let files = files.collect();
        output.object(&FilesObject { files })?;
    } else {
        let mut results = Results::with_columns(&COLUMNS);
        for file in files {
            let row = vec![file.file.to_owned(), file.state.to_owned()];
            results.add(output, &file, row)?;
        }
        results.finish(output)?;
    }
    Ok(Exit::Success)
}

fn state(entry: &Entry) -> &'static str {
    match entry.is_unchanged {
        Some(true) => "trusted",
        Some(false) => "changed",
        None => "missing",
    }
}
