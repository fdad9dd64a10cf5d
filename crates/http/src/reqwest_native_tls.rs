//! TLS by the system's library, which reqwest prefers when rustls is built in as well.

use tokenfleet_core::{Result, Secret};

use crate::ReqwestTransportBuilder;
use crate::reqwest_error::{is_wrong_key, wrong_client_key};
use crate::reqwest_pem::{invalid_authorities, invalid_identity, no_authorities, without_mark};

impl ReqwestTransportBuilder {
    /// Sets the certificates on a client.
    pub(crate) fn apply_tls(
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

/// Parses CA certificates in PEM.
fn parse_authorities(pem: &[u8]) -> Result<Vec<reqwest::Certificate>> {
    let certificates = reqwest::Certificate::from_pem_bundle(without_mark(pem))
        .map_err(|error| invalid_authorities(error.without_url()))?;
    if certificates.is_empty() {
        return Err(no_authorities());
    }
    Ok(certificates)
}

/// Parses a client certificate and its key.
fn parse_identity(chain: &[u8], key: &Secret) -> Result<reqwest::Identity> {
    let key = without_mark(key.expose().as_bytes());
    reqwest::Identity::from_pkcs8_pem(without_mark(chain), key).map_err(|error| {
        if is_wrong_key(&error) {
            wrong_client_key()
        } else {
            invalid_identity()
        }
    })
}

/// Rejects CA certificates that cannot be used.
pub(crate) fn check_authorities(pem: &[u8]) -> Result<()> {
    parse_authorities(pem).map(drop)
}

/// Rejects a client certificate that cannot be used, with the setting that is wrong.
pub(crate) fn check_identity(
    chain: &[u8],
    key: &Secret,
) -> Result<(), (&'static str, tokenfleet_core::Error)> {
    let identity = parse_identity(chain, key).map_err(|error| ("client_certificate", error))?;
    // Only a client finds out whether the two belong together.
    let client = reqwest::Client::builder().no_proxy().identity(identity);
    match client.tls_certs_only([]).build() {
        Err(error) if is_wrong_key(&error) => Err(("client_key", wrong_client_key())),
        _ => Ok(()),
    }
}
