//! One table `[sinks.NAME]` of the configuration.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokenfleet::config::{Settings, did_you_mean, quoted};
use tokenfleet::{Error, Result};

use super::server::Server;
use super::variables;

/// The kinds of sinks, as they are written.
const KINDS: [&str; 5] = ["command", "env-file", "file", "kubernetes", "kv2"];

/// A configured sink. Its texts may have variables in them.
#[derive(Debug)]
pub(crate) struct SinkTable {
    pub(super) name: String,
    pub(super) adopts: bool,
    pub(super) target: Target,
}

/// The place of a sink, with variables that are filled in for each token.
#[derive(Debug, Clone)]
pub(super) enum Target {
    File(String),
    EnvFile {
        path: String,
        variable: String,
    },
    Command {
        run: Vec<String>,
        check: Vec<String>,
        timeout: Option<Duration>,
    },
    Kv2 {
        server: Arc<Server>,
        mount: String,
        path: String,
        field: String,
    },
    Kubernetes {
        /// The server, or `None` for that of the cluster that the program runs in.
        server: Option<Arc<Server>>,
        namespace: String,
        name: String,
        key: String,
    },
}

impl SinkTable {
    pub(super) fn read(name: &str, settings: &Settings) -> Result<Self> {
        let mut settings = settings.clone();
        if !crate::written_place::is_name(name) {
            let error = settings.error("has a name that a sink cannot have");
            return Err(error.with_advice("use letters, digits, hyphens, underscores and dots"));
        }
        let read = Self::from_settings(name, &mut settings);
        // A key that seems to be missing may be there but misspelled.
        let table = read.map_err(|error| settings.misspelled_key().unwrap_or(error))?;
        settings.finish()?;
        Ok(table)
    }

    fn from_settings(name: &str, settings: &mut Settings) -> Result<Self> {
        let kind = settings.required_text("kind")?;
        let adopts = settings.boolean("adopt")?.unwrap_or_default();
        let target = match kind.as_str() {
            "file" => Target::File(path(settings)?),
            "env-file" => Target::EnvFile {
                path: path(settings)?,
                variable: template(settings, "variable")?,
            },
            "command" => Target::Command {
                run: command(settings, "run")?.ok_or_else(|| {
                    let error = settings.error("needs the key `run`");
                    error.with_advice("write run = [\"PROGRAM\", \"ARGUMENT\"]")
                })?,
                check: command(settings, "check")?.unwrap_or_default(),
                timeout: settings.timeout("timeout")?,
            },
            "kv2" => Target::Kv2 {
                server: Arc::new(Server::for_kv2(settings)?),
                mount: template(settings, "mount")?,
                path: template(settings, "path")?,
                field: template(settings, "field")?,
            },
            "kubernetes" => Target::Kubernetes {
                server: Server::for_kubernetes(settings)?.map(Arc::new),
                namespace: template(settings, "namespace")?,
                name: template(settings, "name")?,
                key: template(settings, "key")?,
            },
            other => {
                let message = format!(
                    "{} is an unknown kind{}",
                    settings.place("kind"),
                    quoted(other, &KINDS)
                );
                return Err(Error::configuration(message).with_advice(did_you_mean(other, &KINDS)));
            }
        };
        Ok(Self {
            name: name.to_owned(),
            adopts,
            target,
        })
    }

    /// Returns the name of the sink.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the variables that the sink uses.
    pub(super) fn variables(&self) -> BTreeSet<&'static str> {
        self.target.variables()
    }
}

impl Target {
    fn variables(&self) -> BTreeSet<&'static str> {
        let texts = self.texts();
        texts.into_iter().flat_map(variables::used_in).collect()
    }

    /// Returns the texts that name the place.
    fn texts(&self) -> Vec<&str> {
        match self {
            Self::File(path) => vec![path],
            Self::EnvFile { path, variable } => vec![path, variable],
            Self::Command { run, check, .. } => {
                run.iter().chain(check).map(String::as_str).collect()
            }
            Self::Kv2 {
                mount, path, field, ..
            } => vec![mount, path, field],
            Self::Kubernetes {
                namespace,
                name,
                key,
                ..
            } => vec![namespace, name, key],
        }
    }

    /// Returns the place as it is written down. The path of a file is one that leads there,
    /// whatever its links lead to later.
    pub(super) fn location(&self) -> String {
        let written = |path: &str| absolute(path.as_ref()).to_string_lossy().into_owned();
        match self {
            Self::File(path) => format!("file:{}", written(path)),
            Self::EnvFile { path, variable } => format!("env-file:{}#{variable}", written(path)),
            Self::Command { run, .. } => location_of_command(run),
            Self::Kv2 { .. } | Self::Kubernetes { .. } => self.identity(),
        }
    }

    /// Returns the place in a form that is equal for two sinks of one place, with its variables.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::File(path) => format!("file:{}", real(path)),
            Self::EnvFile { path, variable } => format!("env-file:{}#{variable}", real(path)),
            Self::Command { run, .. } => format!("command:{run:?}"),
            Self::Kv2 {
                server,
                mount,
                path,
                field,
            } => format!("kv2:{server}/{mount}/{path}#{field}"),
            Self::Kubernetes {
                server,
                namespace,
                name,
                key,
            } => {
                let server = match server {
                    Some(server) => server.to_string(),
                    None => Server::of_cluster(super::variable)
                        .map_or_else(|_| String::new(), |server| server.to_string()),
                };
                format!("kubernetes:{server}/{namespace}/{name}#{key}")
            }
        }
    }
}

