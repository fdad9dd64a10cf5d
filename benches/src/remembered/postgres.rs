//! A Postgres of the distribution, for as long as it is measured.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};

/// A user who owns nothing: Postgres refuses to run as root.
const NOBODY: u32 = 65_534;

/// A server with its own settings, on a Unix socket in a folder.
#[derive(Debug)]
pub struct TemporaryPostgres {
    process: Child,
    folder: PathBuf,
    programs: PathBuf,
}

impl TemporaryPostgres {
    /// Starts a server. Returns `None` where Postgres is not installed, and says so.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not start.
    pub fn start(folder: &Path) -> Result<Option<Self>, Box<dyn Error>> {
        let Some(programs) = programs() else {
            eprintln!("NOT RUN: Postgres is not installed");
            return Ok(None);
        };
        if geteuid().is_root() {
            std::os::unix::fs::chown(folder, Some(NOBODY), Some(NOBODY))?;
        }
        let data = folder.join("data");
        let made = as_plain_user(&programs.join("initdb"))
            .args(["--auth=trust", "--username=owner", "--encoding=UTF8"])
            .args(["--locale=C.UTF-8", "--pgdata"])
            .arg(&data)
            .current_dir(folder)
            .stdout(Stdio::null())
            .status()?;
        if !made.success() {
            return Err("initdb failed".into());
        }
        let process = as_plain_user(&programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder)
            // Each worker may take eight and a listener, and there are many of them.
            .args(["-c", "listen_addresses=", "-c", "max_connections=300"])
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let server = Self {
            process,
            folder: folder.to_owned(),
            programs,
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        while server.ask("select 1").is_err() {
            if Instant::now() > deadline {
                return Err("Postgres does not start".into());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(Some(server))
    }

    /// Returns the URL of the server.
    #[must_use]
    pub fn url(&self) -> String {
        format!("host={} user=owner dbname=postgres", self.folder.display())
    }

    /// Returns the size of the ledger's tables and indexes.
    ///
    /// # Errors
    ///
    /// Returns an error if the server does not answer.
    pub fn size(&self) -> Result<u64, Box<dyn Error>> {
        let size = "select sum(pg_total_relation_size(oid)) from pg_class \
            where relnamespace = 'tokenfleet'::regnamespace and relkind = 'r'";
        Ok(self.ask(size)?.trim().parse()?)
    }

    fn ask(&self, statement: &str) -> io::Result<String> {
        let output = Command::new(self.programs.join("psql"))
            .args(["--no-psqlrc", "--tuples-only", "--no-align"])
            .args([
                "--username=owner",
                "--dbname=postgres",
                "--command",
                statement,
            ])
            .arg("--host")
            .arg(&self.folder)
            .output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for TemporaryPostgres {
    fn drop(&mut self) {
        if let Some(process) = Pid::from_raw(self.process.id().cast_signed()) {
            let _ = kill_process(process, Signal::QUIT);
        }
        let _ = self.process.wait();
    }
}

/// Returns the folder of the newest installed Postgres.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.flatten().map(|version| version.path().join("bin"));
    folders
        .filter(|folder| folder.join("postgres").exists())
        .max()
}

fn as_plain_user(program: &Path) -> Command {
    if !geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")])
        .arg("--clear-groups")
        .arg(program);
    command
}
