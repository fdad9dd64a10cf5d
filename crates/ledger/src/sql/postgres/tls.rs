//! TLS to a server that proves who it is.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tokenfleet_core::{Error, Result};
use tokio_postgres_rustls_improved::MakeRustlsConnect;

/// The authorities whose certificates are believed.
#[derive(Debug, Clone, Default)]
pub(super) struct Trust {
    /// CA certificates, in PEM.
    pub(super) authorities: Vec<Vec<u8>>,
    /// `true` if those of the system are not believed.
    pub(super) is_exclusive: bool,
}

/// Returns what encrypts connections. The cryptography is ring's, whatever the process has set.
pub(super) fn connector(trust: &Trust) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(default_provider());
    let mut certificates = Vec::new();
    for pem in &trust.authorities {
        certificates.extend(parse(pem)?);
    }
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let config = if trust.is_exclusive {
        if certificates.is_empty() {
            return Err(no_authorities());
        }
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots.add(certificate).map_err(unusable)?;
        }
        config.with_root_certificates(roots)
    } else {
        let verifier = system_verifier(certificates, provider).map_err(unusable)?;
        config
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
    };
    let mut config = config.with_no_client_auth();
    // Servers from version 17 on check it; others ignore it.
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(MakeRustlsConnect::new(config))
}

/// Returns a verifier that believes the system's authorities and some more.
fn system_verifier(
    certificates: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> std::result::Result<Verifier, rustls::Error> {
    #[cfg(not(target_os = "android"))]
    return Verifier::new_with_extra_roots(certificates, provider);
    #[cfg(target_os = "android")]
    if certificates.is_empty() {
        Verifier::new(provider)
    } else {
        let message = "Android takes no further authorities";
        Err(rustls::Error::General(message.to_owned()))
    }
}

/// Parses CA certificates in PEM.
fn parse(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let certificates: std::result::Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.map_err(|error| {
        Error::configuration("a CA certificate of the ledger is not valid PEM").with_source(error)
    })?;
    if certificates.is_empty() {
        return Err(no_authorities());
    }
    Ok(certificates)
}

fn no_authorities() -> Error {
    Error::configuration("no CA certificate found for the ledger")
        .with_advice("use PEM, which begins with -----BEGIN CERTIFICATE-----")
}

fn unusable(error: rustls::Error) -> Error {
    Error::configuration("the CA certificates of the ledger cannot be used").with_source(error)
}
