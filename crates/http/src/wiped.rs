//! Bytes that may hold a credential.

use std::io;

use zeroize::Zeroizing;

/// A buffer that leaves no copy behind, neither when it is dropped nor when it grows.
pub(crate) struct WipedBytes(Zeroizing<Vec<u8>>);

impl WipedBytes {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(capacity)))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn extend(&mut self, piece: &[u8]) {
        let needed = self.0.len() + piece.len();
        if needed > self.0.capacity() {
            // A vector that grows by itself frees its old place as it is.
            let capacity = needed.max(2 * self.0.capacity());
            let mut larger = Zeroizing::new(Vec::with_capacity(capacity));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(piece);
    }

    pub(crate) fn into_inner(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

impl io::Write for WipedBytes {
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
        let mut bytes = WipedBytes::with_capacity(2);
        for piece in ["a", "", "bcd", "efghijkl"] {
            bytes.extend(piece.as_bytes());
        }
        assert_eq!(bytes.len(), 12);
        assert_eq!(*bytes.into_inner(), b"abcdefghijkl");
    }
}
