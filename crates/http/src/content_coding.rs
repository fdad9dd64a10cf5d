//! What may surround the JSON of a response: compression that was not requested, and a byte-order
//! mark.
//!
//! The response to a creation is the only place where a secret is ever shown, so it is read
//! whatever a gateway wrapped around it. The labels of a gateway are hints: a body that is JSON
//! already is taken as it is.

use http::{HeaderMap, header};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_IGNORE_ADLER32, TINFL_FLAG_PARSE_ZLIB_HEADER,
    TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use crate::zeroizing_buffer::ZeroizingBuffer;

/// The number of times that a body may be compressed.
const MAX_LAYERS: usize = 2;
/// The first bytes of a gzip member: the magic number, and the only method there is.
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b, 8];
/// The first byte of a zlib stream with the usual window; no JSON begins with it.
const ZLIB_MAGIC: u8 = 0x78;
/// The length of the fixed part of a gzip header.
const GZIP_HEADER_LENGTH: usize = 10;
/// The length of what follows the data: a checksum and a length.
const GZIP_TRAILER_LENGTH: usize = 8;
const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// The reason why the content of a body cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("the response is compressed in an unknown way, which was not requested")]
    UnknownCoding,
    #[error("the response is compressed, which was not requested, and damaged")]
    Damaged,
    #[error("the response is too large once unpacked")]
    TooLarge,
}

/// Unpacks a body to at most `max_size` bytes, and removes its byte-order mark.
pub(crate) fn unwrap_content(
    headers: &HeaderMap,
    mut body: ZeroizingBuffer,
    max_size: usize,
) -> Result<ZeroizingBuffer, Unreadable> {
    for _ in 0..MAX_LAYERS {
        body = if deflate_start(&body).is_some() {
            unpack_gzip(&body, max_size)?
        } else if body.starts_with(&[ZLIB_MAGIC]) {
            match unpack_deflate(&body, max_size, true) {
                // It was something else.
                Err(Unreadable::Damaged) => break,
                unpacked => unpacked?,
            }
        } else {
            break;
        };
    }
    if !is_text(&body) {
        let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
        let mut codings = codings
            .by_ref()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"));
        match codings.next() {
            // A server may mean either of the two formats.
            Some(coding) if coding.eq_ignore_ascii_case(b"deflate") => {
                body = unpack_deflate(&body, max_size, true)
                    .or_else(|_| unpack_deflate(&body, max_size, false))?;
            }
            Some(_) => return Err(Unreadable::UnknownCoding),
            None => {}
        }
    }
    Ok(without_mark(body))
}

/// Returns `true` if a body begins as JSON may, or is blank.
fn is_text(body: &[u8]) -> bool {
    let body = body.strip_prefix(UTF8_MARK).unwrap_or(body);
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    first.is_none_or(|byte| {
        matches!(
            byte,
            b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'
        )
    })
}

/// Returns where the compressed data of a gzip member begins (RFC 1952); `None` for anything else.
///
/// Its checksum is not verified: TCP and TLS have done so, and JSON that is damaged is not decoded.
fn deflate_start(body: &[u8]) -> Option<usize> {
    if !body.starts_with(GZIP_MAGIC) {
        return None;
    }
    let flags = *body.get(3)?;
    let mut start = GZIP_HEADER_LENGTH;
    if flags & 4 != 0 {
        let length = body.get(start..start + 2)?;
        start += 2 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    }
    // The name of a file, and a comment, each ended by a zero.
    for flag in [8, 16] {
        if flags & flag != 0 {
            start += 1 + body.get(start..)?.iter().position(|byte| *byte == 0)?;
        }
    }
    Some(if flags & 2 != 0 { start + 2 } else { start })
}

/// Unpacks the members of a gzip file one after the other: a gateway may compress part by part.
fn unpack_gzip(packed: &[u8], max_size: usize) -> Result<ZeroizingBuffer, Unreadable> {
    let mut inflater = Inflater::new(packed.len(), max_size);
    let mut rest = packed;
    while let Some(start) = deflate_start(rest) {
        let data = rest.get(start..).unwrap_or_default();
        let read = inflater.inflate(data, false)?;
        rest = data.get(read + GZIP_TRAILER_LENGTH..).unwrap_or_default();
    }
    Ok(inflater.finish())
}

