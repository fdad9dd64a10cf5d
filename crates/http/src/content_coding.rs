//! What may surround the JSON of a response: compression, requested for listings only (decision
//! 0041), and a byte-order mark.
//!
//! The response to a creation is the only place where a secret is ever shown, so it is read
//! whatever a gateway wrapped around it. The labels of a gateway are hints: a body that is JSON
//! already is taken as it is.

mod inflate;

use http::{HeaderMap, header};

use self::inflate::{is_gzip, unpack_deflate, unpack_gzip};
use crate::zeroizing_buffer::ZeroizingBuffer;

/// The number of times that a body may be compressed.
const MAX_LAYERS: usize = 2;
/// The first byte of a zlib stream with the usual window; no JSON begins with it.
const ZLIB_MAGIC: u8 = 0x78;
const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// The reason why the content of a body cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    UnknownCoding,
    Damaged,
    Cut,
    TooLarge,
}

impl Unreadable {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::UnknownCoding => {
                "the response is compressed in an unknown way, which was not requested"
            }
            Self::Damaged => "the response is compressed, and damaged",
            Self::Cut => "the response ended before its compressed content was complete",
            Self::TooLarge => "the response is too large once unpacked",
        }
    }
}

/// Unpacks a body to at most `max_size` bytes, and removes its byte-order mark.
///
/// It lets other tasks run in between, so that the time of an attempt ends this too: a body of a
/// few megabytes can be made to take minutes.
pub(crate) async fn unwrap_content(
    headers: &HeaderMap,
    mut body: ZeroizingBuffer,
    max_size: usize,
) -> Result<ZeroizingBuffer, Unreadable> {
    for _ in 0..MAX_LAYERS {
        body = if is_gzip(&body) {
            unpack_gzip(&body, max_size).await?
        } else if body.starts_with(&[ZLIB_MAGIC]) {
            match unpack_deflate(&body, max_size, true).await {
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
                body = match unpack_deflate(&body, max_size, true).await {
                    Ok(body) => body,
                    Err(_) => unpack_deflate(&body, max_size, false).await?,
                };
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

    use super::inflate::GZIP_HEADER_LENGTH;
    use super::*;

    const JSON: &[u8] = br#"{"token":"hunter2hunter2hunter2"}"#;

    async fn unwrap(coding: &str, body: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_ENCODING,
            HeaderValue::from_str(coding).unwrap(),
        );
        let mut buffer = ZeroizingBuffer::with_capacity(0);
        buffer.extend(body);
        let body = unwrap_content(&headers, buffer, 1 << 10).await;
        body.map(|body| body.to_vec())
    }

    fn gzip(flags: u8, extra: &[u8], content: &[u8]) -> Vec<u8> {
        let header = [0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3];
        [&header, extra, &compress_to_vec(content, 6), &[0; 8]].concat()
    }

    #[tokio::test]
    async fn json_is_reached_whatever_surrounds_it() {
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
                unwrap(coding, &body).await.as_deref(),
                Ok(JSON),
                "{coding} {body:?}"
            );
        }
    }

    #[tokio::test]
    async fn half_a_pair_of_utf_16_becomes_its_escape() {
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
            let text = unwrap("", &body).await.unwrap();
            let expected = format!("{{\"a\":\"{expected}\\ud83d\"}}");
            assert_eq!(str::from_utf8(&text).unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn what_cannot_be_unpacked_within_the_limit_is_an_error() {
        let packed = gzip(0, b"", JSON);
        let bomb = gzip(0, b"", &[b' '; 1025]);
        let unknown = unwrap("br", &[0x8b, 3, 0x80]).await;
        assert_eq!(unknown, Err(Unreadable::UnknownCoding));
        assert_eq!(unwrap("gzip", &bomb).await, Err(Unreadable::TooLarge));
        let largest = gzip(0, b"", &[b' '; 1024]);
        assert!(unwrap("gzip", &largest).await.is_ok());
        // Two layers are removed, and no third.
        let thrice = gzip(0, b"", &gzip(0, b"", &packed));
        assert_eq!(unwrap("", &thrice).await.as_deref(), Ok(&*packed));
        let halves = [gzip(0, b"", &[b' '; 512]), gzip(0, b"", &[b' '; 513])].concat();
        assert_eq!(unwrap("gzip", &halves).await, Err(Unreadable::TooLarge));
        let mut damaged = packed;
        damaged[GZIP_HEADER_LENGTH] = 0xff;
        assert_eq!(unwrap("gzip", &damaged).await, Err(Unreadable::Damaged));
    }

    #[tokio::test]
    async fn a_stream_that_ends_too_early_is_cut_wherever_it_ends() {
        let named = gzip(4 | 8 | 16 | 2, b"\x02\0abname\0comment\0cc", JSON);
        let half = gzip(0, b"", &JSON[..9]);
        let both = [half.clone(), gzip(0, b"", &JSON[9..])].concat();
        for (packed, first) in [(gzip(0, b"", JSON), 1), (named, 1), (both, half.len() + 3)] {
            // What follows the data is a checksum, which is not verified.
            for length in first..packed.len() - 8 {
                let cut = unwrap("gzip", &packed[..length]).await;
                assert_eq!(cut, Err(Unreadable::Cut), "{length}");
            }
        }
        let packed = compress_to_vec_zlib(JSON, 6);
        for length in 3..packed.len() - 4 {
            let cut = unwrap("deflate", &packed[..length]).await;
            assert_eq!(cut, Err(Unreadable::Cut), "{length}");
        }
    }

    #[tokio::test]
    async fn a_body_that_is_longer_than_what_it_holds_is_refused() {
        let nothing = gzip(0, b"", b"");
        let few = [nothing.repeat(100), gzip(0, b"", JSON)].concat();
        assert_eq!(unwrap("gzip", &few).await.as_deref(), Ok(JSON));
        let many = [nothing.repeat(10_000), gzip(0, b"", JSON)].concat();
        assert_eq!(unwrap("gzip", &many).await, Err(Unreadable::Damaged));
        // Stored blocks without content.
        let header = &gzip(0, b"", b"")[..GZIP_HEADER_LENGTH];
        let blocks = [0, 0, 0, 0xff, 0xff].repeat(20_000);
        let padded = [header, &blocks, &compress_to_vec(JSON, 6)].concat();
        assert_eq!(unwrap("gzip", &padded).await, Err(Unreadable::Damaged));
    }

    #[tokio::test]
    async fn unpacking_lets_other_tasks_run_and_can_be_given_up() {
        // Each block costs far more than the ten bits that it takes.
        let header = &gzip(0, b"", b"")[..GZIP_HEADER_LENGTH];
        let blocks = [0b0000_0010, 0b0000_1000, 0b0010_0000, 0b1000_0000, 0].repeat(10_000);
        let slow = [header, &blocks].concat();
        let unpacking = unwrap("gzip", &slow);
        let other = tokio::task::yield_now();
        tokio::select! {
            biased;
            _ = unpacking => panic!("it was not interrupted"),
            () = other => {}
        }
    }
}
