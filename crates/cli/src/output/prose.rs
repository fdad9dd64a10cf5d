//! Sentences, wrapped to the width of the screen.

use std::io::{self, Write};

use super::table::lines;
use super::text::escape;

/// The width below which a sentence is not wrapped by us.
const LEAST: usize = 30;

/// Writes a sentence, which goes on below itself, indented by so many columns.
pub(super) fn write(
    writer: &mut impl Write,
    screen: Option<usize>,
    indent: usize,
    text: &str,
) -> io::Result<()> {
    let text = escape(text);
    let Some(columns) = screen.filter(|columns| *columns >= LEAST + indent) else {
        return writeln!(writer, "{text}");
    };
    let first = lines(&text, columns).first().copied().unwrap_or_default();
    writeln!(writer, "{first}")?;
    let rest = text[first.len()..].trim_start_matches(' ');
    if rest.is_empty() {
        return Ok(());
    }
    for line in lines(rest, columns - indent) {
        writeln!(writer, "{:indent$}{line}", "")?;
    }
    Ok(())
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
}
