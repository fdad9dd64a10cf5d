//! A buffered writer that leaves no copy of what passed through it.

use std::io::{self, Write};

use zeroize::{Zeroize, Zeroizing};

/// The size of the buffer, in bytes. It never grows, because that would leave a copy behind.
const CAPACITY: usize = 8 << 10;

/// A buffered writer for output that may contain a secret: then the buffer is wiped after each
/// write.
///
/// Data that was not [flushed](Write::flush) is lost when the writer is dropped.
#[derive(Debug)]
pub(crate) struct WipingWriter<W> {
    inner: W,
    buffer: Zeroizing<Vec<u8>>,
    /// `true` if anything in the buffer may be a secret.
    may_hold_secret: bool,
}

/// A view of a [`WipingWriter`] for what is no secret. To wipe a listing would take longer than to
/// copy it.
pub(crate) struct Public<'a, W>(&'a mut WipingWriter<W>);

impl<W: Write> WipingWriter<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self {
            inner,
            buffer: Zeroizing::new(Vec::with_capacity(CAPACITY)),
            may_hold_secret: false,
        }
    }

    /// Returns the view for what is no secret.
    pub(crate) fn public(&mut self) -> Public<'_, W> {
        Public(self)
    }

    /// Writes the buffer to the inner writer, and wipes a secret even if that fails.
    fn write_through(&mut self) -> io::Result<()> {
        let written = self.inner.write_all(&self.buffer);
        self.wipe();
        self.buffer.clear();
        written
    }

    /// Overwrites the buffer if anything in it may be a secret.
    fn wipe(&mut self) {
        if std::mem::take(&mut self.may_hold_secret) {
            // As a slice, which is wiped at once, where a vector is wiped byte by byte.
            self.buffer.as_mut_slice().zeroize();
        }
    }

    /// Appends to the buffer what fits into it, which is all there is to do nearly always.
    #[inline]
    fn append(&mut self, data: &[u8], may_be_secret: bool) -> io::Result<()> {
        if self.buffer.len() + data.len() > CAPACITY {
            self.write_through()?;
            if data.len() > CAPACITY {
                return self.inner.write_all(data);
            }
        }
        self.may_hold_secret |= may_be_secret;
        self.buffer.extend_from_slice(data);
        Ok(())
    }
}

impl<W: Write> Write for WipingWriter<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.write_all(data).map(|()| data.len())
    }

    #[inline]
    fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        self.append(data, true)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_through()?;
        self.inner.flush()
    }
}

impl<W: Write> Write for Public<'_, W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.write_all(data).map(|()| data.len())
    }

    #[inline]
    fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        self.0.append(data, false)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
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

    #[test]
    fn a_secret_is_wiped_wherever_it_stands_among_other_output() {
        let mut writer = WipingWriter::new(Vec::new());
        let write = |writer: &mut WipingWriter<Vec<u8>>| {
            writer.public().write_all(b"listed").unwrap();
            assert!(!writer.may_hold_secret);
            writer.write_all(b"secret").unwrap();
            writer.public().write_all(b"listed").unwrap();
        };
        write(&mut writer);
        writer.public().flush().unwrap();
        // Whatever wipes it forgets that there was a secret.
        assert!(!writer.may_hold_secret);
        assert_eq!(writer.inner, b"listedsecretlisted");
        write(&mut writer);
        writer.wipe();
        assert_eq!(*writer.buffer, [0; 18]);
    }
}
