//! Reporting of help, the version, and errors in the command line.

use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use tokenfleet::Error;

use crate::exit::Exit;
use crate::output::{Format, colors_stderr, colors_stdout, print_error, redact};

/// Prints what clap has to say: help and the version, or an error in the command line.
pub(crate) fn report(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // A reader that has closed the pipe needs no error.
        let _ = write!(std::io::stdout(), "{}", text(error, colors_stdout()));
        return Exit::Success.into();
    }
    let as_json = requests_format("json") || requests_format("ndjson");
    if let Some(error) = missing_feature(error) {
        print_error(as_json.then_some(Format::Json), &error);
    } else if as_json {
        print_error(Some(Format::Json), &one_line(&redacted_text(error, false)));
    } else {
        let _ = write!(
            std::io::stderr(),
            "{}",
            redacted_text(error, colors_stderr())
        );
    }
    Exit::Usage.into()
}

/// Returns `true` if the command line asks for this output format, although it cannot be parsed.
fn requests_format(format: &str) -> bool {
    let words: Vec<_> = std::env::args_os().collect();
    let one_word = format!("--output={format}");
    words.iter().any(|word| word == one_word.as_str())
        || words
            .windows(2)
            .any(|pair| pair[0] == "--output" && pair[1] == format)
}

/// Returns an error for the simulators if this program was built without them.
fn missing_feature(error: &clap::Error) -> Option<Error> {
    if cfg!(feature = "simulate") {
        return None;
    }
    let is_about = |kind, word: &str| match error.get(kind) {
        Some(ContextValue::String(found)) => found == word,
        _ => false,
    };
    let needs_simulators = is_about(ContextKind::InvalidArg, "--simulate")
        || is_about(ContextKind::InvalidSubcommand, "simulate");
    needs_simulators.then(|| {
        Error::invalid_input("this program was built without the simulators")
            .with_advice("build it with the cargo feature `simulate`")
    })
}

/// Reduces clap's message to one line: the error and the tips, without the usage.
fn one_line(text: &str) -> Error {
    let paragraphs: Vec<_> = text
        .split("\n\n")
        .take_while(|paragraph| !paragraph.starts_with("Usage:"))
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|paragraph| !paragraph.starts_with("For more information"))
        .collect();
    Error::invalid_input(paragraphs.join("; ").trim_start_matches("error: "))
}

/// Returns clap's message.
fn text(error: &clap::Error, is_colored: bool) -> String {
    let message = error.render();
    if is_colored {
        message.ansi().to_string()
    } else {
        message.to_string()
    }
}

/// Returns clap's message, with every word masked that may be a secret typed in the wrong place.
fn redacted_text(error: &clap::Error, is_colored: bool) -> String {
    let mut text = text(error, is_colored);
    let typed = match error.kind() {
        ErrorKind::UnknownArgument => [ContextKind::InvalidArg].as_slice(),
        _ => &[ContextKind::InvalidValue, ContextKind::InvalidSubcommand],
    };
    for kind in typed {
        if let Some(ContextValue::String(word)) = error.get(*kind) {
            let shown = if may_be_secret(word) {
                "[masked]".to_owned()
            } else {
                redact(word)
            };
            text = text.replace(word.as_str(), &shown);
        }
    }
    text
}

/// Returns `true` for a text of letters and other characters, such as a password, but not for an
/// option, a number with a unit or a time.
fn may_be_secret(word: &str) -> bool {
    const MIN_LENGTH: usize = 6;
    let word = word.trim_start_matches('-');
    word.len() >= MIN_LENGTH
        && word.contains(|c: char| !c.is_ascii_alphabetic() && !matches!(c, '-' | '_'))
        && word.starts_with(|c: char| c.is_alphabetic())
        && !word.starts_with("now")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_told_from_an_option_a_number_and_a_time() {
        for secret in [
            "hunter2",
            "s3cr3t",
            "--Tr0ub4dor&3",
            "-pässwort1",
            "correct horse",
        ] {
            assert!(may_be_secret(secret), "{secret}");
        }
        for word in [
            "--look-again",
            "inventroy",
            "30days",
            "2030-13-01",
            "now+30x",
            "--l1",
        ] {
            assert!(!may_be_secret(word), "{word}");
        }
    }
}
