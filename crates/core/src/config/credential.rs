//! The sources of the credential that an account authenticates with.

mod environment;
mod file;

pub(crate) use environment::is_variable_name;
pub use file::is_world_readable;

use std::fmt::{self, Debug};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Result;
use crate::model::Secret;
use environment::Environment;
use file::File;

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

/// The source of a credential: memory, an environment variable, a file or a function.
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

    /// Creates a reference to the value of an environment variable.
    ///
    /// An invalid name is rejected when the credential is read, and not repeated in the error.
    #[must_use]
    pub fn from_env(variable: impl Into<String>) -> Self {
        Self::from_source(Environment(variable.into()))
    }

    /// Creates a reference to the first line of a regular file of at most 64 KiB.
    ///
    /// The file is read whenever the credential is needed. So short a read does not need a thread
    /// of its own.
    #[must_use]
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        Self::from_source(File {
            path: path.into(),
            whole: false,
        })
    }

    /// Creates a reference to the whole content of a file, such as a PEM key.
    ///
    /// Apart from that it is like [`from_file`](Self::from_file).
    #[must_use]
    pub fn from_untrimmed_file(path: impl Into<PathBuf>) -> Self {
        Self::from_source(File {
            path: path.into(),
            whole: true,
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
