//! Bytes that may hold a credential.

use std::hint::black_box;
use std::io;
use std::ops::Deref;

use zeroize::Zeroize;

/// No answer that holds a whole credential comes near this size: listings do, and mask or leave out what is secret.
const LARGEST_WITH_A_SECRET: usize = 64 << 10;

/// A buffer that leaves no copy behind, neither when it is dropped nor when it grows.
pub(crate) struct ZeroizingBuffer(Vec<u8>);

impl ZeroizingBuffer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub(crate) fn extend(&mut self, piece: &[u8]) {
        let needed = self.0.len() + piece.len();
        if needed > self.0.capacity() {
            // A vector that grows by itself frees its old place as it is.
            let capacity = needed.max(2 * self.0.capacity());
            let mut larger = Self::with_capacity(capacity);
            larger.0.extend_from_slice(&self.0);
            *self = larger;
        }
        self.0.extend_from_slice(piece);
    }
}

impl Deref for ZeroizingBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for ZeroizingBuffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// Byte by byte, which no compiler leaves out. That takes longer than receiving a page of a listing, which is overwritten at
/// once instead.
impl Drop for ZeroizingBuffer {
    fn drop(&mut self) {
        if self.0.len() <= LARGEST_WITH_A_SECRET {
            self.0.zeroize();
        } else {
            self.0.fill(0);
            black_box(&self.0);
        }
    }
}

impl io::Write for ZeroizingBuffer {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.extend(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_grows_keeps_what_it_holds() {
        let mut bytes = ZeroizingBuffer::with_capacity(2);
        for piece in ["a", "", "bcd", "efghijkl"] {
            bytes.extend(piece.as_bytes());
        }
        assert_eq!(bytes.len(), 12);
        assert_eq!(*bytes, *b"abcdefghijkl");
    }
}