fn unpack_deflate(
    packed: &[u8],
    max_size: usize,
    zlib: bool,
) -> Result<ZeroizingBuffer, Unreadable> {
    let mut inflater = Inflater::new(packed.len(), max_size);
    inflater.inflate(packed, zlib)?;
    Ok(inflater.finish())
}

/// Unpacks deflated data straight into a buffer that is wiped, without a window of its own.
struct Inflater {
    state: Box<DecompressorOxide>,
    unpacked: ZeroizingBuffer,
    /// The part of the buffer that is filled.
    length: usize,
    max_size: usize,
}

impl Inflater {
    fn new(packed_size: usize, max_size: usize) -> Self {
        let mut unpacked = ZeroizingBuffer::with_capacity(0);
        unpacked.resize(packed_size.saturating_mul(4).clamp(1, max_size.max(1)));
        Self {
            state: Box::new(DecompressorOxide::new()),
            unpacked,
            length: 0,
            max_size,
        }
    }

    /// Unpacks data to the end of what was unpacked so far, and returns how much was read.
    fn inflate(&mut self, packed: &[u8], zlib: bool) -> Result<usize, Unreadable> {
        let mut flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF | TINFL_FLAG_IGNORE_ADLER32;
        if zlib {
            flags |= TINFL_FLAG_PARSE_ZLIB_HEADER;
        }
        self.state.init();
        let start = self.length;
        let mut read = 0;
        loop {
            let input = packed.get(read..).unwrap_or_default();
            let output = self.unpacked.get_mut(start..).unwrap_or_default();
            let written = self.length - start;
            let (status, consumed, produced) =
                decompress(&mut self.state, input, output, written, flags);
            read += consumed;
            self.length += produced;
            match status {
                TINFLStatus::Done => return Ok(read),
                TINFLStatus::HasMoreOutput if self.unpacked.len() >= self.max_size => {
                    return Err(Unreadable::TooLarge);
                }
                TINFLStatus::HasMoreOutput => {
                    let larger = self.unpacked.len().saturating_mul(2).min(self.max_size);
                    self.unpacked.resize(larger);
                }
                _ => return Err(Unreadable::Damaged),
            }
        }
    }

    fn finish(mut self) -> ZeroizingBuffer {
        self.unpacked.resize(self.length);
        self.unpacked
    }
}

