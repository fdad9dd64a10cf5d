//! The table of many tokens, laid out in two passes: widths while they arrive, rows at the end.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::Style;
use tokenfleet::{Account, Timestamp, Token, TokenState};

use super::arrangement::Arrangement;
use super::content::{Content, DAY_WIDTH, MAX_WIDTH};
use super::layout::{Line, line_width};
use super::record::{Field, fields};
use super::rows::{Packed, Rows};
use super::text_width::{ELLIPSIS, cut, width};
use crate::output::color::{self, DIM, PLAIN};
use crate::output::columns::{Cell, Column, NOT_REPORTED};
use crate::output::screen::Screen;
use crate::output::text::escape;

/// The tokens of a table, as far as they are shown.
#[derive(Debug)]
pub(crate) struct TokenTable {
    columns: Vec<Column>,
    /// `true` if the user named the columns, so that none may be left out.
    is_chosen: bool,
    screen: Screen,
    contents: Vec<Content>,
    accounts: Vec<AccountCells>,
    numbers: HashMap<Account, u32>,
    /// The account of the last token, which is often that of the next one.
    last: Option<(Account, u32)>,
    rows_of: RowsOf,
}

/// The rows in the order of their tokens, or by account.
#[derive(Debug)]
enum RowsOf {
    All(Rows),
    Accounts(Vec<Rows>),
}

/// The cells that all rows of an account share.
#[derive(Debug)]
struct AccountCells {
    name: String,
    provider: String,
}

impl TokenTable {
    /// Creates an empty table. Nothing is cut if no width limits it.
    ///
    /// Columns that were chosen are never left out.
    pub(crate) fn new(
        columns: Vec<Column>,
        is_chosen: bool,
        in_order: bool,
        screen: Screen,
    ) -> Self {
        Self {
            contents: vec![Content::default(); columns.len()],
            columns,
            is_chosen,
            screen,
            accounts: Vec::new(),
            numbers: HashMap::new(),
            last: None,
            rows_of: if in_order {
                RowsOf::All(Rows::default())
            } else {
                RowsOf::Accounts(Vec::new())
            },
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match &self.rows_of {
            RowsOf::All(rows) => rows.is_empty(),
            RowsOf::Accounts(accounts) => accounts.iter().all(Rows::is_empty),
        }
    }

    /// Adds a token.
    pub(crate) fn add(&mut self, account: &Account, token: &Token) -> io::Result<()> {
        let number = match &self.last {
            Some((last, number)) if last == account => *number,
            _ => self.number(account)?,
        };
        let rows = match &mut self.rows_of {
            RowsOf::All(rows) => rows,
            RowsOf::Accounts(accounts) => match accounts.get_mut(number as usize) {
                Some(rows) => rows,
                None => return Ok(()),
            },
        };
        let is_dim = matches!(token.state, TokenState::Suspended | TokenState::Revoked);
        rows.start(number, is_dim);
        for (column, content) in self.columns.iter().zip(&mut self.contents) {
            match column {
                Column::Account => rows.cell(Packed::Account)?,
                Column::Provider => rows.cell(Packed::Provider)?,
                _ => match column.cell(account, token) {
                    Cell::Time(fact) => {
                        let cell = Packed::time(fact);
                        content.add_time(column, cell);
                        rows.cell(cell)?;
                    }
                    Cell::Text(text) => {
                        let bound = self.screen.width.filter(|_| *column != Column::Id);
                        let text = bounded(&text, bound.map(|_| MAX_WIDTH));
                        content.text = content.text.max(width(&text));
                        content.is_reported |= text != NOT_REPORTED;
                        rows.cell(Packed::Text(&text))?;
                    }
                },
            }
        }
        Ok(())
    }

    /// Returns the number of an account, which it gets with its first token.
    fn number(&mut self, account: &Account) -> io::Result<u32> {
        if let Some(number) = self.numbers.get(account) {
            self.last = Some((account.clone(), *number));
            return Ok(*number);
        }
        let number = u32::try_from(self.accounts.len()).map_err(io::Error::other)?;
        self.numbers.insert(account.clone(), number);
        self.last = Some((account.clone(), number));
        let bound = self.screen.width.map(|_| MAX_WIDTH);
        let cells = AccountCells {
            name: bounded(account.name(), bound).into_owned(),
            provider: bounded(account.provider(), bound).into_owned(),
        };
        for (column, content) in self.columns.iter().zip(&mut self.contents) {
            let text = match column {
                Column::Account => &cells.name,
                Column::Provider => &cells.provider,
                _ => continue,
            };
            content.text = content.text.max(width(text));
            content.is_reported = true;
        }
        self.accounts.push(cells);
        if let RowsOf::Accounts(rows) = &mut self.rows_of {
            rows.push(Rows::default());
        }
        Ok(number)
    }

    /// Writes the table. Unless its rows are in order, those of an account stand together, in the
    /// order of `accounts`.
    pub(crate) fn write<'a>(
        &self,
        writer: &mut impl Write,
        accounts: impl Iterator<Item = &'a Account>,
    ) -> io::Result<()> {
        let groups: Vec<&Rows> = match &self.rows_of {
            RowsOf::All(rows) => vec![rows],
            RowsOf::Accounts(rows) => {
                let mut order: HashMap<_, _> = accounts.zip(0_usize..).collect();
                let mut groups: Vec<_> = (self.numbers.iter())
                    .filter_map(|(account, number)| {
                        let place = order.remove(account).unwrap_or(usize::MAX);
                        Some((place, *number, rows.get(*number as usize)?))
                    })
                    .collect();
                groups.sort_by_key(|(place, number, _)| (*place, *number));
                groups.into_iter().map(|(_, _, rows)| rows).collect()
            }
        };
        let arrangement = Arrangement::new(
            &self.columns,
            &self.contents,
            self.is_chosen,
            self.accounts.len() == 1,
            self.screen.width,
        );
        let now = Timestamp::now();
        match arrangement {
            Some(arrangement) => Page::new(self, arrangement, now).write(writer, &groups),
            None => self.records(writer, &groups, now),
        }
    }

