//! Characters that nobody sees.

/// Returns `true` for a character that has no width, changes the reading direction, breaks a line
/// or looks like a blank although it is a letter.
///
/// Two names that differ only in such characters look the same, and a tag character can hide a
/// whole text. Show them escaped; no credential contains one.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        // Soft hyphen, grapheme joiner and blank letters.
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
        // Marks of direction, zero-width characters, separators of lines and paragraphs.
        | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        // Variation selectors, annotations and musical formatting.
        | '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        // Tags and further variation selectors.
        | '\u{e0000}'..='\u{e0fff}')
}
