//! Where the acting credential comes from.

use std::fmt;
use std::fmt::Debug;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::{Error, Result, Secret};

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
    pub fn fixed(secret: Secret) -> Self {
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
    pub fn from_whole_file(path: impl Into<PathBuf>) -> Self {
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

/// Whether others than the file's owner may read it, as far as the system says. A file that is not there is nobody's.
#[cfg(unix)]
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    const GROUP_OR_OTHERS_READ: u32 = 0o044;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & GROUP_OR_OTHERS_READ != 0)
}

#[cfg(not(unix))]
pub(crate) fn is_open_to_others(_: &Path) -> bool {
    false
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
mod tests {
    use futures_executor::block_on;

    use super::*;

    /// A path of this test's own, removed when dropped.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let name = format!("tokenfleet-{}-{name}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }

        fn holding(name: &str, content: impl AsRef<[u8]>) -> Self {
            let place = Self::new(name);
            std::fs::write(&place.0, content).unwrap();
            place
        }

        fn read(&self) -> Result<Secret> {
            block_on(Credential::from_file(&self.0).secret())
        }

        fn refusal(&self) -> String {
            let text = self.read().unwrap_err().to_string();
            text.replace(&self.0.display().to_string(), "PATH")
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
            let _ = std::fs::remove_dir(&self.0);
        }
    }

    #[test]
    fn the_first_line_of_a_file_is_the_credential() {
        let place = Place::holding("first", " hunter2 \r\nand more\n");
        assert_eq!(place.read().unwrap().expose(), "hunter2");
    }

    #[test]
    fn a_whole_file_is_a_credential_of_several_lines() {
        let place = Place::holding("whole", "-----BEGIN\nhunter2\n");
        let read = |place: &Place| block_on(Credential::from_whole_file(&place.0).secret());
        let secret = read(&place).unwrap();
        assert_eq!(secret.expose(), "-----BEGIN\nhunter2\n");
        let nothing = Place::holding("nothing", "");
        let error = read(&nothing).unwrap_err().to_string();
        assert!(error.contains("nothing is empty; "), "{error}");
    }

    #[test]
    fn what_was_changed_elsewhere_is_picked_up() {
        let place = Place::holding("changed", "old");
        let credential = Credential::from_file(&place.0);
        let read = || block_on(credential.secret()).unwrap();
        assert_eq!(read().expose(), "old");
        std::fs::write(&place.0, "new").unwrap();
        assert_eq!(read().expose(), "new");
    }

    #[test]
    fn a_function_is_asked_each_time_and_never_shown() {
        let asked = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let counted = Arc::clone(&asked);
        let credential = Credential::from_fn(move || {
            let number = counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            async move { Ok(Secret::new(format!("hunter{number}"))) }
        });
        for expected in ["hunter0", "hunter1"] {
            let secret = block_on(credential.secret()).unwrap();
            assert_eq!(secret.expose(), expected);
        }
        assert!(!format!("{credential:?}").contains("hunter"));
    }

    #[test]
    fn a_file_that_cannot_be_read_says_why_and_what_to_do() {
        assert_eq!(
            Place::new("missing").refusal(),
            "the credential file PATH does not exist; make it, or correct the path"
        );
        let directory = Place::new("directory");
        std::fs::create_dir(&directory.0).unwrap();
        assert_eq!(
            directory.refusal(),
            "the credential file PATH is a directory; name a file in it"
        );
        assert_eq!(
            Place::holding("empty", "\nhunter2").refusal(),
            "the first line of the credential file PATH is empty; put the credential on the first line"
        );
        assert_eq!(
            Place::holding("bytes", [0xff]).refusal(),
            "the credential file PATH is not UTF-8; put the credential on the first line, as text"
        );
        assert_eq!(
            Place::holding("large", "x".repeat(LARGEST_FILE + 1)).refusal(),
            "the credential file PATH is larger than 64 KiB; name the file that holds the credential and nothing else"
        );
        let denied = why(&std::io::ErrorKind::PermissionDenied.into());
        assert_eq!(denied.0, "may not be read by this user");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_this_user_may_not_read_says_so() {
        use std::os::unix::fs::PermissionsExt;

        let place = Place::holding("closed", "hunter2");
        std::fs::set_permissions(&place.0, std::fs::Permissions::from_mode(0o000)).unwrap();
        // The superuser reads it all the same.
        if let Err(error) = place.read() {
            assert!(error.to_string().contains("may not be read by this user"));
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_refused_without_waiting_for_it() {
        let error = block_on(Credential::from_file("/dev/zero").secret()).unwrap_err();
        assert!(error.to_string().contains("is not a regular file"));
    }

    #[test]
    fn a_credential_in_place_of_a_variable_is_never_repeated() {
        for pasted in [
            "SK-PrjW98OTY1h8QTY9hUA",
            "hunter 2",
            "2hunter",
            "",
            &"x".repeat(65),
        ] {
            assert!(!is_variable_name(pasted));
        }
        for name in ["LOSANT_TOKEN", "_x2"] {
            assert!(is_variable_name(name));
        }
        let credential = Credential::from_env("SK-PrjW98OTY1h8QTY9hUA");
        let error = block_on(credential.secret()).unwrap_err();
        for text in [format!("{credential:?}"), format!("{error} {error:?}")] {
            assert!(!text.contains("PrjW98"), "{text}");
        }
    }
}
