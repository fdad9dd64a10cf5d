//! Digests in a short form.

use std::fmt::Write;

/// Writes the first 16 bytes of a digest in hexadecimal digits.
pub(super) fn short_hex(digest: &[u8]) -> String {
    digest
        .iter()
        .take(16)
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
