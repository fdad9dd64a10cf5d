//! The rows of a table, packed: a hundred bytes instead of a token each.

use std::io::{self, Write};

use tokenfleet::{Fact, Timestamp};

/// The rows, one after the other.
///
/// A row is the number of its account, a byte of its own, then a cell per column: a tag, and for a
/// text its length and its bytes, for a time its seconds.
#[derive(Debug, Default)]
pub(super) struct Rows {
    bytes: Vec<u8>,
}

/// A cell as it is read back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Packed<'a> {
    Text(&'a str),
    /// A time, in seconds since 1970.
    Time(i64),
    Absent,
    NotReported,
    /// The name of the account, which is not stored with every row.
    Account,
    /// The provider of the account.
    Provider,
}

const TEXT: u8 = 0;
const TIME: u8 = 1;
const ABSENT: u8 = 2;
const NOT_REPORTED: u8 = 3;
const ACCOUNT: u8 = 4;
const PROVIDER: u8 = 5;

impl<'a> Packed<'a> {
    pub(super) fn time(fact: &Fact<Timestamp>) -> Self {
        match fact {
            Fact::Known(at) => Self::Time(at.unix_seconds()),
            Fact::Absent => Self::Absent,
            Fact::NotReported => Self::NotReported,
        }
    }
}

impl Rows {
    pub(super) fn start(&mut self, account: u32, is_dim: bool) {
        self.bytes.extend(account.to_le_bytes());
        self.bytes.push(is_dim.into());
    }

    /// Adds a cell to the last row. Fails for a text of more than 4 GiB.
    pub(super) fn cell(&mut self, cell: Packed<'_>) -> io::Result<()> {
        let tag = match cell {
            Packed::Text(_) => TEXT,
            Packed::Time(_) => TIME,
            Packed::Absent => ABSENT,
            Packed::NotReported => NOT_REPORTED,
            Packed::Account => ACCOUNT,
            Packed::Provider => PROVIDER,
        };
        self.bytes.push(tag);
        match cell {
            Packed::Text(text) => {
                let length = u32::try_from(text.len()).map_err(io::Error::other)?;
                self.bytes.extend(length.to_le_bytes());
                self.bytes.write_all(text.as_bytes())
            }
            Packed::Time(seconds) => self.bytes.write_all(&seconds.to_le_bytes()),
            _ => Ok(()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { rest: &self.bytes }
    }
}

/// Reads rows in the order in which they were added.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads the cells of the next row into `cells`, and returns its account and its byte.
    pub(super) fn next(
        &mut self,
        columns: usize,
        cells: &mut Vec<Packed<'a>>,
    ) -> Option<(u32, bool)> {
        let account = u32::from_le_bytes(self.array()?);
        let [is_dim] = self.array()?;
        cells.clear();
        for _ in 0..columns {
            cells.push(self.cell()?);
        }
        Some((account, is_dim != 0))
    }

    fn cell(&mut self) -> Option<Packed<'a>> {
        let [tag] = self.array()?;
        Some(match tag {
            TEXT => {
                let length = u32::from_le_bytes(self.array()?);
                let (text, rest) = self.rest.split_at_checked(length.try_into().ok()?)?;
                self.rest = rest;
                Packed::Text(std::str::from_utf8(text).ok()?)
            }
            TIME => Packed::Time(i64::from_le_bytes(self.array()?)),
            ABSENT => Packed::Absent,
            NOT_REPORTED => Packed::NotReported,
            ACCOUNT => Packed::Account,
            _ => Packed::Provider,
        })
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_read_back() {
        let first = [
            Packed::Account,
            Packed::Text("日本"),
            Packed::Time(-62_135_596_800),
        ];
        let second = [Packed::Provider, Packed::Text(""), Packed::Absent];
        let mut rows = Rows::default();
        for (account, row) in [(0, first), (70_000, second)] {
            rows.start(account, account > 0);
            row.into_iter()
                .try_for_each(|cell| rows.cell(cell))
                .unwrap();
        }
        let mut reader = rows.reader();
        let mut cells = Vec::new();
        assert_eq!(reader.next(3, &mut cells), Some((0, false)));
        assert_eq!(cells, first);
        assert_eq!(reader.next(3, &mut cells), Some((70_000, true)));
        assert_eq!(cells, second);
        assert_eq!(reader.next(3, &mut cells), None);
    }
}
