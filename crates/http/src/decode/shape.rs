//! The fast reading of pages: the fields of a record are expected to be those of the one before.
//!
//! The texts between two values, such as `,"name":`, are the same in most records of a page. Each
//! is compared as a whole with the one at its place before, instead of being read again. A value
//! that is plain is read here, every other one by `serde_json`; and if anything cannot be read, the
//! whole page is read again by `serde_json` alone, which says why. So what is read here is always
//! what `serde_json` would have read (decision 0039).

mod value;

use std::fmt;

use serde_json::de::StrRead;
use serde_json::value::RawValue;

use self::value::Member;
use crate::decode::FromFields;

/// The number of fields of a record that are remembered.
const MAX_FIELDS: usize = 64;
/// The number of lists and maps in a value that are certainly not nested too deeply for
/// `serde_json`, whose limit is 128, wherever the value stands.
const MAX_BRACKETS: usize = 64;

/// Reads a page as [`PageSeed`](crate::decode::PageSeed) does, or returns `None` if that has to
/// read it.
pub(crate) fn read_page<'a, P: FromFields<'a>, R: FromFields<'a>, T>(
    text: &'a str,
    field: &str,
    capacity: usize,
    convert: &mut impl FnMut(R) -> tokenfleet_core::Result<T>,
) -> Option<(P, Vec<T>)> {
    let mut reader = Reader::new(text);
    let (mut page, mut records) = (P::default(), None);
    let read = reader.object(&mut Shape::default(), |reader, name| {
        if name != field {
            return page.read(name, &mut Member::new(reader));
        }
        if records.is_some() {
            return Err(Unusual);
        }
        records = Some(reader.records(capacity, convert)?);
        Ok(())
    });
    read.and_then(|()| reader.end()).ok()?;
    Some((page, records?))
}

/// Reads a list of records as [`RecordsSeed`](crate::decode::RecordsSeed) does, or returns `None`
/// if that has to read it.
pub(crate) fn read_records<'a, R: FromFields<'a>, T>(
    text: &'a str,
    capacity: usize,
    convert: &mut impl FnMut(R) -> tokenfleet_core::Result<T>,
) -> Option<Vec<T>> {
    let mut reader = Reader::new(text);
    let records = reader.records(capacity, convert).ok()?;
    reader.end().ok()?;
    Some(records)
}

/// The error for everything that is left to `serde_json`, which says what is wrong, if anything is.
#[derive(Debug)]
struct Unusual;

impl fmt::Display for Unusual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not read here")
    }
}

impl std::error::Error for Unusual {}

impl serde::de::Error for Unusual {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// The fields of the records so far: the text from a field's name to its value, and the name.
#[derive(Default)]
struct Shape<'a>(Vec<(&'a [u8], &'a str)>);

/// A place in a JSON text.
struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// `true` once any value could not be read, even if nobody minded.
    failed: bool,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            failed: false,
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn skip_whitespace(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
        self.peek()
    }

    /// Consumes one byte of punctuation, and the whitespace before it.
    #[inline]
    fn punctuation(&mut self) -> Option<u8> {
        let byte = self.skip_whitespace();
        self.at += 1;
        byte
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), Unusual> {
        (self.punctuation() == Some(byte))
            .then_some(())
            .ok_or(Unusual)
    }

    fn end(&mut self) -> Result<(), Unusual> {
        let is_read = self.skip_whitespace().is_none() && !self.failed;
        is_read.then_some(()).ok_or(Unusual)
    }

    /// Reads an object; `read` reads the value of each field.
    #[inline]
    fn object(
        &mut self,
        shape: &mut Shape<'a>,
        mut read: impl FnMut(&mut Self, &'a str) -> Result<(), Unusual>,
    ) -> Result<(), Unusual> {
        self.expect(b'{')?;
        if self.skip_whitespace() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        let mut index = 0;
        loop {
            let name = self.name(shape, &mut index)?;
            let start = self.at;
            read(self, name)?;
            // Nobody is obliged to read a value, or to mind an error.
            if self.at == start || self.failed {
                return Err(Unusual);
            }
            match self.punctuation() {
                Some(b',') => {}
                Some(b'}') => return Ok(()),
                _ => return Err(Unusual),
            }
        }
    }

    /// Reads the name of a field and what stands before its value. `index` is that of the field
    /// that is expected.
    #[inline]
    fn name(&mut self, shape: &mut Shape<'a>, index: &mut usize) -> Result<&'a str, Unusual> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if let Some((piece, name)) = shape.0.get(*index)
            && begins_with(rest, piece)
        {
            self.at += piece.len();
            *index += 1;
            return Ok(name);
        }
        self.unexpected_name(shape, index)
    }

    /// Reads a name that is not the expected one.
    #[cold]
    fn unexpected_name(
        &mut self,
        shape: &mut Shape<'a>,
        index: &mut usize,
    ) -> Result<&'a str, Unusual> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        // Fields may be left out.
        for (found, (piece, name)) in shape.0.iter().enumerate().skip(*index) {
            if begins_with(rest, piece) {
                self.at += piece.len();
                *index = found + 1;
                return Ok(name);
            }
        }
        let start = self.at;
        self.skip_whitespace();
        let name = self.plain_string().ok_or(Unusual)?;
        self.expect(b':')?;
        self.skip_whitespace();
        let piece = self.bytes.get(start..self.at).unwrap_or_default();
        if shape.0.len() < MAX_FIELDS {
            shape.0.insert(*index, (piece, name));
            *index += 1;
        }
        Ok(name)
    }

