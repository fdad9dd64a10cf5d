//! A credential that systemd passes to a service.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;

use super::file::{File, Part};
use crate::config::CredentialSource;
use crate::error::{Error, Result, quoted};
use crate::model::Secret;

/// The variable in which systemd passes the directory of a service's credentials.
const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

const MAX_NAME_LENGTH: usize = 255;

/// The name of a credential of the service that this process belongs to.
pub(super) struct Systemd {
    name: String,
    part: Part,
}

/// Returns `true` for a name that systemd accepts: one of a file, in ASCII and without a colon.
pub(crate) fn is_systemd_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':' | b'\\');
    !matches!(name, "" | "." | "..")
        && name.len() <= MAX_NAME_LENGTH
        && name.bytes().all(is_allowed)
}

impl Systemd {
    pub(super) fn new(name: String, part: Part) -> Self {
        Self { name, part }
    }

    fn read_from(&self, directory: Option<OsString>) -> Result<Secret> {
        if !is_systemd_name(&self.name) {
            let error = Error::configuration("the systemd credential has an invalid name");
            return Err(error.with_advice("give its name, not the credential itself"));
        }
        let Some(directory) = directory.filter(|directory| !directory.is_empty()) else {
            let message = format!("{DIRECTORY} is not set, so there is no systemd credential");
            let advice = "run this as a systemd service with LoadCredential= or \
                          LoadCredentialEncrypted=, or name another source";
            return Err(Error::configuration(message).with_advice(advice));
        };
        let path = PathBuf::from(directory).join(&self.name);
        // A name that nothing bears may be the credential itself.
        let name = if path.exists() {
            format!(" `{}`", self.name)
        } else {
            quoted(&self.name, &[])
        };
        let file = File::new(path.clone(), path, self.part);
        file.read().map_err(|(problem, advice)| {
            Error::configuration(format!("the systemd credential{name} {problem}"))
                .with_advice(advice)
        })
    }
}

impl fmt::Debug for Systemd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = quoted(&self.name, &[]);
        f.debug_tuple("Systemd").field(&name.trim_start()).finish()
    }
}

#[async_trait]
impl CredentialSource for Systemd {
    async fn secret(&self) -> Result<Secret> {
        self.read_from(std::env::var_os(DIRECTORY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, directory: Option<&str>) -> String {
        let credential = Systemd::new(name.to_owned(), Part::FirstLine);
        let shown = format!("{credential:?}");
        assert!(!shown.contains("PrjW98"), "{shown}");
        match credential.read_from(directory.map(OsString::from)) {
            Ok(secret) => secret.expose().to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_systemd_credential_is_a_file_whose_name_is_checked() {
        let directory = std::env::temp_dir().join(format!("systemd-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("losant.token"), "hunter2\n").unwrap();
        let path = directory.to_str();
        assert_eq!(read("losant.token", path), "hunter2");
        let expected = "the systemd credential `losant` does not exist; create it, or correct the \
                        path";
        assert_eq!(read("losant", path), expected);
        for directory in [None, Some("")] {
            let error = read("losant.token", directory);
            assert!(
                error.starts_with("CREDENTIALS_DIRECTORY is not set"),
                "{error}"
            );
        }
        for invalid in ["", ".", "..", "../losant.token", "a:b", "a b", "ä"] {
            let error = read(invalid, path);
            assert!(error.contains("invalid name"), "{invalid}: {error}");
        }
        let error = read("SK-PrjW98OTY1h8QTY9hUA", path);
        assert!(
            error.contains("does not exist") && !error.contains("PrjW98"),
            "{error}"
        );
        std::fs::remove_dir_all(directory).unwrap();
    }
}
