//! Small programs that depend on one library.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// A program that creates a client of the library and lists something with it.
#[derive(Debug, Clone, Copy)]
pub struct Consumer {
    /// The library, and the name of the program.
    pub library: &'static str,
    /// The features of the dependency, as the table shows them.
    pub with: &'static str,
    /// The line of the dependency in the manifest.
    pub dependency: &'static str,
    /// The body of `main`, which may use `?` and `await`.
    pub main: &'static str,
}

/// The cost of depending on the library.
#[derive(Debug, Clone)]
pub struct Built {
    /// The version of the library.
    pub version: String,
    /// The number of compiled crates, by name and version, without the program.
    pub crates: usize,
    /// The wall time of a clean build, in seconds.
    pub wall: f64,
    /// The processor time of the same build in seconds, which depends less on the load of the
    /// machine.
    pub processor: f64,
    /// The size of the stripped program in bytes.
    pub bytes: u64,
}

impl Consumer {
    /// Writes the program below the build directory and builds it from scratch, with two jobs.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be written, or if cargo fails.
    pub fn build(&self) -> Result<Built, Box<dyn Error>> {
        let project = self.write()?;
        let cargo = |words: &[&str]| cargo(&project, words);
        // Downloads do not count as part of the build.
        cargo(&["fetch"])?;
        let tree = cargo(&["tree", "--edges", "normal,build", "--prefix", "none"])?;
        let mut crates = Vec::from_iter(tree.lines().skip(1).filter_map(name_and_version));
        crates.sort_unstable();
        crates.dedup();
        let library = crates.iter().find(|(name, _)| *name == self.library);
        let target = project.join("target");
        if target.exists() {
            std::fs::remove_dir_all(&target)?;
        }
        let (started, processor) = (Instant::now(), processor_of_children()?);
        cargo(&["build", "--release", "--offline", "--jobs", "2"])?;
        let wall = started.elapsed().as_secs_f64();
        let processor = processor_of_children()? - processor;
        let program = target.join("release/consumer");
        Ok(Built {
            version: library.map_or("", |(_, version)| version).to_owned(),
            crates: crates.len(),
            wall,
            processor,
            bytes: program.metadata()?.len(),
        })
    }

    fn write(&self) -> std::io::Result<PathBuf> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .canonicalize()?;
        let project = root.join("target/dependence").join(self.library);
        std::fs::create_dir_all(project.join("src"))?;
        let dependency = (self.dependency).replace("{root}", &root.display().to_string());
        let manifest = format!(
            "[package]\nname = \"consumer\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{dependency}\n\
             tokio = {{ version = \"1\", features = [\"macros\", \"rt\"] }}\n\n[profile.release]\nstrip = true\n"
        );
        let main = format!(
            "#[tokio::main(flavor = \"current_thread\")]\n\
             async fn main() -> Result<(), Box<dyn std::error::Error>> {{\n{}\nOk(())\n}}\n",
            self.main
        );
        std::fs::write(project.join("Cargo.toml"), manifest)?;
        std::fs::write(project.join("src/main.rs"), main)?;
        // Shared dependencies have the same version.
        std::fs::copy(root.join("Cargo.lock"), project.join("Cargo.lock"))?;
        Ok(project)
    }
}

fn name_and_version(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split(' ');
    let name = words.next()?;
    Some((name, words.next()?.trim_start_matches('v')))
}

/// Returns the processor time in seconds of all descendants that were waited for.
fn processor_of_children() -> std::io::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/stat")?;
    // The 14th and 15th fields after the name, which may hold anything; in hundredths of a second.
    let figures = status.rsplit(") ").next().unwrap_or_default();
    let ticks = figures.split(' ').skip(13).take(2);
    Ok(ticks.flat_map(str::parse::<f64>).sum::<f64>() / 100.0)
}

/// Runs cargo and returns its output, or an error with its messages.
fn cargo(project: &Path, words: &[&str]) -> Result<String, Box<dyn Error>> {
    let output = Command::new("cargo")
        .args(words)
        .current_dir(project)
        .env_remove("CARGO_TARGET_DIR")
        // A compiler cache would reuse earlier builds.
        .env_remove("RUSTC_WRAPPER")
        .output()?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo {} failed: {stderr}", words.join(" ")).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
