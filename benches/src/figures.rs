//! The figures at the top of `docs/PERFORMANCE.md`: the ones that matter, and a picture of some.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::chart::{Chart, Series};
use crate::picture::picture;
use crate::{Table, write};

/// A figure that matters, in the order of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Headline {
    /// The processor time of a long list, beside the best official client.
    Processor,
    /// The peak memory of a long list, beside the best official client.
    Memory,
    /// The wall time of a list at a distance, beside the best official client.
    Distance,
    /// The requests and connections of a list at a distance.
    Requests,
    /// The bytes that a token costs on the wire, where the platform compresses.
    Bytes,
    /// The instructions that the library spends on a token.
    Library,
    /// The instructions that the program spends on a token.
    Program,
    /// The memory of the longest list.
    Million,
    /// The wall time of pages side by side, beside one after another.
    SideBySide,
    /// The crates that a consumer of one provider compiles.
    Crates,
}

impl Headline {
    fn label(self) -> &'static str {
        match self {
            Self::Processor => {
                "processor time of 100,000 Losant tokens: the best official client takes"
            }
            Self::Memory => "peak memory of the same list: the best official client takes",
            Self::Distance => {
                "wall time of 2,000 Losant tokens, 50 ms away over TLS: the best official client takes"
            }
            Self::Requests => "requests and connections of the same list",
            Self::Bytes => {
                "bytes on the wire for each of these tokens, where the platform compresses"
            }
            Self::Library => "instructions of the library for a token of Losant and of Foreman",
            Self::Program => "instructions of `tokenfleet list --output ndjson` for such tokens",
            Self::Million => "peak memory of a list of 1,000,000 tokens of Losant",
            Self::SideBySide => "2,000 Losant tokens, 20 a page, answers after 50 ms: side by side",
            Self::Crates => "crates that a program with one provider and TLS compiles",
        }
    }
}

/// The picture, beside the page.
const PICTURE: &str = "performance.svg";

/// The figures of the last run of each program.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Figures {
    headlines: BTreeMap<Headline, String>,
    charts: BTreeMap<Chart, Series>,
}

impl Figures {
    /// Returns the figures that were recorded last.
    ///
    /// # Errors
    ///
    /// Returns an error if the record cannot be read.
    pub fn recorded() -> io::Result<Self> {
        match std::fs::read(record()) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Sets a figure that matters.
    pub fn set(&mut self, headline: Headline, figure: impl Into<String>) {
        self.headlines.insert(headline, figure.into());
    }

    /// Sets the series of a chart.
    pub fn draw(&mut self, chart: Chart, series: Series) {
        self.charts.insert(chart, series);
    }

    /// Records the figures, draws the picture, and writes the table into the page.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be written.
    pub fn write(&self) -> io::Result<()> {
        std::fs::write(record(), serde_json::to_string_pretty(self)? + "\n")?;
        if !self.charts.is_empty() {
            let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
            std::fs::write(docs.join(PICTURE), picture(&self.charts))?;
        }
        write("figures", &self.page())
    }

    /// Returns what the page begins with: the picture, if there is one, and the table.
    fn page(&self) -> String {
        let mut table = Table::new(["figure", "tokenfleet 0.1.0"]);
        for (headline, figure) in &self.headlines {
            table.add([headline.label().to_owned(), figure.clone()]);
        }
        let titles = Vec::from_iter(self.charts.keys().map(|chart| chart.title()));
        let table = table.to_string();
        match titles.join("; ") {
            titles if titles.is_empty() => table.trim_end().to_owned(),
            titles => format!("![{titles}]({PICTURE})\n\n{}", table.trim_end()),
        }
    }
}

fn record() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("figures.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_links_to_the_picture_once_it_is_drawn() {
        let mut figures = Figures::default();
        figures.set(Headline::Crates, "100");
        let table = figures.page();
        assert!(table.starts_with("| figure |"), "{table}");
        figures.draw(Chart::Growth, vec![("1,000".to_owned(), 5.0)]);
        let page = figures.page();
        let picture = "![Peak memory of a list, by its length](performance.svg)\n\n";
        assert_eq!(page, format!("{picture}{table}"));
    }
}
