//! The PEM text of certificates, and what is wrong with it.

use tokenfleet_core::Error;

/// Returns PEM without the byte-order mark that editors put before it.
pub(crate) fn without_mark(pem: &[u8]) -> &[u8] {
    pem.strip_prefix(b"\xef\xbb\xbf").unwrap_or(pem)
}

/// Creates the error of CA certificates that cannot be read.
pub(crate) fn invalid_authorities(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::configuration("a CA certificate is not valid PEM").with_source(cause)
}

/// Creates the error of a file without a CA certificate.
pub(crate) fn no_authorities() -> Error {
    Error::configuration("no CA certificate found")
        .with_advice("use PEM, which begins with -----BEGIN CERTIFICATE-----")
}

/// Creates the error of a client certificate, without its cause, which may quote the key.
pub(crate) fn invalid_identity() -> Error {
    Error::configuration("the client certificate and its key cannot be used together")
        .with_advice("use PEM for the chain and the key, and PKCS #8 for the key")
}
