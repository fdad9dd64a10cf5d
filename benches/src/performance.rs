//! The figures in `docs/PERFORMANCE.md`, which nobody copies by hand.

use std::fmt;
use std::io;
use std::path::Path;

/// A table in Markdown.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Creates an empty table with these columns.
    #[must_use]
    pub fn new<const N: usize>(names: [&str; N]) -> Self {
        let rule = vec!["---".to_owned(); N];
        Self {
            rows: vec![names.map(str::to_owned).to_vec(), rule],
        }
    }

    /// Adds a row.
    pub fn add<const N: usize>(&mut self, row: [String; N]) {
        self.rows.push(row.to_vec());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.rows.iter()).try_for_each(|row| writeln!(f, "| {} |", row.join(" | ")))
    }
}

/// The machine on which figures are measured, and its load before.
#[derive(Debug)]
pub struct Conditions {
    machine: String,
    before: String,
}

impl Conditions {
    /// Returns the current conditions.
    ///
    /// # Errors
    ///
    /// Returns an error if the kernel does not report them: only Linux does.
    pub fn now() -> io::Result<Self> {
        let processors = std::thread::available_parallelism()?;
        let memory = std::fs::read_to_string("/proc/meminfo")?;
        let kibibytes = (memory.lines())
            .find_map(|line| line.strip_prefix("MemTotal:"))
            .and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok())
            .ok_or_else(|| io::Error::other("the kernel does not report the memory"))?;
        let model = std::fs::read_to_string("/proc/cpuinfo")?;
        let model = (model.lines())
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or("unknown", |(_, model)| model);
        let (system, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
        let gibibytes = kibibytes.div_ceil(1 << 20);
        Ok(Self {
            machine: format!(
                "{processors} processors ({model}, {architecture}) and {gibibytes} GiB of memory, {system}"
            ),
            before: load()?,
        })
    }

    /// Returns the text above the tables: the conditions, the current load and the number of runs.
    ///
    /// # Errors
    ///
    /// Returns an error if the kernel does not report the load: only Linux does.
    pub fn after(&self, runs: usize) -> io::Result<String> {
        let (machine, before, after) = (&self.machine, &self.before, load()?);
        let figures = match runs {
            1 => "One run",
            _ => &format!("Medians of {runs} runs, and how far the farthest is from each,"),
        };
        Ok(format!(
            "{figures} on {machine}, load {before} before and {after} after."
        ))
    }
}

/// Returns the load of the machine in the last minute.
fn load() -> io::Result<String> {
    let loads = std::fs::read_to_string("/proc/loadavg")?;
    Ok(loads.split(' ').next().unwrap_or_default().to_owned())
}

/// Writes figures into the page, between the markers of that name.
///
/// # Errors
///
/// Returns an error if the page cannot be read or written, or has no such markers.
pub fn write(marker: &str, figures: &str) -> io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/PERFORMANCE.md");
    let page = std::fs::read_to_string(&path)?;
    let (begin, end) = (
        format!("<!-- {marker} -->\n"),
        format!("<!-- /{marker} -->\n"),
    );
    let page = replace_between(&page, &begin, &end, &format!("\n{figures}\n"))
        .ok_or_else(|| io::Error::other(format!("{} is missing on the page", begin.trim())))?;
    std::fs::write(path, page)
}

fn replace_between(page: &str, begin: &str, end: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}{text}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_between_the_markers_is_replaced() {
        let page = replace_between("a <b> old </b> c", "<b>", "</b>", "new");
        assert_eq!(page.as_deref(), Some("a <b>new</b> c"));
        assert_eq!(replace_between("a <b> c", "<b>", "</b>", "new"), None);
    }
}
