//! The credential in a text, as files and variables hold it.

use zeroize::Zeroizing;

use crate::model::{Secret, is_invisible};

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Returns a text without what editors and `echo` add to it: a byte-order mark at its start and
/// one line break at its end.
pub(super) fn without_packaging(text: &str) -> &str {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let end = ["\r\n", "\n", "\r"]
        .into_iter()
        .find_map(|end| text.strip_suffix(end));
    end.unwrap_or(text)
}

/// Returns the credential, or describes what it contains that no credential does.
///
/// The description continues a sentence about the place that the credential was read from.
pub(super) fn checked(credential: &str) -> Result<Secret, String> {
    let is_foreign = |c: &char| c.is_control() || is_invisible(*c);
    match credential.chars().find(is_foreign) {
        None => Ok(Secret::new(credential)),
        Some('\n' | '\r') => Err("contains a line break".to_owned()),
        Some('\t') => Err("contains a tab".to_owned()),
        Some(c) => Err(format!(
            "contains the invisible character U+{:04X}",
            u32::from(c)
        )),
    }
}

/// Returns a token, or describes what it contains that no token does.
pub(super) fn checked_token(token: &str) -> Result<Secret, String> {
    let token = checked(token)?;
    match token.defect() {
        None => Ok(token),
        Some(defect) => Err(defect),
    }
}

/// Returns bytes as text, or describes why they are none.
pub(super) fn text(bytes: &Zeroizing<Vec<u8>>) -> Result<&str, &'static str> {
    match bytes.as_slice() {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err("is UTF-16, not UTF-8"),
        bytes => std::str::from_utf8(bytes).map_err(|_| "is not valid UTF-8"),
    }
}