    /// Reads a list of records, and converts each before it reads the next one.
    fn records<R: FromFields<'a>, T>(
        &mut self,
        capacity: usize,
        convert: &mut impl FnMut(R) -> tokenfleet_core::Result<T>,
    ) -> Result<Vec<T>, Unusual> {
        self.expect(b'[')?;
        let mut converted = Vec::with_capacity(capacity);
        if self.skip_whitespace() == Some(b']') {
            self.at += 1;
            return Ok(converted);
        }
        let mut shape = Shape::default();
        loop {
            let mut record = R::default();
            self.object(&mut shape, |reader, name| {
                record.read(name, &mut Member::new(reader))
            })?;
            converted.push(convert(record).map_err(|_| Unusual)?);
            match self.punctuation() {
                Some(b',') => {}
                Some(b']') => return Ok(converted),
                _ => return Err(Unusual),
            }
        }
    }

    /// Reads a string without escapes, or returns `None` and stays.
    #[inline]
    fn plain_string(&mut self) -> Option<&'a str> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let start = self.at + 1;
        let end = self.plain_end(start)?;
        if self.bytes.get(end) != Some(&b'"') {
            return None;
        }
        self.at = end + 1;
        self.text.get(start..end)
    }

    /// Skips a string, or returns `None` and stays.
    fn skip_string(&mut self) -> Option<()> {
        let mut end = self.at + 1;
        loop {
            end = self.plain_end(end)?;
            match self.bytes.get(end..)? {
                [b'"', ..] => break,
                [b'\\', b'"' | b'\\' | b'/', ..] => end += 2,
                _ => return None,
            }
        }
        self.at = end + 1;
        Some(())
    }

    /// Returns the place of the first quote, backslash or control character from a place on.
    #[inline]
    fn plain_end(&self, mut at: usize) -> Option<usize> {
        let mut rest = self.bytes.get(at..)?;
        const ONES: u64 = u64::MAX / 0xff;
        while let Some((word, after)) = rest.split_first_chunk() {
            let word = u64::from_le_bytes(*word);
            let (quotes, backslashes) = (word ^ (ONES * 0x22), word ^ (ONES * 0x5c));
            // The highest bit of each byte that is found, exact up to the first one.
            let found = quotes.wrapping_sub(ONES)
                | backslashes.wrapping_sub(ONES)
                | word.wrapping_sub(ONES * 0x20);
            match found & !word & (ONES * 0x80) {
                0 => at += 8,
                found => return Some(at + found.trailing_zeros() as usize / 8),
            }
            rest = after;
        }
        let found = rest
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
        Some(at + found)
    }

    /// Consumes a word if it stands here.
    #[inline]
    fn word(&mut self, word: &[u8]) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let stands = rest.starts_with(word);
        if stands {
            self.at += word.len();
        }
        stands
    }

    #[inline]
    fn boolean(&mut self) -> Option<bool> {
        match self.peek() {
            Some(b't') => self.word(b"true").then_some(true),
            Some(b'f') => self.word(b"false").then_some(false),
            _ => None,
        }
    }

    /// Reads a whole number of up to 18 digits, or returns `None` and stays.
    #[inline]
    fn whole_number(&mut self) -> Option<u64> {
        let digits = self.bytes.get(self.at..)?;
        let (mut number, mut length) = (0, 0);
        loop {
            match digits.get(length)? {
                digit @ b'0'..=b'9' if length < 18 => {
                    number = number * 10 + u64::from(digit - b'0');
                    length += 1;
                }
                b',' | b'}' | b']' if length > 0 => break,
                _ => return None,
            }
        }
        if length > 1 && digits.first() == Some(&b'0') {
            return None;
        }
        self.at += length;
        Some(number)
    }

    /// Returns the text of the value that stands here, which may be any.
    fn raw(&mut self) -> Result<&'a str, Unusual> {
        // What is returned begins with the value, whatever stands before it.
        self.skip_whitespace();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter();
        let value: &'a RawValue = values.next().and_then(Result::ok).ok_or(Unusual)?;
        self.at += value.get().len();
        Ok(value.get())
    }

    /// Has a value read by `serde_json`.
    #[cold]
    fn delegate<T>(
        &mut self,
        read: impl FnOnce(&mut serde_json::Deserializer<StrRead<'a>>) -> serde_json::Result<T>,
    ) -> Result<T, Unusual> {
        let read = self.raw().and_then(|raw| {
            let brackets = raw.bytes().filter(|byte| matches!(byte, b'[' | b'{'));
            if brackets.count() > MAX_BRACKETS {
                return Err(Unusual);
            }
            let mut value = serde_json::Deserializer::from_str(raw);
            let read = read(&mut value).map_err(|_| Unusual)?;
            value.end().map_err(|_| Unusual)?;
            Ok(read)
        });
        self.noted(read)
    }

    /// Notes an error, which the one who asked for the value may ignore.
    #[inline]
    fn noted<T>(&mut self, read: Result<T, Unusual>) -> Result<T, Unusual> {
        self.failed |= read.is_err();
        read
    }
}

/// Returns `true` if a text begins with another. Most names are short enough for two words, which
/// overlap.
#[inline]
fn begins_with(text: &[u8], start: &[u8]) -> bool {
    let Some(text) = text.get(..start.len()) else {
        return false;
    };
    match start.len() {
        4..8 => {
            text.first_chunk::<4>() == start.first_chunk()
                && text.last_chunk::<4>() == start.last_chunk()
        }
        8..=16 => {
            text.first_chunk::<8>() == start.first_chunk()
                && text.last_chunk::<8>() == start.last_chunk()
        }
        _ => text == start,
    }
}

#[cfg(test)]
mod tests;
