//! Answers to a command line that is wrong.

use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use tokenfleet::Error;

use crate::output::{Format, complain, masked};
use crate::stop::Code;

/// Answers a command line that is wrong, or that asks for help.
pub(crate) fn refuse(refusal: &clap::Error) -> ExitCode {
    if !refusal.use_stderr() {
        // Help and version. A reader who has left needs no answer.
        let _ = write!(std::io::stdout(), "{refusal}");
        return Code::Well.into();
    }
    let text = text_of(refusal);
    let asked_for = |format: &str| {
        let words: Vec<_> = std::env::args_os().collect();
        let whole = format!("--output={format}");
        words.iter().any(|word| word == whole.as_str())
            || words
                .windows(2)
                .any(|pair| pair[0] == "--output" && pair[1] == format)
    };
    if asked_for("json") || asked_for("ndjson") {
        // What is wrong and a tip; how the command is used follows on several lines.
        let paragraphs: Vec<_> = text
            .split("\n\n")
            .take_while(|paragraph| !paragraph.starts_with("Usage:"))
            .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|paragraph| !paragraph.starts_with("For more information"))
            .collect();
        let line = paragraphs.join("; ");
        let error = Error::invalid_input(line.trim_start_matches("error: "));
        complain(Some(Format::Json), &error);
    } else {
        let _ = write!(std::io::stderr(), "{text}");
    }
    Code::Usage.into()
}

/// The refusal without what may be a secret that was typed in the wrong place.
fn text_of(refusal: &clap::Error) -> String {
    let text = refusal.to_string();
    match (refusal.kind(), refusal.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(word))) => {
            text.replace(word, &masked(word))
        }
        _ => text,
    }
}
