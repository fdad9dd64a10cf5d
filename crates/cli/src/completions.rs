//! Completions of the command line, with the words of the configuration.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::process::ExitCode;

use clap::ValueEnum;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};
use tokenfleet::{AccountConfiguration, Configuration, TokenState};

use crate::arguments::{AUDIT_COLUMNS, Shell};
use crate::configuration;
use crate::output::{Column, Output, print_warning};

/// The variable by which the script of a shell asks the program for completions.
const VARIABLE: &str = "TOKENFLEET_COMPLETE";

/// Answers a shell that asks for completions. Returns `None` if the program was started as usual.
pub(crate) fn answer(name: &'static str, command: &clap::Command) -> Option<ExitCode> {
    let environment = CompleteEnv::with_factory(|| with_known_words(command.clone()))
        .var(VARIABLE)
        .bin(name)
        .completer(name);
    let directory = std::env::current_dir().ok();
    match environment.try_complete(std::env::args_os(), directory.as_deref()) {
        Ok(false) => None,
        Ok(true) => Some(ExitCode::SUCCESS),
        Err(error) => {
            print_warning(&format!("cannot complete: {error}"));
            Some(ExitCode::FAILURE)
        }
    }
}

/// Prints the script that makes a shell ask for completions.
pub(crate) fn print_script(name: &str, shell: Shell, output: &mut Output) -> io::Result<()> {
    let value = shell.to_possible_value();
    let shell = value.as_ref().map_or("", |value| value.get_name());
    let mut script = Vec::new();
    if let Some(completer) = Shells::builtins().completer(shell) {
        completer.write_registration(VARIABLE, name, name, name, &mut script)?;
    }
    output.text(&script)
}

/// Completes the arguments whose words the configuration or the program knows. Nothing is sent.
fn with_known_words(command: clap::Command) -> clap::Command {
    let add = |command: clap::Command, id: &str, words: fn(&OsStr) -> Vec<CompletionCandidate>| {
        if command
            .get_arguments()
            .any(|argument| argument.get_id() == id)
        {
            command.mut_arg(id, |argument| argument.add(ArgValueCompleter::new(words)))
        } else {
            command
        }
    };
    let command = add(command, "accounts", account_names);
    let command = add(command, "providers", provider_names);
    let command = add(command, "tags", tags);
    command.mut_subcommands(|subcommand| {
        let is_check = subcommand.get_name() == "check";
        let is_audit = subcommand.get_name() == "audit";
        let columns = if is_audit { audit_columns } else { columns };
        let subcommand = add(subcommand, "columns", columns);
        let subcommand = add(subcommand, "states", states);
        if is_check {
            add(subcommand, "names", check_names)
        } else {
            subcommand
        }
    })
}

/// Returns the names of the configured accounts that begin with what was typed.
fn account_names(typed: &OsStr) -> Vec<CompletionCandidate> {
    candidates(typed, |configuration| {
        let accounts = configuration.accounts().iter();
        accounts
            .map(|account| {
                let provider = account.provider().to_owned();
                (account.name().to_owned(), Some(provider))
            })
            .collect()
    })
}

/// Returns the providers of the configured accounts.
fn provider_names(typed: &OsStr) -> Vec<CompletionCandidate> {
    candidates(typed, |configuration| {
        let accounts = configuration.accounts().iter();
        accounts
            .map(|account| (account.provider().to_owned(), None))
            .collect()
    })
}

/// Returns the tags of the configured accounts.
fn tags(typed: &OsStr) -> Vec<CompletionCandidate> {
    candidates(typed, |configuration| {
        let accounts = configuration.accounts().iter();
        let tags = accounts.flat_map(AccountConfiguration::tags);
        tags.map(|tag| (tag.clone(), None)).collect()
    })
}

/// Returns the names of the configured checks.
fn check_names(typed: &OsStr) -> Vec<CompletionCandidate> {
    candidates(typed, |configuration| {
        let checks = configuration.named_tables("checks");
        checks.map(|(name, _)| (name.to_owned(), None)).collect()
    })
}

fn columns(typed: &OsStr) -> Vec<CompletionCandidate> {
    let columns = Column::keys().into_iter();
    beginning_with(typed, columns.map(|column| (column, None)).collect())
}

fn audit_columns(typed: &OsStr) -> Vec<CompletionCandidate> {
    let columns = AUDIT_COLUMNS.map(|column| (column.to_owned(), None));
    beginning_with(typed, columns.to_vec())
}

fn states(typed: &OsStr) -> Vec<CompletionCandidate> {
    let states = TokenState::ALL.iter();
    let states = states.map(|state| (state.as_str().to_owned(), None));
    beginning_with(typed, states.collect())
}

/// A word and what it is.
type Word = (String, Option<String>);

/// Returns the words of the configuration that begin with what was typed.
fn candidates(typed: &OsStr, words: fn(&Configuration) -> Vec<Word>) -> Vec<CompletionCandidate> {
    // Names are read only, so the configuration need not be trusted.
    let found = configuration::find(None).and_then(|file| file.read());
    let words = found.map(|found| words(&found.configuration));
    beginning_with(typed, words.unwrap_or_default())
}

/// Returns the words that begin with what was typed, each once.
fn beginning_with(typed: &OsStr, words: Vec<Word>) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else {
        return Vec::new();
    };
    let mut known = HashSet::new();
    let words = words.into_iter().filter(|(word, help)| {
        let is_plain = is_plain(word) && help.as_deref().is_none_or(is_plain);
        is_plain && word.starts_with(typed) && known.insert(word.clone())
    });
    words
        .map(|(word, help)| CompletionCandidate::new(word).help(help.map(Into::into)))
        .collect()
}

/// Returns `true` for a word that no shell and no terminal interprets.
///
/// A shell puts a candidate into the command line as it is, and somebody else may have written the
/// configuration: a name such as `$(command)` would run.
fn is_plain(word: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    word.bytes().all(is_plain) && !word.starts_with('-')
}
