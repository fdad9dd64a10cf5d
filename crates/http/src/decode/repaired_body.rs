//! The repair of a body that is not valid JSON.

use serde_json::value::RawValue;

use crate::zeroizing_buffer::ZeroizingBuffer;

/// The largest body that is repaired. Repairs may make it seven times as large.
const MAX_SIZE: usize = 16 << 20;

/// A body whose texts and words have been made valid JSON, and where that was necessary.
pub(crate) struct RepairedBody {
    text: ZeroizingBuffer,
    /// The positions of the first repair in each text, ascending.
    repairs: Vec<usize>,
    /// `true` if the text in progress was repaired before.
    is_text_repaired: bool,
}

impl RepairedBody {
    /// Repairs a body.
    ///
    /// Half a surrogate pair, an unknown escape and a byte that is not UTF-8 become the text of
    /// their JSON escape, such as `\ud83d`. Control characters in texts are escaped, and a word or
    /// a number that JSON does not know, such as `NaN`, becomes a text. A body of more than 16 MiB
    /// is given up: it becomes empty, which is not JSON.
    pub(crate) fn new(body: &[u8]) -> Self {
        let mut repaired = Self {
            text: ZeroizingBuffer::with_capacity((body.len() + body.len() / 8).min(MAX_SIZE)),
            repairs: Vec::new(),
            is_text_repaired: false,
        };
        if body.len() > MAX_SIZE {
            return repaired;
        }
        let mut rest = body;
        let mut in_text = false;
        while let Some(first) = rest.first().copied() {
            let length = if first == b'"' {
                in_text = !in_text;
                repaired.is_text_repaired = false;
                repaired.text.extend(b"\"");
                1
            } else if in_text {
                repaired.add_from_text(rest)
            } else {
                repaired.add_from_structure(rest)
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        repaired
    }

    /// Adds what a text continues with, and returns its length in the original.
    fn add_from_text(&mut self, rest: &[u8]) -> usize {
        match rest {
            [b'\\', b'u', ..] => match (code_unit(rest), rest.get(6..).and_then(code_unit)) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => self.keep(rest, 12),
                (Some(0xd800..=0xdfff) | None, _) => self.escape_backslash(),
                (Some(_), _) => self.keep(rest, 6),
            },
            [
                b'\\',
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                ..,
            ] => self.keep(rest, 2),
            [b'\\', ..] => self.escape_backslash(),
            [control @ 0..=0x1f, ..] => {
                self.text.extend(format!("\\u{control:04x}").as_bytes());
                1
            }
            _ => {
                let plain = rest
                    .iter()
                    .take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f));
                let plain = rest.get(..plain.count()).unwrap_or_default();
                for chunk in plain.utf8_chunks() {
                    self.text.extend(chunk.valid().as_bytes());
                    for byte in chunk.invalid() {
                        self.note_repair();
                        // The escape that Python gives such a byte, too.
                        self.text.extend(format!("\\\\udc{byte:02x}").as_bytes());
                    }
                }
                plain.len()
            }
        }
    }

    /// Adds what follows outside texts, and returns its length in the original.
    fn add_from_structure(&mut self, rest: &[u8]) -> usize {
        let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-._".contains(*byte);
        // It is not JSON, but what precedes it may be read.
        if rest.first().is_some_and(|byte| !byte.is_ascii()) {
            self.text.extend("\u{fffd}".as_bytes());
            return 1;
        }
        let length = rest.iter().take_while(is_word).count();
        let word = rest.get(..length).unwrap_or_default();
        if length == 0 {
            return self.keep(rest, 1);
        }
        // A body that begins with a word, such as `OK`, is no JSON with an odd value.
        if self.text.iter().all(u8::is_ascii_whitespace) {
            return self.keep(rest, length);
        }
        if serde_json::from_slice::<serde_json::Value>(word).is_err() {
            self.repairs.push(self.text.len());
            self.text.extend(b"\"");
            self.text.extend(word);
            self.text.extend(b"\"");
            return length;
        }
        self.keep(rest, length)
    }

    fn keep(&mut self, rest: &[u8], length: usize) -> usize {
        self.text.extend(rest.get(..length).unwrap_or(rest));
        length
    }

    fn note_repair(&mut self) {
        if !std::mem::replace(&mut self.is_text_repaired, true) {
            self.repairs.push(self.text.len());
        }
    }

    /// Doubles a backslash, so that what follows is not an escape any more.
    fn escape_backslash(&mut self) -> usize {
        self.note_repair();
        self.text.extend(b"\\\\");
        1
    }

    /// Returns the repaired text.
    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.text).unwrap_or_default()
    }

    /// Returns the object or array that the text begins with, whatever follows it; the whole text if
    /// there is none.
    pub(crate) fn first_value(&self) -> &str {
        let mut values = serde_json::Deserializer::from_str(self.text()).into_iter();
        let first: Option<&RawValue> = values.next().and_then(Result::ok);
        let first = first.map(RawValue::get);
        first
            .filter(|value| value.starts_with(['{', '[']))
            .unwrap_or(self.text())
    }

    /// Returns `true` if this part of the text was repaired.
    pub(super) fn is_repaired(&self, part: &RawValue) -> bool {
        let part = part.get();
        let start = part.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr());
        let next = self.repairs.partition_point(|at| *at < start);
        let next = self.repairs.get(next);
        next.is_some_and(|at| *at < start + part.len())
    }
}

/// Returns the code unit of an escape such as `\ud83d`.
fn code_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = str::from_utf8(digits).ok().filter(|_| is_hex)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_body_is_repaired_without_changing_what_is_valid(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
            json in r#"[\[\]{}:,"\\u0-9a-f dD8cC.+nulterfals-]{0,80}"#,
        ) {
            proptest::prop_assert!(str::from_utf8(&RepairedBody::new(&bytes).text).is_ok());
            let repaired = RepairedBody::new(json.as_bytes());
            if let Ok(value) = serde_json::from_str::<serde_json::Value>(&json) {
                let same = serde_json::from_str::<serde_json::Value>(repaired.text());
                proptest::prop_assert_eq!(value, same.unwrap());
                proptest::prop_assert!(repaired.repairs.is_empty());
            }
        }
    }

    #[test]
    fn a_byte_that_is_no_text_hides_nothing_before_it() {
        let first = |body: &[u8]| RepairedBody::new(body).first_value().to_owned();
        assert_eq!(first(b"{\"a\":1}\xff\n"), "{\"a\":1}");
        assert_eq!(first(b"{\"a\":1}\xc3\xa9"), "{\"a\":1}");
    }

    #[test]
    fn a_body_of_up_to_16_mib_is_repaired_to_at_most_seven_times_as_much() {
        let body = |size: usize| [b"\"", &vec![0xff; size - 2][..], b"\""].concat();
        let repaired = RepairedBody::new(&body(MAX_SIZE));
        assert!(repaired.text().len() > 6 * MAX_SIZE);
        assert!(repaired.text().len() <= 7 * MAX_SIZE);
        assert!(RepairedBody::new(&body(MAX_SIZE + 1)).text().is_empty());
        assert_eq!(MAX_SIZE, 16 << 20);
    }
}
