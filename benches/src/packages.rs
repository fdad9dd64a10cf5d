//! The official clients, installed below the build directory.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The directories of the installed packages.
#[derive(Debug)]
pub struct Packages {
    npm: PathBuf,
    pypi: PathBuf,
}

impl Packages {
    /// Installs the packages that are missing.
    ///
    /// # Errors
    ///
    /// Returns an error without Node or Python, or if a registry cannot be reached.
    pub fn install() -> Result<Self, Box<dyn Error>> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../crates/simulators/official-clients/install");
        let installed = |registry: &str| {
            let directory = output_of(Command::new("bash").arg(&script).arg(registry))?;
            Ok::<_, Box<dyn Error>>(PathBuf::from(directory))
        };
        Ok(Self {
            npm: installed("npm")?,
            pypi: installed("pypi")?,
        })
    }

    /// Returns the directory below which Node finds its packages, with a trailing slash.
    #[must_use]
    pub fn npm(&self) -> PathBuf {
        self.npm.join("")
    }

    /// Returns the Python interpreter that finds its packages.
    #[must_use]
    pub fn python(&self) -> PathBuf {
        self.pypi.join("bin/python")
    }

    /// Returns the names and versions of the compared clients and of their runtimes.
    ///
    /// # Errors
    ///
    /// Returns an error if a program does not report its version.
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
            output_of(Command::new("node").arg("--version"))?,
            output_of(Command::new(self.python()).args(["-c", of_pypi]))?,
            output_of(Command::new(self.python()).arg("--version"))?,
        ))
    }
}

/// Returns the version of the compiler.
///
/// # Errors
///
/// Returns an error if there is none.
pub fn compiler() -> Result<String, Box<dyn Error>> {
    let version = output_of(Command::new("rustc").arg("--version"))?;
    // Without the commit and its date.
    Ok(version.split(" (").next().unwrap_or_default().to_owned())
}

/// Returns the line that a program prints, and passes its error messages on.
fn output_of(program: &mut Command) -> Result<String, Box<dyn Error>> {
    let name = program.get_program().to_owned();
    let output = program.stderr(std::process::Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{} failed: see above", name.display()).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
