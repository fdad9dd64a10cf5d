//! Where the acting credential comes from.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{Error, Result, Secret};

/// A place that the acting credential is read from whenever it is needed.
///
/// ```
/// use async_trait::async_trait;
/// use tokenfleet_core::{Credential, CredentialSource, Result, Secret};
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
}

/// A reference to a credential; cheap to clone, and its `Debug` shows where the credential is, not what it is.
#[derive(Debug, Clone)]
pub struct Credential(Arc<dyn CredentialSource>);

impl Credential {
    /// A credential that is already at hand.
    #[must_use]
    pub fn fixed(secret: Secret) -> Self {
        Self::from_source(Fixed(secret))
    }

    /// The value of an environment variable.
    #[must_use]
    pub fn from_env(variable: impl Into<String>) -> Self {
        Self::from_source(Environment(variable.into()))
    }

    /// The first line of a file.
    #[must_use]
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        Self::from_source(File(path.into()))
    }

    /// Anything else.
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

#[derive(Debug)]
struct Fixed(Secret);

#[async_trait]
impl CredentialSource for Fixed {
    async fn secret(&self) -> Result<Secret> {
        Ok(self.0.duplicate())
    }
}

#[derive(Debug)]
struct Environment(String);

#[async_trait]
impl CredentialSource for Environment {
    async fn secret(&self) -> Result<Secret> {
        let Self(variable) = self;
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
struct File(PathBuf);

#[async_trait]
impl CredentialSource for File {
    async fn secret(&self) -> Result<Secret> {
        let path = self.0.display();
        let content = std::fs::read_to_string(&self.0)
            .map(Secret::new)
            .map_err(|error| {
                Error::configuration(format!("the credential file {path} cannot be read"))
                    .with_source(error)
            })?;
        match content.expose().lines().next().map(str::trim) {
            Some(line) if !line.is_empty() => Ok(Secret::new(line)),
            _ => Err(Error::configuration(format!(
                "the credential file {path} is empty"
            ))),
        }
    }
}
