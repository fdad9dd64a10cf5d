//! `init`: a commented configuration to start from.

mod questions;
mod template;

use std::fs::DirBuilder;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use tokenfleet::config::{cause_text, did_you_mean};
use tokenfleet::{Error, ErrorKind, Fate, Result};

use self::template::{Answers, Provider, Value};
use super::{is_simulated, reject_options};
use crate::arguments::{GlobalArguments, InitArguments};
use crate::atomic_file::{AtomicFile, Existing};
use crate::configuration::{FILE_NAME, TrustStore, check_text, read_owned};
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, print_warning};
use crate::program_name;

#[derive(Serialize)]
struct WrittenObject<'a> {
    file: String,
    account: Option<&'a str>,
    provider: Option<&'a str>,
}

pub(crate) fn run(
    global: &GlobalArguments,
    arguments: &InitArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let options = [
        ("--config", global.config.is_some()),
        ("--account", !global.accounts.is_empty()),
        ("--tag", !global.tags.is_empty()),
        ("--simulate", is_simulated(global)),
    ];
    reject_options("init", &options)?;
    let path = arguments.file.as_path();
    if path.symlink_metadata().is_ok() {
        return Err(exists(path).into());
    }
    let provider = match global.providers.as_slice() {
        [] => None,
        [name] => Some(provider(name)?),
        _ => return Err(Error::invalid_input("pass --provider only once").into()),
    };
    let answers = match provider {
        _ if questions::can_be_asked() => Some(questions::ask(provider, arguments)?),
        Some(provider) => Some(from_options(provider, arguments)?),
        None => None,
    };
    let text = match &answers {
        Some(answers) => template::for_account(answers),
        None => template::for_every_provider(),
    };
    // What is written works, whatever the options and answers were.
    check_text(&text, path)?;
    write(path, &text)?;
    vouch_for(path);
    print(path, answers.as_ref(), output)?;
    Ok(Exit::Success)
}

fn provider(name: &str) -> Result<&'static Provider> {
    template::PROVIDERS
        .iter()
        .find(|provider| provider.name == name)
        .ok_or_else(|| {
            let known: Vec<_> = template::PROVIDERS.iter().map(|known| known.name).collect();
            Error::invalid_input(format!(
                "no template for the provider{}",
                tokenfleet::config::quoted(name, &known)
            ))
            .with_advice(did_you_mean(name, &known))
        })
}

/// Takes the answers from the options. What has no default must be among them.
fn from_options(provider: &'static Provider, arguments: &InitArguments) -> Result<Answers> {
    let mut answers = Answers::new(provider, arguments)?;
    for key in provider.keys {
        if answers.has(key.name) {
            continue;
        }
        match key.default_variable {
            Some(variable) => answers.add(key.name, Value::Variable(variable.to_owned())),
            None => {
                return Err(Error::invalid_input(format!(
                    "{} needs {}",
                    provider.name, key.question
                ))
                .with_advice(format!("pass {}", key.option())));
            }
        }
    }
    Ok(answers)
}

fn exists(path: &Path) -> Error {
    Error::invalid_input(format!("{} exists already", path.display()))
        .with_advice("edit it, or write another file with --file")
}

fn write(path: &Path, text: &str) -> Result<()> {
    let failed = |error: io::Error| {
        let message = format!("cannot write {}: {}", path.display(), cause_text(&error));
        Error::new(ErrorKind::Other, Fate::NotSent, message)
            .with_source(error)
            .with_advice("write another file with --file")
    };
    if let Some(directory) = path.parent().filter(|path| !path.as_os_str().is_empty()) {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory).map_err(failed)?;
    }
    let write = || {
        let mut file = AtomicFile::create_for(path)?;
        file.write_all(text.as_bytes())?;
        file.persist(path, Existing::Refuse)
    };
    write().map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => failed(error),
    })
}

/// Trusts the new file, which the user has just described, or says why it would not be used.
fn vouch_for(path: &Path) {
    if path.file_name().is_none_or(|name| name != FILE_NAME) {
        return;
    }
    let trusted = read_owned(path)
        .and_then(|(_, content)| TrustStore::open().and_then(|store| store.add(path, &content)));
    if let Err(error) = trusted {
        print_warning(&error.to_string());
    }
}

fn print(path: &Path, answers: Option<&Answers>, output: &mut Output) -> io::Result<()> {
    let file = path.display().to_string();
    if output.format() != Format::Table {
        let account = answers.map(|answers| answers.account.as_str());
        let provider = answers.map(|answers| answers.provider.name);
        let row = [Some(file.as_str()), account, provider];
        let row = row.map(|text| text.unwrap_or_default().to_owned());
        let object = WrittenObject {
            file,
            account,
            provider,
        };
        return output.value(&object, &["file", "account", "provider"], row.to_vec());
    }
    // The usual name is found without an option.
    let usual = std::env::current_dir().map(|here| here.join(FILE_NAME));
    let is_usual = path == Path::new(FILE_NAME) || usual.is_ok_and(|usual| usual == path);
    let option = (!is_usual).then_some(path);
    let doctor = program_name::command_line_with("doctor", option);
    let next = match answers {
        Some(_) => format!("Check it with `{doctor}`."),
        None => "Take the # off the lines of an account, and fill them in.".to_owned(),
    };
    output.sentences(2, [format!("Wrote {file}. {next}")])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments() -> InitArguments {
        InitArguments {
            name: None,
            base_url: Some("https://platform.example.com".to_owned()),
            token_env: None,
            token_file: None,
            password_env: None,
            password_file: None,
            settings: Vec::new(),
            file: FILE_NAME.into(),
        }
    }

    fn check(text: &str) {
        if let Err(error) = check_text(text, Path::new(FILE_NAME)) {
            panic!("{error}\n{text}");
        }
    }

    /// Takes the `#` off each line that is a setting or the name of a table: prose has a space
    /// after it.
    fn uncommented(text: &str) -> String {
        let line = |line: &str| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        };
        text.lines().map(line).collect()
    }

    #[test]
    fn every_template_parses_and_opens_also_without_its_comment_signs() {
        for provider in &template::PROVIDERS {
            let mut arguments = arguments();
            let texts = provider
                .keys
                .iter()
                .filter(|key| key.default_variable.is_none() && !["base_url"].contains(&key.name));
            arguments.settings = texts.map(|key| format!("{}=4", key.name)).collect();
            let answers = from_options(provider, &arguments).unwrap();
            let text = template::for_account(&answers);
            check(&text);
            check(&uncommented(&text));
        }
        let text = template::for_every_provider();
        check(&text);
        let configuration = uncommented(&text);
        check(&configuration);
        for provider in &template::PROVIDERS {
            let table = format!("provider = \"{}\"", provider.name);
            assert!(configuration.contains(&table), "{table}");
        }
    }

    #[test]
    fn a_name_and_a_value_of_any_characters_are_written_as_they_are() {
        let mut arguments = arguments();
        arguments.name = Some("we \"two\"\\ü".to_owned());
        arguments.settings = vec!["login=a\"b\\c".to_owned(), "user_id=4".to_owned()];
        let answers = from_options(provider("foreman").unwrap(), &arguments).unwrap();
        let text = template::for_account(&answers);
        check(&text);
        let configuration = tokenfleet::Configuration::parse(&text).unwrap();
        let account = configuration.account("we \"two\"\\ü").unwrap();
        let login = account.settings().clone().text("login").unwrap();
        assert_eq!(login.as_deref(), Some("a\"b\\c"));
    }
}
