//! A small table of any columns, whose long texts continue on the next line.

use std::io::{self, Write};

use super::layout::{Extent, Line, fit, line_width};
use super::record::{Field, fields};
use super::text_width::{lines, width};
use crate::output::color::PLAIN;
use crate::output::screen::Screen;
use crate::output::text::escape;

/// The width of a text to which a table is kept before it leaves out a column.
const READABLE: usize = 24;

/// The width of a text at which columns are left out one after the other.
const SHORT: usize = 16;

/// The width below which no column of texts is made narrower.
const LEAST: usize = 12;

/// The part of a table that fits into a line.
#[derive(Debug)]
struct Fitting {
    /// The width of each column; `None` if it is left out.
    widths: Vec<Option<usize>>,
    /// The column whose cells stand on lines of their own, above their rows.
    stacked: Option<usize>,
}

/// The columns of a table, and what becomes of those that do not fit into a line.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct GridColumns<'a> {
    pub(crate) headings: &'a [&'a str],
    /// The columns that a narrow line leaves out, the first ones first.
    pub(crate) less_important: &'a [&'a str],
    /// `true` to show what a line leaves out below it.
    pub(crate) keeps_all: bool,
}

/// Writes rows under a header, or each row as a record if the columns do not fit.
///
/// A line that is too narrow leaves out columns of less importance. If that does not suffice, the
/// ids stand above their rows.
pub(crate) fn grid(
    writer: &mut impl Write,
    screen: Screen,
    columns: GridColumns<'_>,
    rows: &[Vec<String>],
) -> io::Result<()> {
    let headings = columns.headings;
    let escaped: Vec<Vec<_>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| escape(cell)).collect())
        .collect();
    let Some(fitting) = Fitting::new(columns, &escaped, screen.width) else {
        return records(writer, screen, headings, rows);
    };
    let mut line = Line::new(screen.is_colored);
    let shown = headings.iter().zip(&fitting.widths);
    line.headings(shown.filter_map(|(heading, width)| Some((*heading, (*width)?))));
    line.end(|text| writer.write_all(text.as_bytes()))?;
    let widths: Vec<_> = fitting.widths.iter().copied().flatten().collect();
    line.rule(line_width(&widths));
    line.end(|text| writer.write_all(text.as_bytes()))?;
    for row in &escaped {
        if let Some(cell) = fitting.stacked.and_then(|index| row.get(index)) {
            line.cell(cell, width(cell), false, PLAIN);
            line.end(|text| writer.write_all(text.as_bytes()))?;
        }
        let cells = row.iter().zip(&fitting.widths);
        let cells = cells.filter_map(|(cell, width)| Some(lines(cell, (*width)?)));
        let cells: Vec<_> = cells.collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..height {
            for (cell, width) in cells.iter().zip(&widths) {
                let text = cell.get(at).copied().unwrap_or_default();
                line.cell(text, *width, false, PLAIN);
            }
            line.end(|text| writer.write_all(text.as_bytes()))?;
        }
        if columns.keeps_all {
            let cells = headings.iter().zip(row).zip(&fitting.widths).enumerate();
            let left_out = cells.filter(|(index, ((_, cell), width))| {
                width.is_none() && Some(*index) != fitting.stacked && !cell.is_empty()
            });
            let left_out: Vec<_> = left_out
                .map(|(_, ((heading, cell), _))| Field::new_escaped(&format!("  {heading}"), cell))
                .collect();
            fields(writer, screen, &left_out)?;
        }
    }
    Ok(())
}

