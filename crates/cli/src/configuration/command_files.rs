//! The files beside a configuration that its commands run or read (decision 0033).

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokenfleet::Configuration;
use tokenfleet::config::Setting;

use super::tables;

/// Adds the files that a command of the configuration names and that lie in the directory of the
/// configuration or below. Without such files the hash stays as it is.
pub(super) fn hash(hash: &mut Sha256, configuration: &Configuration, path: &Path) {
    let directory = path.parent().unwrap_or(Path::new(""));
    for (word, file) in files(configuration, directory) {
        hash.update([0]);
        hash.update(word.as_bytes());
        hash.update([0]);
        // A file that cannot be read now is another one once it can be.
        let _ = hash_content(hash, &file);
    }
}

fn hash_content(hash: &mut Sha256, file: &Path) -> io::Result<()> {
    let mut file = File::open(file)?;
    let mut buffer = [0; 8192];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            length => hash.update(&buffer[..length]),
        }
    }
}

/// Returns the words of the commands that name a file in the directory, and the files.
fn files<'a>(configuration: &'a Configuration, directory: &Path) -> Vec<(&'a str, PathBuf)> {
    let accounts = configuration.accounts().iter();
    let settings = accounts.map(|account| account.settings());
    let settings = settings.chain([configuration.transport_settings()]);
    let settings = settings.chain(configuration.table(tables::LEDGER));
    let sinks = configuration.named_tables(tables::SINKS);
    let settings = settings.chain(sinks.map(|(_, settings)| settings));
    let values = settings.flat_map(|settings| settings.entries());
    let words = values.filter_map(|(key, value)| match value {
        Setting::Table(table) => match table.get("command") {
            Some(Setting::Texts(words)) => Some(words),
            _ => None,
        },
        // The commands of a sink.
        Setting::Texts(words) if matches!(key, "run" | "check") => Some(words),
        _ => None,
    });
    let files = words.flatten();
    let files = files.map(|word| (word.as_str(), directory.join(word)));
    let root = directory_of(directory);
    let is_beside = |(_, file): &(&str, PathBuf)| {
        let place = file.canonicalize().ok();
        file.is_file()
            && place
                .zip(root.as_ref())
                .is_some_and(|(place, root)| place.starts_with(root))
    };
    files.filter(is_beside).collect()
}

/// Returns the directory in its final spelling. That of `tokenfleet.toml` is the working directory.
fn directory_of(directory: &Path) -> Option<PathBuf> {
    let directory = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    directory.canonicalize().ok()
}
