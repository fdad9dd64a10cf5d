//! Where the credentials of an account are, for people: never what they are.

use tokenfleet::AccountConfiguration;
use tokenfleet::config::{Setting, Settings, is_showable_path};

/// Returns the credentials of an account in the order of their keys, each with its source, such as
/// `env LOSANT_TOKEN`.
pub(crate) fn credential_sources(account: &AccountConfiguration) -> Vec<(String, String)> {
    let settings = account.settings();
    let source = |(key, value): (&str, &Setting)| {
        let source = match value {
            Setting::Credential(_) => "program".to_owned(),
            // A command may have a timeout beside it.
            Setting::Table(table) if table.contains_key("command") => "command".to_owned(),
            Setting::Table(table) => match table.iter().next()? {
                (source, Setting::Text(name)) if source == "env" && is_variable(name) => {
                    format!("env {name}")
                }
                (source, Setting::Text(path)) if source == "file" => {
                    let path = settings.file_path(path);
                    if is_showable_path(&path) {
                        format!("file {}", path.display())
                    } else {
                        "file".to_owned()
                    }
                }
                (source, _) if matches!(source.as_str(), "env" | "file" | "systemd") => {
                    source.clone()
                }
                // A choice, such as the resource of an account.
                _ => return None,
            },
            _ => return None,
        };
        Some((key.to_owned(), source))
    };
    settings.entries().filter_map(source).collect()
}

/// Returns the environment variables that settings refer to.
pub(crate) fn credential_variables(settings: &Settings) -> impl Iterator<Item = &str> {
    settings.entries().filter_map(|(_, value)| match value {
        Setting::Table(table) => match table.get("env") {
            Some(Setting::Text(name)) => Some(name.as_str()),
            _ => None,
        },
        _ => None,
    })
}

/// Returns `true` for the name of a variable that cannot be a credential in the place of a name: it
/// exists, or consists of capital words.
fn is_variable(name: &str) -> bool {
    let is_word = |word: &str| {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        word.len() - letters.len() <= 1 && letters.bytes().all(|byte| byte.is_ascii_uppercase())
    };
    std::env::var_os(name).is_some() || name.contains('_') && name.split('_').all(is_word)
}
