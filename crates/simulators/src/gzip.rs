//! Compression of responses with gzip.

use bytes::Bytes;
use http::{Request, Response, header};
use miniz_oxide::deflate::compress_to_vec;

use crate::response;

/// The level of compression that servers use by default.
const LEVEL: u8 = 6;

/// The remainders of the checksum (RFC 1952) for each byte.
const REMAINDERS: [u32; 256] = {
    let mut remainders = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bits = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            bits = (bits >> 1) ^ (0xedb8_8320 * (bits & 1));
            bit += 1;
        }
        remainders[byte] = bits;
        byte += 1;
    }
    remainders
};

/// Compresses a response, unless it is empty or something has compressed it already.
pub(crate) fn compress(response: &mut Response<Bytes>) {
    if !response.body().is_empty() && !response.headers().contains_key(header::CONTENT_ENCODING) {
        let packed = gzip(response.body());
        set_packed(response, packed);
    }
}

/// Returns `true` if a request accepts gzip by name.
pub(crate) fn is_accepted<B>(request: &Request<B>) -> bool {
    let mut codings = request.headers().get_all(header::ACCEPT_ENCODING).iter();
    codings.any(|codings| {
        let mut codings = codings.as_bytes().split(|byte| *byte == b',');
        codings.any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"gzip"))
    })
}

/// Replaces the body by this one, which is labelled as compressed.
pub(crate) fn set_packed(response: &mut Response<Bytes>, packed: Vec<u8>) {
    *response.body_mut() = Bytes::from(packed);
    response::set_header(response, "content-encoding", "gzip");
    response::set_header(response, "vary", "Accept-Encoding");
}

/// Packs bytes as a gzip member (RFC 1952).
pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    packed.extend(compress_to_vec(content, LEVEL));
    let checksum = content.iter().fold(u32::MAX, |checksum, byte| {
        let [lowest, ..] = checksum.to_le_bytes();
        (checksum >> 8) ^ REMAINDERS[usize::from(lowest ^ byte)]
    });
    packed.extend((!checksum).to_le_bytes());
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    packed.extend(length.to_le_bytes());
    packed
}
