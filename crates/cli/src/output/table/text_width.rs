//! The width of escaped text on a terminal, and how it is cut or broken to fit one.
//!
//! A terminal moves its cursor character by character, so the widths of the characters are added
//! up. Some terminals join several characters into one picture; there a line takes less room.

use unicode_width::UnicodeWidthChar;

/// The sign that something was cut off, one column wide.
pub(super) const ELLIPSIS: char = '…';

/// The number of characters that a column may hold: marks without a width could be stacked forever.
const CHARACTERS_PER_COLUMN: usize = 4;

fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Returns the number of columns that a text takes.
pub(in crate::output) fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.chars().map(char_width).sum()
}

/// Returns the part of a text that an [`ELLIPSIS`] follows, or `None` if all of it fits.
pub(super) fn cut(text: &str, columns: usize) -> Option<&str> {
    if text.len() <= columns {
        // No character is shorter than it is wide: the text is at most this wide.
        return None;
    }
    let mut used = 0;
    let mut end_of_part = 0;
    for (count, (at, c)) in text.char_indices().enumerate() {
        used += char_width(c);
        if used > columns || count >= columns * CHARACTERS_PER_COLUMN {
            return Some(&text[..end_of_part]);
        }
        if used < columns {
            end_of_part = at + c.len_utf8();
        }
    }
    None
}

/// Breaks a text into lines, between words if that is possible. An empty text is one empty line.
pub(in crate::output) fn lines(text: &str, columns: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    loop {
        let end = end_of_line(rest, columns);
        let (line, after) = rest.split_at(end);
        if after.is_empty() {
            lines.push(line);
            return lines;
        }
        match line.rsplit_once(' ') {
            _ if after.starts_with(' ') => {
                lines.push(line);
                rest = &after[1..];
            }
            Some((words, word)) if !words.is_empty() => {
                lines.push(words);
                rest = &rest[line.len() - word.len()..];
            }
            _ => {
                lines.push(line);
                rest = after;
            }
        }
    }
}

/// Returns the end of what fits into these columns; it is at least one character.
fn end_of_line(text: &str, columns: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += char_width(c);
        if used > columns && at > 0 {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_of_every_script_is_cut_to_its_width() {
        for (text, columns, expected) in [
            ("deploy", 6, None),
            ("deploy", 5, Some("depl")),
            ("日本語", 6, None),
            ("日本語", 5, Some("日本")),
            ("日本語", 4, Some("日")),
            ("Zażółć", 6, None),
            // A letter and its mark stay together.
            ("e\u{301}e\u{301}e\u{301}", 2, Some("e\u{301}")),
            ("שלום עולם", 5, Some("שלום")),
            ("🔑🔑", 3, Some("🔑")),
        ] {
            assert_eq!(cut(text, columns), expected, "{text}");
        }
        let stacked = format!("e{}", "\u{301}".repeat(70_000));
        assert!(cut(&stacked, 10).is_some_and(|part| part.len() < 100));
    }

    #[test]
    fn lines_are_broken_between_words_if_possible() {
        assert_eq!(lines("", 10), [""]);
        assert_eq!(lines("one two three", 8), ["one two", "three"]);
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
        assert_eq!(lines("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(lines("日本語", 3), ["日", "本", "語"]);
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_the_columns_and_nothing_is_lost(
            text in "([a-z]{1,12}| |日本|e\u{301}|שלום|🔑){0,30}",
            columns in 2_usize..60,
        ) {
            if let Some(part) = cut(&text, columns) {
                prop_assert!(width(part) < columns && text.starts_with(part));
            } else {
                prop_assert!(width(&text) <= columns);
            }
            let lines = lines(&text, columns);
            prop_assert!(lines.iter().all(|line| width(line) <= columns), "{lines:?}");
            let letters = |text: &str| text.replace(' ', "");
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
