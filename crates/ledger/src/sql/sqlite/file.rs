//! A file that is open on a thread of its own: SQLite waits for disks and for other processes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection as Handle, OpenFlags};
use tokenfleet_core::Result;
use tokio::sync::oneshot;

use super::access::{Identity, check_link, check_private, create_private, identity};
use super::failure::{describe, foreign, gone, uncreatable};

/// The mark of our files in the header of SQLite: "tkfl".
pub(super) const APPLICATION: i64 = 0x746b_666c;

/// The settings of each connection. `full` makes a commit survive a loss of power. The caches, of
/// 32 MB each, hold the upper parts of the indexes of a million tokens.
const SETTINGS: &str = "
pragma synchronous = full;
pragma journal_size_limit = 67108864;
pragma temp_store = file;
pragma cache_size = -32768;
pragma temp.cache_size = -32768;
pragma cell_size_check = on;
pragma trusted_schema = off;
pragma foreign_keys = on;
";

/// The longest time that SQLite can wait: the largest number of its milliseconds.
pub(super) const LONGEST_PATIENCE: Duration = Duration::from_millis(2_147_483_647);

type Job = Box<dyn FnOnce(&mut Handle) + Send>;

/// A file that is open on a thread, which ends when this is dropped, after the job that it has.
#[derive(Debug)]
pub(super) struct OpenFile {
    jobs: mpsc::Sender<Job>,
    path: PathBuf,
    identity: Identity,
    thread: JoinHandle<()>,
    /// Ends when the file is closed.
    open: oneshot::Receiver<()>,
    /// Is `true` once the ledger was seen in it: nobody removes one that is used.
    has_schema: AtomicBool,
}

impl OpenFile {
    /// Opens a file, which is created if it does not exist.
    pub(super) async fn open(path: &Path, patience: Duration) -> Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (opened, is_open) = oneshot::channel();
        let (closed, open) = oneshot::channel();
        let file = path.to_owned();
        let run = move || {
            let mut handle = match open_file(&file, patience) {
                Ok((handle, identity)) => {
                    let _ = opened.send(Ok(identity));
                    handle
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                    return;
                }
            };
            for job in queue {
                job(&mut handle);
            }
            drop(handle);
            let _ = closed.send(());
        };
        let thread = thread::Builder::new().name("tokenfleet-ledger".to_owned());
        let thread = thread
            .spawn(run)
            .map_err(|error| uncreatable(error, path))?;
        let identity = is_open.await.map_err(|_| gone(path))??;
        Ok(Self {
            jobs,
            path: path.to_owned(),
            identity,
            thread,
            open,
            has_schema: AtomicBool::new(false),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns `true` unless another file is at the path by now, or others may use this one.
    pub(super) fn is_still_there(&self) -> bool {
        check_link(&self.path).is_ok()
            && check_private(&self.path).is_ok()
            && identity(&self.path).is_ok_and(|now| now == self.identity)
    }

    pub(super) fn has_schema(&self) -> bool {
        self.has_schema.load(Ordering::Relaxed)
    }

    pub(super) fn remember_schema(&self, has_schema: bool) {
        self.has_schema.store(has_schema, Ordering::Relaxed);
    }

    /// Does a piece of work on the thread.
    pub(super) async fn attempt<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Handle) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<rusqlite::Result<T>> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |handle| {
            // Nobody may wait any longer: the next job finds out what to do about it.
            let _ = reply.send(work(handle));
        });
        self.jobs.send(job).map_err(|_| gone(&self.path))?;
        answer.await.map_err(|_| gone(&self.path))
    }

    /// Closes the file and returns once that is done. The memory of a thread that has ended is used
    /// by the next one. That of a thread that has not would be added to it, with the caches of each
    /// connection.
    pub(super) async fn close(self) {
        let Self {
            jobs, thread, open, ..
        } = self;
        drop(jobs);
        let _ = open.await;
        let _ = thread.join();
    }

    /// Closes the file like [`close`](Self::close), and waits for that without a runtime.
    pub(super) fn close_now(self) {
        let Self { jobs, thread, .. } = self;
        drop(jobs);
        let _ = thread.join();
    }
}

/// Opens a file and refuses one of another program, before anything is changed in it.
fn open_file(path: &Path, patience: Duration) -> Result<(Handle, Identity)> {
    check_link(path)?;
    create_private(path).map_err(|error| uncreatable(error, path))?;
    check_private(path)?;
    // Before it is opened: if another file is put in its place meanwhile, this is not used again.
    let identity = identity(path).map_err(|error| uncreatable(error, path))?;
    let failed = |error| describe(error, path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let handle = Handle::open_with_flags(path, flags).map_err(failed)?;
    handle
        .busy_timeout(patience.min(LONGEST_PATIENCE))
        .map_err(failed)?;
    // In one statement, because another process may be writing the schema.
    let header =
        "select application_id, (select count(*) from sqlite_schema) from pragma_application_id";
    let (application, entries): (i64, i64) = handle
        .query_one(header, (), |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(failed)?;
    let is_ours = application == APPLICATION || (application == 0 && entries == 0);
    if !is_ours {
        return Err(foreign(path));
    }
    handle.execute_batch(SETTINGS).map_err(failed)?;
    Ok((handle, identity))
}
