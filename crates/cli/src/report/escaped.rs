//! Texts of others in a page, escaped for its format.

use std::fmt::{self, Display};

/// A text in a page, with everything escaped that a browser would interpret.
pub(super) struct Text<'a>(pub(super) &'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

/// A text in a cell of a table, with everything escaped that Markdown or HTML would interpret.
pub(super) struct Cell<'a>(pub(super) &'a str);

impl Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = String::new();
        for c in self.0.chars() {
            // Many renderers make a link of what looks like an address.
            let begins_address = c == '.' && before.to_ascii_lowercase().ends_with("www");
            before.push(c);
            match c {
                ':' => f.write_str("&#58;")?,
                '.' if begins_address => f.write_str("&#46;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                // A reference to a person or an issue would notify somebody.
                '@' => f.write_str("&#64;")?,
                '\n' | '\r' => f.write_str(" ")?,
                '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '!' | '$' | '^' => {
                    write!(f, "\\{c}")?;
                }
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}
