//! The ledger: what the program remembers between two runs.
//!
//! It is a file in the state directory unless the table `[ledger]` names another place. A command
//! that only reads does not create it.

mod accounts;
mod authors;
mod comparing;
mod opened;
mod server;
mod settings;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokenfleet::config::cause_text;
use tokenfleet::{Configuration, Error, ErrorKind, Fate, Result};
use tokenfleet_ledger::{Ledger, SqliteLedger};

pub(crate) use self::accounts::RememberedAccount;
pub(crate) use self::authors::{Authors, OpenCreations};
pub(crate) use self::comparing::{Comparison, count_unknown_tokens};
pub(crate) use self::opened::OpenedLedger;

use self::server::Server;
use self::settings::LedgerSettings;
use crate::directories::state_directory;
use crate::output::print_warning;
use crate::program_name::{self, command_line};

/// The name of the directory of the marks of processes.
const MARKS: &str = "running";

/// The advice on a ledger that cannot be used.
const ADVICE: &str = "choose another place in the table [ledger] of the configuration, \
                      or turn the ledger off there with `enabled = false`";

/// The place of a ledger.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// A file.
    File(PathBuf),
    /// A Postgres database, whose URL is read when it is needed.
    Server(Server),
}

/// Opens the ledger of the configuration if it exists, for a command that only reads.
pub(crate) async fn open_existing(
    configuration: &Configuration,
) -> Result<Option<Arc<dyn Ledger>>> {
    match Place::read(configuration)? {
        Some(place) if place.exists() => place.open().await.map(Some),
        _ => Ok(None),
    }
}

/// Opens the ledger of the configuration for a command that needs one that exists.
pub(crate) async fn open_required(configuration: &Configuration) -> Result<Arc<dyn Ledger>> {
    let place = Place::read(configuration)?.ok_or_else(turned_off)?;
    place.require()?;
    place.open().await
}

/// Creates the error for a command that needs the ledger, which is turned off.
pub(crate) fn turned_off() -> Error {
    Error::configuration("the ledger is turned off")
        .with_advice("remove `enabled = false` from the table [ledger]")
}

impl Place {
    /// Reads the table `[ledger]`. Returns `None` if it turns the ledger off. Nothing is opened
    /// yet.
    pub(crate) fn read(configuration: &Configuration) -> Result<Option<Self>> {
        let settings = LedgerSettings::read(configuration)?;
        settings.enabled.then(|| settings.place()).transpose()
    }

    /// Returns the path of the file, if the ledger is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server(_) => None,
        }
    }

    /// Returns the directory of the marks of processes: beside the file, where everybody who opens
    /// it looks. Those of a server are in the state directory, if there is one.
    pub(crate) fn marks(&self) -> Option<PathBuf> {
        let beside = match self {
            Self::File(path) => {
                // A link may lead to it.
                let path = path.canonicalize().unwrap_or_else(|_| path.clone());
                path.parent()?.to_owned()
            }
            Self::Server(_) => state_directory().ok()?,
        };
        Some(beside.join(MARKS))
    }

    /// Refuses a write whose mark cannot be set. A server has room for no mark, so there it is a
    /// warning.
    pub(crate) fn without_mark(&self, directory: &Path, error: io::Error) -> Result<()> {
        let message = format!(
            "cannot mark in {} that this process is at work: {}",
            directory.display(),
            cause_text(&error)
        );
        match self {
            Self::File(_) => Err(with_advice(
                Error::configuration(message).with_source(error),
            )),
            Self::Server(_) => {
                print_warning(&format!(
                    "{message}; do not run `{}` before it has ended",
                    command_line("operations resume")
                ));
                Ok(())
            }
        }
    }

    /// Returns `false` if there is no file. Whether a server has a ledger is not known before it is
    /// asked.
    pub(crate) fn exists(&self) -> bool {
        // A link that leads nowhere is a mistake to report, not a ledger that is yet to come.
        self.path()
            .is_none_or(|path| path.symlink_metadata().is_ok())
    }

    /// Rejects a ledger that does not exist yet.
    fn require(&self) -> Result<()> {
        if self.exists() {
            return Ok(());
        }
        let message = match self.path() {
            Some(path) => format!("there is no ledger {}", path.display()),
            None => "there is no ledger".to_owned(),
        };
        let advice = format!("take a snapshot first: {} snapshot", program_name::get());
        let error = Error::new(ErrorKind::NotFound, Fate::NotSent, message);
        Err(error.with_advice(advice))
    }

    /// Opens the ledger, and creates it if it does not exist.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Ledger>> {
        match self {
            Self::File(path) => Ok(Arc::new(Self::open_file(path).await?)),
            Self::Server(server) => Self::open_server(server).await,
        }
    }

    /// Opens the ledger in a file, and creates it if it does not exist.
    pub(crate) async fn open_file(path: &Path) -> Result<SqliteLedger> {
        SqliteLedger::open(path).await.map_err(with_advice)
    }

    #[cfg(feature = "postgres")]
    async fn open_server(server: &Server) -> Result<Arc<dyn Ledger>> {
        let ledger = server.open().await.map_err(with_advice)?;
        Ok(Arc::new(ledger))
    }

    /// Fails, because this program cannot reach a server.
    #[cfg(not(feature = "postgres"))]
    async fn open_server(_: &Server) -> Result<Arc<dyn Ledger>> {
        let error = Error::configuration("this program was built without Postgres");
        Err(error.with_advice(format!("build it with the feature `postgres`, or {ADVICE}")))
    }
}

/// Adds how to do without the ledger to what is wrong with it.
fn with_advice(error: Error) -> Error {
    let advice = match error.advice() {
        Some(advice) => format!(
            "{advice}; the table [ledger] of the configuration chooses another place, or turns the \
             ledger off with `enabled = false`"
        ),
        None => ADVICE.to_owned(),
    };
    error.with_advice(advice)
}
