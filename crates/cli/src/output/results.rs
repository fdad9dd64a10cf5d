//! Output of results that are not tokens: JSON lines, CSV rows, or one table.

use std::io;

use serde::Serialize;
use zeroize::Zeroize;

use super::format::Format;
use super::standard_output::Output;
use super::table::GridColumns;
use super::{csv, escaped_json, table};

/// A series of results. Each is printed at once, except in a table, which needs all rows.
#[derive(Debug)]
pub(crate) struct Results {
    columns: Vec<&'static str>,
    /// The columns that a narrow table leaves out, the least important one first.
    less_important: &'static [&'static str],
    /// `true` to show what a narrow table leaves out below each row.
    keeps_all: bool,
    /// The positions of the columns that the user chose, if any, in their order.
    chosen: Option<Vec<usize>>,
    rows: Vec<Vec<String>>,
    has_header: bool,
}

impl Results {
    /// Creates an empty series with these columns.
    pub(crate) fn with_columns(columns: &[&'static str]) -> Self {
        Self {
            columns: columns.to_vec(),
            less_important: &[],
            keeps_all: false,
            chosen: None,
            rows: Vec::new(),
            has_header: false,
        }
    }

    /// Chooses the columns that a narrow table leaves out, the least important one first.
    pub(crate) fn leaving_out(mut self, columns: &'static [&'static str]) -> Self {
        self.less_important = columns;
        self
    }

    /// Shows what a narrow table leaves out below each row.
    pub(crate) fn keeping_all(mut self) -> Self {
        self.keeps_all = true;
        self
    }

    /// Shows only these of the columns, in this order and however narrow the table is. None of them
    /// stands for all columns.
    pub(crate) fn choosing(mut self, columns: &[&'static str]) -> Self {
        if !columns.is_empty() {
            let chosen = columns
                .iter()
                .filter_map(|column| self.columns.iter().position(|known| known == column));
            self.chosen = Some(chosen.collect());
            self.columns = columns.to_vec();
            self.less_important = &[];
        }
        self
    }

    /// Adds a result, given both as an object and as a row. The row is wiped once it is written:
    /// one of its fields may be a secret.
    pub(crate) fn add(
        &mut self,
        output: &mut Output,
        value: &impl Serialize,
        mut row: Vec<String>,
    ) -> io::Result<()> {
        if let Some(chosen) = &self.chosen {
            let cells = chosen
                .iter()
                .map(|at| row.get(*at).cloned().unwrap_or_default());
            let cells = cells.collect();
            std::mem::replace(&mut row, cells).zeroize();
        }
        let written = match output.format {
            Format::Json | Format::Ndjson => escaped_json::line(&mut output.writer, value),
            Format::Csv => self.write_header(output).and_then(|()| {
                let fields = row.iter().map(String::as_str);
                csv::record(&mut output.writer, output.to_terminal, fields)
            }),
            Format::Table => {
                self.rows.push(std::mem::take(&mut row));
                Ok(())
            }
        };
        row.zeroize();
        written
    }

    /// Ends the series: draws the table, or writes the CSV header if there was no row.
    pub(crate) fn finish(mut self, output: &mut Output) -> io::Result<()> {
        match output.format {
            Format::Table if !self.rows.is_empty() => {
                let columns = GridColumns {
                    headings: &self.columns,
                    less_important: self.less_important,
                    keeps_all: self.keeps_all,
                };
                table::grid(&mut output.writer, output.screen, columns, &self.rows)
            }
            Format::Csv => self.write_header(output),
            _ => Ok(()),
        }
    }

    fn write_header(&mut self, output: &mut Output) -> io::Result<()> {
        if std::mem::replace(&mut self.has_header, true) {
            return Ok(());
        }
        let columns = self.columns.iter().copied();
        csv::record(&mut output.writer, output.to_terminal, columns)
    }
}

impl Output {
    /// Prints one value that is not a token: as an object, or as a row under its columns.
    pub(crate) fn value(
        &mut self,
        value: &impl Serialize,
        columns: &[&'static str],
        row: Vec<String>,
    ) -> io::Result<()> {
        let mut results = Results::with_columns(columns);
        results.add(self, value, row)?;
        results.finish(self)
    }

    /// Prints an object and a row for each account; JSON is `{"accounts": […]}`.
    pub(crate) fn accounts<T: Serialize>(
        &mut self,
        mut results: Results,
        accounts: Vec<(T, Vec<String>)>,
    ) -> io::Result<()> {
        #[derive(Serialize)]
        struct Accounts<T> {
            accounts: Vec<T>,
        }
        if self.format == Format::Json {
            let accounts = accounts.into_iter().map(|(object, _)| object).collect();
            return self.object(&Accounts { accounts });
        }
        for (object, row) in accounts {
            results.add(self, &object, row)?;
        }
        results.finish(self)
    }
}