/// Returns the location of a command. Its arguments are left out, because they may be nobody's
/// business who reads the ledger.
fn location_of_command(run: &[String]) -> String {
    let mut digest = Sha256::new();
    for word in run {
        digest.update((word.len() as u64).to_be_bytes());
        digest.update(word);
    }
    let digest = digest.finalize();
    let digest = digest
        .iter()
        .take(8)
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let program = run.first().map_or("", String::as_str);
    // It is no place that could be opened.
    format!("command {program} ({digest})")
}

/// Reads a text in which there may be variables.
fn template(settings: &mut Settings, key: &'static str) -> Result<String> {
    let text = settings.required_text(key)?;
    let invalid = |problem: &str| {
        let message = format!("{} {problem}", settings.place(key));
        Err(Error::configuration(message))
    };
    if text.is_empty() || text.contains(char::is_control) {
        return invalid("must be a text without control characters");
    }
    match variables::check(&text) {
        Ok(()) => Ok(text),
        Err(problem) => invalid(&problem),
    }
}

fn path(settings: &mut Settings) -> Result<String> {
    let text = template(settings, "path")?;
    let path = absolute(&settings.file_path(&text));
    match path.to_str() {
        Some(text) if path.file_name().is_some() => Ok(text.to_owned()),
        _ => {
            let message = format!("{} must be the path of a file", settings.place("path"));
            Err(Error::configuration(message))
        }
    }
}

/// Returns a path from the root on, without parts that make no difference.
pub(super) fn absolute(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.components().collect()
}

/// Returns a path without links and `..`, as far as it exists: one file may have several.
fn real(path: &str) -> String {
    let path = Path::new(path);
    let found = path.ancestors().find_map(|ancestor| {
        let real = ancestor.canonicalize().ok()?;
        Some((real, path.strip_prefix(ancestor).ok()?))
    });
    let (mut real, rest) = found.unwrap_or_else(|| (PathBuf::new(), path));
    for part in rest.components() {
        if part == Component::ParentDir {
            real.pop();
        } else {
            real.push(part);
        }
    }
    real.to_string_lossy().into_owned()
}

/// Reads the words of a command. A variable is an argument, or a part of one, and never of a
/// script.
fn command(settings: &mut Settings, key: &'static str) -> Result<Option<Vec<String>>> {
    let mut words = settings.texts(key)?;
    let Some(program) = words.first().cloned() else {
        return Ok(None);
    };
    let refused = |problem: &str, advice: &str| {
        let message = format!("{} {problem}", settings.place(key));
        Err(Error::configuration(message).with_advice(advice))
    };
    if program.is_empty() || words.iter().any(|word| word.contains('\0')) {
        return refused(
            "must be a program and its arguments",
            "write them as a list",
        );
    }
    let has_variable = |word: &str| variables::used_in(word).next().is_some();
    if has_variable(&program) {
        return refused(
            "chooses the program by the name of a token",
            "pass it as an argument",
        );
    }
    let is_script =
        |word: &str| word.contains(|c: char| c.is_whitespace() || "'\"`$;|&<>()*?!".contains(c));
    let is_run = |pair: &[String]| match pair {
        [before, word] => has_variable(word) && (before == "-c" || is_script(word)),
        _ => false,
    };
    if words.windows(2).any(is_run) {
        return refused(
            "has a variable in a script, which would run what a token's name says",
            "pass it as an argument of its own, as in [\"sh\", \"-c\", \"push \\\"$1\\\"\", \"sh\", \
             \"{name}\"]",
        );
    }
    // A program without a slash is found in PATH, like that of a credential.
    if let Some(first) = words.first_mut().filter(|first| first.contains('/')) {
        *first = settings.file_path(&program).to_string_lossy().into_owned();
    }
    Ok(Some(words))
}
