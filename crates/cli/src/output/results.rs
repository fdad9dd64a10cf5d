//! One result after another: lines, rows under one header, or one table.

use std::io;

use serde::Serialize;

use super::{Format, Output, comma, json, table};

/// Results that are no tokens. Each is printed as it comes, except in a table: that is drawn when its last row is known.
#[derive(Debug)]
pub(crate) struct Results {
    names: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    begun: bool,
}

impl Results {
    /// None yet, under these names.
    pub(crate) fn under(names: &[&'static str]) -> Self {
        Self {
            names: names.to_vec(),
            rows: Vec::new(),
            begun: false,
        }
    }

    /// One more, as an object and as a row.
    pub(crate) fn add(
        &mut self,
        output: &mut Output,
        value: &impl Serialize,
        row: Vec<String>,
    ) -> io::Result<()> {
        match output.format {
            Format::Json | Format::Ndjson => json::line(&mut output.writer, value),
            Format::Csv => {
                self.begin(output)?;
                let fields = row.iter().map(String::as_str);
                comma::record(&mut output.writer, output.to_terminal, fields)
            }
            Format::Table => {
                self.rows.push(row);
                Ok(())
            }
        }
    }

    /// No more will come.
    pub(crate) fn finish(mut self, output: &mut Output) -> io::Result<()> {
        match output.format {
            Format::Table if !self.rows.is_empty() => {
                table::grid(&mut output.writer, &self.names, &self.rows)
            }
            Format::Csv => self.begin(output),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, output: &mut Output) -> io::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let names = self.names.iter().copied();
        comma::record(&mut output.writer, output.to_terminal, names)
    }
}
