//! A buffered writer that leaves no copy of what passed through it.

use std::io::{self, Write};

use zeroize::{Zeroize, Zeroizing};

/// The size of the buffer, in bytes. It never grows, because that would leave a copy behind.
const CAPACITY: usize = 8 << 10;

/// A buffered writer for output that may contain a secret: the buffer is wiped after each write.
///
/// Data that was not [flushed](Write::flush) is lost when the writer is dropped.
#[derive(Debug)]
pub(crate) struct WipingWriter<W> {
    inner: W,
    buffer: Zeroizing<Vec<u8>>,
}

impl<W: Write> WipingWriter<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self {
            inner,
            buffer: Zeroizing::new(Vec::with_capacity(CAPACITY)),
        }
    }

    /// Writes the buffer to the inner writer, and wipes it even if that fails.
    fn write_through(&mut self) -> io::Result<()> {
        let written = self.inner.write_all(&self.buffer);
        // As a slice, which is wiped at once, where a vector is wiped byte by byte.
        self.buffer.as_mut_slice().zeroize();
        self.buffer.clear();
        written
    }
}

impl<W: Write> Write for WipingWriter<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.write_all(data).map(|()| data.len())
    }

    /// Appends to the buffer what fits into it, which is all there is to do nearly always.
    #[inline]
    fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        if self.buffer.len() + data.len() <= CAPACITY {
            self.buffer.extend_from_slice(data);
            return Ok(());
        }
        self.write_through()?;
        if data.len() > CAPACITY {
            return self.inner.write_all(data);
        }
        self.buffer.extend_from_slice(data);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_through()?;
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_arrives_in_order_and_nothing_stays_in_the_buffer() {
        let mut writer = WipingWriter::new(Vec::new());
        let mut expected = Vec::new();
        for length in [
            1,
            100,
            CAPACITY,
            CAPACITY + 1,
            3,
            5 * CAPACITY,
            CAPACITY - 1,
        ] {
            let data = vec![u8::try_from(length % 251).unwrap(); length];
            writer.write_all(&data).unwrap();
            expected.extend(data);
        }
        writer.flush().unwrap();
        assert_eq!(writer.inner, expected);
        assert!(writer.buffer.is_empty());
        assert_eq!(writer.buffer.capacity(), CAPACITY);
    }
}
