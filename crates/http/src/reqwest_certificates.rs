//! The certificates of the transport over reqwest: authorities, and one to present to servers.

use std::path::Path;

use tokenfleet_core::config::{Settings, cause_text, is_showable_path};
use tokenfleet_core::{Error, Result};

use crate::ReqwestTransportBuilder;
use crate::reqwest_error::in_setting;
#[cfg(feature = "native-tls")]
use crate::reqwest_native_tls::{check_authorities, check_identity};
#[cfg(not(feature = "native-tls"))]
use crate::reqwest_rustls::{check_authorities, check_identity};

impl ReqwestTransportBuilder {
    /// Reads the certificates and the key that settings name.
    pub(crate) async fn read_certificates(mut self, settings: &mut Settings) -> Result<Self> {
        let paths = settings.texts("authorities")?;
        self.exclusive_authorities = settings
            .boolean("exclusive_authorities")?
            .unwrap_or_default();
        let chain = settings.text("client_certificate")?;
        let key = settings.untrimmed_credential("client_key")?;
        for path in &paths {
            let pem = read_file(settings, "authorities", path)?;
            check_authorities(&pem).map_err(|error| {
                in_setting(settings, "authorities", error.with_message_prefix(path))
            })?;
            self.authorities.push(pem);
        }
        if self.exclusive_authorities && paths.is_empty() {
            let place = settings.place("exclusive_authorities");
            return Err(
                Error::configuration(format!("{place} requires `authorities`"))
                    .with_advice("set authorities = \"…\""),
            );
        }
        match (chain, key) {
            (None, None) => {}
            (Some(path), Some(key)) => {
                let chain = read_file(settings, "client_certificate", &path)?;
                let key = key.secret().await?;
                check_identity(&chain, &key)
                    .map_err(|(setting, error)| in_setting(settings, setting, error))?;
                self.client_certificate = Some((chain, key));
            }
            (Some(_), None) => return Err(settings.missing_credential("client_key")),
            (None, Some(_)) => {
                settings.required_text("client_certificate")?;
            }
        }
        Ok(self)
    }
}

/// Reads the file that a setting names.
fn read_file(settings: &Settings, key: &str, path: &str) -> Result<Vec<u8>> {
    if path.contains("-----BEGIN") {
        // It may be a private key.
        let place = settings.place(key);
        return Err(Error::configuration(format!(
            "{place} must be the path of a file, not its content"
        ))
        .with_advice("move it to a file; if it was a key, replace it: it was exposed"));
    }
    let resolved = settings.file_path(path);
    read_bounded(&resolved).map_err(|error| {
        // What is not there may be a credential in the wrong place.
        let shown = if resolved.exists() || is_showable_path(path.as_ref()) {
            path
        } else {
            "the file"
        };
        let message = format!("{shown} cannot be read: {}", cause_text(&error));
        in_setting(
            settings,
            key,
            Error::configuration(message).with_source(error),
        )
    })
}

/// Reads a file of certificates of at most 16 MiB.
fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::{Error, ErrorKind, Read};

    const MAX_FILE_SIZE: u64 = 16 << 20;
    let mut content = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(MAX_FILE_SIZE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_FILE_SIZE {
        let message = format!("it is larger than {} MiB", MAX_FILE_SIZE >> 20);
        return Err(Error::new(ErrorKind::FileTooLarge, message));
    }
    Ok(content)
}
