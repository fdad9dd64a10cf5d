//! The buffer for bytes that may contain a credential.

use std::hint::black_box;
use std::io;
use std::ops::{Deref, DerefMut};

use zeroize::Zeroize;

/// The largest body that may contain a whole credential. Only listings are larger, and they mask or
/// omit secrets.
const MAX_SIZE_WITH_SECRET: usize = 64 << 10;

/// A buffer that leaves no copy of its bytes in memory, neither when it is dropped nor when it
/// grows.
pub(crate) struct ZeroizingBuffer(Vec<u8>);

impl ZeroizingBuffer {
    /// Creates an empty buffer.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Appends bytes.
    pub(crate) fn extend(&mut self, chunk: &[u8]) {
        let needed = self.0.len() + chunk.len();
        if needed > self.0.capacity() {
            // A vector that grows by itself frees its old allocation without wiping it.
            let capacity = needed.max(2 * self.0.capacity());
            let mut larger = Self::with_capacity(capacity);
            larger.0.extend_from_slice(&self.0);
            *self = larger;
        }
        self.0.extend_from_slice(chunk);
    }

    /// Changes the length; bytes that are added are zero.
    pub(crate) fn resize(&mut self, length: usize) {
        if length > self.0.capacity() {
            let mut larger = Self::with_capacity(length);
            larger.0.extend_from_slice(&self.0);
            *self = larger;
        }
        // What is cut off stays in the allocation.
        self.0.get_mut(length..).unwrap_or_default().zeroize();
        self.0.resize(length, 0);
    }

    /// Removes the first `count` bytes.
    pub(crate) fn remove_front(&mut self, count: usize) {
        let count = count.min(self.0.len());
        self.0.copy_within(count.., 0);
        self.resize(self.0.len() - count);
    }
}

impl DerefMut for ZeroizingBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
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

/// Wipes the bytes one by one, which the compiler cannot elide. For a page of a listing that would
/// take longer than receiving it, so large buffers are overwritten in one go instead.
impl Drop for ZeroizingBuffer {
    fn drop(&mut self) {
        if self.0.len() <= MAX_SIZE_WITH_SECRET {
            self.0.zeroize();
        } else {
            self.0.fill(0);
            black_box(&self.0);
        }
    }
}

impl io::Write for ZeroizingBuffer {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        self.extend(chunk);
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_grows_keeps_its_content() {
        let mut bytes = ZeroizingBuffer::with_capacity(2);
        for chunk in ["a", "", "bcd", "efghijkl"] {
            bytes.extend(chunk.as_bytes());
        }
        assert_eq!(bytes.len(), 12);
        assert_eq!(*bytes, *b"abcdefghijkl");
        bytes.remove_front(3);
        bytes.resize(10);
        assert_eq!(*bytes, *b"defghijkl\0");
    }
}