impl Fitting {
    /// Returns the columns that lose least in this width, or `None` if there are none.
    fn new(columns: GridColumns<'_>, rows: &[Vec<String>], line: Option<usize>) -> Option<Self> {
        let GridColumns {
            headings: columns,
            less_important,
            keeps_all,
        } = columns;
        let extents: Vec<_> = columns
            .iter()
            .enumerate()
            .map(|(index, heading)| extent(heading, rows, index))
            .collect();
        let fit_without = |left_out: &[&str], stacked: Option<usize>, least: usize| {
            let is_shown =
                |index: usize| Some(index) != stacked && !left_out.contains(&columns[index]);
            let shown = (0..columns.len()).filter(|index| is_shown(*index));
            let shown: Vec<_> = shown.map(|index| extents[index]).collect();
            let mut widths = fit(&shown, least, line)?.into_iter();
            let widths =
                (0..columns.len()).map(|index| if is_shown(index) { widths.next() } else { None });
            Some(Self {
                widths: widths.collect(),
                stacked,
            })
        };
        if less_important.is_empty() {
            return fit_without(&[], None, LEAST);
        }
        let says_the_same = |heading: &&&str| {
            let index = columns.iter().position(|column| column == *heading);
            let mut cells = rows
                .iter()
                .map(|row| index.and_then(|index| row.get(index)));
            let first = cells.next();
            !keeps_all && rows.len() > 1 && cells.all(|cell| Some(cell) == first)
        };
        // What is the same in every row goes first, unless it would only go below the rows.
        let (mut left_out, rest): (Vec<&str>, Vec<&str>) = less_important
            .iter()
            .partition(|heading| says_the_same(heading));
        let constant = left_out.len();
        // An id means nothing without its account.
        let may_go = |heading: &&str| keeps_all || *heading != "account";
        left_out.extend(rest.into_iter().filter(may_go));
        let id = (STACKED.iter())
            .find_map(|heading| columns.iter().position(|column| column == heading));
        let more = || constant..=left_out.len();
        (fit_without(&[], None, READABLE))
            .or_else(|| more().find_map(|count| fit_without(&left_out[..count], None, SHORT)))
            .or_else(|| fit_without(&left_out, None, LEAST))
            .or_else(|| more().find_map(|count| fit_without(&left_out[..count], id, LEAST)))
    }
}

/// The headings of ids, which people copy.
const IDS: [&str; 2] = ["id", "token"];

/// The headings of what may stand above its rows, the most suitable one first.
const STACKED: [&str; 3] = ["id", "token", "operation"];

fn extent(heading: &str, rows: &[Vec<String>], index: usize) -> Extent {
    let cells = rows.iter().filter_map(|row| row.get(index));
    let words = cells.clone().flat_map(|cell| cell.split(' '));
    let unbroken = words.filter(|word| is_id(word) || is_time(word)).map(width);
    Extent {
        heading: width(heading),
        content: cells.map(|cell| width(cell)).max().unwrap_or(0),
        unbroken: unbroken.max().unwrap_or(0),
        // Short words, times and ids, which people copy, are not broken; other texts are.
        is_flexible: !IDS.contains(&heading)
            && !matches!(heading, "provider" | "account" | "state" | "at"),
    }
}

/// Returns `true` for a hexadecimal id, also between other marks, as in a command to copy.
fn is_id(word: &str) -> bool {
    /// The number of digits from which on a word is an id.
    const LEAST_DIGITS: usize = 16;

    let id = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let is_digit = |byte: u8| byte == b'-' || byte.is_ascii_hexdigit();
    id.len() >= LEAST_DIGITS && id.bytes().all(is_digit)
}

/// Returns `true` for a time such as `2026-01-31T12:00:00Z`, also between other marks.
fn is_time(word: &str) -> bool {
    const SHORTEST: usize = "2026-01-31T12:00:00Z".len();

    let time = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let is_part = |byte: u8| byte.is_ascii_digit() || b"-:.TZ".contains(&byte);
    time.len() >= SHORTEST && time.ends_with('Z') && time.bytes().all(is_part)
}