    /// Writes a line for each cell, because the columns do not fit beside each other.
    fn records(&self, writer: &mut impl Write, groups: &[&Rows], now: Timestamp) -> io::Result<()> {
        let mut cells = Vec::new();
        let mut buffer = String::new();
        let mut is_first = true;
        for rows in groups {
            let mut reader = rows.reader();
            while let Some((account, _)) = reader.next(self.columns.len(), &mut cells) {
                if !std::mem::take(&mut is_first) {
                    writeln!(writer)?;
                }
                let facts = self.columns.iter().zip(&cells).map(|(column, cell)| {
                    let text = self.text(column, *cell, account, false, &mut buffer);
                    Field::new_escaped(&column.heading(), text)
                        .with_style(self.style(column, *cell, now))
                });
                fields(writer, self.screen, &facts.collect::<Vec<_>>())?;
            }
        }
        Ok(())
    }

    /// Returns the text of a cell. A time is written into the buffer.
    fn text<'a>(
        &'a self,
        column: &Column,
        cell: Packed<'a>,
        account: u32,
        to_the_day: bool,
        buffer: &'a mut String,
    ) -> &'a str {
        let account = self.accounts.get(account as usize);
        match cell {
            Packed::Text(text) => text,
            Packed::Absent => column.absent(),
            Packed::NotReported => NOT_REPORTED,
            Packed::Account => account.map_or("", |account| &account.name),
            Packed::Provider => account.map_or("", |account| &account.provider),
            Packed::Time(seconds) => {
                write_time(buffer, seconds, to_the_day);
                buffer
            }
        }
    }

    fn style(&self, column: &Column, cell: Packed<'_>, now: Timestamp) -> Style {
        if !self.screen.is_colored {
            return PLAIN;
        }
        match (column, cell) {
            (_, Packed::NotReported) => DIM,
            (Column::State, Packed::Text(state)) => color::of_state(state),
            (Column::Expiry, Packed::Absent) => color::of_expiry(None, now),
            (Column::Expiry, Packed::Time(seconds)) => {
                let at = Timestamp::from_unix_seconds(seconds);
                at.map_or(PLAIN, |at| color::of_expiry(Some(at), now))
            }
            _ => PLAIN,
        }
    }
}

impl Content {
    fn add_time(&mut self, column: &Column, cell: Packed<'_>) {
        match cell {
            Packed::Time(seconds) => {
                self.has_times = true;
                self.is_reported = true;
                if seconds < FOUR_DIGITS {
                    let mut buffer = String::new();
                    write_time(&mut buffer, seconds, true);
                    self.long_year = self.long_year.max(buffer.len().saturating_sub(DAY_WIDTH));
                }
            }
            Packed::Absent => {
                self.is_reported = true;
                self.text = self.text.max(column.absent().len());
            }
            _ => self.text = self.text.max(NOT_REPORTED.len()),
        }
    }
}

