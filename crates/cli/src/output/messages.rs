//! Messages on standard error.

use std::io::{self, Write};

use serde::Serialize;
use tokenfleet::Error;

use super::color::colors_stderr;
use super::format::Format;
use super::text::escape;
use super::{color, escaped_json, json, prose, screen, text};
use crate::progress::clear;

/// Prints an error on standard error: one line, or an object if JSON was requested.
pub(crate) fn print_error(requested_format: Option<Format>, error: &Error) {
    let mut line = Vec::new();
    let written = match requested_format {
        Some(Format::Json | Format::Ndjson) => json::error(error)
            .map_err(io::Error::from)
            .and_then(|object| escaped_json::line(&mut line, &object)),
        _ => writeln!(
            line,
            "{}",
            labelled("error:", color::ERROR, &text::error_line(error))
        ),
    };
    clear();
    // If standard error is closed, there is nowhere left to report it.
    let _ = written.and_then(|()| io::stderr().write_all(&line));
}

/// Prints a JSON object on standard error, on a line.
pub(crate) fn print_object(value: &impl Serialize) {
    let mut line = Vec::new();
    let written = escaped_json::line(&mut line, value);
    clear();
    let _ = written.and_then(|()| io::stderr().write_all(&line));
}

/// Prints a warning on standard error: nothing failed, but something should be fixed.
pub(crate) fn print_warning(text: &str) {
    clear();
    let _ = writeln!(
        io::stderr(),
        "{}",
        labelled("warning:", color::WARNING, text)
    );
}

/// Prints a note on standard error, for information that does not belong into the output.
pub(crate) fn print_note(text: &str) {
    clear();
    let _ = writeln!(io::stderr(), "{}", labelled("note:", color::PLAIN, text));
}

/// Returns a sentence for standard error: escaped, and in lines that fit its terminal if it is one.
pub(crate) fn for_stderr(indent: usize, text: &str) -> String {
    prose::wrapped(screen::width_of_stderr(), indent, &escape(text))
}

/// Returns a sentence for standard error after a label, in this style if that is coloured.
fn labelled(label: &str, style: anstyle::Style, text: &str) -> String {
    let text = for_stderr(2, &format!("{label} {text}"));
    match text.strip_prefix(label) {
        Some(rest) if colors_stderr() => format!("{style}{label}{style:#}{rest}"),
        _ => text,
    }
}
