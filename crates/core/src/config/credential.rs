//! Where the acting credential comes from.

use std::fmt;
use std::fmt::Debug;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::model::Secret;

const LARGEST_FILE: usize = 64 << 10;
const LONGEST_VARIABLE: usize = 64;

/// A place that the acting credential is read from whenever it is needed: so a credential that was changed elsewhere is
/// picked up without a restart.
///
/// It is asked for every call, and once more when the platform refuses what it gave. If the answer is then another one, a
/// call that may be repeated is sent again with it; the same one is not sent again.
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
    /// The credential as it is now.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), naming the place and never what was found there.
    async fn secret(&self) -> Result<Secret>;

    /// The platform did not accept that credential. A source that remembers what it gave must forget it, if it is still
    /// the same: the next question is about what holds now. A wrapper passes this on.
    fn refused(&self, secret: &Secret) {
        let _ = secret;
    }
}

/// A reference to a credential; cheap to clone, and its `Debug` shows where the credential is, not what it is.
#[derive(Debug, Clone)]
pub struct Credential(Arc<dyn CredentialSource>);

impl Credential {
    /// A credential that is already at hand.
    #[must_use]
    pub fn from_secret(secret: Secret) -> Self {
        Self::from_source(Fixed(secret))
    }

    /// The value of an environment variable. A name that no variable has is refused when it is read, and not repeated.
    #[must_use]
    pub fn from_env(variable: impl Into<String>) -> Self {
        Self::from_source(Environment(variable.into()))
    }

    /// The first line of a regular file of at most 64 KiB, read anew whenever it is needed: a read that short is done in
    /// place, without a thread of its own.
    #[must_use]
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        Self::from_source(File {
            path: path.into(),
            whole: false,
        })
    }

    /// All of a file, as [`from_file`](Self::from_file) reads its first line: a key in PEM.
    #[must_use]
    pub fn from_untrimmed_file(path: impl Into<PathBuf>) -> Self {
        Self::from_source(File {
            path: path.into(),
            whole: true,
        })
    }

    /// What a function answers whenever the credential is needed.
    ///
    /// ```
    /// use tokenfleet_core::{Credential, Secret};
    ///
    /// let credential = Credential::from_fn(async || Ok(Secret::new("read from the vault")));
    /// ```
    #[must_use]
    pub fn from_fn<F, A>(ask: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<Secret>> + Send + 'static,
    {
        Self::from_source(Function(ask))
    }

    /// Anything else, such as a source that remembers.
    #[must_use]
    pub fn from_source(source: impl CredentialSource) -> Self {
        Self(Arc::new(source))
    }

    /// The credential as it is now.
    ///
    /// # Errors
    ///
    /// As [`CredentialSource::secret`].
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

#[derive(Debug)]
struct Fixed(Secret);

#[async_trait]
impl CredentialSource for Fixed {
    async fn secret(&self) -> Result<Secret> {
        Ok(self.0.duplicate())
    }
}

struct Environment(String);

/// Whether a variable may have that name: letters, digits and underscores, at most 64 and no digit first.
///
/// Anything else is rather the credential itself, put where its place was asked for.
pub(crate) fn is_variable_name(name: &str) -> bool {
    name.len() <= LONGEST_VARIABLE
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if is_variable_name(&self.0) {
            &self.0
        } else {
            "no name of a variable"
        };
        f.debug_tuple("Environment").field(&name).finish()
    }
}

#[async_trait]
impl CredentialSource for Environment {
    async fn secret(&self) -> Result<Secret> {
        let Self(variable) = self;
        if !is_variable_name(variable) {
            return Err(Error::configuration(
                "the credential's environment variable has a name that no variable has",
            )
            .with_advice("give the name of the variable, not the credential"));
        }
        match std::env::var(variable) {
            Ok(value) if !value.is_empty() => Ok(Secret::new(value)),
            Ok(_) => Err(Error::configuration(format!(
                "the environment variable {variable} is empty"
            ))),
            Err(std::env::VarError::NotPresent) => Err(Error::configuration(format!(
                "the environment variable {variable} is not set"
            ))),
            Err(std::env::VarError::NotUnicode(_)) => Err(Error::configuration(format!(
                "the environment variable {variable} is not UTF-8"
            ))),
        }
    }
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    whole: bool,
}

#[async_trait]
impl CredentialSource for File {
    async fn secret(&self) -> Result<Secret> {
        let path = self.path.display();
        let content = read(&self.path).map_err(|(cause, advice)| {
            Error::configuration(format!("the credential file {path} {cause}")).with_advice(advice)
        })?;
        let (credential, what) = match self.whole {
            true => (content.as_str(), ""),
            false => (
                content.lines().next().unwrap_or_default().trim(),
                "the first line of ",
            ),
        };
        if credential.trim().is_empty() {
            let error = format!("{what}the credential file {path} is empty");
            return Err(
                Error::configuration(error).with_advice("put the credential on the first line")
            );
        }
        Ok(Secret::new(credential))
    }
}

/// The whole file in memory that is wiped, or what is wrong with it and what to do.
///
/// Its kind is asked before it is opened: opening a pipe would wait for a writer.
fn read(path: &Path) -> Result<Zeroizing<String>, (String, &'static str)> {
    let kind = std::fs::metadata(path).map_err(|error| why(&error))?;
    if kind.is_dir() {
        return Err(("is a directory".to_owned(), "name a file in it"));
    }
    if !kind.is_file() {
        return Err((
            "is not a regular file".to_owned(),
            "write the credential to a file, or give it in an environment variable",
        ));
    }
    let file = std::fs::File::open(path).map_err(|error| why(&error))?;
    // As large as it can become, so that no unwiped copy is left behind when it grows.
    let mut content = Zeroizing::new(String::with_capacity(LARGEST_FILE + 1));
    file.take(LARGEST_FILE as u64 + 1)
        .read_to_string(&mut content)
        .map_err(|error| why(&error))?;
    if content.len() > LARGEST_FILE {
        return Err((
            format!("is larger than {} KiB", LARGEST_FILE >> 10),
            "name the file that holds the credential and nothing else",
        ));
    }
    Ok(content)
}

/// Whether others than its owner may read a file that holds a credential, as far as the system says: somebody should be
/// warned. A file that is not there is nobody's.
#[must_use]
pub fn is_world_readable(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        const GROUP_OR_OTHERS_READ: u32 = 0o044;
        std::fs::metadata(path)
            .is_ok_and(|file| file.permissions().mode() & GROUP_OR_OTHERS_READ != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

fn why(error: &std::io::Error) -> (String, &'static str) {
    use std::io::ErrorKind::{InvalidData, NotFound, PermissionDenied};
    match error.kind() {
        NotFound => ("does not exist".to_owned(), "make it, or correct the path"),
        PermissionDenied => (
            "may not be read by this user".to_owned(),
            "let this user read it, and nobody else",
        ),
        InvalidData => (
            "is not UTF-8".to_owned(),
            "put the credential on the first line, as text",
        ),
        other => (
            format!("cannot be read ({other})"),
            "check the path and the file system",
        ),
    }
}

#[cfg(test)]
mod tests;
