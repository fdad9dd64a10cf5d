//! The official clients, installed below the build directory.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where they are.
#[derive(Debug)]
pub struct Packages {
    npm: PathBuf,
    pypi: PathBuf,
}

impl Packages {
    /// Installs what is not there yet.
    ///
    /// # Errors
    ///
    /// Without Node or Python, or when a registry cannot be reached.
    pub fn install() -> Result<Self, Box<dyn Error>> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../crates/simulators/official-clients/install");
        let installed = |registry: &str| {
            let directory = said_by(Command::new("bash").arg(&script).arg(registry))?;
            Ok::<_, Box<dyn Error>>(PathBuf::from(directory))
        };
        Ok(Self {
            npm: installed("npm")?,
            pypi: installed("pypi")?,
        })
    }

    /// Below which Node finds its packages: ends with a slash.
    #[must_use]
    pub fn npm(&self) -> PathBuf {
        self.npm.join("")
    }

    /// The interpreter that finds those of Python.
    #[must_use]
    pub fn python(&self) -> PathBuf {
        self.pypi.join("bin/python")
    }

    /// What is compared, and what runs it, by name and version.
    ///
    /// # Errors
    ///
    /// When a program does not say its version.
    pub fn versions(&self) -> Result<String, Box<dyn Error>> {
        let package = std::fs::read(self.npm.join("node_modules/losant-rest/package.json"))?;
        let package: serde_json::Value = serde_json::from_slice(&package)?;
        let of_npm = package["version"].as_str().unwrap_or_default();
        let of_pypi = "from importlib.metadata import version as v; print(', '.join(\
                       f'`{name}` {v(name)}' for name in ['losant-rest', 'apypie', 'cloudsmith-api']))";
        Ok(format!(
            "tokenfleet {}, {}; npm `losant-rest` {of_npm}, Node {}; PyPI {}, {}",
            env!("CARGO_PKG_VERSION"),
            compiler()?,
            said_by(Command::new("node").arg("--version"))?,
            said_by(Command::new(self.python()).args(["-c", of_pypi]))?,
            said_by(Command::new(self.python()).arg("--version"))?,
        ))
    }
}

/// The version of the compiler.
///
/// # Errors
///
/// When there is none, which is odd.
pub fn compiler() -> Result<String, Box<dyn Error>> {
    let version = said_by(Command::new("rustc").arg("--version"))?;
    // Without the commit and its date.
    Ok(version.split(" (").next().unwrap_or_default().to_owned())
}

/// The line that a program prints. What it says of its mistakes is shown.
fn said_by(program: &mut Command) -> Result<String, Box<dyn Error>> {
    let name = program.get_program().to_owned();
    let output = program.stderr(std::process::Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{} failed: see above", name.display()).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
