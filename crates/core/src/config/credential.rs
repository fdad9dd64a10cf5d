//! The sources of the credential that an account authenticates with.

mod command;
mod content;
mod environment;
mod file;
mod systemd;

pub(crate) use command::{COMMAND_TIMEOUT, Command};
pub(crate) use environment::is_variable_name;
pub(crate) use file::Part;
pub use file::{is_showable_path, is_world_readable};
pub(crate) use systemd::is_systemd_name;

use std::ffi::OsString;
use std::fmt::{self, Debug};
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::{Error, Result};
use crate::model::Secret;
use command::Printed;
use environment::Environment;
use file::File;
use systemd::Systemd;

/// A source of the credential that an account authenticates with.
///
/// It is read for every call, so that a credential that was replaced is picked up without a
/// restart, and once more if the platform rejects the credential. If the source then returns
/// another one, the call is sent again with it, provided that a retry is safe.
///
/// ```
/// use async_trait::async_trait;
/// use tokenfleet_core::config::CredentialSource;
/// use tokenfleet_core::{Credential, Result, Secret};
///
/// #[derive(Debug)]
/// struct Vault;
///
/// #[async_trait]
/// impl CredentialSource for Vault {
///     async fn secret(&self) -> Result<Secret> {
///         Ok(Secret::new("read from the vault"))
///     }
/// }
///
/// let credential = Credential::from_source(Vault);
/// ```
#[async_trait]
pub trait CredentialSource: Debug + Send + Sync + 'static {
    /// Returns the current credential.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), with the location of the credential and
    /// never its content.
    async fn secret(&self) -> Result<Secret>;

    /// Reports that the platform rejected a credential.
    ///
    /// A source that caches its credential must drop it, if it is still the same one, so that the
    /// next read returns the current one. A wrapper forwards the call.
    fn refused(&self, secret: &Secret) {
        let _ = secret;
    }
}

/// The source of a credential: memory, an environment variable, a file, a command, systemd or a
/// function.
///
/// It is cheap to clone, and its `Debug` shows the location of the credential, not its content.
#[derive(Debug, Clone)]
pub struct Credential(Arc<dyn CredentialSource>);

impl Credential {
    /// Creates a reference to a credential that is already in memory.
    #[must_use]
    pub fn from_secret(secret: Secret) -> Self {
        Self::from_source(Fixed(secret))
    }

    /// Creates a reference to the value of an environment variable, without a byte-order mark and
    /// without one line break at its end.
    ///
    /// An invalid name is rejected when the credential is read. A name that may be the credential
    /// itself is not repeated in an error.
    #[must_use]
    pub fn from_env(variable: impl Into<String>) -> Self {
        Self::from_variable_part(variable.into(), Part::FirstLine)
    }

