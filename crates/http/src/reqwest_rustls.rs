//! TLS by rustls, with a cryptography of our own choice (decision 0038).

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;
use tokenfleet_core::{Error, Result, Secret};

use crate::ReqwestTransportBuilder;
use crate::reqwest_error::{is_wrong_key, wrong_client_key};
use crate::reqwest_pem::{invalid_authorities, invalid_identity, no_authorities, without_mark};

impl ReqwestTransportBuilder {
    /// Sets the TLS configuration on a client. All clients of a transport share one: what they
    /// know about the system's authorities, and the sessions that they may resume.
    pub(crate) fn apply_tls(
        &self,
        client: reqwest::ClientBuilder,
    ) -> Result<reqwest::ClientBuilder> {
        let config = match self.tls.get() {
            Some(config) => config,
            None => {
                let config = self.tls_config()?;
                self.tls.get_or_init(|| config)
            }
        };
        Ok(client.tls_backend_preconfigured(config.clone()))
    }

    fn tls_config(&self) -> Result<ClientConfig> {
        let provider = Arc::new(provider());
        let mut certificates = Vec::new();
        for pem in &self.authorities {
            certificates.extend(parse_authorities(pem)?);
        }
        let roots = root_store(&certificates)?;
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(invalid_tls)?;
        let config = if self.exclusive_authorities {
            config.with_root_certificates(roots)
        } else {
            let verifier = Arc::new(SystemVerifier {
                certificates,
                provider,
                verifier: Mutex::default(),
            });
            config
                .dangerous()
                .with_custom_certificate_verifier(verifier)
        };
        let mut config = match &self.client_certificate {
            None => config.with_no_client_auth(),
            Some((chain, key)) => {
                let (chain, key) = parse_identity(chain, key)?;
                config
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| wrong_identity(&error).1)?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// Returns the cryptography that this crate was built with; that of the process, which another
/// crate may have set or may need to set, is neither used nor touched.
fn provider() -> CryptoProvider {
    #[cfg(feature = "aws-lc-rs")]
    return rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    return rustls::crypto::ring::default_provider();
}

/// A verifier that trusts the system's authorities and some more, and reads the system's when the
/// first server shows a certificate: that takes longer than everything else before a request.
#[derive(Debug)]
struct SystemVerifier {
    certificates: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
    /// Empty until they could be read.
    verifier: Mutex<Option<Arc<Verifier>>>,
}

impl SystemVerifier {
    /// Returns the verifier, which one connection builds while others wait for it.
    fn verifier(&self) -> Result<Arc<Verifier>, rustls::Error> {
        let mut kept = self.verifier.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(verifier) = &*kept {
            return Ok(Arc::clone(verifier));
        }
        let verifier = Arc::new(self.build()?);
        *kept = Some(Arc::clone(&verifier));
        Ok(verifier)
    }

    fn build(&self) -> Result<Verifier, rustls::Error> {
        let provider = Arc::clone(&self.provider);
        if cfg!(target_os = "android") && !self.certificates.is_empty() {
            let message = "Android takes no further authorities";
            return Err(rustls::Error::General(message.to_owned()));
        }
        #[cfg(target_os = "android")]
        return Verifier::new(provider);
        #[cfg(not(target_os = "android"))]
        Verifier::new_with_extra_roots(self.certificates.iter().cloned(), provider)
    }
}

impl ServerCertVerifier for SystemVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.verifier()?.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Parses CA certificates in PEM.
fn parse_authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(without_mark(pem)).collect();
    let certificates = certificates.map_err(invalid_authorities)?;
    if certificates.is_empty() {
        return Err(no_authorities());
    }
    Ok(certificates)
}

/// Returns a store of these CA certificates.
fn root_store(certificates: &[CertificateDer<'static>]) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone()).map_err(invalid_tls)?;
    }
    Ok(roots)
}

/// Parses a client certificate and its key.
fn parse_identity(
    chain: &[u8],
    key: &Secret,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(without_mark(chain)).collect();
    let key = PrivateKeyDer::from_pem_slice(without_mark(key.expose().as_bytes()));
    match (chain, key) {
        (Ok(chain), Ok(key)) if !chain.is_empty() => Ok((chain, key)),
        _ => Err(invalid_identity()),
    }
}

/// Rejects CA certificates that cannot be used.
pub(crate) fn check_authorities(pem: &[u8]) -> Result<()> {
    root_store(&parse_authorities(pem)?).map(drop)
}

/// Rejects a client certificate that cannot be used, with the setting that is wrong.
pub(crate) fn check_identity(chain: &[u8], key: &Secret) -> Result<(), (&'static str, Error)> {
    let (chain, key) = parse_identity(chain, key).map_err(|error| ("client_certificate", error))?;
    match CertifiedKey::from_der(chain, key, &provider()) {
        Ok(_) => Ok(()),
        Err(error) => Err(wrong_identity(&error)),
    }
}

/// Returns the setting that is wrong with a client certificate, and the error about it.
fn wrong_identity(error: &rustls::Error) -> (&'static str, Error) {
    if is_wrong_key(error) {
        ("client_key", wrong_client_key())
    } else {
        ("client_certificate", invalid_identity())
    }
}

fn invalid_tls(error: rustls::Error) -> Error {
    Error::configuration("the HTTP client cannot be set up").with_source(error)
}
