//! The results as a document.

use crate::cell::{Cell, Occurrence};
use crate::columns::columns;

/// A fault, the requests that met it, and the result of each operation.
pub(crate) type Line = (String, Occurrence, Vec<Cell>);

/// The text before the tables.
pub(crate) const LEGEND: &str = include_str!("legend.md");

/// Returns the table of an account, in which faults with the same cells share a row.
pub(crate) fn table((platform, acting): (&str, &str), lines: &[Line]) -> String {
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    for pair in lines.chunks(2) {
        let always = pair.last().map(cells);
        for line in pair {
            let result = cells(line);
            let fault = match line.1 {
                _ if pair.iter().all(|line| Some(cells(line)) == always) => line.0.clone(),
                Occurrence::Once => format!("{} (once)", line.0),
                Occurrence::Always => format!("{} (always)", line.0),
            };
            match rows.iter_mut().find(|row| row.0 == result) {
                Some((_, faults)) if faults.contains(&fault) => {}
                Some((_, faults)) => faults.push(fault),
                None => rows.push((result, vec![fault])),
            }
        }
    }
    let columns = columns((platform, acting));
    let names: Vec<_> = columns.iter().map(|column| column.name).collect();
    let of = match acting {
        "service accounts" => acting.to_owned(),
        credential => format!("authenticated by {}", credential.replace('_', " ")),
    };
    let mut text = format!("\n## {platform}, {of}\n\n");
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
