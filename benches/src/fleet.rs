//! Accounts of simulated platforms with a ledger in Postgres, for processes of the program.

use std::error::Error;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tokenfleet::Secret;
use tokenfleet_ledger::PostgresLedger;

use crate::remembered::TemporaryPostgres;

/// The configuration of a fleet, and the Postgres that holds its ledger.
pub struct Fleet {
    /// The ledger, for whoever watches the fleet.
    pub ledger: PostgresLedger,
    program: PathBuf,
    folder: tempfile::TempDir,
    /// Stopped before its folder is removed.
    server: TemporaryPostgres,
    variables: Vec<(String, String)>,
}

impl Fleet {
    /// Writes a configuration with these tables, whose credentials are in variables, and starts a
    /// Postgres. Returns `None` where that is not installed, and says so.
    ///
    /// # Errors
    ///
    /// Returns an error if the server does not start, or a file cannot be written.
    pub async fn new(
        program: &Path,
        tables: &str,
        variables: Vec<(String, String)>,
    ) -> Result<Option<Self>, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        // The user of Postgres reaches what is in it.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))?;
        let postgres = folder.path().join("postgres");
        std::fs::create_dir(&postgres)?;
        let Some(server) = TemporaryPostgres::start(&postgres)? else {
            return Ok(None);
        };
        let ledger = "[ledger]\nurl = { env = 'LEDGER' }\n[audit]\nenabled = false\n";
        std::fs::write(folder.path().join("fleet.toml"), ledger.to_owned() + tables)?;
        Ok(Some(Self {
            ledger: PostgresLedger::open(&Secret::new(server.url())).await?,
            program: program.to_owned(),
            folder,
            server,
            variables,
        }))
    }

    /// Starts the program, which prints nothing.
    ///
    /// # Errors
    ///
    /// Returns an error if the program cannot be started.
    pub fn start(&self, words: &[&str]) -> io::Result<Child> {
        let mut command = self.command(words);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    }

    /// Runs the program and writes what it prints into a file of this name. Returns its path.
    ///
    /// # Errors
    ///
    /// Returns what the program reported if it failed.
    pub fn print(&self, words: &[&str], name: &str) -> Result<PathBuf, Box<dyn Error>> {
        let output = self.command(words).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        let path = self.folder.path().join(name);
        std::fs::write(&path, output.stdout)?;
        Ok(path)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .arg("--config")
            .arg(self.folder.path().join("fleet.toml"))
            .env("LEDGER", self.server.url())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }
}

/// Processes that end with their bench.
#[derive(Debug, Default)]
pub struct Workers(pub Vec<Child>);

impl Drop for Workers {
    fn drop(&mut self) {
        for worker in &mut self.0 {
            let _ = worker.kill();
            let _ = worker.wait();
        }
    }
}