    /// Creates a reference to the first line of a file of at most 64 KiB, without a byte-order mark
    /// and without the whitespace around the line.
    ///
    /// A regular file is read whenever the credential is needed, a pipe only the first time. So
    /// short a read does not need a thread of its own.
    #[must_use]
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self::from_source(File::new(path.clone(), path, Part::FirstLine))
    }

    /// Creates a reference to the whole content of a file, such as a PEM key.
    ///
    /// Apart from that it is like [`from_file`](Self::from_file).
    #[must_use]
    pub fn from_untrimmed_file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self::from_source(File::new(path.clone(), path, Part::Whole))
    }

    /// Creates a reference to the first line that a command prints, without the whitespace around
    /// it. The command is a program and its arguments; no shell is involved.
    ///
    /// It runs once, with nothing on its standard input, and its output is kept until the platform
    /// rejects the credential. If it then prints the same credential again, a further rejection
    /// does not run it for the next 30 seconds. Readers at the same time wait for the same run; a
    /// run that failed is repeated by the next reader.
    ///
    /// What it has printed when it ends is its output, even if a process that it leaves behind has
    /// not closed it. It may take 30 seconds and print 64 KiB: otherwise it is killed with all
    /// processes of its group. What it prints, also on standard error, is never shown.
    ///
    /// The path of a program starts from the current directory; a program without a slash is found
    /// in `PATH`.
    ///
    /// ```
    /// use tokenfleet_core::Credential;
    ///
    /// let credential = Credential::from_command(["pass", "show", "losant"]);
    /// ```
    #[must_use]
    pub fn from_command<W: Into<OsString>>(words: impl IntoIterator<Item = W>) -> Self {
        Self::from_command_with_timeout(words, COMMAND_TIMEOUT)
    }

    /// Creates a reference like [`from_command`](Self::from_command) to a command that may take
    /// another time than 30 seconds.
    #[must_use]
    pub fn from_command_with_timeout<W: Into<OsString>>(
        words: impl IntoIterator<Item = W>,
        timeout: Duration,
    ) -> Self {
        let command = Command::new(words, timeout, PathBuf::from);
        Self::from_command_part(Arc::new(command), Part::FirstLine)
    }

    /// Creates a reference to the first line of a credential that systemd passes to a service: the
    /// file of that name in `$CREDENTIALS_DIRECTORY`.
    ///
    /// Apart from that it is like [`from_file`](Self::from_file). An invalid name is rejected when
    /// the credential is read.
    #[must_use]
    pub fn from_systemd(name: impl Into<String>) -> Self {
        Self::from_systemd_part(name.into(), Part::FirstLine)
    }

    /// Reads a credential from the first line of a stream, such as standard input.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), like an error of
    /// [`from_file`](Self::from_file).
    pub fn from_reader(reader: impl Read) -> Result<Self> {
        let secret = file::read(reader, Part::FirstLine).map_err(|(problem, advice)| {
            Error::configuration(format!("the input {problem}")).with_advice(advice)
        })?;
        Ok(Self::from_secret(secret))
    }

    /// Creates a reference to a file whose path was written relative to another directory.
    pub(crate) fn from_written_path(path: PathBuf, written: PathBuf, part: Part) -> Self {
        Self::from_source(File::new(path, written, part))
    }

    /// Creates a reference to the value of an environment variable.
    pub(crate) fn from_variable_part(name: String, part: Part) -> Self {
        Self::from_source(Environment { name, part })
    }

    /// Creates a reference to the output of a command, or to its first line.
    pub(crate) fn from_command_part(command: Arc<Command>, part: Part) -> Self {
        Self::from_source(Printed::new(command, part))
    }

    /// Creates a reference to a systemd credential, or to its first line.
    pub(crate) fn from_systemd_part(name: String, part: Part) -> Self {
        Self::from_source(Systemd::new(name, part))
    }

    /// Adds the place of the configuration that refers to the credential to its errors.
    pub(crate) fn located_at(self, place: String) -> Self {
        Self::from_source(Located {
            credential: self,
            place,
        })
    }

    /// Creates a reference to the result of a function that is called whenever the credential is
    /// needed.
    ///
    /// ```
    /// use tokenfleet_core::{Credential, Secret};
    ///
    /// let credential = Credential::from_fn(async || Ok(Secret::new("read from the vault")));
    /// ```
    #[must_use]
    pub fn from_fn<F, A>(read: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<Secret>> + Send + 'static,
    {
        Self::from_source(Function(read))
    }

    /// Creates a reference to any other source, such as one with a cache.
    #[must_use]
    pub fn from_source(source: impl CredentialSource) -> Self {
        Self(Arc::new(source))
    }

    /// Reads the current credential.
    ///
    /// # Errors
    ///
    /// The same as [`CredentialSource::secret`].
    pub async fn secret(&self) -> Result<Secret> {
        self.0.secret().await
    }
}

#[async_trait]
impl CredentialSource for Credential {
    async fn secret(&self) -> Result<Secret> {
        self.0.secret().await
    }

    fn refused(&self, secret: &Secret) {
        self.0.refused(secret);
    }
}

/// A function that returns a credential.
struct Function<F>(F);

impl<F> Debug for Function<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Function(..)")
    }
}

#[async_trait]
impl<F, A> CredentialSource for Function<F>
where
    F: Fn() -> A + Send + Sync + 'static,
    A: Future<Output = Result<Secret>> + Send + 'static,
{
    async fn secret(&self) -> Result<Secret> {
        (self.0)().await
    }
}

/// A credential that a configuration refers to, with the place of the reference.
#[derive(Debug)]
struct Located {
    credential: Credential,
    place: String,
}

#[async_trait]
impl CredentialSource for Located {
    async fn secret(&self) -> Result<Secret> {
        let read = self.credential.secret().await;
        read.map_err(|error| error.with_message_prefix(&self.place))
    }

    fn refused(&self, secret: &Secret) {
        self.credential.refused(secret);
    }
}

/// A credential in memory.
#[derive(Debug)]
struct Fixed(Secret);

#[async_trait]
impl CredentialSource for Fixed {
    async fn secret(&self) -> Result<Secret> {
        Ok(self.0.duplicate())
    }
}

#[cfg(test)]
mod tests;
