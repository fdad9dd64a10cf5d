//! `simulate --write-config`: a configuration for the running simulators.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tokenfleet::config::cause_text;
use tokenfleet::{Error, ErrorKind, Fate, Result};
use tokenfleet_simulators::Server;

use crate::atomic_file::{AtomicFile, Existing};
use crate::output::print_note;
use crate::program_name;
use crate::simulation::{is_secret, needs_lockout_accepted};

/// A configuration and its credential files. Those that nobody changed are removed when this is
/// dropped.
#[derive(Debug, Default)]
pub(super) struct SimulatedConfiguration {
    files: Vec<WrittenFile>,
}

#[derive(Debug)]
struct WrittenFile {
    path: PathBuf,
    content: String,
}

impl SimulatedConfiguration {
    /// Writes the configuration, and beside it a file for each credential. Nothing is overwritten.
    pub(super) fn write(path: &Path, servers: &[Server]) -> Result<Self> {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| {
            Error::invalid_input("--write-config must name a file, in characters of Unicode")
        })?;
        let mut written = Self::default();
        let mut text = format!(
            "# The simulated platforms of `{} simulate`, which removes this file when it ends, unless \
             you change it.\n",
            program_name::get()
        );
        for server in servers {
            let provider = server.simulator().provider();
            text += &format!(
                "\n[accounts.{provider}]\nprovider = {}\nbase_url = {}\n",
                string(provider),
                string(&server.url())
            );
            if needs_lockout_accepted(provider) {
                text += "accept_lockout = true\n";
            }
            for (key, value) in server.simulator().credentials() {
                if is_secret(&key) {
                    let file = format!("{name}.{provider}.{key}");
                    written.add(path.with_file_name(&file), &format!("{value}\n"))?;
                    text += &format!("{key} = {{ file = {} }}\n", string(&file));
                } else {
                    text += &format!("{key} = {}\n", string(&value));
                }
            }
        }
        written.add(path.to_owned(), &text)?;
        Ok(written)
    }

    fn add(&mut self, path: PathBuf, content: &str) -> Result<()> {
        let write = || {
            let mut file = AtomicFile::create_for(&path)?;
            file.write_all(content.as_bytes())?;
            file.persist(&path, Existing::Refuse)
        };
        write().map_err(|error| cannot_write(&path, error))?;
        let content = content.to_owned();
        self.files.push(WrittenFile { path, content });
        Ok(())
    }
}

fn cannot_write(path: &Path, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::AlreadyExists {
        return Error::invalid_input(format!("{} exists already", path.display()))
            .with_advice("remove it, or pass another file with --write-config");
    }
    let message = format!("cannot write {}: {}", path.display(), cause_text(&error));
    Error::new(ErrorKind::Other, Fate::NotSent, message).with_source(error)
}

impl Drop for SimulatedConfiguration {
    fn drop(&mut self) {
        for WrittenFile { path, content } in &self.files {
            // Whoever removed it already has done what is to be done.
            let Ok(found) = std::fs::read(path) else {
                continue;
            };
            if found == content.as_bytes() {
                let _ = std::fs::remove_file(path);
            } else {
                print_note(&format!("{} was changed, and is kept", path.display()));
            }
        }
    }
}

/// Returns a string of TOML, which is written like one of JSON.
fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
