//! `docs/PERFORMANCE.md`, whose figures no hand copies.

use std::fmt;
use std::io;
use std::path::Path;

/// A table in Markdown.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty one with these columns.
    #[must_use]
    pub fn of<const N: usize>(names: [&str; N]) -> Self {
        let rule = vec!["---".to_owned(); N];
        Self {
            rows: vec![names.map(str::to_owned).to_vec(), rule],
        }
    }

    /// One more row.
    pub fn add<const N: usize>(&mut self, row: [String; N]) {
        self.rows.push(row.to_vec());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.rows.iter()).try_for_each(|row| writeln!(f, "| {} |", row.join(" | ")))
    }
}

/// What figures are measured on, and how busy it is before.
#[derive(Debug)]
pub struct Conditions {
    machine: String,
    before: String,
}

impl Conditions {
    /// Those of now.
    ///
    /// # Errors
    ///
    /// When the kernel does not say: only Linux does.
    pub fn now() -> io::Result<Self> {
        let processors = std::thread::available_parallelism()?;
        let memory = std::fs::read_to_string("/proc/meminfo")?;
        let kibibytes = (memory.lines())
            .find_map(|line| line.strip_prefix("MemTotal:"))
            .and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok())
            .ok_or_else(|| io::Error::other("the kernel does not say how much memory there is"))?;
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

    /// What stands above the tables: these, the load of now, and how often each was measured.
    ///
    /// # Errors
    ///
    /// When the kernel does not say: only Linux does.
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

/// How busy the machine was in the last minute.
fn load() -> io::Result<String> {
    let loads = std::fs::read_to_string("/proc/loadavg")?;
    Ok(loads.split(' ').next().unwrap_or_default().to_owned())
}

/// Writes figures into the page, between the marks of that name.
///
/// # Errors
///
/// When the page cannot be read or written, or has no such marks.
pub fn write(mark: &str, figures: &str) -> io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/PERFORMANCE.md");
    let page = std::fs::read_to_string(&path)?;
    let (begin, end) = (format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->\n"));
    let page = between(&page, &begin, &end, &format!("\n{figures}\n"))
        .ok_or_else(|| io::Error::other(format!("{} is missing on the page", begin.trim())))?;
    std::fs::write(path, page)
}

fn between(page: &str, begin: &str, end: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}{text}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let page = between("a <b> old </b> c", "<b>", "</b>", "new");
        assert_eq!(page.as_deref(), Some("a <b>new</b> c"));
        assert_eq!(between("a <b> c", "<b>", "</b>", "new"), None);
    }
}