/// The first second of the year 0. The years before have a sign and six digits.
const FOUR_DIGITS: i64 = -62_167_219_200;

/// Replaces the text of the buffer by a time, to the minute or to the day.
fn write_time(buffer: &mut String, seconds: i64, to_the_day: bool) {
    buffer.clear();
    let Some(at) = Timestamp::from_unix_seconds(seconds) else {
        return;
    };
    // Writing into a string does not fail.
    let _ = write!(buffer, "{at}");
    let Some(day) = buffer.find('T') else { return };
    if to_the_day {
        buffer.truncate(day);
    } else {
        buffer.replace_range(day..=day, " ");
        buffer.truncate(day + " 12:00".len());
        buffer.push('Z');
    }
}

/// Escapes a text, and cuts it if it is wider than the bound.
fn bounded(text: &str, bound: Option<usize>) -> Cow<'_, str> {
    // Most texts need no escape.
    let text = if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(escape(text))
    };
    match bound.and_then(|bound| cut(&text, bound)) {
        Some(part) => format!("{part}{ELLIPSIS}").into(),
        None => text,
    }
}

/// The second pass: the rows of an arrangement.
struct Page<'a> {
    table: &'a TokenTable,
    arrangement: Arrangement,
    now: Timestamp,
    line: Line,
}

impl<'a> Page<'a> {
    fn new(table: &'a TokenTable, arrangement: Arrangement, now: Timestamp) -> Self {
        let line = Line::new(table.screen.is_colored);
        Self {
            table,
            arrangement,
            now,
            line,
        }
    }

    fn write(mut self, writer: &mut impl Write, groups: &[&Rows]) -> io::Result<()> {
        let table = self.table;
        let mut end = |line: &mut Line| line.end(|text| writer.write_all(text.as_bytes()));
        let widths: Vec<_> = self.arrangement.widths.iter().flatten().copied().collect();
        let shown = table.columns.iter().zip(&self.arrangement.widths);
        for (column, width) in shown {
            if let Some(width) = width {
                let heading = escape(&column.heading());
                self.line.cell(&heading, *width, false, color::HEADING);
            }
        }
        end(&mut self.line)?;
        self.line.rule(line_width(&widths));
        end(&mut self.line)?;
        let mut cells = Vec::with_capacity(table.columns.len());
        for rows in groups {
            let mut reader = rows.reader();
            while let Some((account, is_dim)) = reader.next(table.columns.len(), &mut cells) {
                if let Some(id) = self.id_above(&cells) {
                    self.line.cell(id, 0, false, row_style(PLAIN, is_dim));
                    end(&mut self.line)?;
                }
                self.row(&cells, account, is_dim);
                end(&mut self.line)?;
            }
        }
        Ok(())
    }

    /// Returns the id of a row if it has no room in its column.
    fn id_above<'r>(&self, cells: &[Packed<'r>]) -> Option<&'r str> {
        let at = self.arrangement.id?;
        match cells.get(at) {
            Some(Packed::Text(id)) => match self.arrangement.widths.get(at)? {
                Some(columns) if width(id) <= *columns => None,
                _ => Some(id),
            },
            _ => None,
        }
    }

    fn row(&mut self, cells: &[Packed<'_>], account: u32, is_dim: bool) {
        let table = self.table;
        let id_above = self.id_above(cells).is_some();
        let mut buffer = String::new();
        let columns = table.columns.iter().zip(&self.arrangement.widths);
        for ((column, width), cell) in columns.zip(cells) {
            let Some(width) = *width else { continue };
            let to_the_day = self.arrangement.shortens_dates;
            let text = if id_above && *column == Column::Id {
                ""
            } else {
                table.text(column, *cell, account, to_the_day, &mut buffer)
            };
            let style = row_style(table.style(column, *cell, self.now), is_dim);
            self.line.cell(text, width, self.arrangement.cuts, style);
        }
    }
}

/// Returns the style of a cell in a row that is dim as a whole, or not.
fn row_style(style: Style, is_dim: bool) -> Style {
    if is_dim { DIM } else { style }
}
