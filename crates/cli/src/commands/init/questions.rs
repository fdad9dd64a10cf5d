//! The questions of `init` to the person at the terminal.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tokenfleet::{Error, Result};

use super::template::{Answers, Key, PROVIDERS, Provider, Value};
use crate::arguments::InitArguments;
use crate::output::escape;

const NEEDED: &str = "An answer is needed.";
const URL_HINT: &str = "Write it as https://host.";
const PROVIDER_HINT: &str = "Choose one of these providers.";
const CREDENTIAL_HINT: &str = "Give the name of a variable in capitals, or a path with a slash. If \
                               this was the credential itself, replace it: it was shown.";

/// Returns `true` if there is somebody to ask.
pub(super) fn can_be_asked() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for everything that the options do not say.
pub(super) fn ask(
    provider: Option<&'static Provider>,
    arguments: &InitArguments,
) -> Result<Answers> {
    let provider = match provider {
        Some(provider) => provider,
        None => ask_provider()?,
    };
    let mut answers = Answers::new(provider, arguments)?;
    if arguments.name.is_none() {
        answers.account = ask_text("Name of the account", Some(provider.name), NEEDED, |name| {
            Some(name.to_owned())
        })?;
    }
    if let Some(address) = provider.address.filter(|_| !answers.has("base_url")) {
        let url = ask_text("Address of the platform", Some(address), URL_HINT, url)?;
        if url != address {
            answers.add("base_url", Value::Text(url));
        }
    }
    for key in provider.keys {
        if answers.has(key.name) {
            continue;
        }
        let value = match key.default_variable {
            Some(variable) => ask_credential(key, variable, &answers)?,
            None if key.name == "base_url" => {
                Value::Text(ask_text(&capitalized(key.question), None, URL_HINT, url)?)
            }
            None => Value::Text(ask_text(
                &capitalized(key.question),
                None,
                NEEDED,
                |text| Some(text.to_owned()),
            )?),
        };
        answers.add(key.name, value);
    }
    Ok(answers)
}

fn ask_provider() -> Result<&'static Provider> {
    let names = PROVIDERS.each_ref().map(|provider| provider.name);
    let question = format!("Provider ({})", names.join(", "));
    ask_text(&question, None, PROVIDER_HINT, |name| {
        PROVIDERS.iter().find(|provider| provider.name == name)
    })
}

/// Asks where a credential is. The credential itself is never asked for.
fn ask_credential(key: &Key, variable: &str, answers: &Answers) -> Result<Value> {
    let question = format!(
        "Where is {}? The name of an environment variable, or the path of a file",
        key.question
    );
    ask_text(&question, Some(variable), CREDENTIAL_HINT, |text| {
        if is_path(text) {
            return Some(answers.file(&expanded(text)));
        }
        let is_name = text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
            && (text.chars()).all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let exists = std::env::var_os(text).is_some();
        (is_name || exists).then(|| Value::Variable(text.to_owned()))
    })
}

fn is_path(text: &str) -> bool {
    let starts_like_one = ["/", "./", "../", "~/"]
        .iter()
        .any(|start| text.starts_with(start));
    starts_like_one || Path::new(text).is_file()
}

/// Replaces `~/` by the home directory, as a shell does.
fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => path.into(),
    }
}

fn url(text: &str) -> Option<String> {
    let has_scheme = text.starts_with("https://") || text.starts_with("http://");
    has_scheme.then(|| text.to_owned())
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// Asks until the answer can be used, and gives a hint each time that it cannot. An empty answer is
/// the default.
fn ask_text<T>(
    question: &str,
    default: Option<&str>,
    hint: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T> {
    let shown_default = default.map(|text| format!(" [{text}]")).unwrap_or_default();
    loop {
        let prompt = format!("{}{shown_default}: ", escape(question));
        let _ = io::stderr().write_all(prompt.as_bytes());
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        if !matches!(read, Ok(1..)) {
            return Err(Error::invalid_input("not finished: nothing was written"));
        }
        let answer = match line.trim() {
            "" => default.unwrap_or_default(),
            answer => answer,
        };
        if let Some(value) = Some(answer)
            .filter(|answer| !answer.is_empty())
            .and_then(&parse)
        {
            return Ok(value);
        }
        // The answer is not repeated: it may be a credential.
        let _ = io::stderr().write_all(format!("{hint}\n").as_bytes());
    }
}
