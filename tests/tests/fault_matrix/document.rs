//! The result as a document.

use crate::cell::{Cell, Meets};
use crate::columns::columns;

/// A fault, which requests met it, and what came of it, operation by operation.
pub(crate) type Line = (String, Meets, Vec<Cell>);

/// What comes before the tables.
pub(crate) const LEGEND: &str = include_str!("legend.md");

/// The table of an account. Faults of which all cells are the same share a row.
pub(crate) fn table((platform, acting): (&str, &str), lines: &[Line]) -> String {
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    for pair in lines.chunks(2) {
        let always = pair.last().map(cells);
        for line in pair {
            let result = cells(line);
            let fault = match line.1 {
                _ if pair.iter().all(|line| Some(cells(line)) == always) => line.0.clone(),
                Meets::Once => format!("{} (once)", line.0),
                Meets::Always => format!("{} (always)", line.0),
            };
            match rows.iter_mut().find(|row| row.0 == result) {
                Some((_, faults)) if faults.contains(&fault) => {}
                Some((_, faults)) => faults.push(fault),
                None => rows.push((result, vec![fault])),
            }
        }
    }
    let columns = columns(platform);
    let names: Vec<_> = columns.iter().map(|column| column.name).collect();
    let mut text = format!("\n## {platform}, by {}\n\n", acting.replace('_', " "));
    text += &format!("| fault | {} |\n", names.join(" | "));
    text += &format!("| --- |{}\n", " --- |".repeat(names.len()));
    for (cells, faults) in rows {
        text += &format!("| {} | {cells} |\n", faults.join("; "));
    }
    text
}

fn cells(line: &Line) -> String {
    let texts: Vec<_> = line.2.iter().map(|cell| cell.text.as_str()).collect();
    texts.join(" | ")
}
