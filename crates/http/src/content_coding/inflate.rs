//! Unpacking of gzip and deflate.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_IGNORE_ADLER32, TINFL_FLAG_PARSE_ZLIB_HEADER,
    TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use tokio::task::yield_now;

use super::Unreadable;
use crate::zeroizing_buffer::ZeroizingBuffer;

/// The first bytes of a gzip member: the magic number, and the only method there is.
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b, 8];
/// The length of the fixed part of a gzip header.
pub(super) const GZIP_HEADER_LENGTH: usize = 10;
/// The length of what follows the data: a checksum and a length.
const GZIP_TRAILER_LENGTH: usize = 8;
/// The usual ratio of a page of tokens is 6.
const EXPECTED_RATIO: usize = 8;
/// The number of bytes to unpack before other tasks run.
const STEP: usize = 4 << 10;
/// The number of bytes by which a compressed body may be longer than what it holds: headers, and
/// blocks that hold nothing.
const MAX_OVERHEAD: usize = 64 << 10;

/// Returns `true` for the beginning of a gzip member (RFC 1952), however short.
pub(super) fn is_gzip(body: &[u8]) -> bool {
    let magic = GZIP_MAGIC.get(..body.len()).unwrap_or(GZIP_MAGIC);
    !body.is_empty() && body.starts_with(magic)
}

/// Returns where the compressed data of a gzip member begins; `None` if its header is cut.
///
/// Its checksum is not verified: TCP and TLS have done so, and JSON that is damaged is not decoded.
fn deflate_start(member: &[u8]) -> Option<usize> {
    let flags = *member.get(3)?;
    let mut start = GZIP_HEADER_LENGTH;
    if flags & 4 != 0 {
        let length = member.get(start..start + 2)?;
        start += 2 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    }
    // The name of a file, and a comment, each ended by a zero.
    for flag in [8, 16] {
        if flags & flag != 0 {
            start += 1 + member.get(start..)?.iter().position(|byte| *byte == 0)?;
        }
    }
    Some(if flags & 2 != 0 { start + 2 } else { start })
}

/// Unpacks the members of a gzip file one after the other: a gateway may compress part by part.
pub(super) async fn unpack_gzip(
    packed: &[u8],
    max_size: usize,
) -> Result<ZeroizingBuffer, Unreadable> {
    let mut inflater = Inflater::new(packed.len(), max_size);
    let mut rest = packed;
    loop {
        let data = deflate_start(rest).and_then(|start| rest.get(start..));
        let data = data.ok_or(Unreadable::Cut)?;
        let read = inflater.inflate(data, false).await?;
        rest = data.get(read + GZIP_TRAILER_LENGTH..).unwrap_or_default();
        inflater.check_overhead(packed.len() - rest.len(), 0)?;
        // Anything else that follows is surplus.
        if !rest.starts_with(GZIP_MAGIC) {
            return Ok(inflater.finish());
        }
    }
}

/// Unpacks deflated data, with or without the header of zlib.
pub(super) async fn unpack_deflate(
    packed: &[u8],
    max_size: usize,
    zlib: bool,
) -> Result<ZeroizingBuffer, Unreadable> {
    let mut inflater = Inflater::new(packed.len(), max_size);
    inflater.inflate(packed, zlib).await?;
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
        let expected = packed_size.saturating_mul(EXPECTED_RATIO);
        let mut unpacked = ZeroizingBuffer::with_capacity(0);
        unpacked.resize(expected.clamp(1, max_size.max(1)));
        Self {
            state: Box::new(DecompressorOxide::new()),
            unpacked,
            length: 0,
            max_size,
        }
    }

    /// Unpacks data to the end of what was unpacked so far, and returns how much was read.
    async fn inflate(&mut self, packed: &[u8], zlib: bool) -> Result<usize, Unreadable> {
        let mut flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF | TINFL_FLAG_IGNORE_ADLER32;
        if zlib {
            flags |= TINFL_FLAG_PARSE_ZLIB_HEADER;
        }
        self.state.init();
        let start = self.length;
        let mut read = 0;
        loop {
            yield_now().await;
            let rest = packed.get(read..).unwrap_or_default();
            let (input, more) = match rest.get(..STEP) {
                Some(step) if step.len() < rest.len() => (step, TINFL_FLAG_HAS_MORE_INPUT),
                _ => (rest, 0),
            };
            let output = self.unpacked.get_mut(start..).unwrap_or_default();
            let written = self.length - start;
            let (status, consumed, produced) =
                decompress(&mut self.state, input, output, written, flags | more);
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
                TINFLStatus::NeedsMoreInput if more != 0 => {}
                TINFLStatus::NeedsMoreInput | TINFLStatus::FailedCannotMakeProgress => {
                    return Err(Unreadable::Cut);
                }
                _ => return Err(Unreadable::Damaged),
            }
            self.check_overhead(read, start)?;
        }
    }

    /// Rejects a body that is longer than what it holds: it was made to be slow.
    fn check_overhead(&self, read: usize, start: usize) -> Result<(), Unreadable> {
        if read > self.length - start + MAX_OVERHEAD {
            return Err(Unreadable::Damaged);
        }
        Ok(())
    }

    fn finish(mut self) -> ZeroizingBuffer {
        self.unpacked.resize(self.length);
        self.unpacked
    }
}
