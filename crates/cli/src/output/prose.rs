//! Sentences, wrapped to the width of the screen.

use std::io::{self, Write};

use super::table::{lines, width};
use super::text::escape;

/// The width below which a sentence is not wrapped by us.
const LEAST: usize = 30;

/// The beginning of a comment in a plan.
const COMMENT: &str = "# ";

/// Stands for a space inside a command to copy, which is not broken if a line has room for it.
const KEPT_SPACE: &str = "\u{e000}";

/// Writes a sentence, which goes on below itself, indented by so many columns.
pub(super) fn write(
    writer: &mut impl Write,
    screen: Option<usize>,
    indent: usize,
    text: &str,
) -> io::Result<()> {
    writeln!(writer, "{}", wrapped(screen, indent, &escape(text)))
}

/// Returns an escaped sentence in lines, of which all but the first are indented by so many
/// columns.
pub(super) fn wrapped(screen: Option<usize>, indent: usize, text: &str) -> String {
    let Some(columns) = screen.filter(|columns| *columns >= LEAST + indent) else {
        return text.to_owned();
    };
    let text = keep_commands(text, columns - indent);
    let first = lines(&text, columns).first().copied().unwrap_or_default();
    let rest = text[first.len()..].trim_start_matches(' ');
    let rest = match rest {
        "" => Vec::new(),
        rest => lines(rest, columns - indent),
    };
    let rest = rest.iter().map(|line| format!("\n{:indent$}{line}", ""));
    let wrapped: String = [first.to_owned()].into_iter().chain(rest).collect();
    wrapped.replace(KEPT_SPACE, " ")
}

/// Writes a line of a plan. A comment that does not fit goes on below, in comments.
pub(super) fn write_plan_line(
    writer: &mut impl Write,
    screen: Option<usize>,
    text: &str,
) -> io::Result<()> {
    let text = escape(text);
    let columns = screen.filter(|columns| *columns >= LEAST && width(&text) > *columns);
    // The comment of a token has no such sign.
    let parts = match text.strip_prefix(COMMENT) {
        Some(comment) => Some(("", comment)),
        None => text.rsplit_once(&format!("  {COMMENT}")),
    };
    let (Some(columns), Some((line, comment))) = (columns, parts) else {
        return writeln!(writer, "{text}");
    };
    if !line.is_empty() {
        writeln!(writer, "{line}")?;
    }
    let indent = if line.is_empty() { "" } else { "  " };
    let columns = columns - indent.len() - COMMENT.len();
    let lines = lines(comment, columns);
    let mut lines = lines.iter();
    lines.try_for_each(|part| writeln!(writer, "{indent}{COMMENT}{part}"))
}

/// Marks the spaces of commands in backquotes that fit into a line, so that none is broken.
fn keep_commands(text: &str, columns: usize) -> String {
    let mut kept = String::with_capacity(text.len());
    for (index, part) in text.split('`').enumerate() {
        if index > 0 {
            kept.push('`');
        }
        if index % 2 == 1 && width(part) + 3 <= columns {
            kept.push_str(&part.replace(' ', KEPT_SPACE));
        } else {
            kept.push_str(part);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(screen: Option<usize>, text: &str) -> String {
        let mut written = Vec::new();
        write(&mut written, screen, 2, text).unwrap();
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn a_sentence_goes_on_indented_and_loses_no_word() {
        let text = "failed: the platform does not answer; try it again later";
        assert_eq!(written(None, text), format!("{text}\n"));
        assert_eq!(
            written(Some(34), text),
            "failed: the platform does not\n  answer; try it again later\n"
        );
        assert_eq!(written(Some(10), text), format!("{text}\n"));
        assert_eq!(written(Some(80), ""), "\n");
    }
    #[test]
    fn a_command_to_copy_is_not_broken_where_a_line_has_room_for_it() {
        let text = "it waits for you; try `tokenfleet operations resume`, or ask";
        assert_eq!(
            wrapped(Some(40), 2, text),
            "it waits for you; try\n  `tokenfleet operations resume`, or ask"
        );
        let narrow = wrapped(Some(32), 2, &text.replace("resume", "resume 0123456789"));
        assert!(narrow.lines().all(|line| line.len() <= 32), "{narrow}");
    }
}
