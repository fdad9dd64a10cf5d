//! JSON in which no character acts on a terminal.

use std::io::{self, Write};

use serde::Serialize;

use super::text::needs_escape;

/// Writes a value on a line of its own.
pub(crate) fn line(writer: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    object(writer, value)?;
    writeln!(writer)
}

/// Writes a value without a line break, with control characters and invisible ones escaped.
///
/// They occur only inside JSON strings, where an escape means the same. No copy of the value is
/// made, because it may contain a secret.
pub(crate) fn object(writer: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    Ok(serde_json::to_writer(EscapingWriter(writer), value)?)
}

/// A writer of JSON that escapes characters within it.
struct EscapingWriter<'a, W>(&'a mut W);

impl<W: Write> Write for EscapingWriter<'_, W> {
    fn write(&mut self, json: &[u8]) -> io::Result<usize> {
        // The serializer writes whole characters.
        let text = std::str::from_utf8(json).map_err(io::Error::other)?;
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| needs_escape(*c)) {
            self.0.write_all(&rest.as_bytes()[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(self.0, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        self.0.write_all(rest.as_bytes())?;
        Ok(json.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_for_terminals_does_not_change_the_value() {
        let value = "a\u{9b}31m\u{202e}\u{1b}\"\\é\u{7f}\u{200b}\u{e0041}";
        let mut written = Vec::new();
        object(&mut written, &value).unwrap();
        let text = String::from_utf8(written).unwrap();
        assert!(!text.chars().any(needs_escape), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
    }
}