/// Removes a byte-order mark, and converts UTF-16 to UTF-8.
fn without_mark(mut body: ZeroizingBuffer) -> ZeroizingBuffer {
    let unit: fn([u8; 2]) -> u16 = match body.get(..2) {
        Some([0xff, 0xfe]) => u16::from_le_bytes,
        Some([0xfe, 0xff]) => u16::from_be_bytes,
        _ => {
            if body.starts_with(UTF8_MARK) {
                body.remove_front(UTF8_MARK.len());
            }
            return body;
        }
    };
    // UTF-8 takes at most three bytes for each unit of two.
    let mut text = ZeroizingBuffer::with_capacity(body.len() / 2 * 3);
    let units = body
        .chunks_exact(2)
        .skip(1)
        .map(|pair| unit([pair[0], pair[1]]));
    for character in char::decode_utf16(units) {
        match character {
            Ok(character) => text.extend(character.encode_utf8(&mut [0; 4]).as_bytes()),
            // Half a pair keeps its JSON escape, which is marked where it is read (decision 0016).
            Err(half) => {
                // A backslash that stands alone must not become one that is escaped by this escape.
                let backslashes = text.iter().rev().take_while(|byte| **byte == b'\\');
                if backslashes.count() % 2 == 1 {
                    text.extend(b"\\");
                }
                let escape = format!("\\u{:04x}", half.unpaired_surrogate());
                text.extend(escape.as_bytes());
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};

    use super::*;

    const JSON: &[u8] = br#"{"token":"hunter2hunter2hunter2"}"#;

    fn unwrap(coding: &str, body: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_ENCODING,
            HeaderValue::from_str(coding).unwrap(),
        );
        let mut buffer = ZeroizingBuffer::with_capacity(0);
        buffer.extend(body);
        unwrap_content(&headers, buffer, 1 << 10).map(|body| body.to_vec())
    }

    fn gzip(flags: u8, extra: &[u8], content: &[u8]) -> Vec<u8> {
        let header = [0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3];
        [&header, extra, &compress_to_vec(content, 6), &[0; 8]].concat()
    }

    #[test]
    fn json_is_reached_whatever_surrounds_it() {
        let marked = [UTF8_MARK, JSON].concat();
        let utf16: Vec<u8> = [0xfeff]
            .into_iter()
            .chain(JSON.iter().map(|byte| u16::from(*byte)))
            .flat_map(u16::to_le_bytes)
            .collect();
        let named = gzip(4 | 8 | 16 | 2, b"\x02\0abname\0comment\0cc", JSON);
        for (coding, body) in [
            ("identity", JSON.to_vec()),
            ("", JSON.to_vec()),
            ("", marked.clone()),
            ("", utf16),
            ("gzip", gzip(0, b"", JSON)),
            ("GZIP", gzip(0, b"", &marked)),
            ("gzip", named),
            ("gzip, gzip", gzip(0, b"", &gzip(0, b"", JSON))),
            ("deflate", compress_to_vec_zlib(JSON, 6)),
            ("deflate", compress_to_vec(JSON, 6)),
            // The header was lost, or is wrong.
            ("", gzip(0, b"", JSON)),
            ("", compress_to_vec_zlib(JSON, 6)),
            (
                "gzip",
                [gzip(0, b"", &JSON[..9]), gzip(0, b"", &JSON[9..])].concat(),
            ),
            ("gzip", [gzip(0, b"", JSON), b"surplus".to_vec()].concat()),
            ("br", JSON.to_vec()),
            ("gzip", JSON.to_vec()),
        ] {
            assert_eq!(
                unwrap(coding, &body).as_deref(),
                Ok(JSON),
                "{coding} {body:?}"
            );
        }
    }

    #[test]
    fn half_a_pair_of_utf_16_becomes_its_escape() {
        for (before, expected) in [
            ("é\u{1f511}", "é\u{1f511}"),
            // An escaped backslash ends before the escape, and one that stands alone becomes one.
            (r"\\", r"\\"),
            (r"\", r"\\"),
            (r"\\\", r"\\\\"),
        ] {
            let text = format!("{{\"a\":\"{before}");
            let text = text.encode_utf16();
            let units = [0xfeff].into_iter().chain(text).chain([0xd83d]);
            let body = units.chain("\"}".encode_utf16());
            let body: Vec<u8> = body.flat_map(u16::to_be_bytes).collect();
            let text = unwrap("", &body).unwrap();
            let expected = format!("{{\"a\":\"{expected}\\ud83d\"}}");
            assert_eq!(str::from_utf8(&text).unwrap(), expected);
        }
    }

    #[test]
    fn what_cannot_be_unpacked_within_the_limit_is_an_error() {
        let packed = gzip(0, b"", JSON);
        let bomb = gzip(0, b"", &[b' '; 1025]);
        assert_eq!(
            unwrap("br", &[0x8b, 3, 0x80]),
            Err(Unreadable::UnknownCoding)
        );
        assert_eq!(unwrap("gzip", &bomb), Err(Unreadable::TooLarge));
        assert!(unwrap("gzip", &gzip(0, b"", &[b' '; 1024])).is_ok());
        // Two layers are removed, and no third.
        let thrice = gzip(0, b"", &gzip(0, b"", &packed));
        assert_eq!(unwrap("", &thrice).as_deref(), Ok(&*packed));
        let halves = [gzip(0, b"", &[b' '; 512]), gzip(0, b"", &[b' '; 513])].concat();
        assert_eq!(unwrap("gzip", &halves), Err(Unreadable::TooLarge));
        for length in 3..packed.len() - 8 {
            assert!(unwrap("gzip", &packed[..length]).is_err(), "{length}");
        }
    }
}