fn records(
    writer: &mut impl Write,
    screen: Screen,
    columns: &[&str],
    rows: &[Vec<String>],
) -> io::Result<()> {
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            writeln!(writer)?;
        }
        let facts = columns.iter().zip(row);
        let facts: Vec<_> = facts
            .map(|(label, value)| Field::new(label, value))
            .collect();
        fields(writer, screen, &facts)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(columns: &[&str], row: &[&str], terminal: usize) -> String {
        let screen = Screen {
            width: Some(terminal),
            is_colored: false,
        };
        let row = row.iter().map(|cell| (*cell).to_owned()).collect();
        let mut written = Vec::new();
        let columns = GridColumns {
            headings: columns,
            ..GridColumns::default()
        };
        grid(&mut written, screen, columns, &[row]).unwrap();
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn a_long_text_continues_below_between_its_words() {
        let reason = "the platform cannot say whom the token acts as";
        let expected = "\
account  reason
─────────────────────────────
iot      the platform cannot
         say whom the token
         acts as
";
        assert_eq!(
            shown(&["account", "reason"], &["iot", reason], 29),
            expected
        );
    }

    #[test]
    fn an_id_in_a_text_is_never_broken() {
        let id = "0123456789abcdef0123456789abcdef";
        let why = format!("give it up with `tokenfleet operations abandon {id}`; nothing is left");
        for terminal in 44..120 {
            let columns = ["operation", "why"];
            let table = shown(&["account", "why"], &["iot", &why], terminal);
            assert!(table.contains(id), "{terminal}\n{table}");
            let table = shown(&columns, &[id, "it waits for an answer"], terminal + 4);
            assert!(table.contains(id), "{terminal}\n{table}");
        }
    }

    #[test]
    fn a_time_in_a_text_is_never_broken() {
        let time = "2026-12-20T12:28:39Z";
        let why = format!("the old one works until {time}, and then it does not");
        for terminal in 32..100 {
            let table = shown(&["account", "why"], &["iot", &why], terminal);
            assert!(table.contains(time), "{terminal}\n{table}");
        }
    }

    #[test]
    fn a_narrow_table_leaves_out_what_says_least_and_keeps_ids_whole() {
        let columns = ["account", "check", "id", "owner"];
        let id = "575ec7417ae143cd83dc4a95";
        let rows = |second: &str| {
            [["iot", "old", id, "alice"], [second, "old", "7", "bob"]]
                .map(|row| row.map(str::to_owned).to_vec())
        };
        let shown = |rows: &[Vec<String>], width: usize| {
            let screen = Screen {
                width: Some(width),
                is_colored: false,
            };
            let mut written = Vec::new();
            let columns = GridColumns {
                headings: &columns,
                less_important: &["owner", "check", "account"],
                keeps_all: false,
            };
            grid(&mut written, screen, columns, rows).unwrap();
            let written = String::from_utf8(written).unwrap();
            let mut lines = written.lines();
            (lines.next().unwrap_or_default().to_owned(), written)
        };
        let one = shown(&rows("iot"), 33);
        assert_eq!(one.0, "id                        owner");
        let several = shown(&rows("infra"), 34);
        assert_eq!(several.0, "account  id");
        let stacked = shown(&rows("infra"), 30);
        assert_eq!(stacked.0, "account  owner");
        for (_, table) in [one, several, stacked] {
            assert!(table.contains(id), "{table}");
        }
    }

    #[test]
    fn what_a_narrow_table_leaves_out_stands_below_its_row_if_all_is_kept() {
        let columns = GridColumns {
            headings: &["account", "id", "user", "reason"],
            less_important: &["reason", "user"],
            keeps_all: true,
        };
        let rows = [
            ["iot", "1", "ann", "INC-42: leaked in the log of a build"],
            ["iot", "2", "ann", ""],
        ];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        let screen = Screen {
            width: Some(28),
            is_colored: false,
        };
        let mut written = Vec::new();
        grid(&mut written, screen, columns, &rows).unwrap();
        let expected = "\
account  id  user
─────────────────
iot      1   ann
  reason  INC-42: leaked in
          the log of a build
iot      2   ann
";
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }

    #[test]
    fn columns_that_do_not_fit_are_shown_as_lines() {
        let columns = ["account", "provider", "id", "kind"];
        let row = ["iot", "losant", "575ec7417ae143cd83dc4a95", "user"];
        let expected = "\
account   iot
provider  losant
id        575ec7417ae143cd83dc4a95
kind      user
";
        assert_eq!(shown(&columns, &row, 40), expected);
    }
}
