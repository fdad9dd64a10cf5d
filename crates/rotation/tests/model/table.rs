//! The rows of a table: a setting, what the page says of it, and what the machine did.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::enumeration::{Counts, enumerate};
use crate::setting::Setting;

/// The counts that the design's model in Python has for a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Python {
    pub(crate) schedules: u32,
    pub(crate) orphans: u32,
    pub(crate) unmarked: u32,
    pub(crate) dead_ends: u32,
    pub(crate) outages: u32,
}

/// Creates the counts of the model in Python.
pub(crate) const fn python(
    schedules: u32,
    orphans: u32,
    unmarked: u32,
    dead_ends: u32,
    outages: u32,
) -> Python {
    Python {
        schedules,
        orphans,
        unmarked,
        dead_ends,
        outages,
    }
}

/// A row: a setting, the counts of the model in Python, and the number of schedules below which
/// the enumeration has lost some.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) setting: Setting,
    pub(crate) python: Python,
    pub(crate) at_least: u32,
}

/// Runs the rows on two cores, prints them as a table, and compares the verdicts.
///
/// A verdict is whether there is an orphan, one without a marker, a dead end or an outage. The
/// counts differ, because the machine has steps that the model in Python does not have.
pub(crate) fn compare(title: &str, rows: &[Row]) {
    let results: Vec<Mutex<Counts>> = rows.iter().map(|_| Mutex::default()).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(row) = rows.get(at) else {
                        return;
                    };
                    let counts = enumerate(&row.setting);
                    *results[at].lock().unwrap_or_else(PoisonError::into_inner) = counts;
                }
            });
        }
    });
    let mut text = format!(
        "\n{title}\n\n| | schedules | orphans | unmarked | dead ends | outages | counted | in Python: \
         schedules | orphans | unmarked | dead ends | outages |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n"
    );
    let mut wrong = Vec::new();
    for (row, counts) in rows.iter().zip(results) {
        let counts = counts.into_inner().unwrap_or_else(PoisonError::into_inner);
        let python = row.python;
        text += &format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
            row.name,
            counts.schedules,
            counts.orphans,
            counts.unmarked,
            counts.dead_ends,
            counts.outages,
            counts.counted,
            python.schedules,
            python.orphans,
            python.unmarked,
            python.dead_ends,
            python.outages,
        );
        let verdicts = [
            ("orphans", counts.orphans, python.orphans),
            ("unmarked", counts.unmarked, python.unmarked),
            ("dead ends", counts.dead_ends, python.dead_ends),
            ("outages", counts.outages, python.outages),
        ];
        for (what, ours, theirs) in verdicts {
            if (ours > 0) != (theirs > 0) {
                wrong.push(format!("{}: {what}: {ours}, in Python {theirs}", row.name));
            }
        }
        if counts.schedules < row.at_least {
            wrong.push(format!("{}: {} schedules", row.name, counts.schedules));
        }
        // Nobody but a person decides about a sink that another rotation writes.
        let parked = if row.setting.contests {
            0
        } else {
            counts.parked
        };
        if counts.stuck + counts.foreign_touched + parked > 0 {
            wrong.push(format!("{}: {counts:?}", row.name));
        }
        if counts.dead_ends == 0 && counts.sinks_differ > 0 && !row.setting.contests {
            wrong.push(format!("{}: the sinks differ: {counts:?}", row.name));
        }
    }
    println!("{text}");
    assert!(wrong.is_empty(), "{title}\n{}", wrong.join("\n"));
}
