//! A Postgres of the distribution, for as long as a test needs it.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokenfleet_core::Secret;

/// A user who owns nothing: Postgres refuses to run as root.
const NOBODY: u32 = 65_534;

/// The settings of a server that also listens on a loopback port.
pub(crate) struct Network {
    /// A certificate chain and its key, in PEM, if it offers TLS.
    pub(crate) identity: Option<(String, String)>,
    /// The lines of `pg_hba.conf`.
    pub(crate) logins: &'static str,
}

/// A server that listens on a Unix socket in a folder of its own.
pub(crate) struct PostgresServer {
    process: Child,
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    is_on_network: bool,
}

impl PostgresServer {
    /// Starts a server. Where Postgres is not installed, says so and returns `None`; in CI that is
    /// a failure.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(None)
    }

    /// Starts a server that may also listen on a loopback port.
    pub(crate) fn start_with(network: Option<Network>) -> Option<Self> {
        let Some(programs) = programs() else {
            let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
            assert!(
                !is_ci,
                "Postgres is not installed: apt-get install postgresql-15"
            );
            println!("NOT RUN: Postgres is not installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let data = folder.path().join("data");
        create_database(&programs, folder.path(), &data);
        let is_on_network = network.is_some();
        let port = match network {
            None => 5432,
            Some(network) => {
                configure(&data, &network);
                let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                free.local_addr().unwrap().port()
            }
        };
        let process = start_process(&programs, folder.path(), port, is_on_network);
        let server = Self {
            process,
            folder,
            programs,
            port,
            is_on_network,
        };
        server.wait_until_ready();
        Some(server)
    }

    pub(crate) fn url(&self) -> Secret {
        self.url_of("owner")
    }

    /// Returns the URL for another user than the owner.
    pub(crate) fn url_of(&self, user: &str) -> Secret {
        let (folder, port) = (self.folder.path().display(), self.port);
        Secret::new(format!(
            "host={folder} port={port} user={user} dbname=postgres"
        ))
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the path of the socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join(format!(".s.PGSQL.{}", self.port))
    }

    /// Returns the folder of the database, with all its files.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Lets the server leave it to the system when something is written to a disk, for tests of
    /// times and of many servers. What was committed outlives the server all the same.
    pub(crate) fn leave_writing_to_the_system(&self) {
        self.carry_out("alter system set fsync = off");
        self.carry_out("select pg_reload_conf()");
    }

    /// Ends the server when it has written everything to its files.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::INT);
    }

    /// Moves the database to a disk with this much room left, where the system allows it: only
    /// root may mount one. The disk is gone when the server ends.
    pub(crate) fn move_to_small_disk(&mut self, mebibytes: u64) -> bool {
        let data = self.data();
        let usage = Command::new("du").arg("-sm").arg(&data).output().unwrap();
        let usage = String::from_utf8(usage.stdout).unwrap();
        let used: u64 = usage.split_whitespace().next().unwrap().parse().unwrap();
        let size = used + mebibytes;
        let small = data.with_file_name("small");
        std::fs::create_dir(&small).unwrap();
        let (data, small) = (data.display(), small.display());
        let mount = format!("mount -t tmpfs -o size={size}m,mode=700 tmpfs {small}");
        let can_mount = is_root()
            && Command::new("unshare")
                .args(["--mount", "sh", "-c", &mount])
                .status()
                .is_ok_and(|status| status.success());
        if !can_mount {
            println!("NOT RUN: a small disk needs root and the right to mount");
            return false;
        }
        self.stop();
        let (folder, programs, port) = (self.folder.path(), &self.programs, self.port);
        let script = format!(
            "{mount} && chown {NOBODY}:{NOBODY} {small} && cp -a {data}/. {small} && \
             exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups {}/postgres \
             -D {small} -k {} -p {port} -c listen_addresses=",
            programs.display(),
            folder.display(),
        );
        self.process = Command::new("unshare")
            .args(["--mount", "sh", "-c", &script])
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.wait_until_ready();
        true
    }

    /// Gives the small disk more room.
    pub(crate) fn make_room(&self) {
        let small = self.folder.path().join("small");
        let made = Command::new("nsenter")
            .args(["--mount", "--target", &self.process.id().to_string()])
            .args(["mount", "-o", "remount,size=1g"])
            .arg(small)
            .status();
        assert!(made.unwrap().success());
    }

    /// Starts the server again after [`kill`](Self::kill).
    pub(crate) fn start_again(&mut self) {
        let folder = self.folder.path();
        self.process = start_process(&self.programs, folder, self.port, self.is_on_network);
        self.wait_until_ready();
    }

    /// Kills the server and starts it again, as after a crash.
    pub(crate) fn crash_and_restart(&mut self) {
        self.kill();
        self.start_again();
    }

    /// Ends the server with all its processes at once, without a word to its clients or its disk.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::QUIT);
    }

    fn signal(&mut self, signal: Signal) {
        if let Some(process) = Pid::from_raw(self.process.id().cast_signed()) {
            let _ = kill_process(process, signal);
        }
        let _ = self.process.wait();
    }

    /// Carries out statements with a client that is not ours.
    pub(crate) fn carry_out(&self, statements: &str) -> String {
        self.carry_out_as("owner", statements)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Carries out statements as a user, and returns what the client printed or the error.
    pub(crate) fn carry_out_as(&self, user: &str, statements: &str) -> Result<String, String> {
        let output = self.client(user, statements).output().unwrap();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Carries out a script, with the commands of the client in it.
    pub(crate) fn run_script(&self, script: &str) {
        let mut client = self
            .client("owner", "select 1")
            .args(["--file", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        client
            .stdin
            .take()
            .unwrap()
            .write_all(script.as_bytes())
            .unwrap();
        assert!(client.wait().unwrap().success());
    }

    /// Returns a client that carries out statements, each on its own.
    pub(crate) fn client(&self, user: &str, statements: &str) -> Command {
        let mut client = Command::new(self.programs.join("psql"));
        client
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--username", user, "--port", &self.port.to_string()])
            .args([
                "--set=ON_ERROR_STOP=1",
                "--dbname=postgres",
                "--command",
                statements,
            ])
            .arg("--host")
            .arg(self.folder.path());
        client
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let mut ready = Command::new(self.programs.join("pg_isready"));
            ready
                .arg("--host")
                .arg(self.folder.path())
                .args(["--port", &self.port.to_string()])
                .stdout(Stdio::null());
            if ready.status().unwrap().success() {
                return;
            }
            assert!(Instant::now() < deadline, "Postgres does not start");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Creates an empty database in a folder of its own. The first one of this user is kept for the
/// others, which are copies of it: that takes a tenth of the time.
fn create_database(programs: &Path, folder: &Path, data: &Path) {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let version = programs.parent().and_then(Path::file_name).unwrap();
    let user = rustix::process::geteuid().as_raw();
    let kept = all.join(format!("postgres-{}-of-{user}", version.display()));
    if kept.exists() {
        return copy(&kept, data);
    }
    let made = as_plain_user(&programs.join("initdb"))
        .args(["--no-sync", "--auth=trust", "--username=owner"])
        .args(["--encoding=UTF8", "--locale=C.UTF-8", "--pgdata"])
        .arg(data)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
    let whole = tempfile::tempdir_in(all).unwrap();
    let copied = whole.path().join("data");
    copy(data, &copied);
    // It fails for all but the first of those that have made one at the same time.
    let _ = std::fs::rename(copied, kept);
}

/// Copies a folder with the owners of its files.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.unwrap().success());
}

/// Writes the settings of a server that listens on a port.
fn configure(data: &Path, network: &Network) {
    std::fs::write(data.join("pg_hba.conf"), network.logins).unwrap();
    let Some((chain, key)) = &network.identity else {
        return;
    };
    for (name, content) in [("server.crt", chain), ("server.key", key)] {
        let path = data.join(name);
        std::fs::write(&path, content).unwrap();
        if is_root() {
            std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }
    let mut settings = std::fs::OpenOptions::new();
    let mut settings = settings
        .append(true)
        .open(data.join("postgresql.conf"))
        .unwrap();
    writeln!(settings, "ssl = on").unwrap();
}

fn start_process(programs: &Path, folder: &Path, port: u16, is_on_network: bool) -> Child {
    let addresses = if is_on_network { "127.0.0.1" } else { "" };
    as_plain_user(&programs.join("postgres"))
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-k")
        .arg(folder)
        .args(["-p", &port.to_string(), "-c"])
        .arg(format!("listen_addresses={addresses}"))
        .args(["-c", "logging_collector=off"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Returns the folder of the newest installed Postgres.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.flatten().map(|version| version.path().join("bin"));
    folders
        .filter(|folder| folder.join("postgres").exists())
        .max()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn as_plain_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")])
        .arg("--clear-groups")
        .arg(program);
    command
}
