//! The certificates of the transport over reqwest: authorities, and one to present to servers.

use std::path::Path;

use tokenfleet_core::config::{Settings, cause_text, is_showable_path};
use tokenfleet_core::{Error, Result, Secret};

use crate::ReqwestTransportBuilder;
use crate::reqwest_error::{in_setting, invalid, is_wrong_key, wrong_client_key};

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
            parse_authorities(&pem).map_err(|error| {
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
                let identity = parse_identity(&chain, &key)
                    .map_err(|error| in_setting(settings, "client_certificate", error))?;
                // Only a client finds out whether the two belong together.
                let client = reqwest::Client::builder().no_proxy().identity(identity);
                match client.tls_certs_only([]).build() {
                    Err(error) if is_wrong_key(&error) => {
                        return Err(in_setting(settings, "client_key", wrong_client_key()));
                    }
                    _ => {}
                }
                self.client_certificate = Some((chain, key));
            }
            (Some(_), None) => return Err(settings.missing_credential("client_key")),
            (None, Some(_)) => {
                settings.required_text("client_certificate")?;
            }
        }
        Ok(self)
    }

    /// Sets the certificates on a client.
    pub(crate) fn apply_certificates(
        &self,
        client: reqwest::ClientBuilder,
    ) -> Result<reqwest::ClientBuilder> {
        let mut trusted = Vec::new();
        for pem in &self.authorities {
            trusted.extend(parse_authorities(pem)?);
        }
        let client = if self.exclusive_authorities {
            client.tls_certs_only(trusted)
        } else {
            client.tls_certs_merge(trusted)
        };
        match &self.client_certificate {
            Some((chain, key)) => Ok(client.identity(parse_identity(chain, key)?)),
            None => Ok(client),
        }
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

/// Parses CA certificates in PEM.
fn parse_authorities(pem: &[u8]) -> Result<Vec<reqwest::Certificate>> {
    let certificates = reqwest::Certificate::from_pem_bundle(without_mark(pem))
        .map_err(|error| invalid("a CA certificate is not valid PEM", error))?;
    if certificates.is_empty() {
        return Err(Error::configuration("no CA certificate found")
            .with_advice("use PEM, which begins with -----BEGIN CERTIFICATE-----"));
    }
    Ok(certificates)
}

/// Returns PEM without the byte-order mark that editors put before it.
fn without_mark(pem: &[u8]) -> &[u8] {
    pem.strip_prefix(b"\xef\xbb\xbf").unwrap_or(pem)
}

/// Parses a client certificate for native-tls, which reqwest prefers when both stacks are built in.
#[cfg(feature = "native-tls")]
fn parse_identity(chain: &[u8], key: &Secret) -> Result<reqwest::Identity> {
    let key = without_mark(key.expose().as_bytes());
    reqwest::Identity::from_pkcs8_pem(without_mark(chain), key).map_err(|error| {
        if is_wrong_key(&error) {
            wrong_client_key()
        } else {
            invalid_identity(error)
        }
    })
}

/// Parses a client certificate for rustls.
#[cfg(all(feature = "rustls", not(feature = "native-tls")))]
fn parse_identity(chain: &[u8], key: &Secret) -> Result<reqwest::Identity> {
    let (chain, key) = (without_mark(chain), without_mark(key.expose().as_bytes()));
    let mut both = zeroize::Zeroizing::new(Vec::with_capacity(chain.len() + 1 + key.len()));
    both.extend_from_slice(chain);
    both.push(b'\n');
    both.extend_from_slice(key);
    reqwest::Identity::from_pem(&both).map_err(invalid_identity)
}

/// Creates an error for a client certificate, without its cause, which may quote the key.
fn invalid_identity(_: reqwest::Error) -> Error {
    Error::configuration("the client certificate and its key cannot be used together")
        .with_advice("use PEM for the chain and the key, and PKCS #8 for the key")
}
